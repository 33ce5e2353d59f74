#include "drivers/cli.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "io/array.h"
#include "io/image.h"
#include "kernels/isa.h"

/* ---- --list ---- */

/* Whole numbers never rounded: "1e+09", "2^24" or all their digits. */
static const char *limit_text(const nf_param *param, double limit, char text[32])
{
    int power;
    snprintf(text, 32, "%.6g", limit);
    if (param->type != NF_PARAM_INTEGER || strtod(text, NULL) == limit)
        return text;
    if (frexp(limit, &power) == 0.5)
        snprintf(text, 32, "2^%d", power - 1);
    else
        snprintf(text, 32, "%.0f", limit);
    return text;
}

static void list_param(FILE *out, const nf_param *param)
{
    char least[32], most[32];
    fprintf(out, "      %s=%s", param->name, param->fallback ? param->fallback : "...");
    if (param->unit[0] != '\0')
        fprintf(out, " [%s]", param->unit);
    fprintf(out, "  %s", param->help);
    if (param->type == NF_PARAM_CHOICE) {
        for (int i = 0; param->choices[i] != NULL; i++)
            fprintf(out, "%s %s", i ? " |" : ":", param->choices[i]);
    } else if (param->max < 1e29) {
        fprintf(out, "; %s to %s", limit_text(param, param->min, least),
                limit_text(param, param->max, most));
    }
    fputs(param->fallback ? "\n" : " (required)\n", out);
}

static void list_kernel(FILE *out, const nf_kernel *kernel)
{
    static const char *const kinds[] = {[NF_MAP] = "map",
                                        [NF_REDUCE] = "reduction",
                                        [NF_RANGE] = "range",
                                        [NF_COMPONENTS] = "components",
                                        [NF_RESAMPLE] = "resampling",
                                        [NF_ALIAS] = "chain"};
    fprintf(out, "  %-12s %s  [%s", kernel->name, kernel->summary, kinds[kernel->kind]);
    for (int d = 0; d < NF_DIMS; d++)
        if (kernel->ndims & (1u << d))
            fprintf(out, ", %d-D", d + 1);
    const char *comma = ",";
    for (nf_dtype t = NF_U8; t < NF_DTYPES; t++) {
        if (kernel->apply[t] == NULL)
            continue;
        fprintf(out, "%s %s", comma, nf_dtype_name(t));
        comma = "";
    }
    fputs("]\n", out);
    if (kernel->kind == NF_ALIAS)
        fprintf(out, "      stands for %s\n", kernel->expansion);
    for (const nf_param *p = kernel->params; p != NULL && p->name != NULL; p++)
        list_param(out, p);
}

static void list_kernels(FILE *out)
{
    const nf_kernel *kernel;
    fputs("Kernels; a chain is written 'NAME:KEY=VALUE,KEY=VALUE | NAME ...':\n", out);
    for (size_t i = 0; (kernel = nf_kernel_at(i)) != NULL; i++)
        list_kernel(out, kernel);
}

/* ---- parsing ---- */

typedef struct parsing {
    nf_cli *cli;
    void *input;
} parsing;

/* Whether nf_cli_reject has kept a message, or argp has printed its own; argp cannot carry it. */
static bool rejected, said;

error_t nf_cli_reject(const char *format, ...)
{
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    nf_fail(NF_ERR_USAGE, "%s", text);
    rejected = true;
    return EINVAL;
}

enum { MOST_THREADS = 4096 };

enum {
    KEY_USAGE = 0x10001,
    KEY_LIST,
    KEY_GRID,
    KEY_TILE_SIZE,
    KEY_HALO_DEPTH,
    KEY_EXPLAIN,
    KEY_SHAPE,
    KEY_DTYPE,
    KEY_OFFSET,
    KEY_MAX_PIXELS,
    KEY_MEMORY,
    KEY_SCRATCH
};

static const struct argp_option common_options[] = {
    {NULL, 0, NULL, 0, "Common options:", 50},
    {"quiet", 'q', NULL, 0, "no progress, no remarks", 50},
    {"list", KEY_LIST, NULL, 0, "list the kernels with their parameters", 51},
    {"help", '?', NULL, 0, "print this", 51},
    {"usage", KEY_USAGE, NULL, 0, "print the usage in short", 51},
    {"version", 'V', NULL, 0, "print the version", 51},
    {0}};

static const struct argp_option plan_options[] = {
    {NULL, 0, NULL, 0,
     "How the work is shared out (the result has the same bits in any case):", 40},
    {"grid", KEY_GRID, "ROWSxCOLUMNS", 0,
     "blocks that the array is cut in, one a rank (default: those that move the fewest halo "
     "bytes); "
     "volumes: PLANESxROWSxCOLUMNS",
     40},
    {"tile-size", KEY_TILE_SIZE, "ROWSxCOLUMNS", 0,
     "largest tile that a thread works on (default: as the caches are)", 40},
    {"halo-depth", KEY_HALO_DEPTH, "STEPS", 0,
     "steps of an iterated kernel between two exchanges of halos, as much wider (default: by a "
     "cost model)",
     40},
    {"explain", KEY_EXPLAIN, NULL, 0, "print the plan (on standard error) before it runs", 40},
    {0}};

static const struct argp_option thread_options[] = {
    {"threads", 't', "N", 0,
     "OpenMP threads of each rank (default: OMP_NUM_THREADS, else as many of the cores that may be "
     "used, shared out over the ranks of a machine, as the work is worth; `advise` tells more)",
     50},
    {0}};

static const struct argp_option input_options[] = {
    {NULL, 0, NULL, 0, "Inputs that are bare arrays, without a header:", 45},
    {"shape", KEY_SHAPE, "ROWSxCOLUMNS", 0,
     "extents; volumes: PLANESxROWSxCOLUMNS; with 2 to 4 behind two or three extents: channels",
     45},
    {"dtype", KEY_DTYPE, "TYPE", 0,
     "u8 i8 u16 i16 u32 i32 f16 f32 or f64; le or be behind it: the byte order (default: this "
     "machine's)",
     45},
    {"offset", KEY_OFFSET, "BYTES", 0,
     "where the array begins; without it, the file must be as long as the array", 45},
    {0}};

static const struct argp_option image_options[] = {
    {NULL, 0, NULL, 0, "Inputs that are images:", 46},
    {"max-pixels", KEY_MAX_PIXELS, "N", 0,
     "refuse images (PNG, JPEG, TIFF, PNM, PFM; all pages together) of more pixels; by itself "
     "1073741824 (32768 x 32768) where an image takes more than 100 times the bytes of its file, "
     "which can claim any number, and no limit elsewhere",
     46},
    {0}};

static const struct argp_option memory_options[] = {
    {NULL, 0, NULL, 0, "Arrays that do not fit into memory (the result has the same bits):", 47},
    {"memory", KEY_MEMORY, "SIZE", 0,
     "a bound on the memory of each rank, as 512M or 2G: the array goes through it in bands, read, "
     "computed and written at the same time (default: only where it does not fit)",
     47},
    {"scratch", KEY_SCRATCH, "FOLDER", 0,
     "for arrays between two sweeps; all ranks must see it (default: beside the output; reduce: "
     "TMPDIR, or /var/tmp)",
     47},
    {0}};

static error_t answer(nf_cli *cli, struct argp_state *state, unsigned help)
{
    if (cli->world.rank == 0)
        argp_state_help(state, stdout, help);
    cli->done = true;
    return 0;
}

static error_t parse_threads(int key, char *text, struct argp_state *state)
{
    nf_cli *cli = state->input;
    int64_t threads = 0;
    if (key != 't')
        return ARGP_ERR_UNKNOWN;
    error_t error = nf_cli_integer("--threads", text, 1, MOST_THREADS, &threads);
    cli->asked_threads = (int)threads;
    return error;
}

static error_t parse_input(int key, char *text, struct argp_state *state)
{
    nf_cli *cli = state->input;
    switch (key) {
    case KEY_SHAPE:
        cli->shape = text;
        return 0;
    case KEY_DTYPE:
        cli->dtype = text;
        return 0;
    case KEY_OFFSET:
        return nf_cli_integer("--offset", text, 0, (int64_t)1 << 53, &cli->offset);
    case ARGP_KEY_END:
        if (cli->shape == NULL && cli->dtype == NULL && cli->offset < 0)
            return 0;
        if (nf_described_parse(cli->shape, cli->dtype, cli->offset, &cli->input) != NF_OK)
            return nf_cli_reject("%s", nf_message(NF_ERR_USAGE));
        cli->described = &cli->input;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static error_t parse_image(int key, char *text, struct argp_state *state)
{
    (void)state;
    if (key != KEY_MAX_PIXELS)
        return ARGP_ERR_UNKNOWN;
    return nf_cli_integer("--max-pixels", text, 1, (int64_t)1 << 60, &nf_max_pixels);
}

/* "4x2" as the last numbers of three; those that are not given stay as they are. */
static error_t parse_extents(const char *option, const char *text, int64_t most,
                             int64_t extents[NF_DIMS])
{
    int64_t given[NF_DIMS];
    int count = 0;
    char copy[128], *rest = copy, *item;
    snprintf(copy, sizeof copy, "%s", text);
    while ((item = strsep(&rest, "x")) != NULL) {
        if (count == NF_DIMS)
            return nf_cli_reject("%s %s: expected at most three numbers, as 4x2", option, text);
        if (nf_cli_integer(option, item, 1, most, &given[count++]) != 0)
            return nf_cli_reject("%s %s: expected whole numbers from 1 to %lld, as 4x2", option,
                                 text, (long long)most);
    }
    memcpy(extents + NF_DIMS - count, given, (size_t)count * sizeof *given);
    return 0;
}

static error_t parse_plan(int key, char *text, struct argp_state *state)
{
    nf_cli *cli = state->input;
    nf_plan_options *plan = &cli->plan_options;
    int64_t grid[NF_DIMS] = {1, 1, 1}, depth = 0;
    error_t error = 0;
    switch (key) {
    case KEY_GRID:
        error = parse_extents("--grid", text, 1 << 20, grid);
        for (int d = 0; d < NF_DIMS; d++)
            plan->grid[d] = (int)grid[d];
        return error;
    case KEY_TILE_SIZE:
        return parse_extents("--tile-size", text, (int64_t)1 << 40, plan->tile);
    case KEY_HALO_DEPTH:
        error = nf_cli_integer("--halo-depth", text, 1, NF_MAX_FUSED, &depth);
        plan->halo_depth = (int)depth;
        return error;
    case KEY_EXPLAIN:
        cli->explain = true;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static error_t parse_memory(int key, char *text, struct argp_state *state)
{
    enum { LEAST = 1 << 20 };
    nf_cli *cli = state->input;
    switch (key) {
    case KEY_MEMORY:
        if (nf_cli_bytes("--memory", text, LEAST, &cli->memory) != NF_OK)
            return nf_cli_reject("%s", nf_message(NF_ERR_USAGE));
        return 0;
    case KEY_SCRATCH:
        cli->scratch = text;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static error_t parse_common(int key, char *text, struct argp_state *state)
{
    (void)text;
    parsing *p = state->input;
    nf_cli *cli = p->cli;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = p->input;
        for (int i = 1; state->root_argp->children[i].argp != NULL; i++)
            state->child_inputs[i] = cli;
        return 0;
    case 'q':
        cli->quiet = true;
        return 0;
    case KEY_LIST:
        if (cli->world.rank == 0)
            list_kernels(stdout);
        cli->done = true;
        return 0;
    case '?':
        return answer(cli, state, ARGP_HELP_STD_HELP);
    case KEY_USAGE:
        return answer(cli, state, ARGP_HELP_USAGE);
    case 'V':
        if (cli->world.rank == 0)
            printf("%s (nfold) %s\n", cli->program, NF_VERSION);
        cli->done = true;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static nf_status parse(nf_cli *cli, int argc, char **argv, const struct argp *own, void *input,
                       unsigned takes)
{
    const struct argp bare = {own->options, own->parser, NULL, NULL, NULL, NULL, NULL};
    const struct argp threads = {thread_options, parse_threads, NULL, NULL, NULL, NULL, NULL};
    const struct argp plan = {plan_options, parse_plan, NULL, NULL, NULL, NULL, NULL};
    const struct argp inputs = {input_options, parse_input, NULL, NULL, NULL, NULL, NULL};
    const struct argp images = {image_options, parse_image, NULL, NULL, NULL, NULL, NULL};
    const struct argp memory = {memory_options, parse_memory, NULL, NULL, NULL, NULL, NULL};
    struct argp_child children[7] = {{&bare, 0, NULL, 0}};
    int n = 1;
    if (takes & NF_CLI_THREADS)
        children[n++].argp = &threads;
    if (takes & NF_CLI_PLAN)
        children[n++].argp = &plan;
    if (takes & NF_CLI_INPUT)
        children[n++].argp = &inputs;
    if (takes & NF_CLI_IMAGES)
        children[n++].argp = &images;
    if (takes & NF_CLI_MEMORY)
        children[n++].argp = &memory;
    const struct argp whole = {common_options, parse_common, own->args_doc, own->doc,
                               children,       NULL,         NULL};
    parsing p = {.cli = cli, .input = input};
    unsigned flags = ARGP_NO_HELP | ARGP_NO_EXIT;
    if (cli->world.rank != 0)
        flags |= ARGP_NO_ERRS;
    rejected = false;
    error_t error = argp_parse(&whole, argc, argv, flags, NULL, &p);
    if (error == 0)
        return NF_OK;
    said = !rejected;
    return NF_ERR_USAGE;
}

/* ---- threads ---- */

/* OMP_NUM_THREADS, which may be a list for nested regions: the first counts. 0: not given. */
static nf_status environment_threads(long *threads)
{
    const char *text = getenv("OMP_NUM_THREADS");
    char *end;
    *threads = 0;
    if (text == NULL || text[strspn(text, " ")] == '\0')
        return NF_OK;
    *threads = strtol(text, &end, 10);
    end += strspn(end, " ");
    if (*threads >= 1 && *threads <= MOST_THREADS && (*end == '\0' || *end == ','))
        return NF_OK;
    return nf_fail(NF_ERR_USAGE, "OMP_NUM_THREADS=%s: expected a whole number from 1 to %d", text,
                   MOST_THREADS);
}

/* As told, or as many as there may be (threads.h knows better once the work is known). */
static nf_status set_threads(nf_cli *cli)
{
    long threads = 0;
    nf_status status = cli->asked_threads > 0 ? NF_OK : environment_threads(&threads);
    int share = cli->node.cores / cli->node.size;
    bool named = threads > 0;
    cli->threads_most = share > 1 ? share : 1;
    cli->threads_named = cli->asked_threads > 0 || named;
    cli->world.threads = cli->asked_threads ? cli->asked_threads
                         : named            ? (int)threads
                                            : cli->threads_most;
    return status;
}

/* Whether NFOLD_ISA, where it is given, names a set that this processor has. */
static nf_status check_isa(void)
{
    static const char *const expected[] = {"baseline", "baseline or v3", "baseline, v3 or v4"};
    const char *text = getenv("NFOLD_ISA");
    if (text == NULL || text[0] == '\0' || strcmp(text, nf_kernel_isa()) == 0)
        return NF_OK;
    return nf_fail(NF_ERR_USAGE, "NFOLD_ISA=%s: expected %s, which this processor has", text,
                   expected[nf_isa_highest()]);
}

/* ---- begin and end ---- */

nf_status nf_cli_start(nf_cli *cli, int argc, char **argv, const struct argp *own, void *input,
                       unsigned takes)
{
    char *slash = strrchr(argv[0], '/');
    argv[0] = slash != NULL ? slash + 1 : argv[0]; /* for argp's messages, too */
    *cli = (nf_cli){.program = argv[0], .offset = -1};
    nf_status status = nf_world_start(&argc, &argv, &cli->world);
    if (status != NF_OK)
        return status;
    status = nf_agree(&cli->world, parse(cli, argc, argv, own, input, takes));
    if (status == NF_OK && !cli->done)
        status = nf_node_find(&cli->world, &cli->node);
    if (status != NF_OK || cli->done)
        return status;
    status = set_threads(cli);
    status = nf_agree(&cli->world, status == NF_OK ? check_isa() : status);
    cli->plan_options.caches = nf_caches_find();
    cli->plan_options.caches.l3 /= (size_t)cli->node.size;
    return status;
}

int nf_cli_stop(nf_cli *cli, nf_status status)
{
    if (status == NF_OK && (fflush(stdout) != 0 || ferror(stdout)))
        status = nf_fail(NF_ERR_FILE, "standard output: %s", strerror(errno));
    status = nf_agree(&cli->world, status);
    if (status != NF_OK && cli->world.rank == 0 && !said) {
        fprintf(stderr, "%s: %s\n", cli->program, nf_message(status));
        if (status == NF_ERR_USAGE)
            fprintf(stderr, "Try '%s --help'.\n", cli->program);
    }
    fflush(stderr);
    nf_node_free(&cli->node);
    nf_world_stop(&cli->world);
    return nf_exit_status(status);
}

bool nf_cli_lists(const char *input)
{
    return input != NULL && input[0] != '\0' && input[strlen(input) - 1] == ':' &&
           access(input, F_OK) != 0;
}

nf_status nf_cli_list_file(const nf_cli *cli, const char *input)
{
    return nf_agree(&cli->world, cli->world.rank == 0 ? nf_array_list(input, stdout) : NF_OK);
}

error_t nf_cli_chain(const char *text, const char **chain)
{
    if (*chain != NULL)
        return nf_cli_reject("-k is given twice; join the kernels with |");
    *chain = text;
    return 0;
}

error_t nf_cli_integer(const char *option, const char *text, int64_t least, int64_t most,
                       int64_t *value)
{
    char *end;
    double number = strtod(text, &end);
    if (end == text || *end != '\0' || number != trunc(number) || !(number >= (double)least) ||
        !(number <= (double)most))
        return nf_cli_reject("%s %s: expected a whole number from %lld to %lld", option, text,
                             (long long)least, (long long)most);
    *value = (int64_t)number;
    return 0;
}

nf_status nf_cli_bytes(const char *option, const char *text, int64_t least, int64_t *bytes)
{
    static const char units[] = "KMGT";
    char *end;
    double number = strtod(text, &end), unit = 1;
    const char *found = end != text && *end != '\0' ? strchr(units, toupper(*end)) : NULL;
    if (found != NULL)
        unit = pow(1024, (double)(found - units + 1)), end++;
    if (found != NULL && (strcmp(end, "iB") == 0 || strcmp(end, "B") == 0))
        end += strlen(end);
    if (end == text || *end != '\0' || !(number * unit >= (double)least) ||
        !(number * unit <= 0x1p60))
        return nf_fail(NF_ERR_USAGE,
                       "%s %s: expected a number of bytes from %lld on, as 512M or 2G", option,
                       text, (long long)least);
    *bytes = (int64_t)(number * unit);
    return NF_OK;
}

error_t nf_cli_real(const char *option, const char *text, double least, double most, double *value)
{
    char *end;
    *value = strtod(text, &end);
    if (end == text || *end != '\0' || !(*value >= least) || !(*value <= most))
        return nf_cli_reject("%s %s: expected a number from %g to %g", option, text, least, most);
    return 0;
}

error_t nf_cli_list(const char *option, const char *text, int *list, size_t room, size_t *count)
{
    char copy[512], *rest = copy, *item;
    snprintf(copy, sizeof copy, "%s", text);
    for (*count = 0; (item = strsep(&rest, ",")) != NULL; (*count)++) {
        int64_t value = 0;
        if (*count == room)
            return nf_cli_reject("%s %s: more than %zu numbers", option, text, room);
        error_t error = nf_cli_integer(option, item, 1, 1 << 20, &value);
        if (error != 0)
            return error;
        list[*count] = (int)value;
    }
    return 0;
}

error_t nf_cli_pair(const char *option, const char *text, int64_t *a, int64_t *b)
{
    char copy[128];
    snprintf(copy, sizeof copy, "%s", text);
    char *x = strchr(copy, 'x');
    if (x == NULL)
        return nf_cli_reject("%s %s: expected ROWSxCOLUMNS, as 4096x4096", option, text);
    *x = '\0';
    error_t error = nf_cli_integer(option, copy, 1, 1 << 30, a);
    return error != 0 ? error : nf_cli_integer(option, x + 1, 1, 1 << 30, b);
}

nf_status nf_chains_add(nf_chains *chains, const char *typed)
{
    nf_chain *list = realloc(chains->list, (chains->count + 1) * sizeof *list);
    if (list == NULL)
        return nf_fail(NF_ERR_MEMORY, "no memory for a chain");
    chains->list = list;
    return nf_chain_parse(typed, &list[chains->count++]);
}

void nf_chains_free(nf_chains *chains)
{
    for (size_t i = 0; i < chains->count; i++)
        nf_chain_free(&chains->list[i]);
    free(chains->list);
    *chains = (nf_chains){NULL, 0};
}
