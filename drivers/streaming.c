#include "drivers/streaming.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "drivers/engine/memory.h"
#include "drivers/explain.h"
#include "drivers/progress.h"
#include "io/spool.h"

/* ---- whether ---- */

/* Collective. Bytes that this rank may fill, as rank 0 sees it. */
static int64_t share_of_memory(const nf_cli *cli)
{
    int64_t bytes = nf_memory_available() / cli->node.size;
    nf_broadcast(&cli->world, &bytes, sizeof bytes, 0);
    return bytes;
}

/* A bound where none is given. */
static int64_t usual_bound(const nf_cli *cli)
{
    return share_of_memory(cli) / 2;
}

/* Collective. Whether the arrays leave some of what is there to others, the files' pages among
 * them. What cannot be streamed is within a bound, too, where it fits in memory. */
static bool in_memory(const nf_cli *cli, const nf_plan *plan)
{
    bool streams = nf_stream_obstacle(plan) == NULL;
    int64_t bytes = nf_stream_in_memory(plan);
    nf_broadcast(&cli->world, &bytes, sizeof bytes, 0);
    if (cli->memory > 0) {
        int64_t resident = nf_memory_resident();
        nf_broadcast(&cli->world, &resident, sizeof resident, 0);
        return !streams && bytes + resident < cli->memory;
    }
    return !streams || (double)bytes < 0.7 * (double)share_of_memory(cli);
}

static nf_status make_plan(const nf_cli *cli, const nf_shape *in, nf_chain *chains, size_t count,
                           int64_t align, nf_plan **plan)
{
    nf_plan_options options = cli->plan_options;
    options.stream = true;
    options.align = align;
    options.memory = cli->memory > 0 ? cli->memory : usual_bound(cli);
    if (cli->memory == 0)
        memset(options.grid, 0, sizeof options.grid); /* meant for the way that is usual */
    return nf_plan_create(&cli->world, in, chains, count, &options, plan);
}

nf_status nf_streaming_align(const nf_cli *cli, const nf_array_writer *out, const nf_shape *in,
                             nf_chain *chains, size_t count, nf_plan **plan)
{
    int64_t step[NF_DIMS];
    int slow = 0;
    nf_array_step(out, step);
    while (slow < NF_DIMS - 1 && nf_plan_output(*plan)->dim[slow] == 1)
        slow++;
    nf_broadcast(&cli->world, step, sizeof step, 0);
    if (step[slow] == 1)
        return NF_OK;
    nf_plan_free(*plan);
    return make_plan(cli, in, chains, count, step[slow], plan);
}

nf_status nf_streaming_plan(const nf_cli *cli, bool always, const nf_shape *in, nf_chain *chains,
                            size_t count, nf_plan **plan)
{
    nf_status status = make_plan(cli, in, chains, count, 1, plan);
    if (status == NF_OK && !always && in_memory(cli, *plan)) {
        nf_plan_free(*plan);
        *plan = NULL;
    }
    return status;
}

/* ---- running ---- */

typedef struct ends {
    nf_spool in, with, out;
    nf_stream_ends stream;
} ends;

/* The folder of a file that is to be written. */
static void folder_of(const char *typed, char folder[FILENAME_MAX])
{
    nf_path path;
    snprintf(folder, FILENAME_MAX, ".");
    if (nf_path_parse(typed, &path) != NF_OK)
        return;
    const char *slash = strrchr(path.file, '/');
    if (slash != NULL)
        snprintf(folder, FILENAME_MAX, "%.*s", (int)(slash - path.file + 1), path.file);
    nf_path_free(&path);
}

/* Collective. Files that are read or written in order only go through files in `folder`. */
static nf_status open_ends(const nf_cli *cli, const nf_streaming *run, const char *folder, ends *e)
{
    const nf_world *world = &cli->world;
    int nodes = cli->node.nodes;
    nf_status status =
        nf_spool_in(world, run->in, &run->shape, folder, nodes, &e->in, &e->stream.in);
    if (status == NF_OK && run->with != NULL)
        status = nf_spool_in(world, run->with, &run->with_shape, folder, nodes, &e->with,
                             &e->stream.with);
    if (status == NF_OK && run->out != NULL)
        status = nf_spool_out(world, run->out, nf_plan_output(run->plan), folder, nodes, &e->out,
                              &e->stream.out);
    return status;
}

static nf_status go(const nf_cli *cli, const nf_streaming *run, nf_stream *stream)
{
    char label[64];
    nf_progress progress;
    nf_stream_times times = {0};
    snprintf(label, sizeof label, "%.32s: in bands", cli->program);
    if (cli->explain)
        nf_explain(&cli->world, run->plan, stream);
    nf_progress_start(&progress, label, cli->quiet || cli->world.rank != 0);
    progress.bytes = (double)nf_stream_tell(stream).moved;
    nf_stream_watch(stream, nf_progress_watch(&progress));
    nf_status status = nf_stream_run(stream, run->results, &times);
    nf_progress_stop(&progress);
    if (status == NF_OK && cli->explain && cli->world.rank == 0)
        fprintf(
            stderr,
            "  in bands: %.3g s; of them rank 0 read for %.3g s, computed for %.3g s and wrote for "
            "%.3g s\n",
            times.all, times.read, times.compute, times.write);
    return status;
}

nf_status nf_streaming_run(const nf_cli *cli, const nf_streaming *run)
{
    char beside[FILENAME_MAX];
    ends e = {.stream = {.in = {NULL, NULL}}};
    nf_stream *stream = NULL;
    nf_stream_options options = {.scratch = cli->scratch, .nodes = cli->node.nodes};
    options.memory = cli->memory > 0 ? cli->memory : usual_bound(cli);
    if (run->output != NULL && options.scratch == NULL) {
        folder_of(run->output, beside);
        options.scratch = beside;
    }
    nf_status status = open_ends(cli, run, nf_stream_folder(&options), &e);
    if (status == NF_OK)
        status = nf_stream_create(run->plan, &e.stream, &options, &stream);
    if (status == NF_OK)
        status = go(cli, run, stream);
    if (status == NF_OK && run->out != NULL)
        status = nf_spool_finish(&cli->world, &e.out);
    nf_stream_free(stream);
    nf_spool_close(&e.in);
    nf_spool_close(&e.with);
    nf_spool_close(&e.out);
    return status;
}
