/* reduce - reductions of an array in a file, those after the same maps share a pass. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "drivers/cli.h"
#include "drivers/explain.h"
#include "drivers/progress.h"
#include "drivers/streaming.h"
#include "drivers/threads.h"
#include "io/array.h"
#include "io/numbers.h"

enum { MAX_KERNELS = 64 };

typedef struct reduce_args {
    const char *typed[MAX_KERNELS], *inputs[2];
    size_t count;
    bool json;
} reduce_args;

static const char doc[] =
    "Reduces an array to numbers: kernels after the same maps share a pass over the data."
    "\vThe array is named FILE or FILE:/dataset (HDF5; TIFF: a page, counted from 0); its kind is "
    "told "
    "from its content; FILE: without -k lists a file's datasets or pages, and brackets pick an "
    "item of a "
    "stack or ask for netCDF's conventions, as `filter --help` says. A kernel may "
    "follow maps: -k 'gaussian:sigma=2 | stats'. Kernels over an index range "
    "need no INPUT; a kernel of two arrays (dot) needs a SECOND of the same "
    "shape and type.\n\nExamples:\n"
    "  reduce -k sumsq -k stats photo.jpg\n"
    "  mpirun -n 4 reduce --json -k histogram:bins=64 volume.h5:/density\n"
    "  reduce -k dot a.h5:/x b.h5:/x\n"
    "  reduce -k sumsq_range:n=1e9";

static const struct argp_option options[] = {
    {"kernel", 'k', "CHAIN", 0, "a reduction, or maps and a reduction; may be repeated", 0},
    {"json", 'j', NULL, 0, "one JSON object instead of a table", 0},
    {0}};

static error_t parse_option(int key, char *text, struct argp_state *state)
{
    reduce_args *args = state->input;
    switch (key) {
    case 'k':
        for (size_t i = 0; i < args->count; i++)
            if (strcmp(args->typed[i], text) == 0)
                return nf_cli_reject("-k '%s' is given twice", text);
        if (args->count == MAX_KERNELS)
            return nf_cli_reject("more than %d kernels", MAX_KERNELS);
        args->typed[args->count++] = text;
        return 0;
    case 'j':
        args->json = true;
        return 0;
    case ARGP_KEY_ARG:
        if (args->inputs[1] != NULL)
            return nf_cli_reject("'%s' is one argument too many; expected [INPUT [SECOND]]", text);
        args->inputs[args->inputs[0] != NULL] = text;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* What a run holds; all of it may be empty. The chains over the array come first in both lists. */
typedef struct reducing {
    nf_chain chains[MAX_KERNELS];
    nf_results results[MAX_KERNELS];
    const char *typed[MAX_KERNELS];
    size_t count, over_array;
    nf_array_reader *readers[2];
    nf_plan *plan;
    nf_shape shape;
    nf_fields fields;
} reducing;

static nf_status check_args(const reduce_args *args, const nf_chain *chain)
{
    if (nf_chain_maps(chain) == chain->count)
        return nf_fail(NF_ERR_PARAM, "'%s' gives an array, not numbers: use `filter -k`",
                       chain->stages[chain->count - 1].kernel->name);
    if (!nf_chain_is_range(chain) && args->inputs[0] == NULL)
        return nf_fail(NF_ERR_USAGE, "'%s' needs an INPUT", chain->typed);
    if (chain->stages[chain->count - 1].kernel->two_inputs && args->inputs[1] == NULL)
        return nf_fail(NF_ERR_USAGE, "'%s' needs two arrays: INPUT SECOND", chain->typed);
    return NF_OK;
}

/* Takes the chain over: behind those over the array, or behind all. */
static void insert_chain(reducing *r, const nf_chain *chain, const char *typed, bool over_array)
{
    size_t at = over_array ? r->over_array++ : r->count, later = r->count - at;
    memmove(&r->chains[at + 1], &r->chains[at], later * sizeof *r->chains);
    memmove(&r->typed[at + 1], &r->typed[at], later * sizeof *r->typed);
    r->chains[at] = *chain;
    r->typed[at] = typed;
    nf_results_init(&r->results[r->count++]);
}

static nf_status parse_chains(const reduce_args *args, reducing *r)
{
    if (args->count == 0)
        return nf_fail(NF_ERR_USAGE, "expected at least one -k KERNEL");
    for (size_t i = 0; i < args->count; i++) {
        nf_chain chain;
        nf_status status = nf_chain_parse(args->typed[i], &chain);
        insert_chain(r, &chain, args->typed[i], status == NF_OK && !nf_chain_is_range(&chain));
        if (status == NF_OK)
            status = check_args(args, &chain);
        if (status != NF_OK)
            return status;
    }
    bool two = false;
    for (size_t i = 0; i < r->over_array; i++)
        two = two || r->chains[i].stages[r->chains[i].count - 1].kernel->two_inputs;
    if (args->inputs[0] != NULL && r->over_array == 0)
        return nf_fail(NF_ERR_USAGE, "'%s' is given, but no kernel that takes an array",
                       args->inputs[0]);
    if (args->inputs[1] != NULL && !two)
        return nf_fail(NF_ERR_USAGE, "'%s' is given, but no kernel that takes a second array",
                       args->inputs[1]);
    return NF_OK;
}

static nf_status run_plan(const nf_cli *cli, reducing *r, size_t first)
{
    nf_times times = {0};
    nf_progress progress;
    nf_progress_start(&progress, "reduce: computing", cli->quiet || cli->world.rank != 0);
    nf_plan_watch(r->plan, nf_progress_watch(&progress));
    nf_status status = nf_plan_run(r->plan, &r->fields, &r->results[first], &times);
    nf_progress_stop(&progress);
    nf_plan_free(r->plan);
    r->plan = NULL;
    return status;
}

static nf_status read_array(const nf_cli *cli, nf_array_reader *reader, nf_field *field)
{
    nf_progress progress;
    nf_progress_start(&progress, "reduce: reading", cli->quiet || cli->world.rank != 0);
    nf_array_watch_reading(reader, nf_progress_watch(&progress));
    nf_status status = nf_array_read(&cli->world, reader, field);
    nf_progress_stop(&progress);
    return status;
}

/* The second array, where a chain needs one: of the shape and type that its kernel is to see. */
static nf_status open_second(const nf_cli *cli, const reduce_args *args, reducing *r)
{
    nf_shape wanted, shape;
    char text[NF_SHAPE_TEXT], wanted_text[NF_SHAPE_TEXT];
    if (!nf_plan_has_second(r->plan, &wanted))
        return NF_OK;
    nf_status status =
        nf_array_open(&cli->world, args->inputs[1], cli->described, &r->readers[1], &shape);
    if (status == NF_OK && !nf_shape_equal(&shape, &wanted))
        status = nf_fail(NF_ERR_SHAPE, "%s: %s; expected %s, as its kernel sees the first array",
                         args->inputs[1], nf_shape_text(&shape, text),
                         nf_shape_text(&wanted, wanted_text));
    return status;
}

/* The array, and the second one, in memory. */
static nf_status reduce_fields(const nf_cli *cli, reducing *r)
{
    if (cli->explain)
        nf_explain(&cli->world, r->plan, NULL);
    nf_status status = nf_plan_fields(r->plan, &r->fields);
    if (status == NF_OK)
        status = read_array(cli, r->readers[0], &r->fields.in);
    if (status == NF_OK && r->readers[1] != NULL)
        status = read_array(cli, r->readers[1], &r->fields.with);
    return status == NF_OK ? run_plan(cli, r, 0) : status;
}

static nf_status reduce_bands(const nf_cli *cli, reducing *r)
{
    nf_streaming run = {.plan = r->plan,
                        .in = r->readers[0],
                        .with = r->readers[1],
                        .shape = r->shape,
                        .results = r->results};
    nf_plan_has_second(r->plan, &run.with_shape);
    nf_status status = nf_streaming_run(cli, &run);
    nf_plan_free(r->plan);
    r->plan = NULL;
    return status;
}

static nf_status reduce_array(nf_cli *cli, const reduce_args *args, reducing *r)
{
    const nf_world *world = &cli->world;
    nf_status status =
        nf_array_open(world, args->inputs[0], cli->described, &r->readers[0], &r->shape);
    const char *remark = status == NF_OK ? nf_array_remark(r->readers[0]) : NULL;
    if (remark != NULL && !cli->quiet && world->rank == 0)
        fprintf(stderr, "reduce: %s: %s\n", args->inputs[0], remark);
    if (status == NF_OK)
        nf_threads_for_chains(cli, &r->shape, r->chains, r->over_array);
    if (status == NF_OK)
        status = nf_streaming_plan(cli, false, &r->shape, r->chains, r->over_array, &r->plan);
    bool streamed = r->plan != NULL;
    if (status == NF_OK && !streamed)
        status = nf_plan_create(world, &r->shape, r->chains, r->over_array, &cli->plan_options,
                                &r->plan);
    if (status == NF_OK)
        status = open_second(cli, args, r);
    if (status != NF_OK)
        return status;
    return streamed ? reduce_bands(cli, r) : reduce_fields(cli, r);
}

static nf_status print(const nf_cli *cli, const reduce_args *args, const reducing *r)
{
    nf_reduced reduced = {args->inputs[0], args->inputs[1], &r->shape,
                          r->typed,        r->results,      r->count};
    if (cli->world.rank != 0)
        return NF_OK;
    if (args->json)
        return nf_numbers_json(&reduced, stdout);
    nf_numbers_table(&reduced, stdout);
    return NF_OK;
}

/* Where the file has a checksum of the array, and one was computed of the array as it is: whether they
 * are the same. */
static nf_status compare_checksum(const nf_cli *cli, const reduce_args *args, const reducing *r)
{
    uint64_t expected;
    for (size_t i = 0; i < r->over_array && cli->world.rank == 0; i++) {
        const nf_chain *chain = &r->chains[i];
        if (chain->count > 1 || strcmp(chain->stages[0].kernel->name, "checksum") != 0 ||
            !nf_array_checksum(r->readers[0], &expected))
            continue;
        uint64_t found = r->results[i].numbers[0].low;
        if (found != expected)
            return nf_fail(
                NF_ERR_CHECK,
                "%s: its checksum is %llu; its nfold_checksum says %llu: its cells are not "
                "those that were written",
                args->inputs[0], (unsigned long long)found, (unsigned long long)expected);
        if (!cli->quiet)
            fprintf(stderr, "reduce: %s: matches its nfold_checksum\n", args->inputs[0]);
    }
    return NF_OK;
}

static nf_status reduce(nf_cli *cli, const reduce_args *args, reducing *r)
{
    nf_status status = nf_agree(&cli->world, parse_chains(args, r));
    if (status == NF_OK && r->over_array > 0)
        status = reduce_array(cli, args, r);
    nf_plan_options plan_options = cli->plan_options;
    if (r->over_array > 0) /* they were meant for the array */
        plan_options = (nf_plan_options){.caches = plan_options.caches};
    for (size_t i = r->over_array; i < r->count && status == NF_OK; i++) {
        nf_threads_for_chains(cli, NULL, &r->chains[i], 1);
        status = nf_plan_create(&cli->world, NULL, &r->chains[i], 1, &plan_options, &r->plan);
        if (status == NF_OK && cli->explain)
            nf_explain(&cli->world, r->plan, NULL);
        if (status == NF_OK)
            status = run_plan(cli, r, i);
    }
    if (status == NF_OK)
        status = nf_agree(&cli->world, print(cli, args, r));
    return status == NF_OK ? nf_agree(&cli->world, compare_checksum(cli, args, r)) : status;
}

static void release(reducing *r)
{
    nf_plan_free(r->plan);
    nf_fields_free(&r->fields);
    nf_array_close(r->readers[0]);
    nf_array_close(r->readers[1]);
    for (size_t i = 0; i < r->count; i++) {
        nf_chain_free(&r->chains[i]);
        nf_results_free(&r->results[i]);
    }
}

int main(int argc, char **argv)
{
    static const struct argp argp = {options, parse_option, "[INPUT [SECOND]]", doc, NULL,
                                     NULL,    NULL};
    static reducing r;
    reduce_args args = {.count = 0};
    nf_cli cli;
    nf_status status =
        nf_cli_start(&cli, argc, argv, &argp, &args,
                     NF_CLI_THREADS | NF_CLI_PLAN | NF_CLI_INPUT | NF_CLI_MEMORY | NF_CLI_IMAGES);
    bool lists = args.count == 0 && nf_cli_lists(args.inputs[0]);
    if (status == NF_OK && !cli.done && lists && args.inputs[1] != NULL)
        status = nf_fail(NF_ERR_USAGE, "'%s' is one argument too many where %s lists a file",
                         args.inputs[1], args.inputs[0]);
    else if (status == NF_OK && !cli.done && lists)
        status = nf_cli_list_file(&cli, args.inputs[0]);
    else if (status == NF_OK && !cli.done)
        status = reduce(&cli, &args, &r);
    release(&r);
    return nf_cli_stop(&cli, status);
}
