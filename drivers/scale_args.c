#include "drivers/scale_args.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char doc[] =
    "Measures how kernels scale: the same kernel serial, by threads, by ranks and by both, at one "
    "size "
    "(strong) and at a size that grows with the workers (weak), over parts of the processes that "
    "it runs on."
    "\vEach point's result is compared with the serial one, bit for bit. Points that ask for more "
    "workers than there are cores are run, marked, and left out of every conclusion, but for "
    "kernels that wait rather than compute (readfiles, whose files are made in DIR and removed "
    "again). DIR gets "
    "study.jsonl "
    "(replaced), points.csv, report.md, report.html and figures.\n\nExamples:\n"
    "  mpirun -n 8 scale\n"
    "  mpirun -n 4 scale -k 'gaussian:sigma=3 | sobel' --strong --ranks 1,2,4 --threads 1,2 --size "
    "8192x8192\n"
    "  mpirun -n 16 scale --input volume.h5:/density -k stats -o study\n"
    "  mpirun -n 4 scale -k 'heat:steps=100 @ 256x256' -k 'heat:steps=4 @ 8192x8192'\n"
    "  mpirun -n 16 scale --input volume.h5:/density -k stats -o study --resume";

enum {
    KEY_STRONG = 0x20001,
    KEY_WEAK,
    KEY_RANKS,
    KEY_THREADS,
    KEY_SIZE,
    KEY_INPUT,
    KEY_TILE,
    KEY_REPS,
    KEY_PRECISION,
    KEY_MAX_TIME,
    KEY_SEED,
    KEY_INTERLEAVE,
    KEY_RESUME,
    KEY_NO_CEILINGS,
    KEY_COSTS,
    KEY_NO_REPORT,
    KEY_LAUNCH
};

static const struct argp_option options[] = {
    {"kernel", 'k', "CHAIN[ @ ROWSxCOLUMNS]", 0,
     "what to measure, at a size of its own if told; may be repeated (default: a kernel bound by "
     "the "
     "processor, one by memory, one that waits for files, a chain of filters, a stencil, and the "
     "stencil on a small array, where exchanging halos and meeting costs)",
     0},
    {"strong", KEY_STRONG, NULL, 0, "strong scaling only (default: both)", 1},
    {"weak", KEY_WEAK, NULL, 0, "weak scaling only", 1},
    {"ranks", KEY_RANKS, "LIST", 0, "numbers of ranks, as 1,2,4 (default: powers of two)", 2},
    {"threads", KEY_THREADS, "LIST", 0,
     "threads a rank; every pair with --ranks is a point (default: "
     "powers of two up to the cores)",
     2},
    {"size", KEY_SIZE, "ROWSxCOLUMNS", 0,
     "size of the strong study; the image is mirrored or cropped", 3},
    {"input", KEY_INPUT, "FILE", 0,
     "the image or dataset to work on (default: a photograph of the earth "
     "if installed, else a synthetic image)",
     3},
    {"tile", KEY_TILE, "ROWSxCOLUMNS", 0,
     "how often to repeat the input, mirrored (default 3x3, and 1x1 "
     "with --input)",
     3},
    {"precision", KEY_PRECISION, "PART", 0,
     "sample each point until the 95% interval of its median is this narrow on either side, as 2% "
     "(the default) or 0.02",
     4},
    {"max-time", KEY_MAX_TIME, "SECONDS", 0,
     "but no longer than this (default: its share of 70 s for all points)", 4},
    {"reps", KEY_REPS, "N", 0, "this number of samples a point instead", 4},
    {"seed", KEY_SEED, "N", 0,
     "points are measured in a random order, which follows from this number (default: another "
     "each time; it is recorded)",
     4},
    {"interleave", KEY_INTERLEAVE, NULL, 0,
     "sample a kernel's points in turn, A B A B, which needs memory for all of them at once", 4},
    {"no-ceilings", KEY_NO_CEILINGS, NULL, 0,
     "do not measure the machine's bandwidth, peak and messages", 4},
    {"costs", KEY_COSTS, "LIST", 0,
     "what to measure of the costs beside the work: start (of threads and processes), share (a "
     "counter), send (between processes), break-even (sizes from which more workers pay), memory "
     "(held once a node), all (the default) or none",
     4},
    {"no-report", KEY_NO_REPORT, NULL, 0,
     "write study.jsonl alone, and no point of one worker that was not asked for; `report` renders "
     "such parts of a study together",
     5},
    {"launch", KEY_LAUNCH, "N", 0,
     "number of this launch in the records, where several make up one study (default 0)", 5},
    {"resume", KEY_RESUME, NULL, 0,
     "finish the study in DIR that was broken off; what was asked for must be the same", 5},
    {"output", 'o', "DIR", 0, "folder of the study (default nfold-study)", 5},
    {0}};

/* ---- the command line ---- */

/* "2%" or "0.02". */
static error_t parse_part(const char *option, const char *text, double *part)
{
    char copy[64];
    size_t length = strlen(text);
    bool percent = length > 0 && length < sizeof copy && text[length - 1] == '%';
    snprintf(copy, sizeof copy, "%s", text);
    if (percent)
        copy[length - 1] = '\0';
    error_t error = nf_cli_real(option, copy, percent ? 1e-4 : 1e-6, percent ? 100 : 1, part);
    *part /= percent ? 100 : 1;
    return error;
}

/* "start,share", "all" or "none". */
static error_t parse_costs(const char *text, unsigned *costs)
{
    *costs = 0;
    for (const char *at = text; strcmp(text, "none") != 0; at++) {
        size_t length = strcspn(at, ",");
        int kind = NF_COSTS;
        while (--kind >= 0 && (strlen(nf_cost_names[kind]) != length ||
                               strncmp(nf_cost_names[kind], at, length) != 0))
            ;
        if (kind < 0 && strcmp(text, "all") != 0)
            return nf_cli_reject(
                "--costs %s: expected a list of start, share, send, break-even and "
                "memory, or all or none",
                text);
        *costs |= kind < 0 ? (1u << NF_COSTS) - 1 : 1u << kind;
        at += length;
        if (*at == '\0')
            break;
    }
    return 0;
}

/* How points are sampled. */
static error_t parse_sampling(int key, char *text, scale_args *args)
{
    int64_t seed = 0;
    error_t error;
    switch (key) {
    case KEY_PRECISION:
        return parse_part("--precision", text, &args->precision);
    case KEY_MAX_TIME:
        return nf_cli_real("--max-time", text, 1e-3, 1e6, &args->max_time);
    case KEY_REPS:
        return nf_cli_integer("--reps", text, 1, 100000, &args->reps);
    case KEY_SEED:
        error = nf_cli_integer("--seed", text, 0, (int64_t)1 << 53, &seed);
        args->seed = (uint64_t)seed;
        args->seeded = true;
        return error;
    case KEY_INTERLEAVE:
        args->interleave = true;
        return 0;
    case KEY_RESUME:
        args->resume = true;
        return 0;
    case KEY_NO_CEILINGS:
        args->no_ceilings = true;
        return 0;
    case KEY_COSTS:
        return parse_costs(text, &args->costs);
    case KEY_NO_REPORT:
        args->no_report = true;
        return 0;
    case KEY_LAUNCH:
        return nf_cli_integer("--launch", text, 0, 1000000, &args->launch);
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static nf_status parse_size(const char *typed, const char *text, scale_size *size)
{
    char beyond;
    long long rows, columns;
    if (sscanf(text, "%9lldx%9lld %c", &rows, &columns, &beyond) != 2 || rows < 1 || columns < 1)
        return nf_fail(NF_ERR_USAGE,
                       "-k '%s': expected a size of two whole numbers behind the '@', as "
                       "'heat:steps=100 @ 256x256'",
                       typed);
    size->rows = rows;
    size->columns = columns;
    return NF_OK;
}

/* Label and name of the last chain, whose size is known. */
static nf_status name_size(const char *typed, const nf_chain *chain, scale_size *size)
{
    size->label = strdup(typed);
    if (size->rows == 0)
        size->name = strdup(chain->text);
    else if (asprintf(&size->name, "%s @ %lldx%lld", chain->text, (long long)size->rows,
                      (long long)size->columns) < 0)
        size->name = NULL;
    if (size->label == NULL || size->name == NULL)
        return nf_fail(NF_ERR_MEMORY, "no memory for a chain");
    if (size->rows > 0 && nf_chain_is_range(chain))
        return nf_fail(NF_ERR_USAGE,
                       "-k '%s': '%s' works on an index range, which has no rows and columns; its "
                       "parameters say its size",
                       typed, chain->stages[0].kernel->name);
    return NF_OK;
}

/* "CHAIN" or "CHAIN @ ROWSxCOLUMNS". */
static nf_status add_kernel(scale_args *args, const char *typed)
{
    size_t n = args->chains.count;
    scale_size *sizes = realloc(args->sizes, (n + 1) * sizeof *sizes);
    char *chain = strdup(typed), *at = chain != NULL ? strchr(chain, '@') : NULL;
    args->sizes = sizes != NULL ? sizes : args->sizes;
    nf_status status =
        sizes != NULL && chain != NULL ? NF_OK : nf_fail(NF_ERR_MEMORY, "no memory for a chain");
    if (status == NF_OK)
        sizes[n] = (scale_size){0};
    if (status == NF_OK && at != NULL)
        status = parse_size(typed, at + 1, &sizes[n]);
    for (char *end = at; end != NULL && (end == at || end[-1] == ' '); end--)
        *end = '\0';
    if (status == NF_OK)
        status = nf_chains_add(&args->chains, chain);
    if (status == NF_OK)
        status = name_size(typed, &args->chains.list[n], &sizes[n]);
    free(chain);
    return status;
}

/* What is measured. */
static error_t parse_study(int key, char *text, scale_args *args)
{
    switch (key) {
    case 'k': {
        nf_status status = add_kernel(args, text);
        return status == NF_OK ? 0 : nf_cli_reject("%s", nf_message(status));
    }
    case KEY_STRONG:
        args->strong = true;
        return 0;
    case KEY_WEAK:
        args->weak = true;
        return 0;
    case KEY_RANKS:
        return nf_cli_list("--ranks", text, args->ranks, SCALE_LIST, &args->nranks);
    case KEY_THREADS:
        return nf_cli_list("--threads", text, args->threads, SCALE_LIST, &args->nthreads);
    case KEY_SIZE:
        return nf_cli_pair("--size", text, &args->rows, &args->columns);
    case KEY_TILE:
        return nf_cli_pair("--tile", text, &args->tile_rows, &args->tile_columns);
    case KEY_INPUT:
        args->input = text;
        return 0;
    case 'o':
        args->folder = text;
        return 0;
    default:
        return parse_sampling(key, text, args);
    }
}

static error_t parse_option(int key, char *text, struct argp_state *state)
{
    switch (key) {
    case ARGP_KEY_ARG:
        return nf_cli_reject("'%s': scale takes options only; --input FILE names an array", text);
    default:
        return parse_study(key, text, state->input);
    }
}

static nf_status default_kernels(scale_args *args)
{
    static const char *const typed[] = {"sumsq_range:n=2e8", "sumsq",
                                        "readfiles",         "gaussian:sigma=2 | sobel",
                                        "heat:steps=4",      "heat:steps=100 @ 64x64"};
    nf_status status = NF_OK;
    for (size_t i = 0; i < sizeof typed / sizeof *typed && status == NF_OK; i++)
        status = add_kernel(args, typed[i]);
    return status;
}

nf_status scale_args_complete(const nf_cli *cli, scale_args *args)
{
    if (args->rows > 0 && args->tile_rows > 0)
        return nf_fail(NF_ERR_USAGE, "--size and --tile both say how large the array is; give one");
    for (size_t i = 0; i < args->nranks; i++)
        if (args->ranks[i] > cli->world.size)
            return nf_fail(NF_ERR_USAGE,
                           "--ranks %d: only %d process%s started; use `mpirun -n %d`",
                           args->ranks[i], cli->world.size,
                           cli->world.size == 1 ? " was" : "es were", args->ranks[i]);
    if (!args->strong && !args->weak)
        args->strong = args->weak = true;
    if (args->reps > 0 && (args->precision > 0 || args->max_time > 0))
        return nf_fail(NF_ERR_USAGE, "--reps says how many samples there are whatever their "
                                     "precision and time; leave out the other");
    if (args->precision <= 0)
        args->precision = 0.02;
    if (args->tile_rows == 0)
        args->tile_rows = args->tile_columns = args->input == NULL ? 3 : 1;
    return args->chains.count == 0 ? default_kernels(args) : NF_OK;
}

void scale_args_free(scale_args *args)
{
    for (size_t i = 0; i < args->chains.count; i++) {
        free(args->sizes[i].label);
        free(args->sizes[i].name);
    }
    free(args->sizes);
    nf_chains_free(&args->chains);
}

const scale_size *scale_size_of(const scale_args *args, const nf_chain *chain)
{
    return &args->sizes[chain - args->chains.list];
}

/* ---- the points ---- */

static void add_layout(scale_layouts *l, int ranks, int threads)
{
    for (size_t i = 0; i < l->count; i++)
        if (l->list[i].ranks == ranks && l->list[i].threads == threads)
            return;
    l->list[l->count++] = (scale_layout){ranks, threads};
}

/* Powers of two, and all there are; hybrids up to the cores, but one at least. */
static void default_layouts(const nf_cli *cli, bool waits, scale_layouts *l)
{
    enum { WAITING = 8 }; /* threads a core */
    int cores = cli->node.cores * cli->node.nodes, size = cli->world.size;
    int most = cli->node.cores * (waits ? WAITING : 1);
    for (int threads = 1; threads <= most; threads *= 2)
        add_layout(l, 1, threads);
    add_layout(l, 1, cli->node.cores);
    for (int ranks = 2; ranks <= size; ranks *= 2)
        add_layout(l, ranks, 1);
    add_layout(l, size, 1);
    for (int ranks = 2; ranks <= size; ranks *= 2)
        for (int threads = 2; threads <= cli->node.cores && ranks * threads <= cores; threads *= 2)
            add_layout(l, ranks, threads);
    if (size >= 2)
        add_layout(l, 2, 2);
}

bool scale_grid_fits(const nf_plan_options *plan, int ranks)
{
    return plan->grid[0] > 0 && plan->grid[0] * plan->grid[1] * plan->grid[2] == ranks;
}

nf_status scale_layouts_check(const nf_cli *cli, const scale_layouts *l)
{
    const nf_plan_options *plan = &cli->plan_options;
    for (size_t i = 0; plan->grid[0] > 0; i++) {
        if (i == l->count)
            return nf_fail(NF_ERR_USAGE,
                           "--grid: no point has as many ranks as the grid has blocks");
        if (scale_grid_fits(plan, l->list[i].ranks))
            break;
    }
    return NF_OK;
}

void scale_layouts_choose(const nf_cli *cli, const scale_args *args, bool waits, scale_layouts *l)
{
    memset(l, 0, sizeof *l);
    if (!args->no_report)
        add_layout(l, 1, 1); /* what speed-ups are told against */
    if (args->nranks == 0 && args->nthreads == 0) {
        default_layouts(cli, waits, l);
        nf_broadcast(&cli->world, l, sizeof *l, 0); /* other nodes may have other cores */
        return;
    }
    for (size_t r = 0; r < (args->nranks ? args->nranks : 1); r++)
        for (size_t t = 0; t < (args->nthreads ? args->nthreads : 1); t++)
            add_layout(l, args->nranks ? args->ranks[r] : 1, args->nthreads ? args->threads[t] : 1);
}

const struct argp scale_argp = {options, parse_option, "", doc, NULL, NULL, NULL};
