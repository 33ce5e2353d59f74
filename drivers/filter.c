/* filter - applies a chain of maps to an array in a file, or converts it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "drivers/changes.h"
#include "drivers/cli.h"
#include "drivers/engine/stop.h"
#include "drivers/explain.h"
#include "drivers/filter_args.h"
#include "drivers/progress.h"
#include "drivers/streaming.h"
#include "drivers/threads.h"
#include "io/extents.h"
#include "io/numbers.h"

/* What a run holds; all of it may be empty. */
typedef struct filtering {
    nf_chains chains;
    nf_array_reader *reader;
    nf_array_writer *writer;
    nf_plan *plan; /* NULL: a conversion in memory */
    bool streamed; /* the plan is */
    nf_shape in_shape, out_shape;
    nf_stack stack;     /* no dims: one array */
    nf_fields fields;   /* a conversion: only in */
    nf_results learned; /* what the maps found out, on rank 0 */
} filtering;

static nf_status check_args(const nf_cli *cli, const filter_args *args, filtering *f)
{
    const nf_plan_options *o = &cli->plan_options;
    if (args->output == NULL)
        return nf_fail(NF_ERR_USAGE, "expected an INPUT and an OUTPUT");
    if (args->chain == NULL && (cli->explain || o->grid[0] > 0 || o->tile[2] > 0 || o->halo_depth))
        return nf_fail(NF_ERR_USAGE, "a conversion has no plan: --grid, --tile-size, --halo-depth "
                                     "and --explain need -k CHAIN");
    nf_status status = nf_storage_check(&args->storage);
    if (args->chain == NULL || status != NF_OK)
        return status;
    status = nf_chains_add(&f->chains, args->chain);
    if (status != NF_OK)
        return status;
    const nf_chain *chain = &f->chains.list[0];
    if (nf_chain_maps(chain) < chain->count)
        return nf_fail(NF_ERR_PARAM, "'%s' gives numbers, not an array: use `reduce -k`",
                       chain->stages[chain->count - 1].kernel->name);
    return NF_OK;
}

/* Where the arrays do not fit into memory there are no fields. */
static nf_status plan_fields(const nf_cli *cli, const filter_args *args, filtering *f)
{
    const nf_world *world = &cli->world;
    nf_halo none = {{0}, {0}};
    nf_status streams = nf_streaming_plan(cli, args->resume, &f->in_shape, f->chains.list,
                                          f->chains.count, &f->plan);
    f->streamed = f->plan != NULL;
    if (f->streamed)
        f->out_shape = *nf_plan_output(f->plan);
    if (streams != NF_OK || f->streamed)
        return streams;
    f->out_shape = f->in_shape;
    if (f->chains.count == 0) {
        nf_cut cut = nf_cut_choose(&f->in_shape, world->size, &none, NULL);
        return nf_agree(world, nf_field_create(&f->fields.in, &cut, world->rank, &none));
    }
    nf_status status =
        nf_plan_create(world, &f->in_shape, f->chains.list, 1, &cli->plan_options, &f->plan);
    if (status != NF_OK)
        return status;
    f->out_shape = *nf_plan_output(f->plan);
    if (cli->explain)
        nf_explain(world, f->plan, NULL);
    return nf_plan_fields(f->plan, &f->fields);
}

static nf_status stream(const nf_cli *cli, const filter_args *args, filtering *f)
{
    nf_streaming run = {.plan = f->plan,
                        .in = f->reader,
                        .shape = f->in_shape,
                        .out = f->writer,
                        .output = args->output,
                        .results = &f->learned};
    nf_status status = nf_streaming_run(cli, &run);
    if (status == NF_OK && !cli->quiet && cli->world.rank == 0)
        nf_numbers_lines("filter", &f->learned, stderr);
    return status;
}

/* Reading, computing and writing, each with a progress of its own. */
static nf_status process(const nf_cli *cli, filtering *f)
{
    const nf_world *world = &cli->world;
    nf_times times = {0};
    nf_progress reading, computing, writing;
    bool silent = cli->quiet || world->rank != 0;
    nf_progress_start(&reading, "filter: reading", silent);
    nf_array_watch_reading(f->reader, nf_progress_watch(&reading));
    nf_status status = nf_array_read(world, f->reader, &f->fields.in);
    nf_progress_stop(&reading);
    if (status == NF_OK && f->plan != NULL) {
        nf_progress_start(&computing, "filter: computing", silent);
        nf_plan_watch(f->plan, nf_progress_watch(&computing));
        status = nf_plan_run(f->plan, &f->fields, &f->learned, &times);
        nf_progress_stop(&computing);
        if (status == NF_OK && !silent)
            nf_numbers_lines("filter", &f->learned, stderr);
    }
    if (status == NF_OK) {
        nf_progress_start(&writing, "filter: writing", silent);
        nf_array_watch_writing(f->writer, nf_progress_watch(&writing));
        status = nf_array_write(world, f->writer, f->plan != NULL ? &f->fields.out : &f->fields.in);
        nf_progress_stop(&writing);
    }
    return status;
}

/* What the user should know of the way in and out. */
static void remark(const nf_cli *cli, const filter_args *args, const filtering *f)
{
    const char *reading = nf_array_remark(f->reader), *left = nf_array_left(f->writer);
    if (cli->quiet || cli->world.rank != 0)
        return;
    if (reading != NULL)
        fprintf(stderr, "filter: %s: %s\n", args->input, reading);
    if (left != NULL)
        fprintf(stderr, "filter: %s: not kept of what belongs to it: %s\n", args->input, left);
}

/* Collective. Opens the array, or item i of the stack. */
static nf_status open_input(const nf_cli *cli, const filter_args *args, filtering *f, int64_t i)
{
    char *name = NULL;
    nf_status status = NF_OK;
    nf_array_close(f->reader);
    f->reader = NULL;
    if (f->stack.dims > 0)
        status = nf_agree(&cli->world, nf_stack_name(&f->stack, args->input, i, &name));
    if (status == NF_OK)
        status = nf_array_open(&cli->world, name != NULL ? name : args->input, cli->described,
                               &f->reader, &f->in_shape);
    free(name);
    return status;
}

static nf_status create_output(const nf_cli *cli, const filter_args *args, filtering *f)
{
    const nf_chain *chain = f->chains.count > 0 ? &f->chains.list[0] : NULL;
    char described[200];
    nf_provenance provenance = {
        .command = "filter", .chain = chain != NULL ? chain->text : NULL, .input = args->input};
    nf_output output = {.quality = args->quality,
                        .store = args->store,
                        .provenance = &provenance,
                        .source = args->input,
                        .metadata = nf_array_metadata(f->reader),
                        .changes = nf_changes_of(chain),
                        .stack = f->stack,
                        .nexus = args->nexus,
                        .hints = args->hints,
                        .no_clobber = args->no_clobber,
                        .checksum = args->checksum,
                        .resume = args->resume ? described : NULL};
    snprintf(described, sizeof described, "--shape %s --dtype %s --offset %lld",
             cli->shape != NULL ? cli->shape : "-", cli->dtype != NULL ? cli->dtype : "-",
             (long long)cli->offset);
    nf_storage_apply(&args->storage, &output);
    return nf_array_create(&cli->world, args->output, args->input, &f->out_shape, &output,
                           &f->writer);
}

static nf_status process_all(const nf_cli *cli, const filter_args *args, filtering *f)
{
    int64_t items = nf_stack_items(&f->stack);
    nf_status status = NF_OK;
    for (int64_t i = 0; i < items && status == NF_OK; i++) {
        if (i > 0)
            status = open_input(cli, args, f, i);
        nf_array_item(f->writer, i);
        if (status == NF_OK)
            status = f->streamed ? stream(cli, args, f) : process(cli, f);
        nf_results_free(&f->learned);
        nf_results_init(&f->learned);
    }
    return status;
}

/* An output without a header: how it can be read again. */
static void tell_shape(const filter_args *args, const nf_shape *shape)
{
    int64_t extent[NF_EXTENTS];
    char text[NF_EXTENTS_TEXT];
    int rank = nf_extents_of(shape, extent);
    nf_element_type stored =
        args->store != NF_EL_NONE ? args->store : nf_element_native(shape->dtype).type;
    fprintf(stderr, "filter: %s has no header; it is read by --shape %s --dtype %s\n", args->output,
            nf_extents_text(rank, extent, text), nf_element_name(stored));
}

static nf_status filter(nf_cli *cli, const filter_args *args, filtering *f)
{
    const nf_world *world = &cli->world;
    nf_status status = nf_agree(world, check_args(cli, args, f));
    if (status == NF_OK && args->stack)
        status = nf_array_stack(world, args->input, args->stack_dims, &f->stack);
    if (status == NF_OK)
        status = open_input(cli, args, f, 0);
    if (status == NF_OK && f->chains.count > 0)
        nf_threads_for_chains(cli, &f->in_shape, f->chains.list, f->chains.count);
    if (status == NF_OK)
        status = plan_fields(cli, args, f);
    if (status == NF_OK)
        status = create_output(cli, args, f);
    if (status == NF_OK && f->streamed)
        status = nf_streaming_align(cli, f->writer, &f->in_shape, f->chains.list, f->chains.count,
                                    &f->plan);
    if (status == NF_OK) {
        remark(cli, args, f);
        status = process_all(cli, args, f);
    }
    bool bare = status == NF_OK && nf_array_bare(f->writer);
    if (status == NF_OK) {
        status = nf_array_commit(world, f->writer);
        f->writer = NULL;
    }
    if (bare && status == NF_OK && world->rank == 0 && !cli->quiet)
        tell_shape(args, &f->out_shape);
    return status;
}

static void release(const nf_cli *cli, filtering *f)
{
    nf_array_abort(&cli->world, f->writer);
    nf_array_close(f->reader);
    nf_fields_free(&f->fields);
    nf_plan_free(f->plan);
    nf_chains_free(&f->chains);
    nf_results_free(&f->learned);
}

int main(int argc, char **argv)
{
    filter_args args = FILTER_ARGS;
    filtering f = {.chains = {NULL, 0}};
    nf_cli cli;
    nf_results_init(&f.learned);
    nf_status status =
        nf_cli_start(&cli, argc, argv, &filter_argp, &args,
                     NF_CLI_THREADS | NF_CLI_PLAN | NF_CLI_INPUT | NF_CLI_MEMORY | NF_CLI_IMAGES);
    if (status == NF_OK && args.resume)
        nf_stop_on_signals();
    if (status == NF_OK && !cli.done && args.output == NULL && nf_cli_lists(args.input))
        status = nf_cli_list_file(&cli, args.input);
    else if (status == NF_OK && !cli.done)
        status = filter(&cli, &args, &f);
    release(&cli, &f);
    return nf_cli_stop(&cli, status);
}
