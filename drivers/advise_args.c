#include "drivers/advise_args.h"

#include <string.h>

static const char doc[] =
    "Says how to run a chain of kernels here: serial, by threads, by ranks or by both, how many of "
    "each, what each choice is thought to take, why, and the command line to use."
    "\vThe machine is measured once, which takes a few seconds, and what was found kept in "
    "$XDG_CACHE_HOME/nfold, else in ~/.cache/nfold. The chain is measured each time, on the whole "
    "array where a run is short, else on a piece of it.\n\n"
    "With --size the time is that of one run over an array in memory; with an INPUT that of the "
    "whole command: starting it, reading, computing, and writing the OUTPUT where one is named. A "
    "kernel of two arrays takes the second one in OUTPUT's place.\n\nExamples:\n"
    "  advise -k 'gaussian:sigma=2 | sobel' --size 8192x8192x3\n"
    "  advise -k heat:steps=100 --size 256x256x256 --dtype f32 --runs 20\n"
    "  advise -k sumsq_range:n=1e9\n"
    "  advise -k median:size=5 photo.jpg clean.png\n"
    "  advise -k stats --json volume.h5:/density";

enum { KEY_SIZE = 0x50001, KEY_DTYPE, KEY_RUNS, KEY_JSON, KEY_RECALIBRATE, KEY_PROBE };

static const struct argp_option options[] = {
    {"kernel", 'k', "CHAIN", 0, "what is to be run: 'NAME:KEY=VALUE,... | NAME ...'", 0},
    {"size", KEY_SIZE, "ROWSxCOLUMNS", 0,
     "an array in memory of this size; volumes: PLANESxROWSxCOLUMNS; with 2 to 4 behind two or "
     "three "
     "extents: channels",
     1},
    {"dtype", KEY_DTYPE, "TYPE", 0, "and its elements: u8 (the default), u16, f32 or f64", 1},
    {"runs", KEY_RUNS, "N", 0,
     "so many runs share one start, which then counts (default: one run is compared, without its "
     "start)",
     1},
    {"json", KEY_JSON, NULL, 0, "one JSON object instead of text", 2},
    {"recalibrate", KEY_RECALIBRATE, NULL, 0, "measure the machine anew", 2},
    {"probe", KEY_PROBE, "WHAT", OPTION_HIDDEN, "", 3},
    {0}};

static error_t parse_probe(const char *text, advise_args *args)
{
    static const char *const names[] = {[ADVISE_PROBE_START] = "start",
                                        [ADVISE_PROBE_MACHINE] = "machine",
                                        [ADVISE_PROBE_MESSAGES] = "messages",
                                        [ADVISE_PROBE_CHAIN] = "chain",
                                        [ADVISE_PROBE_SMALL] = "small"};
    for (advise_probe p = ADVISE_PROBE_START; p <= ADVISE_PROBE_SMALL; p++)
        if (strcmp(names[p], text) == 0) {
            args->probe = p;
            return 0;
        }
    return nf_cli_reject("--probe %s: is not for use by hand", text);
}

static error_t parse_option(int key, char *text, struct argp_state *state)
{
    advise_args *args = state->input;
    switch (key) {
    case 'k':
        return nf_cli_chain(text, &args->chain);
    case KEY_SIZE:
        args->size = text;
        return 0;
    case KEY_DTYPE:
        args->dtype = text;
        return 0;
    case KEY_RUNS:
        return nf_cli_integer("--runs", text, 1, (int64_t)1 << 40, &args->runs);
    case KEY_JSON:
        args->json = true;
        return 0;
    case KEY_RECALIBRATE:
        args->recalibrate = true;
        return 0;
    case KEY_PROBE:
        return parse_probe(text, args);
    case ARGP_KEY_ARG:
        if (args->output != NULL)
            return nf_cli_reject("'%s' is one argument too many; expected INPUT OUTPUT", text);
        *(args->input == NULL ? &args->input : &args->output) = text;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

const struct argp advise_argp = {options, parse_option, "[INPUT [OUTPUT]]", doc, NULL, NULL, NULL};

/* What an OUTPUT is, beside the chain. */
static nf_status check_output(const advise_args *args, const nf_chain *chain)
{
    const nf_kernel *last = chain->stages[chain->count - 1].kernel;
    if (nf_chain_maps(chain) == chain->count)
        return NF_OK;
    if (args->output != NULL && !last->two_inputs)
        return nf_fail(NF_ERR_USAGE, "'%s' is given, but '%s' gives numbers, not an array",
                       args->output, last->name);
    if (args->input != NULL && args->output == NULL && last->two_inputs)
        return nf_fail(NF_ERR_USAGE, "'%s' needs two arrays: INPUT SECOND", chain->typed);
    return NF_OK;
}

nf_status advise_args_check(const advise_args *args, nf_chain *chain)
{
    if (args->chain == NULL)
        return nf_fail(NF_ERR_USAGE, "expected -k CHAIN");
    nf_status status = nf_chain_parse(args->chain, chain);
    if (status != NF_OK)
        return status;
    bool range = nf_chain_is_range(chain);
    if (args->size != NULL && args->input != NULL)
        return nf_fail(NF_ERR_USAGE, "--size and INPUT both say what the array is; give one");
    if (range && (args->size != NULL || args->input != NULL))
        return nf_fail(NF_ERR_USAGE, "'%s' takes no array: leave out --size and INPUT",
                       chain->typed);
    if (!range && args->size == NULL && args->input == NULL)
        return nf_fail(NF_ERR_USAGE, "'%s' needs --size ROWSxCOLUMNS, or an INPUT", chain->typed);
    if (args->dtype != NULL && args->size == NULL)
        return nf_fail(NF_ERR_USAGE, "--dtype goes with --size");
    if (args->runs > 0 && args->input != NULL)
        return nf_fail(NF_ERR_USAGE, "--runs goes with --size: a command is one run");
    return check_output(args, chain);
}

/* No machine has more, and sums of a few such numbers still have room. */
static const double most_bytes = 0x1p60;

static nf_status parse_size(const advise_args *args, nf_shape *shape)
{
    nf_described described;
    const char *dtype = args->dtype != NULL ? args->dtype : "u8";
    nf_element_type type = nf_element_named(dtype);
    if (type != NF_EL_U8 && type != NF_EL_U16 && type != NF_EL_F32 && type != NF_EL_F64)
        return nf_fail(NF_ERR_USAGE, "--dtype %s: expected u8, u16, f32 or f64", dtype);
    nf_status status = nf_described_parse(args->size, dtype, -1, &described);
    if (status != NF_OK)
        return nf_fail(NF_ERR_USAGE,
                       "--size %s: expected 1 to 3 extents, as 4096x4096, and channels "
                       "behind two or more, of at most 2^60 bytes in all",
                       args->size);
    *shape = described.shape;
    status = nf_shape_check(shape, "--size");
    if (status == NF_OK && (double)nf_shape_bytes(shape) > most_bytes)
        status = nf_fail(NF_ERR_USAGE, "--size %s: expected at most 2^60 bytes", args->size);
    return status;
}

nf_status advise_args_shape(const nf_world *world, const advise_args *args, const nf_chain *chain,
                            nf_shape *shape)
{
    *shape = (nf_shape){.dim = {1, 1, 1}, .ndim = 1, .channels = 1, .dtype = NF_NONE};
    if (nf_chain_is_range(chain))
        return NF_OK;
    if (args->size != NULL)
        return parse_size(args, shape);
    nf_array_reader *reader = NULL;
    nf_status status = nf_array_open(world, args->input, NULL, &reader, shape);
    nf_array_close(reader);
    return status;
}
