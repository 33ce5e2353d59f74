/* advise - says how to run a chain of kernels here: serial, by threads, by ranks or by both. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "drivers/advise_args.h"
#include "drivers/advise_chain.h"
#include "drivers/advise_files.h"
#include "drivers/advise_launch.h"
#include "drivers/advise_lines.h"
#include "drivers/advise_machine.h"
#include "drivers/advise_piece.h"
#include "drivers/engine/facts.h"
#include "drivers/engine/stream.h"
#include "drivers/engine/team.h"
#include "io/advice.h"

/* Seconds that measuring a chain may take, and one with its files; after LAST_SECONDS its processes
 * end by themselves, should nobody have ended them. */
static const double patience = 40, patience_with_files = 120;
enum { LAST_SECONDS = 150 };

/* What giving advice takes; rank 0's. */
typedef struct advising {
    const nf_cli *cli;
    const advise_args *args;
    const char *folder; /* of the programs, as typed */
    nf_chain chain;
    nf_shape shape, output; /* dtype NF_NONE: no such array */
    nf_calibration machine;
    advise_origin origin;
    nf_limits limits;
    nf_workload work;
    nf_advice advice;
} advising;

/* ---- what the plan tells ---- */

/* The shape of a pass over the whole array, from that over a piece, where no kernel has changed extents. */
static nf_shape whole_shape(const nf_shape *whole, const nf_shape *piece, const nf_shape *pass)
{
    nf_shape shape = *pass;
    if (memcmp(pass->dim, piece->dim, sizeof pass->dim) == 0)
        memcpy(shape.dim, whole->dim, sizeof shape.dim);
    return shape;
}

static void take_passes(const advising *a, const nf_plan *plan, const advise_piece *piece,
                        nf_workload *w)
{
    nf_plan_facts facts;
    nf_plan_tell(plan, &facts);
    for (size_t p = 0; p < facts.passes; p++) {
        nf_pass_facts pass;
        nf_plan_tell_pass(plan, p, &pass);
        if (w->passes == NF_ADVICE_PASSES || pass.in.dtype == NF_NONE)
            continue;
        w->pass[w->passes++] =
            (struct nf_workload_pass){.shape = whole_shape(&a->shape, &piece->shape, &pass.in),
                                      .halo = pass.halo,
                                      .sweeps = (double)pass.sweeps,
                                      .folds = pass.nends > 0 || pass.surveys};
    }
    w->in_cache = w->bytes <= (double)a->cli->plan_options.caches.l3;
    w->moved = nf_plan_moved(plan) / piece->part;
}

/* Prepares the chain for the whole array, and plans it, or a piece: plans take memory. */
static nf_status plan(advising *a)
{
    static const double most_bytes = 0x1p26;
    const nf_world alone = {.size = 1, .threads = 1};
    const nf_plan_options options = {.caches = a->cli->plan_options.caches};
    nf_workload *w = &a->work;
    nf_plan *made = NULL;
    advise_piece piece;
    bool range = nf_chain_is_range(&a->chain);
    nf_status status = nf_chain_prepare(&a->chain, range ? NULL : &a->shape);
    if (status != NF_OK)
        return status;
    const nf_stage *last = &a->chain.stages[a->chain.count - 1];
    bool maps = nf_kernel_maps(last->kernel);
    a->output = maps ? last->setup.out : (nf_shape){.dtype = NF_NONE};
    double bytes = range ? 0 : (double)nf_shape_bytes(&a->shape);
    w->unit = range ? "numbers" : "cells";
    w->amount = range ? (double)last->setup.indices : (double)nf_shape_cells(&a->shape);
    w->bytes = bytes * (last->kernel->two_inputs ? 2 : 1);
    w->bytes += maps ? (double)nf_shape_bytes(&a->output) : 0;
    w->command = a->args->input != NULL;
    w->streams = w->command;
    w->runs = (double)a->args->runs;
    status = advise_piece_make(&a->chain, &a->shape, bytes > most_bytes ? most_bytes / bytes : 1, 1,
                               0, &piece);
    if (status == NF_OK)
        status = nf_plan_create(&alone, &piece.shape, &piece.chain, 1, &options, &made);
    if (status == NF_OK && !range)
        take_passes(a, made, &piece, w);
    const nf_kernel *obstacle = status == NF_OK ? nf_stream_obstacle(made) : NULL;
    w->obstacle = obstacle != NULL ? obstacle->name : NULL;
    nf_plan_free(made);
    advise_piece_free(&piece);
    return status;
}

/* ---- measuring ---- */

typedef enum measured { MEASURED, LATE, FAILED } measured;

/* Sets limits.why_not where it fails. */
static measured measure_by(advising *a, int ranks, const char *probe)
{
    double limit = a->work.command ? patience_with_files : patience;
    const advise_args *args = a->args;
    const char *arguments[16] = {"--probe", probe, "-k", args->chain};
    advise_launched l;
    size_t n = 4;
    if (args->size != NULL)
        arguments[n++] = "--size", arguments[n++] = args->size;
    if (args->dtype != NULL)
        arguments[n++] = "--dtype", arguments[n++] = args->dtype;
    if (args->input != NULL)
        arguments[n++] = "--", arguments[n++] = args->input;
    if (args->output != NULL)
        arguments[n++] = args->output;
    arguments[n] = NULL;
    advise_launch(ranks, false, arguments, limit, &l);
    bool fine = advise_chain_take(l.text, &a->work) && l.fine;
    free(l.text);
    if (l.late)
        snprintf(a->limits.why_not, NF_ADVICE_REASON, "measuring took longer than %.0f s", limit);
    else if (!fine)
        memcpy(a->limits.why_not, l.error, NF_ADVICE_REASON);
    return fine ? MEASURED : l.late ? LATE : FAILED;
}

/* What takes too long is judged by less. */
static bool measure_with(advising *a, int ranks)
{
    measured m = measure_by(a, ranks, "chain");
    if (m == LATE)
        m = measure_by(a, ranks, "small");
    return m == MEASURED;
}

static bool measure_once(advising *a)
{
    if (a->limits.launcher && a->limits.cores > 1 && measure_with(a, a->limits.cores))
        return true;
    if (a->limits.cores > 1)
        a->limits.launcher = false;
    return measure_with(a, 0);
}

static nf_status measure(advising *a)
{
    if (!a->cli->quiet)
        fprintf(stderr, "advise: measuring the chain%s\n", a->work.command ? " and its files" : "");
    nf_fail(NF_ERR_SYSTEM, "the chain could not be measured");
    if (!measure_once(a))
        return nf_fail_in(NF_ERR_SYSTEM, "measuring");
    nf_workload first = a->work;
    if (nf_workload_noisy(&a->work) && !measure_once(a))
        a->work = first;
    nf_workload_settle(&a->work);
    return NF_OK;
}

/* ---- telling ---- */

static nf_status tell(const advising *a)
{
    char size[NF_SHAPE_TEXT];
    const nf_choice *choice = &a->advice.choices[a->advice.chosen];
    char *command = advise_command(a->folder, a->args, &a->chain, choice);
    char *sbatch = advise_sbatch(a->folder, a->args, &a->chain, choice);
    nf_advised advised = {.chain = a->args->chain,
                          .size = size,
                          .input = a->args->input,
                          .output = a->args->output,
                          .machine = &a->machine,
                          .origin = a->origin.text,
                          .limits = &a->limits,
                          .work = &a->work,
                          .advice = &a->advice,
                          .command = a->advice.impossible ? NULL : command,
                          .sbatch = a->advice.impossible ? NULL : sbatch};
    if (a->shape.dtype == NF_NONE)
        snprintf(size, sizeof size, "n=%.0f", a->work.amount);
    else
        nf_shape_text(&a->shape, size);
    nf_status status =
        command != NULL && sbatch != NULL ? NF_OK : nf_fail(NF_ERR_MEMORY, "no memory");
    if (status == NF_OK && a->args->json)
        status = nf_advice_json(&advised, stdout);
    else if (status == NF_OK)
        nf_advice_text(&advised, stdout);
    free(command);
    free(sbatch);
    return status;
}

static nf_status advise(advising *a)
{
    const nf_world alone = {.size = 1, .threads = 1};
    const nf_node *node = &a->cli->node;
    nf_status status = advise_args_check(a->args, &a->chain);
    if (status == NF_OK)
        status = advise_args_shape(&alone, a->args, &a->chain, &a->shape);
    if (status == NF_OK)
        status = plan(a);
    if (status == NF_OK && a->args->output != NULL && a->output.dtype != NF_NONE)
        status = advise_files_check(a->args, &a->output);
    if (status != NF_OK)
        return status;
    nf_team_bind(1, NULL, node->pus,
                 node->npus); /* what is started may run wherever this node's ranks may */
    advise_machine(a->cli, a->args->recalibrate, &a->machine, &a->origin);
    a->limits = advise_limits(a->cli, &a->machine);
    status = measure(a);
    if (status != NF_OK)
        return status;
    nf_advise(&a->machine, &a->limits, &a->work, &a->advice);
    return tell(a);
}

static nf_status run(const nf_cli *cli, const advise_args *args, const char *folder)
{
    static advising a;
    nf_status status = NF_OK;
    if (args->probe != ADVISE_PROBE_NOTHING) {
        alarm(LAST_SECONDS);
        advise_end_with_parent(getppid());
    }
    switch (args->probe) {
    case ADVISE_PROBE_START:
        advise_probe_start(cli);
        return NF_OK;
    case ADVISE_PROBE_MACHINE:
        return advise_probe_machine(cli);
    case ADVISE_PROBE_MESSAGES:
        return advise_probe_messages(cli);
    case ADVISE_PROBE_CHAIN:
    case ADVISE_PROBE_SMALL:
        return advise_probe_chain(cli, args);
    default:
        a = (advising){.cli = cli, .args = args, .folder = folder};
        if (cli->world.rank == 0)
            status = advise(&a);
        nf_sleep_barrier(&cli->world);
        nf_chain_free(&a.chain);
        free(a.origin.path);
        return nf_agree(&cli->world, status);
    }
}

int main(int argc, char **argv)
{
    advise_args args = {.probe = ADVISE_PROBE_NOTHING};
    char folder[4096];
    nf_cli cli;
    const char *slash = strrchr(argv[0], '/');
    snprintf(folder, sizeof folder, "%.*s", slash != NULL ? (int)(slash - argv[0] + 1) : 0,
             argv[0]);
    advise_keep_environment();
    nf_status status = nf_cli_start(&cli, argc, argv, &advise_argp, &args, 0);
    if (status == NF_OK && !cli.done)
        status = run(&cli, &args, folder);
    return nf_cli_stop(&cli, status);
}
