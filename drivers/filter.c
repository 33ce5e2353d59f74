/* filter - applies a chain of maps to an array in a file, or converts it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "drivers/changes.h"
#include "drivers/cli.h"
#include "drivers/engine/stop.h"
#include "drivers/explain.h"
#include "drivers/progress.h"
#include "drivers/storage_args.h"
#include "drivers/streaming.h"
#include "drivers/threads.h"
#include "io/array.h"
#include "io/extents.h"
#include "io/numbers.h"

typedef struct filter_args {
    const char *chain, *input, *output;
    int quality;
    nf_element_type store;
    bool stack;
    int stack_dims; /* 0: as many as the items must not have */
    bool nexus;
    nf_hdf5_hints hints;
    nf_storage_args storage;
    bool no_clobber, checksum, resume;
} filter_args;

enum {
    KEY_STORE = 0x30001,
    KEY_STACK,
    KEY_NEXUS,
    KEY_HINT,
    KEY_NO_CLOBBER,
    KEY_CHECKSUM,
    KEY_RESUME
};

static const char doc[] =
    "Applies a chain of kernels to an array and writes the result; without -k, converts."
    "\vArrays are named FILE or FILE:/dataset (HDF5; TIFF: a page, counted from 0). An input's "
    "kind "
    "is told from its content, an output's from its suffix: .h5, .tif, .png, .jpg, .npy, .pgm, "
    ".ppm, "
    ".pnm, .pam, .pfm, .raw. The output appears, or is replaced, only when it is "
    "complete.\n\nFILE: "
    "alone, with a colon and without an OUTPUT, lists the datasets of a file; where none is named, "
    "that is read to which the attributes default and signal of NeXus lead, or the only array, or "
    "the "
    "only one of 2 dimensions or more. Brackets pick an item of a stack by its leading indices, "
    "negative ones from the end: FILE:/data[3], FILE:/data[3,-1]. With cf in them, FILE:/sst[cf] "
    "or "
    "FILE:/sst[3,cf], netCDF's conventions count: _FillValue and missing_value become NaN, others "
    "are "
    "multiplied by scale_factor, and add_offset is added.\n\nFrom HDF5 to HDF5 a dataset's "
    "attributes are kept as far as they stay true, and its dimension scales where no kernel moves "
    "cells; what is left out is told.\n\nWith --resume, what is finished of an output stands in "
    ".NAME.resume.part beside it, "
    "and .NAME.resume tells how much that is; whatever ends the run, the same command goes on with "
    "it, on any "
    "number of ranks, and ends with the same bytes. SIGTERM and SIGUSR1 end it at the next band "
    "with exit "
    "status 75 (mpirun kills what it has sent SIGTERM within a second: send it SIGUSR1; Slurm: "
    "--signal=USR1@60). "
    "Where a chain needs several sweeps, all but the last are done anew. A run without --resume "
    "removes both "
    "files.\n\nExamples:\n"
    "  filter -k 'gaussian:sigma=2 | sobel' photo.jpg edges.png\n"
    "  mpirun -n 4 filter -k 'heat:steps=100' in.h5:/image out.h5:/image\n"
    "  filter photo.jpg photo.h5:/image\n"
    "  filter measured.nc:\n"
    "  filter --shape 512x389x3 --dtype u16 scan.raw scan.tif\n"
    "  filter -k gaussian:sigma=1 --stack --store u16 movie.h5:/frames smooth.h5:/frames";

static const struct argp_option options[] = {
    {"kernel", 'k', "CHAIN", 0, "kernels to apply: 'NAME:KEY=VALUE,... | NAME ...'", 0},
    {"quality", 'Q', "N", 0, "JPEG quality of the output, 1 to 100 (default 90)", 0},
    {"store", KEY_STORE, "TYPE", 0,
     "HDF5, TIFF, npy, raw: type of the elements in the output: u8 i8 u16 i16 u32 i32 f16 f32 f64; "
     "integers are "
     "rounded half to even and clipped (default: as computed)",
     0},
    NF_STORAGE_OPTIONS,
    {"stack", KEY_STACK, "N", OPTION_ARG_OPTIONAL,
     "apply the chain to every item of a stack by itself: N leading dimensions (default 1, or as "
     "many as leave 3), which the output has, too",
     0},
    {"nexus", KEY_NEXUS, NULL, 0,
     "HDF5: write NeXus's groups NXentry and NXdata around the dataset (default "
     "/entry/data/data), with it as their signal",
     0},
    {"hint", KEY_HINT, "KEY=VALUE", 0,
     "HDF5: alignment=BYTES of the elements in the file (default 4096; 1M suits striped file "
     "systems), meta_block=BYTES that metadata is gathered in, page=BYTES of a page of the file's "
     "space (for readers with a page buffer), libver=earliest|latest form of the metadata; may be "
     "repeated",
     0},
    {"no-clobber", KEY_NO_CLOBBER, NULL, 0,
     "refuse to replace an output that exists (a file; in an HDF5 file, a dataset)", 0},
    {"checksum", KEY_CHECKSUM, NULL, 0,
     "keep a checksum of the cells in the output (HDF5, TIFF, PNG): `reduce -k checksum` then says "
     "whether they are still the same",
     0},
    {"resume", KEY_RESUME, NULL, 0,
     "go through the array in bands, keep those that are finished safe on the disk, and go on with "
     "those that a run of the same command has left that was killed (see below)",
     0},
    {0}};

static error_t parse_option(int key, char *text, struct argp_state *state)
{
    filter_args *args = state->input;
    int64_t quality, dims = 0;
    switch (key) {
    case 'k':
        if (args->chain != NULL)
            return nf_cli_reject("-k is given twice; join the kernels with |");
        args->chain = text;
        return 0;
    case 'Q':
        if (nf_cli_integer("--quality", text, 1, 100, &quality) != NF_OK)
            return nf_cli_reject("%s", nf_message(NF_ERR_USAGE));
        args->quality = (int)quality;
        return 0;
    case KEY_STORE:
        args->store = nf_element_named(text);
        if (args->store == NF_EL_NONE)
            return nf_cli_reject("--store %s: expected one of u8 i8 u16 i16 u32 i32 f16 f32 f64",
                                 text);
        return 0;
    case KEY_STACK:
        args->stack = true;
        if (text != NULL && nf_cli_integer("--stack", text, 1, NF_STACK_DIMS, &dims) != NF_OK)
            return nf_cli_reject("%s", nf_message(NF_ERR_USAGE));
        args->stack_dims = (int)dims;
        return 0;
    case KEY_NEXUS:
        args->nexus = true;
        return 0;
    case KEY_HINT:
        if (nf_hdf5_hint(text, &args->hints) != NF_OK)
            return nf_cli_reject("%s", nf_message(NF_ERR_USAGE));
        return 0;
    case KEY_NO_CLOBBER:
        args->no_clobber = true;
        return 0;
    case KEY_CHECKSUM:
        args->checksum = true;
        return 0;
    case KEY_RESUME:
        args->resume = true;
        return 0;
    case ARGP_KEY_ARG:
        if (args->output != NULL)
            return nf_cli_reject("'%s' is one argument too many; expected INPUT OUTPUT", text);
        *(args->input == NULL ? &args->input : &args->output) = text;
        return 0;
    default:
        return nf_storage_option(&args->storage, key, text);
    }
}

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
    static const struct argp argp = {options, parse_option, "INPUT OUTPUT", doc, NULL, NULL, NULL};
    filter_args args = {.quality = 90};
    filtering f = {.chains = {NULL, 0}};
    nf_cli cli;
    nf_results_init(&f.learned);
    nf_status status =
        nf_cli_start(&cli, argc, argv, &argp, &args,
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
