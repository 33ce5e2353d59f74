#include "drivers/study/advice.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "drivers/engine/cost.h"
#include "drivers/engine/field.h"

/* What is not faster by this part is not worth more workers. */
static const double worth = 1.05;
/* A run that moves this part of what memory gives is bound by it. */
static const double bound = 0.6;

/* Nominal seconds of what cost.h has no number for: a process alone, which starts no MPI; mpirun; a
 * message between nodes, and its bytes a second. */
static const double nominal_process = 0.03, nominal_launch = 0.3, nominal_far = 5e-6,
                    nominal_far_link = 3e9;
/* Bytes a second that a core reads from or writes to files, nominal. */
static const double nominal_coding = 1e9;

/* ---- the machine ---- */

nf_calibration nf_calibration_nominal(int cores)
{
    nf_calibration c = {.cores = cores,
                        .first_team = 3e-5 * cores,
                        .process = nominal_process,
                        .launch = nominal_launch,
                        .launch_rank = 0.01,
                        .latency = nf_nominal_latency,
                        .bandwidth = nf_nominal_link};
    for (int w = 1; w < 2 * cores && c.steps < NF_CALIBRATION_STEPS; w *= 2) {
        int workers = w < cores ? w : cores;
        c.workers[c.steps] = workers;
        c.read[c.steps] = nf_nominal_memory * workers;
        c.flops[c.steps] = nf_nominal_flops * workers;
        c.team[c.steps++] = workers > 1 ? nf_nominal_team * (1 + log2(workers)) : 0;
    }
    return c;
}

double nf_calibration_at(const nf_calibration *c, const double *list, int workers)
{
    size_t i = 0;
    while (i + 1 < c->steps && c->workers[i + 1] < workers)
        i++;
    if (i + 1 >= c->steps || workers <= c->workers[i])
        return list[i];
    double part = (double)(workers - c->workers[i]) / (c->workers[i + 1] - c->workers[i]);
    return workers >= c->workers[i + 1] ? list[i + 1] : list[i] + part * (list[i + 1] - list[i]);
}

void nf_calibration_settle(nf_calibration *c)
{
    for (size_t i = 1; i < c->steps; i++) {
        c->read[i] = fmax(c->read[i - 1], fmin(c->read[i], c->read[0] * c->workers[i]));
        c->flops[i] = fmax(c->flops[i - 1], fmin(c->flops[i], c->flops[0] * c->workers[i]));
    }
}

bool nf_calibration_busy(const nf_calibration *c)
{
    return c->measured && c->load > fmax(0.5, 0.05 * c->cores);
}

/* Seconds that a process's first team of t threads takes, beyond what every team does. */
static double first_team(const nf_calibration *c, int t)
{
    return t > 1 ? c->first_team * t / c->cores : 0;
}

/* Seconds by t threads, and to start them. Kernels do not come near the peak, but gain as it does. */
static double work_seconds(const nf_calibration *c, const nf_thread_work *w, int t)
{
    double cores = nf_calibration_at(c, c->flops, t) / c->flops[0];
    return fmax(w->flops / (nf_nominal_flops * cores),
                w->bytes / nf_calibration_at(c, c->read, t)) +
           w->coded / nominal_coding / t;
}

static double team_seconds(const nf_calibration *c, const nf_thread_work *w, int t)
{
    return t > 1 ? first_team(c, t) + w->sweeps * nf_calibration_at(c, c->team, t) : 0;
}

int nf_advice_threads(const nf_calibration *c, int cores, const nf_thread_work *w,
                      nf_thread_reason *reason)
{
    int best = 1;
    double serial = work_seconds(c, w, 1), least = serial;
    for (int t = 2; t < 2 * cores; t *= 2) {
        int threads = t < cores ? t : cores;
        double seconds = work_seconds(c, w, threads) + team_seconds(c, w, threads);
        if (seconds < least) {
            least = seconds;
            best = threads;
        }
    }
    *reason = (nf_thread_reason){.serial = serial,
                                 .team = best > 1 ? least : team_seconds(c, w, 2),
                                 .gain = serial / work_seconds(c, w, 2)};
    return best;
}

/* ---- words ---- */

const char *nf_choice_text(const nf_choice *c, char text[96])
{
    char nodes[32] = "";
    if (c->nodes > 1)
        snprintf(nodes, sizeof nodes, " on %d nodes", c->nodes);
    if (c->ranks == 1 && c->threads == 1)
        snprintf(text, 96, "serial");
    else if (c->ranks == 1)
        snprintf(text, 96, "%d threads", c->threads);
    else if (c->threads == 1)
        snprintf(text, 96, "%d ranks%s", c->ranks, nodes);
    else
        snprintf(text, 96, "%d ranks of %d threads%s", c->ranks, c->threads, nodes);
    return text;
}

static void turn(nf_advice *a, const char *name, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static void turn(nf_advice *a, const char *name, const char *format, ...)
{
    if (a->nturns == NF_ADVICE_TURNS)
        return;
    nf_turn *t = &a->turns[a->nturns++];
    va_list arguments;
    va_start(arguments, format);
    t->name = name;
    vsnprintf(t->text, sizeof t->text, format, arguments);
    va_end(arguments);
}

/* ---- the ways of a node ---- */

static size_t add_way(nf_way_times ways[NF_ADVICE_WAYS], size_t n, int ranks, int threads)
{
    for (size_t i = 0; i < n; i++)
        if (ways[i].ranks == ranks && ways[i].threads == threads)
            return n;
    if (n == NF_ADVICE_WAYS)
        return n;
    ways[n] = (nf_way_times){.ranks = ranks, .threads = threads};
    return n + 1;
}

size_t nf_advice_ways(int cores, bool launcher, nf_way_times ways[NF_ADVICE_WAYS])
{
    size_t n = add_way(ways, 0, 1, 1);
    for (int w = 2; w < cores; w *= 2)
        n = add_way(ways, n, 1, w);
    n = add_way(ways, n, 1, cores);
    for (int w = 2; launcher && w < cores; w *= 2)
        n = add_way(ways, n, w, 1);
    if (launcher)
        n = add_way(ways, n, cores, 1);
    for (int r = 2; launcher && 2 * r <= cores; r *= 2)
        n = add_way(ways, n, r, cores / r);
    return n;
}

/* ---- noise ---- */

static bool is_noisy(const nf_workload *w, const nf_way_times *way)
{
    return way->ranks * way->threads * worth * way->whole < w->way[0].whole;
}

bool nf_workload_noisy(const nf_workload *w)
{
    for (size_t i = 1; i < w->ways; i++)
        if (is_noisy(w, &w->way[i]))
            return true;
    return false;
}

void nf_workload_settle(nf_workload *w)
{
    for (size_t i = 1; i < w->ways; i++) {
        nf_way_times *way = &w->way[i];
        if (!is_noisy(w, way))
            continue;
        way->whole = w->way[0].whole / (way->ranks * way->threads);
        way->fixed = fmin(way->fixed, way->whole);
        w->noisy = true;
    }
}

/* ---- the choices ---- */

/* Seconds that nodes take to exchange what a run needs of one another: the busiest block's halos
 * sweep by sweep, and a fold in log2 rounds. */
static double exchange(const nf_calibration *m, const nf_workload *w, int nodes)
{
    double latency = m->far_latency > 0 ? m->far_latency : nominal_far;
    double link = m->far_bandwidth > 0 ? m->far_bandwidth : nominal_far_link, seconds = 0;
    for (size_t p = 0; p < w->passes; p++) {
        const struct nf_workload_pass *pass = &w->pass[p];
        nf_cut cut = nf_cut_choose(&pass->shape, nodes, &pass->halo, NULL);
        double cells = 1, grown = 1, neighbours = 0;
        nf_box block = nf_cut_block(&cut, 0);
        for (int d = 0; d < NF_DIMS; d++) {
            int sides = cut.parts[d] > 2 ? 2 : cut.parts[d] - 1;
            double halo = pass->halo.lo[d] > pass->halo.hi[d] ? pass->halo.lo[d] : pass->halo.hi[d];
            double extent = (double)nf_box_extent(&block, d);
            cells *= extent;
            grown *= extent + sides * halo;
            neighbours += halo > 0 ? sides : 0;
        }
        double bytes = (grown - cells) * (double)nf_cell_bytes(&pass->shape);
        seconds += pass->sweeps * (neighbours * latency + bytes / link);
        seconds += pass->folds ? ceil(log2(nodes)) * latency : 0;
    }
    return seconds;
}

static double start_of(const nf_calibration *m, int ranks, int threads)
{
    double team = first_team(m, threads);
    return team + (ranks == 1 ? m->process : m->launch + m->launch_rank * ranks);
}

static void add_choice(const nf_calibration *m, const nf_limits *l, const nf_workload *w,
                       const nf_way_times *way, int nodes, nf_advice *a)
{
    if (a->count == NF_ADVICE_CHOICES)
        return;
    nf_choice *c = &a->choices[a->count++];
    *c = (nf_choice){.nodes = nodes, .ranks = nodes * way->ranks, .threads = way->threads};
    c->start = start_of(m, c->ranks, c->threads);
    c->run = way->fixed + (way->whole - way->fixed) / nodes;
    c->run += nodes > 1 ? exchange(m, w, nodes) : 0;
    c->read = way->read; /* nodes share one file system */
    c->write = way->write;
    c->fits = w->bytes / nodes <= 0.7 * l->memory;
    if (w->command)
        c->seconds = c->start + c->read + c->run + c->write;
    else
        c->seconds = w->runs > 0 ? c->start + w->runs * c->run : c->run;
    c->speedup = a->choices[0].seconds / c->seconds;
    c->efficiency = c->speedup / (c->ranks * c->threads);
}

static void list_choices(const nf_calibration *m, const nf_limits *l, const nf_workload *w,
                         nf_advice *a)
{
    for (size_t i = 0; i < w->ways; i++)
        add_choice(m, l, w, &w->way[i], 1, a);
    if (!l->launcher)
        return;
    for (int n = 2; n < 2 * l->nodes; n *= 2) {
        int nodes = n < l->nodes ? n : l->nodes;
        for (size_t i = 0; i < w->ways; i++)
            if (w->way[i].ranks * w->way[i].threads == l->cores) /* whole nodes */
                add_choice(m, l, w, &w->way[i], nodes, a);
    }
}

/* The shortest of those that `kind` lets through; NULL: none. */
typedef bool kind_of(const nf_choice *c);

static bool is_any(const nf_choice *c)
{
    (void)c;
    return true;
}

static bool is_threads(const nf_choice *c)
{
    return c->ranks == 1 && c->threads > 1;
}

static bool is_ranks(const nf_choice *c)
{
    return c->nodes == 1 && c->ranks > 1;
}

static bool is_node(const nf_choice *c)
{
    return c->nodes == 1;
}

static bool is_nodes(const nf_choice *c)
{
    return c->nodes > 1;
}

static const nf_choice *shortest(const nf_advice *a, kind_of *kind, bool only_fitting)
{
    const nf_choice *best = NULL;
    for (size_t i = 0; i < a->count; i++) {
        const nf_choice *c = &a->choices[i];
        if (kind(c) && (c->fits || !only_fitting) && (best == NULL || c->seconds < best->seconds))
            best = c;
    }
    return best;
}

/* The simplest that takes about as long as the shortest one, start and one run. */
static size_t choose_alone(const nf_advice *a)
{
    bool fitting = a->choices[a->chosen].fits;
    double least = INFINITY;
    size_t i = 0;
    for (size_t j = 0; j < a->count; j++)
        if (a->choices[j].fits || !fitting)
            least = fmin(least, a->choices[j].start + a->choices[j].run);
    while (i + 1 < a->count && ((fitting && !a->choices[i].fits) ||
                                a->choices[i].start + a->choices[i].run > worth * least))
        i++;
    return i;
}

static void choose(nf_advice *a)
{
    const nf_choice *best = shortest(a, is_any, true);
    bool fitting = best != NULL;
    if (!fitting)
        best = shortest(a, is_node, false);
    for (size_t i = 0; i < a->count; i++) {
        const nf_choice *c = &a->choices[i];
        a->chosen = i;
        if ((c->fits || !fitting) && c->seconds <= worth * best->seconds)
            return;
    }
}

/* ---- the turns ---- */

static void tell_limits(const nf_limits *l, nf_advice *a)
{
    if (l->allocated > 0 && l->allocated < l->processors && l->allocated <= l->quota)
        turn(a, "limits", "%d core%s may be used: the allocation has %d of %d processors", l->cores,
             l->cores > 1 ? "s" : "", l->allocated, l->processors);
    else if (l->quota < l->processors)
        turn(a, "limits",
             "%d core%s may be used: the control group allows %.3g cores' time of %d processors",
             l->cores, l->cores > 1 ? "s" : "", l->quota, l->processors);
    else if (l->processors < l->there)
        turn(a, "limits", "%d core%s may be used: the affinity mask allows %d of %d processors",
             l->cores, l->cores > 1 ? "s" : "", l->processors, l->there);
    else
        turn(a, "limits", "%d core%s may be used%s", l->cores, l->cores > 1 ? "s" : "",
             l->cores > 1 ? "" : ": there is nothing to share the work with");
}

static void tell_memory(const nf_limits *l, const nf_workload *w, nf_advice *a)
{
    char needs[NF_AMOUNT], there[NF_AMOUNT];
    if (w->bytes <= 0.7 * l->memory)
        return;
    nf_bytes_text(w->bytes, needs);
    nf_bytes_text(l->memory, there);
    const nf_choice *many = shortest(a, is_nodes, true);
    if (many != NULL)
        turn(a, "memory", "the arrays take %s and a node has %s free: %d nodes hold them", needs,
             there, many->nodes);
    else if (w->obstacle != NULL)
        turn(a, "memory",
             "the arrays take %s and %s are free, and '%s' cannot go through memory in bands: %s",
             needs, there, w->obstacle,
             a->impossible ? "that takes more memory, or more nodes" : "it may not suffice");
    else
        turn(a, "memory",
             "the arrays take %s and %s are free: they go through memory in bands%s, whose files "
             "the times leave out",
             needs, there,
             w->streams ? ", by itself or by --memory" : " (filter, reduce: --memory)");
}

/* The amount of work from which on b is faster than a; 0: none. */
static double break_even(const nf_workload *w, const nf_way_times *a, const nf_way_times *b)
{
    double gain = (a->whole - a->fixed) - (b->whole - b->fixed);
    double part = (b->fixed - a->fixed) / gain;
    return gain > 0 && part > 0 && isfinite(part) ? part * w->amount : 0;
}

static const nf_way_times *way_of(const nf_workload *w, const nf_choice *c)
{
    for (size_t i = 0; i < w->ways; i++)
        if (w->way[i].ranks * c->nodes == c->ranks && w->way[i].threads == c->threads)
            return &w->way[i];
    return &w->way[0];
}

/* Whether sharing pays at all. */
static void tell_size(const nf_workload *w, nf_advice *a)
{
    char alone[NF_AMOUNT], shared[NF_AMOUNT], how[96], amount[NF_AMOUNT], even[NF_AMOUNT + 80] = "";
    const nf_choice *serial = &a->choices[0], *best = NULL;
    for (size_t i = 1; i < a->count; i++)
        if (is_node(&a->choices[i]) && (best == NULL || a->choices[i].run < best->run))
            best = &a->choices[i];
    if (best == NULL)
        return;
    double from = break_even(w, &w->way[0], way_of(w, best));
    nf_seconds_text(serial->run, 3, alone);
    nf_seconds_text(best->run, 3, shared);
    nf_choice_text(best, how);
    bool pays = best->run * worth < serial->run;
    if (from > 0)
        snprintf(even, sizeof even, ": serial wins below about %s %s",
                 nf_thousands_text(from, amount), w->unit);
    turn(a, "size", "a run takes %s serial and %s by %s, the fastest of the others%s%s", alone,
         shared, how, pays ? "" : ", which gains too little", even);
}

static double reads_better(const nf_calibration *m, int workers)
{
    return nf_calibration_at(m, m->read, workers) / m->read[0];
}

/* What limits a run that is shared. */
static void tell_bound(const nf_calibration *m, const nf_workload *w, const nf_choice *threads,
                       nf_advice *a)
{
    const nf_choice *serial = &a->choices[0];
    double rate = w->moved / serial->run, part = rate / m->read[0];
    if (threads == NULL || w->moved <= 0)
        return;
    double gain = serial->run / threads->run;
    bool starts = w->amount < break_even(w, &w->way[0], way_of(w, threads));
    if (starts || part < bound || w->in_cache)
        turn(a, "bound",
             "%s: it moves %.2g GB/s, where one core reads %.3g GB/s from memory; %d threads run "
             "it %.2f "
             "times as fast",
             starts         ? "bound by starting teams"
             : part < bound ? "bound by arithmetic"
                            : "its arrays stay in the cache",
             1e-9 * rate, 1e-9 * m->read[0], threads->threads, gain);
    else
        turn(a, "bound",
             "memory-bound: it moves %.3g GB/s, where one core reads %.3g GB/s; %d threads read "
             "%.2f "
             "times as fast as one, and run it %.2f times as fast",
             1e-9 * rate, 1e-9 * m->read[0], threads->threads, reads_better(m, threads->threads),
             gain);
}

/* Threads or ranks, on one node. */
static void tell_ranks(const nf_limits *l, const nf_workload *w, nf_advice *a)
{
    const nf_choice *threads = shortest(a, is_threads, false),
                    *ranks = shortest(a, is_ranks, false);
    char how[96], later[NF_AMOUNT], by_ranks[NF_AMOUNT], by_threads[NF_AMOUNT], text[160] = "";
    if (!l->launcher && (l->cores > 1 || l->nodes > 1))
        turn(a, "ranks", "mpirun does not run %d ranks here, so they are left out%s%s",
             l->cores > 1 ? l->cores : 2, l->why_not[0] != '\0' ? ": " : "", l->why_not);
    if (ranks == NULL || threads == NULL || a->chosen == 0) /* else it is decided */
        return;
    double gain = threads->run / ranks->run, more = ranks->start - threads->start;
    if (w->command || w->runs > 0)
        snprintf(text, sizeof text, ", and their start takes %s %s: in all %s, by threads %s",
                 nf_seconds_text(fabs(more), 3, later), more > 0 ? "more" : "less",
                 nf_seconds_text(ranks->seconds, 3, by_ranks),
                 nf_seconds_text(threads->seconds, 3, by_threads));
    turn(a, "ranks", "one node: %s %s threads, a run %.2f times as fast%s",
         nf_choice_text(ranks, how),
         gain > worth       ? "gain over"
         : gain < 1 / worth ? "lose to"
                            : "gain nothing over",
         gain, text);
}

static void tell_nodes(const nf_limits *l, const nf_calibration *m, nf_advice *a)
{
    const nf_choice *one = shortest(a, is_node, false), *many = shortest(a, is_nodes, false);
    char alone[NF_AMOUNT], together[NF_AMOUNT], latency[NF_AMOUNT], how[96];
    if (l->nodes < 2 || many == NULL)
        return;
    turn(a, "nodes",
         "%d nodes: the best of one takes %s, %s take %s, with %s messages of %s "
         "between nodes",
         l->nodes, nf_seconds_text(one->seconds, 3, alone), nf_choice_text(many, how),
         nf_seconds_text(many->seconds, 3, together), m->far_latency > 0 ? "measured" : "nominal",
         nf_seconds_text(m->far_latency > 0 ? m->far_latency : nominal_far, 3, latency));
}

static void tell_start(const nf_workload *w, nf_advice *a)
{
    const nf_choice *c = &a->choices[a->chosen];
    char start[NF_AMOUNT], rest[NF_AMOUNT], all[NF_AMOUNT], runs[NF_AMOUNT];
    if (w->command) {
        turn(a, "start", "of the command's %s, its start takes %s and the files %s",
             nf_seconds_text(c->seconds, 3, all), nf_seconds_text(c->start, 3, start),
             nf_seconds_text(c->read + c->write, 3, rest));
        return;
    }
    double even = a->choices[0].run > c->run
                      ? (c->start - a->choices[0].start) / (a->choices[0].run - c->run)
                      : 0;
    if (w->runs > 0)
        turn(a, "start", "%s runs share a start of %s and take %s",
             nf_thousands_text(w->runs, runs), nf_seconds_text(c->start, 3, start),
             nf_seconds_text(w->runs * c->run, 3, rest));
    else if (even > 0)
        turn(a, "start",
             "its start takes %s, %s more than serial, which %s run%s up for (--runs N counts it "
             "in)",
             nf_seconds_text(c->start, 3, start),
             nf_seconds_text(c->start - a->choices[0].start, 3, rest),
             nf_thousands_text(ceil(even), runs), even > 1 ? "s make" : " makes");
    else
        turn(a, "start", "its start takes %s (--runs N counts it in)",
             nf_seconds_text(c->start, 3, start));
}

static void conclude(const nf_limits *l, const nf_workload *w, nf_advice *a)
{
    const nf_choice *c = &a->choices[a->chosen];
    char how[96], seconds[NF_AMOUNT], needs[NF_AMOUNT], there[NF_AMOUNT];
    const char *what = w->command ? "the command" : w->runs > 0 ? "start and runs" : "a run";
    nf_choice_text(c, how);
    nf_seconds_text(c->seconds, 3, seconds);
    if (a->impossible)
        snprintf(a->sentence, sizeof a->sentence,
                 "It cannot be run here: the arrays take %s and %s are free, and '%s' cannot go "
                 "through memory in bands",
                 nf_bytes_text(w->bytes, needs), nf_bytes_text(l->memory, there), w->obstacle);
    else if (a->chosen == 0)
        snprintf(a->sentence, sizeof a->sentence,
                 "Run it serial: %s take%s about %s, and no other choice gains 5%%", what,
                 w->runs > 0 && !w->command ? "" : "s", seconds);
    else
        snprintf(a->sentence, sizeof a->sentence,
                 "Run it by %s: %s take%s about %s, %.2f times as fast as serial", how, what,
                 w->runs > 0 && !w->command ? "" : "s", seconds, c->speedup);
}

void nf_advise(const nf_calibration *m, const nf_limits *l, const nf_workload *w, nf_advice *a)
{
    memset(a, 0, sizeof *a);
    list_choices(m, l, w, a);
    choose(a);
    a->alone = w->command || w->runs > 0 ? a->chosen : choose_alone(a);
    a->impossible = w->obstacle != NULL && !a->choices[a->chosen].fits && w->bytes > l->memory;
    tell_limits(l, a);
    tell_memory(l, w, a);
    tell_size(w, a);
    if (a->chosen > 0)
        tell_bound(m, w, shortest(a, is_threads, false), a);
    tell_ranks(l, w, a);
    tell_nodes(l, m, a);
    if (!a->impossible)
        tell_start(w, a);
    if (w->noisy)
        turn(a, "noise",
             "the measurement is noisy: N workers seemed to be more than N times as fast as one, "
             "also "
             "at a second time, and are taken to be N times as fast");
    conclude(l, w, a);
}
