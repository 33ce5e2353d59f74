/* batch - applies a chain of maps to many files, each by one thread of one rank. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "drivers/batch_files.h"
#include "drivers/batch_item.h"
#include "drivers/cli.h"
#include "drivers/engine/farm.h"
#include "drivers/engine/team.h"
#include "drivers/progress.h"
#include "drivers/threads.h"
#include "io/content.h"
#include "io/part.h"

/* Exit statuses. */
enum { SOME_FAILED = 3, GO_ON_LATER = 75 };

typedef struct batch_args {
    const char *chain, *out, *format;
    int quality, helpers;
    bool resume, fast, no_turn;
    char **inputs;
    size_t count;
} batch_args;

enum { KEY_FORMAT = 0x30001, KEY_IO_THREADS, KEY_RESUME, KEY_FAST, KEY_NO_TURN };

static const char doc[] =
    "Applies a chain of kernels to many files, under mpirun or alone; without -k, converts.\v"
    "FILE becomes OUT/FILE; FILE.h5:/dataset becomes OUT/FILE_dataset.h5. FOLDER is gone through, "
    "with the folders in it, and FOLDER/PATH becomes OUT/PATH; what has no suffix of an array, is "
    "hidden, or is a link to a folder is passed over, and counted. Each file is computed by one "
    "thread; threads of all ranks take the next one as they become free, the largest first. "
    "Outputs are what `filter` writes, byte for byte, and appear when they are complete.\n\n"
    "What became of each file stands in OUT/batch.jsonl. --resume leaves out inputs that are "
    "unchanged, were done by the same chain and options, and whose output is there. Files that "
    "were under way when a run died are tried last, one at a time; after a second death they are "
    "quarantined: left out and reported. SIGUSR1, SIGINT and SIGTERM let what is under way be "
    "finished, and no more be begun.\n\n"
    "Images are turned as their EXIF orientation says, which becomes 1.\n\n"
    "--fast decodes JPEG at half its extents where the chain begins with resize, cubic or Lanczos, "
    "to "
    "a sixth or less of them. The result is then at least as near (by PSNR) to the resized picture "
    "as it was before it was coded as decoding whole comes; elsewhere it would not be, and is not "
    "done.\n\n"
    "Exit status: 0, all done; 3, some failed; 75, stopped, and --resume goes on; 1, 2 (usage): "
    "nothing was begun, or the run failed.\n\n"
    "Examples:\n"
    "  mpirun -n 2 batch -k 'resize:width=800,height=600 | sharpen' -o small --quality 85 photos\n"
    "  batch -k gray -o gray --format png a.jpg b.tif c.h5:/image\n"
    "  mpirun batch --resume -k 'median:size=5' -o clean scans";

static const struct argp_option options[] = {
    {"kernel", 'k', "CHAIN", 0, "kernels to apply: 'NAME:KEY=VALUE,... | NAME ...'", 0},
    {"output", 'o', "OUT", 0, "folder of the outputs; made if it is missing", 0},
    {"quality", 'Q', "N", 0, "JPEG quality of outputs, 1 to 100 (default 90)", 0},
    {"format", KEY_FORMAT, "SUFFIX", 0,
     "kind of the outputs: jpg png tif h5 npy ... (default: that of the input's suffix)", 0},
    {"resume", KEY_RESUME, NULL, 0, "go on where an earlier run was stopped or died", 0},
    {"fast", KEY_FAST, NULL, 0, "decode JPEG no larger than is needed (see below)", 0},
    {"no-auto-orient", KEY_NO_TURN, NULL, 0,
     "leave pixels as they are stored, and the orientation as it is told", 0},
    {"io-threads", KEY_IO_THREADS, "N", 0,
     "threads of each rank that read files ahead and bring outputs to the disk (default 2)", 0},
    {0}};

static error_t take_input(batch_args *args, char *text)
{
    char **inputs = realloc(args->inputs, (args->count + 1) * sizeof *inputs);
    if (inputs == NULL)
        return nf_cli_reject("no memory for %zu names", args->count + 1);
    args->inputs = inputs;
    args->inputs[args->count++] = text;
    return 0;
}

static error_t parse_option(int key, char *text, struct argp_state *state)
{
    batch_args *args = state->input;
    int64_t value = 0;
    error_t error = 0;
    switch (key) {
    case 'k':
        return nf_cli_chain(text, &args->chain);
    case 'o':
        args->out = text;
        return 0;
    case 'Q':
        error = nf_cli_integer("--quality", text, 1, 100, &value);
        args->quality = (int)value;
        return error;
    case KEY_FORMAT:
        args->format = text + (text[0] == '.');
        return 0;
    case KEY_IO_THREADS:
        error = nf_cli_integer("--io-threads", text, 1, 256, &value);
        args->helpers = (int)value;
        return error;
    case KEY_RESUME:
        args->resume = true;
        return 0;
    case KEY_FAST:
        args->fast = true;
        return 0;
    case KEY_NO_TURN:
        args->no_turn = true;
        return 0;
    case ARGP_KEY_ARG:
        return take_input(args, text);
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* What a run holds; the second part is rank 0's. */
typedef struct batch {
    const nf_cli *cli;
    nf_batch_recipe recipe;
    nf_batch_files files;
    nf_batch_bench *benches; /* [threads] */

    char *log_path, *recipe_text, *out;
    FILE *log;
    nf_batch_past *past;
    int64_t alone; /* the first of the files that are tried one at a time */
    double *weight;
    int64_t begun, done, failed, skipped;
    double bytes, all_bytes; /* of inputs that are done or have failed, and of all */
    bool stopped;
    nf_progress progress;
} batch;

/* ---- signals ---- */

static volatile sig_atomic_t asked_to_stop;

static void on_signal(int number)
{
    (void)number;
    asked_to_stop = 1;
}

/* A second one of those that end programs does. */
static void catch_signals(void)
{
    struct sigaction polite = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    sigemptyset(&polite.sa_mask);
    sigaction(SIGUSR1, &polite, NULL);
    polite.sa_flags |= (int)SA_RESETHAND;
    sigaction(SIGINT, &polite, NULL);
    sigaction(SIGTERM, &polite, NULL);
}

/* ---- before work begins, on rank 0 ---- */

/* A file that is not worked on; a line about it, and a record. */
static nf_status record_problem(batch *b, const nf_batch_file *file, const char *status,
                                const char *message)
{
    nf_batch_outcome outcome = {.status = status, .message = message};
    b->failed++;
    fprintf(stderr, "batch: %s: %s\n", file->input, message);
    return nf_batch_log_outcome(b->log, b->log_path, file, &outcome);
}

static int by_size(const void *a, const void *b)
{
    const nf_batch_file *f = a, *g = b;
    if (f->size != g->size)
        return f->size < g->size ? 1 : -1;
    return strcmp(f->output, g->output);
}

/* The files that are left to do, and of them those that no run has died of first. */
static nf_status sort_out(batch *b, nf_batch_files *suspects)
{
    enum { DEATHS = 2 };
    nf_batch_files *files = &b->files;
    nf_status status = NF_OK;
    size_t kept = 0;
    for (size_t i = 0; i < files->count && status == NF_OK; i++) {
        nf_batch_file *file = &files->list[i];
        int deaths = nf_batch_past_deaths(b->past, file);
        if (deaths > 0 && file->problem == NULL)
            nf_part_sweep(file->output);
        if (file->problem != NULL)
            status = record_problem(b, file, "failed", file->problem);
        else if (nf_batch_past_done(b->past, file, b->recipe_text))
            b->skipped++;
        else if (deaths >= DEATHS)
            status = record_problem(b, file, "quarantined",
                                    "two runs died of it: it is left out; to have it tried again, "
                                    "change it, or begin without --resume");
        else if (deaths > 0)
            status = nf_batch_files_add(suspects, file);
        else
            files->list[kept++] = *file;
    }
    files->count = kept; /* the names of the others live as long as the program */
    return status;
}

static nf_status put_in_order(batch *b)
{
    nf_batch_files suspects = {NULL, 0, 0, 0};
    nf_status status = sort_out(b, &suspects);
    if (b->files.count > 0)
        qsort(b->files.list, b->files.count, sizeof *b->files.list, by_size);
    b->alone = (int64_t)b->files.count;
    for (size_t i = 0; i < suspects.count && status == NF_OK; i++)
        status = nf_batch_files_add(&b->files, &suspects.list[i]);
    free(suspects.list);
    b->weight = calloc(b->files.count + 1, sizeof *b->weight);
    if (b->weight == NULL)
        return nf_fail(NF_ERR_MEMORY, "no memory for %zu files", b->files.count);
    for (size_t i = 0; i < b->files.count; i++) {
        b->weight[i] = (double)b->files.list[i].size + 1;
        b->all_bytes += b->weight[i];
    }
    return status;
}

/* What the outputs depend on beside the inputs. */
static nf_status describe(batch *b, const batch_args *args)
{
    nf_chain chain;
    bool chained;
    nf_status status = nf_batch_chain(&b->recipe, 0, &chain, &chained);
    if (status == NF_OK && chained && nf_chain_maps(&chain) < chain.count)
        status = nf_fail(NF_ERR_PARAM, "'%s' gives numbers, not an array: use `reduce -k`",
                         chain.stages[chain.count - 1].kernel->name);
    if (status == NF_OK &&
        asprintf(&b->recipe_text, "%s; quality=%d, format=%s, auto-orient=%s, fast=%s",
                 chained ? chain.text : "convert", args->quality,
                 args->format != NULL ? args->format : "as the input", args->no_turn ? "no" : "yes",
                 args->fast ? "yes" : "no") < 0) {
        b->recipe_text = NULL;
        status = nf_fail(NF_ERR_MEMORY, "no memory for a recipe");
    }
    nf_chain_free(&chain);
    return status;
}

static nf_status check_args(const batch_args *args)
{
    char name[64];
    const nf_format *format;
    if (args->out == NULL || args->out[0] == '\0')
        return nf_fail(NF_ERR_USAGE, "expected -o OUT, the folder of the outputs");
    if (args->count == 0)
        return nf_fail(NF_ERR_USAGE, "expected FILEs or FOLDERs");
    if (args->format == NULL)
        return NF_OK;
    snprintf(name, sizeof name, "x.%s", args->format);
    return strchr(args->format, '/') != NULL
               ? nf_fail(NF_ERR_USAGE, "--format %s: expected a suffix, as jpg", args->format)
               : nf_suffix_format(name, &format);
}

static nf_status open_log(batch *b, const batch_args *args)
{
    if (asprintf(&b->log_path, "%s/batch.jsonl", b->out) < 0) {
        b->log_path = NULL;
        return nf_fail(NF_ERR_MEMORY, "no memory for a file name");
    }
    nf_status status = nf_batch_past_read(args->resume ? b->log_path : "", &b->past);
    if (status == NF_OK)
        status = nf_batch_log_open(b->log_path, args->resume, &b->log);
    return status == NF_OK ? nf_batch_log_run(b->log, b->log_path, b->recipe_text) : status;
}

static nf_status prepare(batch *b, const batch_args *args)
{
    nf_status status = check_args(args);
    if (status == NF_OK)
        status = describe(b, args);
    if (status != NF_OK)
        return status;
    b->out = strdup(args->out);
    for (size_t n = b->out != NULL ? strlen(b->out) : 0; n > 1 && b->out[n - 1] == '/'; n--)
        b->out[n - 1] = '\0';
    if (b->out == NULL)
        return nf_fail(NF_ERR_MEMORY, "no memory for a file name");
    status = nf_batch_files_collect(&b->files, args->inputs, args->count, b->out, args->format);
    if (status == NF_OK)
        status = nf_batch_files_check(&b->files);
    if (status == NF_OK)
        status = nf_batch_files_make_folders(&b->files, b->out);
    if (status == NF_OK)
        status = open_log(b, args);
    return status == NF_OK ? put_in_order(b) : status;
}

/* ---- work ---- */

/* Brings a file's beginning, or all of it, into the page cache. */
static void fetch(void *context, int64_t item)
{
    enum { PIECE = 1 << 16, MOST = 4096 /* pieces: 256 MiB */ };
    const batch *b = context;
    char piece[PIECE];
    nf_path path;
    if (nf_path_parse(b->files.list[item].input, &path) != NF_OK)
        return; /* whoever opens it will tell */
    int fd = open(path.file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    for (int i = 0; fd >= 0 && i < MOST && read(fd, piece, sizeof piece) > 0; i++)
        ;
    if (fd >= 0)
        close(fd);
    nf_path_free(&path);
}

static void work(void *context, int worker, int64_t item, void *result)
{
    batch *b = context;
    nf_batch_do(&b->recipe, &b->benches[worker], &b->files.list[item], result);
}

static void finish(void *context, int64_t item, void *result)
{
    const batch *b = context;
    nf_batch_finish(&b->files.list[item], result);
}

static nf_status begin(void *context, int64_t item)
{
    batch *b = context;
    b->begun++;
    return nf_batch_log_started(b->log, b->log_path, &b->files.list[item]);
}

/* One line that names the file. */
static void tell_failure(const batch *b, const nf_batch_file *file, const char *message)
{
    bool named = strstr(message, file->input) != NULL;
    fprintf(stderr, "%sbatch: %s%s%s\n",
            b->progress.begun && b->progress.terminal ? "\r\033[K" : "", named ? "" : file->input,
            named ? "" : ": ", message);
}

static nf_status collect(void *context, int64_t item, const void *data)
{
    batch *b = context;
    const nf_batch_result *result = data;
    const nf_batch_file *file = &b->files.list[item];
    nf_batch_outcome outcome = {.status = result->failed ? "failed" : "done",
                                .shape = result->shape,
                                .seconds = result->seconds,
                                .bytes = result->bytes,
                                .message = result->message};
    *(result->failed ? &b->failed : &b->done) += 1;
    b->bytes += b->weight[item];
    if (result->failed)
        tell_failure(b, file, result->message);
    nf_progress_show(&b->progress, b->bytes / b->all_bytes);
    return nf_batch_log_outcome(b->log, b->log_path, file, &outcome);
}

static bool stop(void *context)
{
    batch *b = context;
    if (asked_to_stop && !b->stopped) {
        b->stopped = true;
        nf_batch_log_stopped(b->log, b->log_path);
    }
    return b->stopped;
}

static nf_status run(batch *b, int helpers)
{
    const nf_world *world = &b->cli->world;
    nf_farm farm = {.items = (int64_t)b->files.count,
                    .alone = b->alone,
                    .weight = b->weight,
                    .workers = world->threads,
                    .helpers = helpers,
                    .result_bytes = sizeof(nf_batch_result),
                    .context = b,
                    .fetch = fetch,
                    .work = work,
                    .finish = finish};
    if (world->rank == 0) {
        farm.begin = begin;
        farm.collect = collect;
        farm.stop = stop;
    }
    b->benches = calloc((size_t)world->threads, sizeof *b->benches);
    nf_status status = b->benches != NULL ? NF_OK : nf_fail(NF_ERR_MEMORY, "no memory for threads");
    status = nf_agree(world, status);
    nf_progress_start(&b->progress, "batch", b->cli->quiet || world->rank != 0);
    b->progress.bytes = b->all_bytes;
    if (status == NF_OK)
        status = nf_farm_run(world, &farm);
    nf_part_flush();
    nf_progress_stop(&b->progress);
    return status;
}

/* Files that were not begun, because the run was asked to stop. */
static int64_t left_over(const batch *b)
{
    return (int64_t)b->files.count - b->begun;
}

static void summarize(const batch *b, double seconds)
{
    double images = (double)(b->done) / seconds, megabytes = 1e-6 * b->bytes / seconds;
    printf("batch: %lld done, %lld failed", (long long)b->done, (long long)b->failed);
    if (b->skipped > 0)
        printf(", %lld skipped (done before)", (long long)b->skipped);
    if (b->files.skipped > 0)
        printf(", %lld other files passed over", (long long)b->files.skipped);
    if (left_over(b) > 0)
        printf(", %lld not begun: --resume goes on", (long long)left_over(b));
    printf("; %.2f s, %.1f images/s, %.1f MB/s\n", seconds, images, megabytes);
}

static nf_status batch_all(nf_cli *cli, const batch_args *args, batch *b, int *exit_status)
{
    const nf_world *world = &cli->world;
    double start = nf_seconds();
    b->cli = cli;
    b->recipe = (nf_batch_recipe){.chain = args->chain,
                                  .quality = args->quality,
                                  .turn = !args->no_turn,
                                  .fast = args->fast,
                                  .caches = cli->plan_options.caches};
    b->recipe.caches.l3 /= (size_t)world->threads;
    catch_signals();
    nf_part_many = true; /* sort_out looks for part files, where a run died */
    nf_hdf5_version();   /* starts the library, which may call MPI: by this thread */
    nf_status status = nf_agree(world, world->rank == 0 ? prepare(b, args) : NF_OK);
    if (status == NF_OK)
        status = nf_batch_files_share(world, &b->files);
    if (status == NF_OK)
        nf_threads_for_items(cli, b->files.count);
    if (status == NF_OK)
        status = run(b, args->helpers);
    if (status == NF_OK && world->rank == 0 && !cli->quiet)
        summarize(b, nf_seconds() - start);
    if (status == NF_OK)
        *exit_status = left_over(b) > 0 ? GO_ON_LATER : b->failed > 0 ? SOME_FAILED : 0;
    if (status == NF_OK)
        nf_broadcast(world, exit_status, sizeof *exit_status, 0);
    return status;
}

static void release(batch *b, int threads)
{
    for (int i = 0; b->benches != NULL && i < threads; i++)
        nf_batch_bench_free(&b->benches[i]);
    free(b->benches);
    nf_batch_files_free(&b->files);
    nf_batch_past_free(b->past);
    if (b->log != NULL)
        fclose(b->log);
    free(b->weight);
    free(b->log_path);
    free(b->recipe_text);
    free(b->out);
}

int main(int argc, char **argv)
{
    static const struct argp argp = {options, parse_option, "FILE|FOLDER...", doc, NULL,
                                     NULL,    NULL};
    batch_args args = {.quality = 90, .helpers = 2};
    batch b = {.cli = NULL};
    nf_cli cli;
    int outcome = 0;
    nf_status status = nf_cli_start(&cli, argc, argv, &argp, &args, NF_CLI_THREADS | NF_CLI_IMAGES);
    if (status == NF_OK && !cli.done)
        status = batch_all(&cli, &args, &b, &outcome);
    release(&b, cli.world.threads);
    free(args.inputs);
    int exit_status = nf_cli_stop(&cli, status);
    return exit_status == 0 ? outcome : exit_status;
}
