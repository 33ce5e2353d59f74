/* scale - strong and weak scaling of kernels within one run: serial, threads, ranks, and both. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "drivers/bench.h"
#include "drivers/cli.h"
#include "drivers/engine/reference.h"
#include "drivers/engine/team.h"
#include "drivers/explain.h"
#include "drivers/progress.h"
#include "drivers/scale_args.h"
#include "drivers/source.h"
#include "drivers/study/machine.h"
#include "io/array.h"
#include "io/record.h"
#include "io/report.h"

/* Each worker of a weak study gets this part of the strong study's array. */
enum { WEAK_SHARE = 4 };

/* Seconds that the default study may sample for; a point gets its share, and its median then rests
 * on fewer samples, which the report says. */
static const double sampling_seconds = 70;

/* ---- jobs: one kernel at one size ---- */

typedef struct job {
    const nf_chain *typed; /* as the user gave it */
    nf_chain *chain;       /* what runs: the same, but for the weak study of a range */
    nf_chain grown;        /* with a larger n, there */
    nf_scaling scaling;
    nf_shape shape;
    int64_t work;
} job;

static nf_shape strong_shape(const scale_args *args, const nf_source *source)
{
    nf_shape shape = source->shape;
    if (args->rows > 0) {
        shape.dim[1] = args->rows;
        shape.dim[2] = args->columns;
    } else {
        shape.dim[1] *= shape.ndim > 1 ? args->tile_rows : 1;
        shape.dim[2] *= args->tile_columns;
    }
    return shape;
}

/* The dimension that weak scaling grows: the slowest that the array has. */
static int growing_dimension(const nf_shape *shape)
{
    return NF_DIMS - shape->ndim;
}

/* Nominal operations of a range that is set up. */
static double range_work(const nf_chain *chain)
{
    const nf_setup *setup = &chain->stages[0].setup;
    return (double)setup->indices * setup->flops_per_cell;
}

/* The chain of an index range with another first parameter, set up. */
static nf_status resize_range(const nf_chain *chain, int64_t first, nf_chain *resized)
{
    const nf_kernel *kernel = chain->stages[0].kernel;
    char typed[1024];
    const char *rest = strchr(chain->text, '=');
    if (rest == NULL || kernel->params[0].type != NF_PARAM_INTEGER)
        return nf_fail(NF_ERR_PARAM,
                       "kernel '%s' has no first parameter that says how much it does",
                       kernel->name);
    rest += strcspn(rest, ",");
    snprintf(typed, sizeof typed, "%s:%s=%lld%s", kernel->name, kernel->params[0].name,
             (long long)first, rest);
    nf_status status = nf_chain_parse(typed, resized);
    return status == NF_OK ? nf_chain_prepare(resized, NULL) : status;
}

/* The same with `part` times the work, by its first parameter. The work is some power of that; which,
 * is seen at half the parameter. `chain` is set up. */
static nf_status grow_range(const nf_chain *chain, double part, nf_chain *grown)
{
    int64_t first = chain->stages[0].values[0].integer, half = (first + 1) / 2;
    nf_chain smaller = {.count = 0};
    double power = 1;
    nf_status status = resize_range(chain, half, &smaller);
    if (status == NF_OK && half < first)
        power = round(log(range_work(chain) / range_work(&smaller)) /
                      log((double)first / (double)half));
    nf_chain_free(&smaller);
    if (status == NF_OK)
        status = resize_range(chain, llround((double)first * pow(part, 1 / fmax(power, 1))), grown);
    return status;
}

/* The job for this many workers: strong, the whole; weak, a quarter of it (WEAK_SHARE) each. */
static nf_status make_job(const scale_args *args, const nf_source *source, nf_chain *chain,
                          nf_scaling scaling, int workers, job *j)
{
    *j = (job){.typed = chain, .chain = chain, .scaling = scaling};
    if (nf_chain_is_range(chain)) {
        nf_status status = nf_chain_prepare(chain, NULL);
        if (status == NF_OK && scaling == NF_WEAK) {
            status = grow_range(chain, (double)workers / WEAK_SHARE, &j->grown);
            j->chain = &j->grown;
        }
        if (status != NF_OK)
            return status;
        const nf_setup *setup = &j->chain->stages[0].setup;
        j->shape =
            (nf_shape){.dim = {1, 1, setup->indices}, .ndim = 1, .channels = 1, .dtype = NF_NONE};
        j->work = llround(range_work(j->chain) / chain->stages[0].setup.flops_per_cell);
        return NF_OK;
    }
    j->shape = strong_shape(args, source);
    if (scaling == NF_WEAK) {
        int64_t *rows = &j->shape.dim[growing_dimension(&j->shape)];
        *rows = (*rows + WEAK_SHARE - 1) / WEAK_SHARE * workers;
    }
    j->work = nf_shape_cells(&j->shape);
    return nf_shape_check(&j->shape, "the array of this point");
}

/* ---- measuring ---- */

typedef struct measuring {
    const nf_cli *cli;
    const scale_args *args;
    const nf_source *source;
    nf_study *study;
    FILE *records;
    const char *records_path;
    nf_progress progress;
    double deadline;  /* when sampling should be over */
    size_t done, all; /* points */
    bool checked;     /* rank 0: the kernel at hand agrees with its independent reference */
} measuring;

/* Each worker on a core of its own where there are enough; otherwise wherever it may. */
static bool bind_workers(const nf_node *node, const scale_layout *l)
{
    int workers = nf_node_members(node, l->ranks) * l->threads;
    int *cores = calloc((size_t)l->threads, sizeof *cores);
    bool fits = cores != NULL && workers <= node->npus;
    for (int t = 0; fits && t < l->threads; t++)
        cores[t] = node->pus[node->rank * l->threads + t];
    nf_team_bind(l->threads, fits ? cores : NULL, node->pus, node->npus);
    free(cores);
    return workers > node->cores;
}

typedef struct timing {
    double seconds, halo, fold, io;
} timing;

/* Rank 0: one run's phases, the mean over the ranks; the run took as long as its slowest rank. */
static nf_status combine(const nf_world *part, const timing *mine, nf_sample *sample)
{
    timing *all = calloc((size_t)part->size, sizeof *all);
    nf_status status = all ? NF_OK : nf_fail(NF_ERR_MEMORY, "no memory for timings");
    status = nf_agree(part, status);
    if (status == NF_OK)
        nf_gather(part, mine, all, sizeof *all);
    for (int i = 0; status == NF_OK && i < part->size; i++)
        sample->seconds = all[i].seconds > sample->seconds ? all[i].seconds : sample->seconds;
    for (int i = 0; status == NF_OK && i < part->size; i++) {
        nf_phases *p = &sample->phases;
        p->halo += all[i].halo / part->size;
        p->fold += all[i].fold / part->size;
        p->compute += (all[i].seconds - all[i].halo - all[i].fold) / part->size;
        p->wait += (sample->seconds - all[i].seconds) / part->size;
        p->io += all[i].io / part->size;
    }
    free(all);
    return status;
}

static nf_status sample_once(const nf_world *part, nf_bench *b, nf_sample *sample)
{
    nf_times times = {0};
    nf_barrier(part);
    double start = nf_seconds();
    nf_status status = nf_bench_run(b, &times);
    timing mine = {nf_seconds() - start, times.halo, times.fold, b->fill_seconds};
    sample->seconds = 0;
    sample->phases = (nf_phases){0};
    return status == NF_OK ? combine(part, &mine, sample) : status;
}

/* Rank 0 decides for all whether there is another sample. */
static bool another(const measuring *m, const nf_world *part, int64_t n, double until)
{
    int64_t reps = m->args->reps ? m->args->reps : 11;
    char more = n < reps && (m->args->reps || n == 0 || nf_seconds() < until);
    nf_broadcast(part, &more, 1, 0);
    return more;
}

/* The samples of one point, on the ranks that take part. Kept on rank 0, to be judged at the end.
 */
static nf_status sample_point(measuring *m, const nf_world *part, nf_bench *b,
                              const nf_expectation *e, nf_sample *sample, double until)
{
    nf_sample *kept = NULL;
    int64_t n = 0;
    nf_times times = {0};
    nf_status status =
        nf_bench_run(b, &times); /* warms up: memory is placed, connections are made */
    bool valid = status == NF_OK && nf_bench_as_expected(part, b, e);
    while (status == NF_OK && another(m, part, n, until)) {
        nf_sample *grown = realloc(kept, (size_t)(n + 1) * sizeof *kept);
        status = nf_agree(part, grown ? NF_OK : nf_fail(NF_ERR_MEMORY, "no memory for samples"));
        kept = grown ? grown : kept;
        if (status == NF_OK)
            status = sample_once(part, b, sample);
        if (status == NF_OK)
            kept[n++] = *sample;
    }
    valid = status == NF_OK && nf_bench_as_expected(part, b, e) && valid && m->checked;
    for (int64_t i = 0; i < n && status == NF_OK && part->rank == 0; i++) {
        kept[i].rep = (int)i;
        kept[i].valid = valid;
        status = nf_study_add(m->study, &kept[i]);
        if (status == NF_OK)
            status = nf_record_sample(m->records, m->records_path, &kept[i]);
    }
    free(kept);
    return nf_agree(part, status);
}

static nf_status on_members(measuring *m, const nf_world *part, const scale_layout *l, const job *j,
                            const nf_expectation *e, double until)
{
    bool oversubscribed = bind_workers(&m->cli->node, l);
    nf_sample sample = {.kernel = j->typed->text,
                        .label = j->typed->typed,
                        .scaling = j->scaling,
                        .ranks = l->ranks,
                        .threads = l->threads,
                        .shape = j->shape,
                        .work = j->work};
    sample.nodes = (int)nf_sum_u64(part, m->cli->node.rank == 0);
    sample.oversubscribed = nf_sum_u64(part, oversubscribed) > 0;
    nf_plan_options options = m->cli->plan_options;
    if (!scale_grid_fits(&options, l->ranks) || nf_chain_is_range(j->chain))
        memset(options.grid, 0, sizeof options.grid);
    options.caches.l3 = nf_caches_find().l3 / (size_t)nf_node_members(&m->cli->node, l->ranks);
    nf_bench b;
    nf_status status = nf_bench_create(part, m->source, j->chain, &j->shape, &options, &b);
    if (status == NF_OK && m->cli->explain)
        nf_explain(part, b.plan, NULL);
    if (status == NF_OK)
        status = sample_point(m, part, &b, e, &sample, until);
    nf_bench_free(&b);
    nf_team_bind(l->threads, NULL, m->cli->node.pus, m->cli->node.npus);
    return status;
}

/* Collective over all ranks: the point's own measure, the others sleep. */
static nf_status run_point(measuring *m, const scale_layout *l, const job *j,
                           const nf_expectation *e)
{
    const nf_world *world = &m->cli->world;
    nf_world part;
    double left = m->deadline - nf_seconds(), share = 1.5 * left / (double)(m->all - m->done);
    nf_status status = nf_world_part(world, l->ranks, l->threads, &part);
    if (status != NF_OK)
        return status;
    if (part.size > 0)
        status = on_members(m, &part, l, j, e, nf_seconds() + (share > 0.25 ? share : 0.25));
    nf_world_free(&part);
    nf_sleep_barrier(world);
    nf_progress_show(&m->progress, (double)++m->done / (double)m->all);
    return nf_agree(world, status);
}

/* All points of one kernel and one scaling. What is expected is worked out anew where the size
 * changes. */
static nf_status run_kernel(measuring *m, nf_chain *chain, nf_scaling scaling,
                            const scale_layouts *l)
{
    const nf_world *world = &m->cli->world;
    nf_expectation e = {.digest = 0};
    job j = {.work = -1};
    nf_status status = NF_OK;
    nf_results_init(&e.results);
    for (size_t i = 0; i < l->count && status == NF_OK; i++) {
        int64_t before = j.work;
        nf_chain_free(&j.grown);
        status =
            make_job(m->args, m->source, chain, scaling, l->list[i].ranks * l->list[i].threads, &j);
        if (status == NF_OK && j.work != before && world->rank == 0) {
            nf_results_free(&e.results);
            status = nf_bench_expect(m->source, j.chain, &j.shape, &e);
        }
        nf_sleep_barrier(world);
        status = nf_agree(world, status);
        if (status == NF_OK)
            status = run_point(m, &l->list[i], &j, &e);
    }
    nf_results_free(&e.results);
    nf_chain_free(&j.grown);
    return status;
}

/* Rank 0: a range against its independent reference, or as much of it as takes about a second. */
static nf_status check_range(nf_chain *chain, bool *passed)
{
    const double most = 4e8; /* operations */
    nf_chain part = {.count = 0};
    nf_status status = nf_chain_prepare(chain, NULL);
    if (status == NF_OK && range_work(chain) > most)
        status = grow_range(chain, most / range_work(chain), &part);
    if (status == NF_OK)
        status = nf_check_chain(part.count > 0 ? &part : chain, NULL, NULL, NULL);
    nf_chain_free(&part);
    *passed = status == NF_OK;
    return status == NF_ERR_CHECK ? NF_OK : status;
}

/* A corner of the input that suits the chain, small, so that checking does not take long; larger where
 * the chain takes, for one, a box out of the array's middle. */
static nf_shape corner_for(const nf_source *source, nf_chain *chain)
{
    enum { DOUBLINGS = 6 };
    nf_shape corner = source->shape;
    for (int d = 0; d < NF_DIMS; d++)
        corner.dim[d] = corner.dim[d] < 90 - 7 * d ? corner.dim[d] : 90 - 7 * d;
    for (int i = 0; i < DOUBLINGS && nf_chain_prepare(chain, &corner) != NF_OK; i++)
        for (int d = 0; d < NF_DIMS; d++)
            corner.dim[d] *= corner.dim[d] > 1 ? 2 : 1;
    return corner;
}

/* Rank 0: the kernel against its independent reference, on a corner of the input. */
static nf_status check_kernel(const nf_source *source, nf_chain *chain, bool *passed)
{
    nf_shape corner = corner_for(source, chain);
    void *cells = NULL;
    nf_field field;
    nf_halo none = {{0}, {0}};
    nf_cut cut = nf_cut_choose(&corner, 1, &none, NULL);
    nf_status status = nf_field_create(&field, &cut, 0, &none);
    if (status == NF_OK) {
        nf_source_fill(source, &field);
        cells = malloc(nf_shape_bytes(&corner));
        ptrdiff_t dense[NF_DIMS];
        nf_dense_strides(corner.dim, corner.channels, dense);
        if (cells == NULL)
            status = nf_fail(NF_ERR_MEMORY, "no memory for a check");
        else
            nf_copy_box(corner.dim, corner.channels, corner.dtype, cells, dense, field.origin,
                        field.stride);
    }
    if (status == NF_OK)
        status = nf_check_chain(chain, &corner, cells, cells);
    *passed = status == NF_OK;
    free(cells);
    nf_field_free(&field);
    return status == NF_ERR_CHECK ? NF_OK
                                  : status; /* such points are measured, and shown as invalid */
}

static nf_status begin_kernel(measuring *m, nf_chain *chain)
{
    nf_status status = NF_OK;
    if (m->cli->world.rank == 0) {
        status = nf_chain_is_range(chain) ? check_range(chain, &m->checked)
                                          : check_kernel(m->source, chain, &m->checked);
        if (status == NF_OK && !m->checked)
            fprintf(stderr, "scale: %s\n", nf_message(NF_ERR_CHECK));
    }
    nf_sleep_barrier(&m->cli->world);
    return nf_agree(&m->cli->world, status);
}

/* ---- the study ---- */

/* Before anything is measured or overwritten: every chain suits the input. */
static nf_status check_chains(const nf_cli *cli, const scale_args *args, const nf_source *source)
{
    const nf_shape shape = strong_shape(args, source);
    scale_layouts layouts;
    scale_layouts_choose(cli, args, &layouts);
    nf_status status = scale_layouts_check(cli, &layouts);
    if (status == NF_OK)
        status = nf_shape_check(&shape, "the array of the strong study");
    if (status == NF_OK && source->shape.ndim == 1 && args->rows > 1)
        status = nf_fail(NF_ERR_USAGE, "--size: the input has one dimension; expected 1xCOLUMNS");
    for (size_t i = 0; i < args->chains.count && status == NF_OK; i++)
        status = nf_chain_prepare(&args->chains.list[i], &shape);
    return status;
}

static nf_status describe(const measuring *m, const scale_args *args)
{
    const nf_cli *cli = m->cli;
    char text[NF_SHAPE_TEXT];
    nf_shape strong = strong_shape(args, m->source);
    nf_status status = nf_machine_facts(m->study);
    if (status == NF_OK)
        status = nf_study_fact(m->study, "MPI", "%s", nf_mpi_version());
    if (status == NF_OK)
        status = nf_study_fact(m->study, "HDF5", "%s", nf_hdf5_version());
    if (status == NF_OK)
        status = nf_study_fact(m->study, "nodes", "%d", cli->node.nodes);
    if (status == NF_OK)
        status =
            nf_study_fact(m->study, "cores that may be used", "%d on this node", cli->node.cores);
    if (status == NF_OK)
        status = nf_study_fact(m->study, "binding",
                               "each worker on a core of its own; oversubscribed points unbound");
    if (status == NF_OK)
        status = nf_study_fact(m->study, "input", "%s (%s), %s in %.3f s", m->source->name,
                               nf_shape_text(&m->source->shape, text),
                               m->source->synthetic ? "made" : "read", m->source->seconds);
    if (status == NF_OK)
        status = nf_study_fact(m->study, "strong size", "%s, by mirrored tiling of the input",
                               nf_shape_text(&strong, text));
    if (status == NF_OK)
        status = nf_study_fact(m->study, "weak size",
                               "1/%d of the strong size a worker, growing in the "
                               "slowest dimension (ranges: in operations)",
                               WEAK_SHARE);
    if (status == NF_OK)
        status = nf_study_fact(m->study, "timing",
                               "monotonic clock; from a barrier until the slowest rank is "
                               "done; one warm-up, then samples; medians");
    return status;
}

static nf_status open_records(measuring *m, const char *folder, char **path)
{
    if (mkdir(folder, 0777) != 0 && errno != EEXIST)
        return nf_fail(NF_ERR_FILE, "%s: the folder cannot be made: %s", folder, strerror(errno));
    if (asprintf(path, "%s/study.part.jsonl", folder) < 0) {
        *path = NULL;
        return nf_fail(NF_ERR_MEMORY, "no memory for a path");
    }
    m->records_path = *path;
    m->records = fopen(*path, "w");
    if (m->records == NULL)
        return nf_fail(NF_ERR_FILE, "%s: cannot be written: %s", *path, strerror(errno));
    return nf_record_study(m->records, *path, m->study);
}

static nf_status measure(measuring *m, const scale_args *args)
{
    scale_layouts l;
    nf_status status = NF_OK;
    scale_layouts_choose(m->cli, args, &l);
    m->all = l.count * args->chains.count * (size_t)(args->strong + args->weak);
    m->deadline = nf_seconds() + sampling_seconds;
    nf_progress_start(&m->progress, "scale", m->cli->quiet || m->cli->world.rank != 0);
    for (size_t i = 0; i < args->chains.count && status == NF_OK; i++) {
        status = begin_kernel(m, &args->chains.list[i]);
        if (status == NF_OK && args->strong)
            status = run_kernel(m, &args->chains.list[i], NF_STRONG, &l);
        if (status == NF_OK && args->weak)
            status = run_kernel(m, &args->chains.list[i], NF_WEAK, &l);
    }
    nf_progress_stop(&m->progress);
    return status;
}

/* The complete study takes the place of an older one; until then both are there, and a broken-off study
 * can be rendered from its part file. */
static nf_status conclude(const nf_study *study, const char *folder, const char *part)
{
    char *path;
    if (asprintf(&path, "%s/study.jsonl", folder) < 0)
        return nf_fail(NF_ERR_MEMORY, "no memory for a path");
    nf_status status = NF_OK;
    if (rename(part, path) != 0)
        status = nf_fail(NF_ERR_FILE, "%s: cannot be replaced: %s", path, strerror(errno));
    free(path);
    if (status == NF_OK)
        status = nf_report_write(study, folder);
    if (status != NF_OK)
        return status;
    nf_report_table(study, stdout);
    printf("\nReport: %s/report.html (also report.md, points.csv, study.jsonl)\n", folder);
    return NF_OK;
}

static nf_status scale(const nf_cli *cli, scale_args *args)
{
    nf_study study = {.facts = NULL};
    nf_source source;
    char *path = NULL;
    measuring m = {.cli = cli, .args = args, .source = &source, .study = &study};
    nf_status status = nf_agree(&cli->world, scale_args_complete(cli, args));
    if (status == NF_OK)
        status = nf_source_open(&cli->world, &cli->node, args->input, &source);
    if (status != NF_OK)
        return status;
    status = nf_agree(&cli->world, check_chains(cli, args, &source));
    if (status == NF_OK && cli->world.rank == 0) {
        status = describe(&m, args);
        if (status == NF_OK)
            status = open_records(&m, args->folder, &path);
    }
    status = nf_agree(&cli->world, status);
    if (status == NF_OK)
        status = measure(&m, args);
    if (m.records != NULL)
        fclose(m.records);
    if (status == NF_OK && cli->world.rank == 0)
        status = conclude(&study, args->folder, path);
    nf_sleep_barrier(&cli->world);
    status = nf_agree(&cli->world, status);
    nf_source_close(&source);
    nf_study_free(&study);
    free(path);
    return status;
}

int main(int argc, char **argv)
{
    scale_args args = {.folder = "nfold-study"};
    nf_cli cli;
    nf_status status =
        nf_cli_start(&cli, argc, argv, &scale_argp, &args, NF_CLI_PLAN | NF_CLI_IMAGES);
    if (status == NF_OK && !cli.done)
        status = scale(&cli, &args);
    nf_chains_free(&args.chains);
    return nf_cli_stop(&cli, status);
}
