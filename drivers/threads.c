#include "drivers/threads.h"

#include <stdio.h>
#include <stdlib.h>

#include "drivers/engine/facts.h"
#include "drivers/study/advice.h"
#include "drivers/study/machine.h"
#include "io/calibration.h"

/* By rank 0, for all: what advise has kept of the machine, else nominal numbers. *path: its file, which
 * the caller frees; NULL: there is none, or on other ranks. */
static nf_calibration find_machine(const nf_cli *cli, char **path)
{
    char key[NF_MACHINE_KEY];
    nf_calibration machine = nf_calibration_nominal(cli->node.cores), kept;
    nf_machine_key(cli->node.cores, cli->node.npus, key);
    *path = cli->world.rank == 0 ? nf_calibration_path(key) : NULL;
    if (*path != NULL && nf_calibration_load(*path, key, &kept) == NF_CALIBRATION_THERE)
        machine = kept;
    nf_broadcast(&cli->world, &machine, sizeof machine, 0);
    return machine;
}

/* Nominal work of the chains together; false: one does not suit the array. */
static bool add_up(const nf_shape *in, nf_chain *chains, size_t count, nf_thread_work *work)
{
    *work = (nf_thread_work){.coded = in != NULL ? (double)nf_shape_bytes(in) : 0};
    for (size_t i = 0; i < count; i++) {
        if (nf_chain_prepare(&chains[i], in) != NF_OK)
            return false;
        const nf_stage *last = &chains[i].stages[chains[i].count - 1];
        nf_nominal nominal = nf_chain_nominal(&chains[i]);
        work->flops += nominal.flops;
        work->bytes += nominal.bytes;
        work->coded += nf_kernel_maps(last->kernel) ? (double)nf_shape_bytes(&last->setup.out) : 0;
        work->sweeps += 1;
        for (size_t s = 0; s < chains[i].count; s++)
            work->sweeps += (double)((chains[i].stages[s].setup.steps - 1) / NF_MAX_FUSED);
    }
    return true;
}

static void explain(const nf_cli *cli, const nf_calibration *machine, const char *path,
                    const nf_thread_reason *r)
{
    char alone[NF_AMOUNT], shared[NF_AMOUNT];
    int threads = cli->world.threads, most = cli->threads_most;
    if (!cli->explain || cli->world.rank > 0)
        return;
    nf_seconds_text(r->serial, 3, alone);
    nf_seconds_text(r->team, 3, shared);
    if (most == 1) {
        fputs("threads: 1, as there are no cores for more\n", stderr);
        return;
    }
    if (threads > 1)
        fprintf(stderr, "threads: %d of %d: the work takes one thread %s, these %s", threads, most,
                alone, shared);
    else if (r->team < r->serial / 2) /* starting them is not what speaks against two */
        fprintf(
            stderr,
            "threads: 1 of %d: the work takes one thread %s, two compute only %.1f times as fast",
            most, alone, r->gain);
    else
        fprintf(stderr, "threads: 1 of %d: the work takes one thread %s, starting two takes %s",
                most, alone, shared);
    fprintf(stderr, ", by %s%s\n", machine->measured ? path : "nominal numbers",
            nf_calibration_busy(machine) ? ", measured on a busy machine (advise --recalibrate)"
                                         : "");
}

void nf_threads_for_chains(nf_cli *cli, const nf_shape *in, nf_chain *chains, size_t count)
{
    nf_thread_work work;
    nf_thread_reason reason;
    char *path;
    if (cli->threads_named && cli->explain && cli->world.rank == 0)
        fprintf(stderr, "threads: %d, as %s\n", cli->world.threads,
                cli->asked_threads > 0 ? "-t says" : "OMP_NUM_THREADS says");
    /* Each rank has an environment of its own: some may have been told, and others not. */
    if (nf_sum_u64(&cli->world, !cli->threads_named) == 0)
        return;
    nf_calibration machine = find_machine(cli, &path);
    if (!cli->threads_named && add_up(in, chains, count, &work)) {
        work.flops /= cli->world.size;
        work.bytes /= cli->world.size;
        work.coded /= cli->world.size;
        cli->world.threads = nf_advice_threads(&machine, cli->threads_most, &work, &reason);
        explain(cli, &machine, path, &reason);
    }
    free(path);
}

void nf_threads_for_items(nf_cli *cli, size_t items)
{
    size_t ranks = (size_t)cli->world.size, share = (items + ranks - 1) / ranks;
    if (!cli->threads_named && share < (size_t)cli->world.threads)
        cli->world.threads = share > 0 ? (int)share : 1;
}
