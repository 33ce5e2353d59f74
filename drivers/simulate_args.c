#include "drivers/simulate_args.h"

#include <stdlib.h>
#include <string.h>

static const char doc[] =
    "Runs nfold's own communication, unmodified, on a simulated cluster: SimGrid's SMPI plays the "
    "network, a fat tree, and each kernel takes the time that it is measured to take on one core "
    "of this machine. Strong and weak scaling, beside what the LogGP formula predicts."
    "\vEach rank computes its block in earnest, and the result of every point is compared with the "
    "serial one, bit for bit. DIR gets study.jsonl (replaced), simulated.csv, report.md, "
    "report.html and figures, in which simulated points are labelled so. Needs smpirun and "
    "smpicc (Debian: libsimgrid-dev) when nfold is built.\n\nExamples:\n"
    "  simulate\n"
    "  simulate -k 'gaussian:sigma=3 | sobel' --ranks 64,4096 --latency 500 --cores 16\n"
    "  simulate -k sumsq --strong --size 32768x32768 -o sumsq-at-scale";

enum {
    KEY_STRONG = 0x30001,
    KEY_WEAK,
    KEY_RANKS,
    KEY_SIZE,
    KEY_BLOCK,
    KEY_TYPE,
    KEY_LATENCY,
    KEY_BANDWIDTH,
    KEY_RADIX,
    KEY_CORES
};

static const struct argp_option options[] = {
    {"kernel", 'k', "CHAIN", 0,
     "what to simulate; may be repeated (default: a reduction, a chain of filters, a stencil)", 0},
    {"strong", KEY_STRONG, NULL, 0, "strong scaling only (default: both)", 1},
    {"weak", KEY_WEAK, NULL, 0, "weak scaling only", 1},
    {"ranks", KEY_RANKS, "LIST", 0, "numbers of ranks (default 64,256,1024,4096); 1 is the base",
     2},
    {"size", KEY_SIZE, "ROWSxCOLUMNS", 0, "array of the strong study (default 8192x8192)", 3},
    {"block", KEY_BLOCK, "ROWSxCOLUMNS", 0,
     "block of each rank in the weak study (default 256x256)", 3},
    {"type", KEY_TYPE, "TYPE", 0, "element type, f32 or f64 (default f32)", 3},
    {"latency", KEY_LATENCY, "NS", 0,
     "latency of a link, nanoseconds, the software's included; a message crosses two links a level "
     "of switches (default 250)",
     4},
    {"bandwidth", KEY_BANDWIDTH, "GB/S", 0,
     "bandwidth of a link, 10^9 bytes a second (default 12.5)", 4},
    {"radix", KEY_RADIX, "N", 0, "ports of a switch downwards; it has as many upwards (default 16)",
     4},
    {"cores", KEY_CORES, "N", 0, "ranks a node (default 1)", 4},
    {"jobs", 'j', "N", 0,
     "simulations at a time (default 2); one of 4096 ranks takes about 3 GB of memory", 5},
    {"output", 'o', "DIR", 0, "folder of the study (default nfold-simulation)", 5},
    {0}};

const simulate_args simulate_defaults = {
    .rows = 8192,
    .columns = 8192,
    .block_rows = 256,
    .block_columns = 256,
    .dtype = NF_F32,
    .latency = 250e-9,
    .bandwidth = 12.5e9,
    .radix = 16,
    .cores = 1,
    .jobs = 2,
    .folder = "nfold-simulation",
};

/* ---- the command line ---- */

/* In this unit on the command line. */
static error_t scaled(const char *option, const char *text, double least, double unit,
                      double *value)
{
    error_t error = nf_cli_real(option, text, least, 1e9, value);
    *value *= unit;
    return error;
}

static error_t parse_type(const char *text, nf_dtype *dtype)
{
    if (strcmp(text, "f32") != 0 && strcmp(text, "f64") != 0)
        return nf_cli_reject("--type %s: expected f32 or f64", text);
    *dtype = strcmp(text, "f32") == 0 ? NF_F32 : NF_F64;
    return 0;
}

static error_t parse_network(int key, const char *text, simulate_args *args)
{
    switch (key) {
    case KEY_LATENCY:
        return scaled("--latency", text, 1, 1e-9, &args->latency);
    case KEY_BANDWIDTH:
        return scaled("--bandwidth", text, 1e-3, 1e9, &args->bandwidth);
    case KEY_RADIX:
        return nf_cli_integer("--radix", text, 2, 1024, &args->radix);
    case KEY_CORES:
        return nf_cli_integer("--cores", text, 1, 1024, &args->cores);
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static error_t parse_option(int key, char *text, struct argp_state *state)
{
    simulate_args *args = state->input;
    switch (key) {
    case 'k': {
        nf_status status = nf_chains_add(&args->chains, text);
        return status == NF_OK ? 0 : nf_cli_reject("%s", nf_message(status));
    }
    case KEY_STRONG:
        args->strong = true;
        return 0;
    case KEY_WEAK:
        args->weak = true;
        return 0;
    case KEY_RANKS:
        return nf_cli_list("--ranks", text, args->ranks, SIMULATE_LIST - 1, &args->nranks);
    case KEY_SIZE:
        return nf_cli_pair("--size", text, &args->rows, &args->columns);
    case KEY_BLOCK:
        return nf_cli_pair("--block", text, &args->block_rows, &args->block_columns);
    case KEY_TYPE:
        return parse_type(text, &args->dtype);
    case 'j':
        return nf_cli_integer("--jobs", text, 1, 64, &args->jobs);
    case 'o':
        args->folder = text;
        return 0;
    case ARGP_KEY_ARG:
        return nf_cli_reject("'%s': simulate takes options only", text);
    default:
        return parse_network(key, text, args);
    }
}

const struct argp simulate_argp = {options, parse_option, "", doc, NULL, NULL, NULL};

/* ---- what was not given ---- */

static nf_status default_chains(nf_chains *chains)
{
    static const char *const typed[] = {"sumsq", "gaussian:sigma=2 | sobel", "heat:steps=4"};
    nf_status status = NF_OK;
    for (size_t i = 0; i < sizeof typed / sizeof *typed && status == NF_OK; i++)
        status = nf_chains_add(chains, typed[i]);
    return status;
}

static int ascending(const void *a, const void *b)
{
    return *(const int *)a - *(const int *)b;
}

/* Sorts the numbers of ranks, each once, with 1 among them. */
static void order_ranks(simulate_args *args)
{
    static const int usual[] = {64, 256, 1024, 4096};
    size_t n = 1;
    if (args->nranks == 0) {
        memcpy(args->ranks, usual, sizeof usual);
        args->nranks = sizeof usual / sizeof *usual;
    }
    args->ranks[args->nranks++] = 1;
    qsort(args->ranks, args->nranks, sizeof *args->ranks, ascending);
    for (size_t i = 1; i < args->nranks; i++)
        if (args->ranks[i] != args->ranks[n - 1])
            args->ranks[n++] = args->ranks[i];
    args->nranks = n;
}

nf_shape simulate_shape(const simulate_args *args, nf_scaling scaling, int ranks)
{
    nf_shape shape = {
        .dim = {1, args->rows, args->columns}, .ndim = 2, .channels = 1, .dtype = args->dtype};
    if (scaling == NF_STRONG)
        return shape;
    int down = 1; /* the largest divisor of the ranks up to their root */
    for (int d = 1; d <= ranks / d; d++)
        down = ranks % d == 0 ? d : down;
    shape.dim[1] = args->block_rows * (ranks / down);
    shape.dim[2] = args->block_columns * down;
    return shape;
}

static bool joins_components(const nf_chain *chain)
{
    for (size_t i = 0; i < chain->count; i++)
        if (chain->stages[i].kernel->kind == NF_COMPONENTS)
            return true;
    return false;
}

nf_status simulate_args_complete(const nf_cli *cli, simulate_args *args)
{
    nf_status status = NF_OK;
    if (cli->world.size > 1)
        return nf_fail(NF_ERR_USAGE, "simulate runs by itself, not under mpirun; the ranks that it "
                                     "simulates are given by --ranks");
    if (!args->strong && !args->weak)
        args->strong = args->weak = true;
    order_ranks(args);
    if (args->chains.count == 0)
        status = default_chains(&args->chains);
    nf_shape shape = simulate_shape(args, NF_STRONG, 1);
    for (size_t i = 0; i < args->chains.count && status == NF_OK; i++) {
        nf_chain *chain = &args->chains.list[i];
        if (nf_chain_is_range(chain))
            status = nf_fail(NF_ERR_USAGE, "'%s' works on no array: there is nothing to exchange",
                             chain->text);
        else if (joins_components(chain))
            status = nf_fail(NF_ERR_USAGE,
                             "'%s' joins components, which is not simulated: what that "
                             "exchanges follows the array's content",
                             chain->text);
        else
            status = nf_chain_prepare(chain, &shape);
    }
    return status;
}
