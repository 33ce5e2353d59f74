#include "drivers/advise_chain.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "drivers/advise_files.h"
#include "drivers/advise_machine.h"
#include "drivers/advise_piece.h"
#include "drivers/advise_source.h"
#include "drivers/engine/cost.h"
#include "drivers/engine/memory.h"
#include "drivers/engine/team.h"
#include "drivers/measure.h"
#include "drivers/scale_sample.h"
#include "drivers/study/stats.h"

/* A serial run of the piece takes about `piece_seconds` (`small`: a 64th), and up to twice that all of
 * the array is measured. Sampling a way takes `visit_seconds` at each of its turns, of which there are no
 * more once a piece has taken `most_seconds`. */
static const double piece_seconds = 0.06, visit_seconds = 0.012, most_seconds = 8;
enum {
    TURNS = 7,
    FEW_TURNS = 4,
    MOST_SAMPLES = 40,
    MOST_STEPS = 16,
    MOST_VOLUME_STEPS = 8,
    SMALLER = 8
};

typedef struct probing {
    const nf_cli *cli;
    const advise_args *args;
    nf_chain chain;
    nf_shape shape;
    nf_source source;
    nf_timer timer;
    double seconds;     /* that a serial run of the piece takes, about */
    int64_t most_steps; /* of pieces; 0: all */
    size_t ways;
    nf_way_times way[NF_ADVICE_WAYS]; /* rank 0's are filled in */
} probing;

/* A way whose array and plan are there. */
typedef struct opened {
    nf_world part; /* size 0: this rank takes no part */
    scale_layout layout;
    nf_bench bench;
    nf_measure measure;
    double setup;                         /* seconds to plan and to touch memory */
    double seconds[TURNS * MOST_SAMPLES]; /* rank 0: of runs */
    size_t n;
} opened;

/* ---- one way ---- */

static nf_status begin_members(const probing *p, advise_piece *piece, opened *o)
{
    const nf_plan_options options = scale_plan_options(p->cli, o->layout.ranks, &piece->chain);
    double warm;
    scale_bind(&p->cli->node, &o->layout);
    double start = nf_seconds();
    nf_status status =
        nf_bench_create(&o->part, &p->source, &piece->chain, &piece->shape, &options, &o->bench);
    o->setup = nf_seconds() - start - o->bench.fill_seconds;
    return status == NF_OK ? nf_measure_begin(&o->part, &p->cli->node, &o->bench, &p->timer, false,
                                              &o->measure, &warm)
                           : status;
}

static nf_status open_way(const probing *p, size_t way, advise_piece *piece, opened *o)
{
    const nf_world *world = &p->cli->world;
    o->layout = (scale_layout){p->way[way].ranks, p->way[way].threads};
    nf_results_init(&o->bench.results);
    nf_status status = nf_world_part(world, o->layout.ranks, o->layout.threads, &o->part);
    if (status == NF_OK && o->part.size > 0)
        status = begin_members(p, piece, o);
    nf_sleep_barrier(world);
    return nf_agree(world, status);
}

static void close_way(const probing *p, opened *o)
{
    if (o->part.size > 0) {
        scale_bind(&p->cli->node, &o->layout);
        nf_measure_free(&o->measure);
        nf_bench_free(&o->bench);
        scale_unbind(&p->cli->node, &o->layout);
    }
    nf_world_free(&o->part);
}

/* One turn of a way: samples until its time is up, as rank 0 says. */
static nf_status sample_way(const probing *p, opened *o)
{
    nf_status status = NF_OK;
    double begun = nf_seconds();
    int more = o->part.size > 0;
    if (more) {
        scale_bind(&p->cli->node, &o->layout);
        nf_measure_again(&o->measure, &p->cli->node);
    }
    for (int n = 0; more && status == NF_OK; n++) {
        nf_sample sample = {0};
        status = nf_measure_once(&o->measure, &sample);
        nf_balance_free(&sample.balance);
        if (o->part.rank == 0 && o->n < sizeof o->seconds / sizeof *o->seconds)
            o->seconds[o->n++] = sample.seconds;
        more = n + 1 < MOST_SAMPLES && nf_seconds() - begun < visit_seconds;
        nf_broadcast(&o->part, &more, sizeof more, 0);
    }
    nf_sleep_barrier(&p->cli->world);
    return nf_agree(&p->cli->world, status);
}

/* ---- one size ---- */

/* The lowest tenth's end: others may use the machine meanwhile, and disturb many workers more. */
static double typical(double *seconds, size_t n)
{
    nf_median(seconds, n); /* sorts */
    return seconds[n / 10];
}

/* Rank 0: what was measured becomes the ways'. */
static void keep(probing *p, const advise_piece *piece, bool whole, opened *list)
{
    for (size_t i = 0; i < p->ways; i++) {
        double seconds = typical(list[i].seconds, list[i].n);
        *(whole ? &p->way[i].whole : &p->way[i].fixed) = seconds;
        if (whole && p->args->input != NULL)
            p->way[i].read += list[i].setup / piece->part;
    }
}

/* Collective. All ways on this piece, in turn; `whole`: it is the larger one, and files are read and
 * written with it. */
static nf_status measure_piece(probing *p, advise_piece *piece, bool whole)
{
    const nf_world *world = &p->cli->world;
    opened *list = calloc(p->ways, sizeof *list);
    size_t begun = 0;
    nf_status status =
        nf_agree(world, list ? NF_OK : nf_fail(NF_ERR_MEMORY, "no memory for %zu ways", p->ways));
    while (status == NF_OK && begun < p->ways) {
        status = open_way(p, begun, piece, &list[begun]);
        begun++;
    }
    double from = nf_seconds();
    int more = status == NF_OK;
    for (int turn = 0; more; turn++) {
        for (size_t i = 0; i < p->ways && status == NF_OK; i++)
            status = sample_way(p, &list[i]);
        more = status == NF_OK && turn + 1 < (whole ? TURNS : FEW_TURNS) &&
               nf_seconds() - from < most_seconds;
        nf_broadcast(world, &more, sizeof more, 0);
    }
    for (size_t i = 0; i < p->ways && status == NF_OK && whole && p->args->input != NULL; i++) {
        if (list[i].part.size > 0)
            status =
                advise_files_time(p->args, &list[i].part, &list[i].bench, piece->part, &p->way[i]);
        nf_sleep_barrier(world);
        status = nf_agree(world, status);
    }
    if (status == NF_OK && world->rank == 0)
        keep(p, piece, whole, list);
    while (begun > 0)
        close_way(p, &list[--begun]);
    free(list);
    return status;
}

/* ---- which sizes ---- */

/* By rank 0 alone: seconds of a serial run of a piece. */
static nf_status try_piece(const probing *p, double size, double *seconds)
{
    const nf_world alone = {.size = 1, .threads = 1};
    advise_piece piece;
    nf_bench bench = {.plan = NULL};
    nf_times times = {0};
    nf_results_init(&bench.results);
    nf_status status = advise_piece_make(&p->chain, &p->shape, size, 1, p->most_steps, &piece);
    if (status == NF_OK)
        status = nf_bench_create(&alone, &p->source, &piece.chain, &piece.shape, NULL, &bench);
    for (int i = 0; i < 2 && status == NF_OK; i++) {
        double start = nf_seconds();
        status = nf_bench_run(&bench, &times);
        *seconds = nf_seconds() - start;
        if (*seconds > p->seconds)
            break;
    }
    nf_bench_free(&bench);
    advise_piece_free(&piece);
    return status;
}

/* The size (0 to 1) beyond which pieces would take more memory than is well spent on them. */
static double most_size(const probing *p)
{
    double cache = (double)nf_caches_find().l3, bytes = 2 * (double)nf_shape_bytes(&p->shape);
    double most = 4 * cache > 0x1p26 ? 4 * cache : 0x1p26;
    double room = (double)nf_memory_available() / (4 * (double)p->ways);
    return bytes > 0 ? fmin(1, fmin(most, room) / bytes) : 1;
}

/* Rank 0: the size that is measured. */
static nf_status choose_size(probing *p, double *size)
{
    double most = most_size(p), seconds = 0;
    nf_status status = NF_OK;
    double work = advise_work(&p->chain);
    *size = fmin(most, work > 0 ? 2e7 / work : most);
    for (int tries = 0; tries < 12 && status == NF_OK; tries++) {
        status = try_piece(p, *size, &seconds);
        if (status != NF_OK || seconds > p->seconds / 6 || *size >= most)
            break;
        *size = fmin(most, *size * fmin(8, fmax(2, p->seconds / 5 / seconds)));
    }
    double whole = seconds / *size;
    *size = whole <= 2 * p->seconds ? most : fmin(most, p->seconds / whole);
    return status;
}

/* ---- all of it ---- */

/* Where a straight line through the seconds of two parts meets part 0. Noise may have the smaller one take
 * longer: then all is fixed where the larger one is all there is, and else, carefully, nothing. */
static double fixed_part(double less, double small, double more, double part)
{
    if (small >= part)
        return 0;
    if (less >= more)
        return part < 1 ? 0 : more;
    return fmax(0, less - (more - less) / (part - small) * small);
}

static nf_status measure_all(probing *p)
{
    const nf_world *world = &p->cli->world;
    advise_piece piece;
    double size = 1, part = 1, steps = 1, small = 1;
    nf_status status = world->rank == 0 ? choose_size(p, &size) : NF_OK;
    nf_sleep_barrier(world);
    status = nf_agree(world, status);
    nf_broadcast(world, &size, sizeof size, 0);
    for (int i = 0; i < 2 && status == NF_OK; i++) { /* the size, and a smaller one */
        status = nf_agree(world, advise_piece_make(&p->chain, &p->shape, size, i == 0 ? 1 : SMALLER,
                                                   p->most_steps, &piece));
        *(i == 0 ? &part : &small) = piece.part;
        steps = piece.steps;
        if (status == NF_OK && (i == 0 || small < part))
            status = measure_piece(p, &piece, i == 0);
        advise_piece_free(&piece);
    }
    for (size_t i = 0; i < p->ways && status == NF_OK && world->rank == 0; i++) {
        nf_way_times *w = &p->way[i];
        double fixed = fixed_part(w->fixed, small, w->whole, part);
        w->whole = steps * (fixed + (w->whole - fixed) / part);
        w->fixed = steps * fixed;
        printf("way %d %d %.9g %.9g %.9g %.9g\n", w->ranks, w->threads, w->fixed, w->whole, w->read,
               w->write);
    }
    if (world->rank == 0 && status == NF_OK)
        printf("sample %.9g\n", part / steps);
    return status;
}

/* Rank 0's word to the process that has started this one. */
static nf_status tell(const nf_cli *cli, nf_status status)
{
    if (status != NF_OK && cli->world.rank == 0)
        printf("error %s\n", nf_message(status));
    return status;
}

nf_status advise_probe_chain(const nf_cli *cli, const advise_args *args)
{
    const nf_world *world = &cli->world;
    bool small = args->probe == ADVISE_PROBE_SMALL;
    probing p = {.cli = cli,
                 .args = args,
                 .timer = nf_timer_measure(),
                 .seconds = small ? piece_seconds / 64 : piece_seconds};
    nf_status status = nf_agree(world, advise_args_check(args, &p.chain));
    if (status == NF_OK)
        status = nf_agree(world, advise_args_shape(world, args, &p.chain, &p.shape));
    if (status == NF_OK)
        status = nf_agree(world, nf_chain_prepare(&p.chain, &p.shape));
    bool range = status == NF_OK && nf_chain_is_range(&p.chain);
    if (status == NF_OK && !range)
        status = advise_source_open(cli, args, &p.shape, &p.source);
    if (status == NF_OK) {
        int cores = advise_cores(cli);
        p.ways = nf_advice_ways(cores, world->size >= cores && world->size > 1, p.way);
        if (advise_work(&p.chain) / nf_nominal_flops > 2 * p.seconds)
            p.most_steps = p.shape.ndim == 3 ? MOST_VOLUME_STEPS : MOST_STEPS;
        status = measure_all(&p);
    }
    if (!range)
        nf_source_close(&p.source);
    nf_chain_free(&p.chain);
    return tell(cli, status);
}

bool advise_chain_take(const char *text, nf_workload *work)
{
    work->ways = 0;
    work->sample = 0;
    for (const char *line = text; line != NULL && *line != '\0'; line++) {
        nf_way_times w;
        if (strncmp(line, "error ", 6) == 0) {
            nf_fail(NF_ERR_SYSTEM, "%.*s", (int)strcspn(line + 6, "\n"), line + 6);
            return false;
        }
        if (work->ways < NF_ADVICE_WAYS &&
            sscanf(line, "way %d %d %lf %lf %lf %lf", &w.ranks, &w.threads, &w.fixed, &w.whole,
                   &w.read, &w.write) == 6)
            work->way[work->ways++] = w;
        sscanf(line, "sample %lf", &work->sample);
        line = strchr(line, '\n');
        if (line == NULL)
            break;
    }
    return work->ways > 0 && work->sample > 0;
}
