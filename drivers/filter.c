/* filter - applies a chain of maps to an array in a file, or converts it. */
#include <stdio.h>
#include <stdlib.h>

#include "drivers/cli.h"
#include "drivers/engine/plan.h"
#include "drivers/explain.h"
#include "drivers/progress.h"
#include "io/array.h"
#include "io/numbers.h"

typedef struct filter_args {
    const char *chain, *input, *output;
    int quality;
    bool no_clobber, checksum;
} filter_args;

enum { KEY_NO_CLOBBER = 0x20001, KEY_CHECKSUM };

static const char doc[] =
    "Applies a chain of kernels to an array and writes the result; without -k, converts."
    "\vArrays are named FILE or FILE:/dataset (HDF5); an input's kind is told from its content, an "
    "output's from its suffix (.h5, .png, .jpg). The output appears, or is replaced, only when it "
    "is "
    "complete.\n\nExamples:\n"
    "  filter -k 'gaussian:sigma=2 | sobel' photo.jpg edges.png\n"
    "  mpirun -n 4 filter -k 'heat:steps=100' in.h5:/image out.h5:/image\n"
    "  filter photo.jpg photo.h5:/image";

static const struct argp_option options[] = {
    {"kernel", 'k', "CHAIN", 0, "kernels to apply: 'NAME:KEY=VALUE,... | NAME ...'", 0},
    {"quality", 'Q', "N", 0, "JPEG quality of the output, 1 to 100 (default 90)", 0},
    {"no-clobber", KEY_NO_CLOBBER, NULL, 0,
     "refuse to replace an output that exists (a file; in an HDF5 file, a dataset)", 0},
    {"checksum", KEY_CHECKSUM, NULL, 0,
     "keep a checksum of the cells in the output (HDF5, PNG): `reduce -k checksum` then says "
     "whether "
     "they are still the same",
     0},
    {0}};

static error_t parse_option(int key, char *text, struct argp_state *state)
{
    filter_args *args = state->input;
    int64_t quality;
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
    case KEY_NO_CLOBBER:
        args->no_clobber = true;
        return 0;
    case KEY_CHECKSUM:
        args->checksum = true;
        return 0;
    case ARGP_KEY_ARG:
        if (args->output != NULL)
            return nf_cli_reject("'%s' is one argument too many; expected INPUT OUTPUT", text);
        *(args->input == NULL ? &args->input : &args->output) = text;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* What a run holds; all of it may be empty. */
typedef struct filtering {
    nf_chains chains;
    nf_array_reader *reader;
    nf_array_writer *writer;
    nf_plan *plan; /* NULL: a conversion */
    nf_shape in_shape, out_shape;
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
    if (args->chain == NULL)
        return NF_OK;
    nf_status status = nf_chains_add(&f->chains, args->chain);
    if (status != NF_OK)
        return status;
    const nf_chain *chain = &f->chains.list[0];
    if (nf_chain_maps(chain) < chain->count)
        return nf_fail(NF_ERR_PARAM, "'%s' gives numbers, not an array: use `reduce -k`",
                       chain->stages[chain->count - 1].kernel->name);
    return NF_OK;
}

static nf_status plan_fields(const nf_cli *cli, filtering *f)
{
    const nf_world *world = &cli->world;
    nf_halo none = {{0}, {0}};
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
        nf_explain(world, f->plan);
    return nf_plan_fields(f->plan, &f->fields);
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

static nf_status filter(const nf_cli *cli, const filter_args *args, filtering *f)
{
    const nf_world *world = &cli->world;
    nf_status status = nf_agree(world, check_args(cli, args, f));
    if (status == NF_OK && args->no_clobber)
        status = nf_array_refuse_existing(world, args->output);
    if (status == NF_OK)
        status = nf_array_open(world, args->input, &f->reader, &f->in_shape);
    if (status == NF_OK)
        status = plan_fields(cli, f);
    nf_provenance provenance = {.command = "filter",
                                .chain = f->chains.count > 0 ? f->chains.list[0].text : NULL,
                                .input = args->input,
                                .checksum = args->checksum};
    if (status == NF_OK)
        status = nf_array_create(world, args->output, args->input, &f->out_shape, args->quality,
                                 &provenance, &f->writer);
    if (status == NF_OK && args->no_clobber)
        nf_array_no_clobber(f->writer);
    if (status == NF_OK)
        status = process(cli, f);
    if (status == NF_OK) {
        status = nf_array_commit(world, f->writer);
        f->writer = NULL;
    }
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
        nf_cli_start(&cli, argc, argv, &argp, &args, NF_CLI_THREADS | NF_CLI_PLAN | NF_CLI_INPUT);
    if (status == NF_OK && !cli.done)
        status = filter(&cli, &args, &f);
    release(&cli, &f);
    return nf_cli_stop(&cli, status);
}
