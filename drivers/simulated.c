/* simulated - what `simulate` runs under SimGrid's SMPI: one rank of the engine, unmodified, whose kernels
 * take the time that was measured for them. Not for use by hand.
 *
 *   simulated POINTS RESULTS
 *
 * POINTS: a line each: rows, columns, element type, cost of a fold, costs of the stages' cells (comma
 * between; C99 hexadecimal), and the chain. RESULTS, by rank 0, a line each: seconds; mean seconds of
 * compute, halo, fold, wait; planning, see struct planning; then the result's bits. */
#include <inttypes.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "drivers/engine/halo.h"
#include "drivers/engine/team.h"
#include "drivers/simulation.h"

/* Simulated seconds between agreeing on when to start and starting: every rank is ready by then. */
static const double head_start = 1;

typedef struct point {
    nf_shape shape;
    nf_costs costs;
    nf_chain chain;
} point;

/* What planning cost in reality, not in the simulation. */
typedef struct planning {
    double seconds; /* of processor time, nf_plan_create: the mean over the ranks, with what
                                simulating its agreement takes */
    double
        exchange_seconds;  /* of processor time, nf_exchange_create: the most of all ranks asked */
    double exchange_bytes; /* kept by the exchange, its buffers included: likewise */
} planning;

/* About so many ranks look at what their exchange takes, spread over rows and columns of blocks: counting
 * what is allocated goes through the whole heap. */
enum { ASKED = 64 };

typedef struct timing {
    double seconds, halo, fold;
    double exchange_seconds, exchange_bytes;
    bool bare; /* a kernel ran without its stand-in */
} timing;

/* ---- points ---- */

static nf_status parse_costs(const char *text, nf_costs *costs)
{
    char *end;
    for (costs->count = 0; *text != '\0' && costs->count < NF_MAX_STAGES; costs->count++) {
        costs->cell[costs->count] = strtod(text, &end);
        if (end == text || (*end != ',' && *end != '\0'))
            return nf_fail(NF_ERR_FORMAT, "costs '%s': expected numbers and commas", text);
        text = *end == ',' ? end + 1 : end;
    }
    return NF_OK;
}

static nf_status parse_point(const char *line, point *p)
{
    char type[8], costs[1024], chain[2048];
    *p = (point){.shape = {.dim = {1, 1, 1}, .ndim = 2, .channels = 1, .dtype = NF_F32}};
    if (sscanf(line, "%" SCNd64 " %" SCNd64 " %7s %la %1023s %2047[^\n]", &p->shape.dim[1],
               &p->shape.dim[2], type, &p->costs.fold, costs, chain) != 6)
        return nf_fail(NF_ERR_FORMAT, "no point: %s", line);
    p->shape.dtype = strcmp(type, "f64") == 0 ? NF_F64 : NF_F32;
    nf_status status = parse_costs(costs, &p->costs);
    if (status == NF_OK)
        status = nf_chain_parse(chain, &p->chain);
    if (status == NF_OK && p->chain.count != p->costs.count)
        status = nf_fail(NF_ERR_FORMAT, "%zu costs for a chain of %zu stages", p->costs.count,
                         p->chain.count);
    return status;
}

/* ---- planning ---- */

static double cpu_seconds(void)
{
    return (double)clock() / CLOCKS_PER_SEC;
}

static double allocated(void)
{
    struct mallinfo2 info = mallinfo2();
    return (double)(info.uordblks + info.hblkhd);
}

/* The plan's first exchange once more, by itself. No rank can run in between: nothing is sent. */
static nf_status plan_exchange(const nf_world *world, const nf_field *in, timing *mine)
{
    nf_exchange *exchange = NULL;
    if (world->size > ASKED && world->rank % (world->size / ASKED + 1) != 0)
        return NF_OK;
    double bytes = allocated(), start = cpu_seconds();
    nf_status status = nf_exchange_create(world, &in->cut, &in->ghost, false, &exchange);
    mine->exchange_seconds = cpu_seconds() - start;
    mine->exchange_bytes = allocated() - bytes;
    nf_exchange_free(exchange);
    return status;
}

static nf_status make_plan(const nf_world *world, point *p, nf_plan **plan, planning *cost)
{
    nf_barrier(world);
    double start = cpu_seconds();
    nf_status status = nf_plan_create(world, &p->shape, &p->chain, 1, &nf_simulated_core,
                                      plan); /* agrees at its end */
    cost->seconds = (cpu_seconds() - start) / world->size;
    return status;
}

/* ---- running ---- */

/* All ranks start at one simulated moment. Returns it. */
static double start_together(const nf_world *world)
{
    double moment = nf_seconds() + head_start;
    nf_broadcast(world, &moment, sizeof moment, 0);
    double left = moment - nf_seconds();
    struct timespec nap = {(time_t)left, (long)((left - (double)(time_t)left) * 1e9)};
    nanosleep(&nap, NULL);
    return nf_seconds();
}

/* Rank 0 writes what all ranks took: the run as long as the slowest, its parts as means. */
static void write_times(const nf_world *world, const timing *mine, timing *all, planning *cost,
                        FILE *out)
{
    nf_gather(world, mine, all, sizeof *all);
    if (world->rank == 0) {
        double slowest = 0, compute = 0, halo = 0, fold = 0, wait = 0;
        for (int i = 0; i < world->size; i++) {
            const timing *t = &all[i];
            slowest = t->seconds > slowest ? t->seconds : slowest;
            if (t->exchange_seconds > cost->exchange_seconds)
                cost->exchange_seconds = t->exchange_seconds;
            if (t->exchange_bytes > cost->exchange_bytes)
                cost->exchange_bytes = t->exchange_bytes;
        }
        for (int i = 0; i < world->size; i++) {
            const timing *t = &all[i];
            compute += (t->seconds - t->halo - t->fold) / world->size;
            halo += t->halo / world->size;
            fold += t->fold / world->size;
            wait += (slowest - t->seconds) / world->size;
        }
        fprintf(out, "%a %a %a %a %a %a %a %a ", slowest, compute, halo, fold, wait, cost->seconds,
                cost->exchange_seconds, cost->exchange_bytes);
    }
}

/* Collective. Whether the plan ran a kernel itself, which takes no simulated time, instead of its
 * stand-in: no rank's has done a cell, or this one's has not though it has a block. What a resample
 * writes is cut anew, and a rank may have none of it. */
static bool ran_bare(const nf_world *world, const nf_chain *chain, const nf_stand_in *stand_ins,
                     bool idle)
{
    bool resampled = false, bare = false;
    for (size_t i = 0; i < chain->count; i++) {
        uint64_t cells = nf_sum_u64(world, (uint64_t)stand_ins[i].cells);
        resampled = resampled || chain->stages[i].kernel->kind == NF_RESAMPLE;
        bare = bare || cells == 0 || (!resampled && !idle && stand_ins[i].cells == 0);
    }
    return bare;
}

static nf_status run_plan(const nf_world *world, point *p, nf_plan *plan, nf_fields *fields,
                          timing *mine, nf_results *results)
{
    nf_stand_in stand_ins[NF_MAX_STAGES];
    nf_times times = {0};
    nf_stand_ins_put(&p->chain, &p->costs, stand_ins);
    double start = start_together(world);
    nf_status status = nf_plan_run(plan, fields, results, &times);
    mine->seconds = nf_seconds() - start;
    nf_stand_ins_take(&p->chain, stand_ins);
    mine->halo = times.halo;
    mine->fold = times.fold;
    mine->bare = ran_bare(world, &p->chain, stand_ins, nf_box_empty(&fields->in.own));
    return status;
}

static nf_status run_point(const nf_world *world, point *p, FILE *out)
{
    nf_plan *plan = NULL;
    nf_fields fields = {.in = {.memory = NULL}};
    bool maps = nf_chain_maps(&p->chain) == p->chain.count;
    planning cost = {0};
    timing mine = {0};
    nf_results results;
    char text[NF_RESULT_TEXT];
    timing *all = calloc(world->rank == 0 ? (size_t)world->size : 1, sizeof *all);
    nf_results_init(&results);
    nf_status status = make_plan(world, p, &plan, &cost);
    if (status == NF_OK)
        status = nf_plan_fields(plan, &fields);
    if (status == NF_OK)
        status = nf_agree(world, plan_exchange(world, &fields.in, &mine));
    if (status == NF_OK && !nf_box_empty(&fields.in.own))
        nf_made_fill(&fields.in);
    if (status == NF_OK)
        status = run_plan(world, p, plan, &fields, &mine, &results);
    if (status == NF_OK)
        status = nf_result_text(world, maps ? &fields.out : NULL, &results, text);
    if (status == NF_OK && mine.bare)
        status = nf_fail(NF_ERR_CHECK, "the plan of '%s' ran without the stand-ins", p->chain.text);
    if (status == NF_OK && all == NULL)
        status = nf_fail(NF_ERR_MEMORY, "no memory for timings");
    status = nf_agree(world, status);
    if (status == NF_OK)
        write_times(world, &mine, all, &cost, out);
    if (status == NF_OK && world->rank == 0)
        fprintf(out, "%s\n", text);
    free(all);
    nf_results_free(&results);
    nf_fields_free(&fields);
    nf_plan_free(plan);
    return status;
}

static nf_status run_all(const nf_world *world, FILE *points, FILE *out)
{
    char line[4096];
    nf_status status = NF_OK;
    while (status == NF_OK && fgets(line, sizeof line, points) != NULL) {
        point p;
        status = nf_agree(world, parse_point(line, &p));
        if (status == NF_OK)
            status = run_point(world, &p, out);
        nf_chain_free(&p.chain);
    }
    return status;
}

int main(int argc, char **argv)
{
    nf_world world;
    if (argc != 3)
        return fprintf(stderr, "usage: simulated POINTS RESULTS (run by simulate)\n"), 2;
    setenv("NFOLD_SHARED", "0",
           1); /* memory shared by the ranks of a node takes no simulated time */
    nf_status status = nf_world_start(&argc, &argv, &world);
    if (status != NF_OK)
        return 1;
    FILE *points = fopen(argv[1], "r"), *out = world.rank == 0 ? fopen(argv[2], "w") : NULL;
    if (points == NULL || (world.rank == 0 && out == NULL))
        status = nf_fail(NF_ERR_FILE, "%s or %s cannot be opened", argv[1], argv[2]);
    status = nf_agree(&world, status);
    if (status == NF_OK)
        status = run_all(&world, points, out);
    if (out != NULL && fclose(out) != 0 && status == NF_OK)
        status = nf_fail(NF_ERR_FILE, "%s cannot be written", argv[2]);
    if (points != NULL)
        fclose(points);
    if (status != NF_OK && world.rank == 0)
        fprintf(stderr, "simulated: %s\n", nf_message(status));
    nf_world_stop(&world);
    return nf_exit_status(status);
}
