/* record_sample.c - samples, ceilings and costs as JSON objects, and back. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "io/record_parts.h"

static const char *const scaling_names[] = {[NF_STRONG] = "strong", [NF_WEAK] = "weak"};
static const char *const clock_names[] = {"", "barrier", "window"};
static const char *const end_names[] = {"", "precision", "time", "count"};

/* The phases of a run, by name. */
static const struct {
    const char *name;
    size_t at;
} phase_list[] = {
    {"compute", offsetof(nf_phases, compute)}, {"idle", offsetof(nf_phases, idle)},
    {"runtime", offsetof(nf_phases, runtime)}, {"halo", offsetof(nf_phases, halo)},
    {"fold", offsetof(nf_phases, fold)},       {"wait", offsetof(nf_phases, wait)},
    {"io", offsetof(nf_phases, io)},
};
enum { PHASES = sizeof phase_list / sizeof *phase_list };

static double *phase_of(const nf_phases *phases, int p)
{
    return (double *)((uintptr_t)phases + phase_list[p].at);
}

/* Numbers that stand in a record only where they are known, not 0. */
static const struct {
    const char *name;
    size_t at;
} optional[] = {
    {"flops", offsetof(nf_sample, flops)},   {"bytes", offsetof(nf_sample, bytes)},
    {"moved", offsetof(nf_sample, moved)},   {"cycles", offsetof(nf_sample, cycles)},
    {"misses", offsetof(nf_sample, misses)}, {"instructions", offsetof(nf_sample, instructions)},
    {"joules", offsetof(nf_sample, joules)}, {"repeated", offsetof(nf_sample, repeated)},
};
enum { OPTIONAL = sizeof optional / sizeof *optional };

static double *optional_of(const nf_sample *sample, int i)
{
    return (double *)((uintptr_t)sample + optional[i].at);
}

/* ---- unknown members ---- */

static json_t *subtract(const json_t *from, const json_t *known)
{
    json_t *rest = json_object();
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)from, name, value)
    {
        json_t *same = json_object_get(known, name);
        json_t *part = NULL;
        if (same == NULL)
            part = json_incref(value);
        else if (json_is_object(value) && json_is_object(same))
            part = subtract(value, same);
        if (part != NULL && (!json_is_object(part) || same == NULL || json_object_size(part) > 0))
            json_object_set(rest, name, part);
        json_decref(part);
    }
    return rest;
}

char *nf_record_beyond(const json_t *record, const json_t *known)
{
    json_t *rest = subtract(record, known);
    char *text = NULL;
    if (json_object_size(rest) > 0)
        text = json_dumps(rest, JSON_COMPACT | JSON_REAL_PRECISION(17));
    json_decref(rest);
    return text;
}

bool nf_record_restore(json_t *record, const char *more)
{
    if (more == NULL)
        return true;
    json_t *rest = json_loads(more, 0, NULL);
    bool fine = rest != NULL && json_object_update_recursive(record, rest) == 0;
    json_decref(rest);
    return fine;
}

/* ---- packing ---- */

static bool set(json_t *record, const char *name, json_t *value)
{
    return json_object_set_new(record, name, value) == 0; /* also where value is NULL */
}

static bool set_text(json_t *record, const char *name, const char *text)
{
    return text == NULL || text[0] == '\0' || set(record, name, json_string(text));
}

static json_t *pack_phases(const nf_phases *phases)
{
    json_t *object = json_object();
    bool fine = object != NULL;
    for (int p = 0; p < PHASES && fine; p++)
        fine = set(object, phase_list[p].name, json_real(*phase_of(phases, p)));
    if (fine)
        return object;
    json_decref(object);
    return NULL;
}

static json_t *pack_shape(const nf_shape *shape)
{
    return json_pack("{s:[I, I, I], s:i, s:i, s:s}", "dim", (json_int_t)shape->dim[0],
                     (json_int_t)shape->dim[1], (json_int_t)shape->dim[2], "ndim", shape->ndim,
                     "channels", shape->channels, "dtype", nf_dtype_name(shape->dtype));
}

/* `n` times, `stride` bytes apart, in whole nanoseconds. */
static json_t *pack_times(const double *first, size_t n, size_t stride)
{
    json_t *list = json_array();
    bool fine = list != NULL;
    for (size_t i = 0; i < n && fine; i++) {
        double seconds = *(const double *)((uintptr_t)first + i * stride);
        fine = isfinite(seconds) &&
               json_array_append_new(list, json_integer(llround(1e9 * seconds))) == 0;
    }
    if (fine)
        return list;
    json_decref(list);
    return NULL;
}

static json_t *pack_ranks(const nf_phases *ranks, size_t n)
{
    json_t *object = json_object();
    bool fine = object != NULL;
    for (int p = 0; p < PHASES && fine; p++)
        fine =
            set(object, phase_list[p].name, pack_times(phase_of(ranks, p), n, sizeof(nf_phases)));
    if (fine)
        return object;
    json_decref(object);
    return NULL;
}

static json_t *pack_balance(const nf_sample *sample)
{
    const nf_balance *b = &sample->balance;
    json_t *object = json_pack("{s:f, s:f, s:f, s:f, s:f, s:I, s:i}", "useful", b->useful, "most",
                               b->most, "rank_most", b->rank_most, "bulk", b->bulk, "chain",
                               b->chain, "steps", (json_int_t)b->steps, "slowest", b->slowest);
    if (object == NULL || b->threads == NULL || b->ranks == NULL)
        return object;
    size_t ranks = (size_t)sample->ranks, workers = ranks * (size_t)sample->threads;
    if (set(object, "threads_ns", pack_times(b->threads, workers, sizeof(double))) &&
        set(object, "ranks_ns", pack_ranks(b->ranks, ranks)))
        return object;
    json_decref(object);
    return NULL;
}

static bool pack_known(json_t *record, const nf_sample *sample)
{
    bool fine = set_text(record, "grows", sample->grows) &&
                set_text(record, "clock", clock_names[sample->clock]) &&
                set_text(record, "end", end_names[sample->end]);
    if (fine && sample->runs > 0)
        fine = set(record, "runs", json_integer(sample->runs)) &&
               set(record, "order", json_integer(sample->order));
    for (int i = 0; i < OPTIONAL && fine; i++)
        if (*optional_of(sample, i) != 0)
            fine = set(record, optional[i].name, json_real(*optional_of(sample, i)));
    if (fine && sample->balance.known)
        fine = set(record, "balance", pack_balance(sample));
    if (fine && sample->cores > 0)
        fine = set(record, "cores", json_integer(sample->cores));
    if (fine && sample->waits)
        fine = set(record, "waits", json_true());
    if (fine && sample->simulated)
        fine = set(record, "simulated", json_true());
    return fine && nf_record_restore(record, sample->more);
}

json_t *nf_pack_sample(const nf_sample *sample, const char *kind)
{
    json_t *record = json_pack(
        "{s:s, s:i, s:s, s:s, s:s, s:i, s:i, s:i, s:o, s:I, s:i, s:i, s:f, s:o, s:b, s:b}",
        "record", kind, "schema", NF_SCHEMA, "kernel", sample->kernel, "label", sample->label,
        "scaling", scaling_names[sample->scaling], "ranks", sample->ranks, "threads",
        sample->threads, "nodes", sample->nodes, "shape", pack_shape(&sample->shape), "work",
        (json_int_t)sample->work, "launch", sample->launch, "rep", sample->rep, "seconds",
        sample->seconds, "phases", pack_phases(&sample->phases), "valid", sample->valid,
        "oversubscribed", sample->oversubscribed);
    if (record == NULL || pack_known(record, sample))
        return record;
    json_decref(record);
    return NULL;
}

json_t *nf_pack_ceiling(const nf_ceiling *c)
{
    json_t *record =
        json_pack("{s:s, s:i, s:s, s:s, s:i, s:i, s:i, s:I, s:f, s:i, s:f, s:f}", "record",
                  "ceiling", "schema", NF_SCHEMA, "what", c->what, "unit", c->unit, "ranks",
                  c->ranks, "threads", c->threads, "nodes", c->nodes, "bytes", (json_int_t)c->bytes,
                  "factor", c->factor, "n", c->n, "best", c->best, "median", c->median);
    if (record == NULL || nf_record_restore(record, c->more))
        return record;
    json_decref(record);
    return NULL;
}

json_t *nf_pack_cost(const nf_cost *c)
{
    json_t *record = json_pack(
        "{s:s, s:i, s:s, s:s, s:s, s:i, s:i, s:i, s:f, s:i, s:f, s:f, s:f, s:b}", "record", "cost",
        "schema", NF_SCHEMA, "kind", nf_cost_names[c->kind], "what", c->what, "unit", c->unit,
        "ranks", c->ranks, "threads", c->threads, "nodes", c->nodes, "amount", c->amount, "n", c->n,
        "value", c->value, "low", c->low, "high", c->high, "valid", c->valid);
    bool fine = record != NULL && set_text(record, "kernel", c->kernel) &&
                set_text(record, "label", c->label) &&
                (c->lost == 0 || set(record, "lost", json_real(c->lost)));
    if (fine && nf_record_restore(record, c->more))
        return record;
    json_decref(record);
    return NULL;
}

/* ---- unpacking ---- */

/* The number of a text among names; -1: it is none of them. */
static int find_name(const char *const *names, int n, const char *text)
{
    for (int i = 0; i < n; i++)
        if (strcmp(names[i], text) == 0)
            return i;
    return -1;
}

/* A number that may be missing. */
static bool get_real(const json_t *record, const char *name, double *value)
{
    const json_t *member = json_object_get(record, name);
    if (member == NULL)
        return true;
    *value = json_number_value(member);
    return json_is_number(member) && isfinite(*value);
}

/* A name that may be missing: which, of `n`. */
static bool get_name(const json_t *record, const char *name, const char *const *names, int n,
                     int *which)
{
    const json_t *member = json_object_get(record, name);
    if (member == NULL)
        return true;
    if (!json_is_string(member))
        return false;
    *which = find_name(names, n, json_string_value(member));
    if (*which < 0) /* of a later version */
        *which = 0;
    return true;
}

static bool unpack_shape(json_t *record, nf_shape *shape)
{
    json_int_t dim[NF_DIMS];
    const char *dtype;
    if (json_unpack(record, "{s:{s:[I, I, I], s:i, s:i, s:s}}", "shape", "dim", &dim[0], &dim[1],
                    &dim[2], "ndim", &shape->ndim, "channels", &shape->channels, "dtype",
                    &dtype) != 0)
        return false;
    for (int d = 0; d < NF_DIMS; d++)
        shape->dim[d] = dim[d];
    for (int i = NF_NONE; i < NF_DTYPES; i++)
        if (strcmp(nf_dtype_name((nf_dtype)i), dtype) == 0) {
            shape->dtype = (nf_dtype)i;
            return shape->ndim >= 1 && shape->ndim <= NF_DIMS && shape->channels >= 1;
        }
    return false;
}

/* Those that schema 1 did not have may be missing. */
static bool unpack_phases(const json_t *record, nf_phases *phases)
{
    const json_t *object = json_object_get(record, "phases");
    bool fine = json_is_object(object);
    for (int p = 0; p < PHASES && fine; p++) {
        bool optional_one = p == 1 || p == 2;
        fine = get_real(object, phase_list[p].name, phase_of(phases, p)) &&
               (optional_one || json_object_get(object, phase_list[p].name) != NULL);
    }
    return fine;
}

static bool unpack_times(const json_t *list, size_t n, double *first, size_t stride)
{
    bool fine = json_is_array(list) && json_array_size(list) == n;
    for (size_t i = 0; i < n && fine; i++) {
        const json_t *value = json_array_get(list, i);
        fine = json_is_integer(value);
        *(double *)((uintptr_t)first + i * stride) = 1e-9 * (double)json_integer_value(value);
    }
    return fine;
}

static bool unpack_lists(const json_t *object, nf_sample *sample)
{
    nf_balance *b = &sample->balance;
    const json_t *threads = json_object_get(object, "threads_ns");
    const json_t *ranks = json_object_get(object, "ranks_ns");
    size_t n = (size_t)sample->ranks, workers = n * (size_t)sample->threads;
    if (threads == NULL && ranks == NULL)
        return true;
    if (json_array_size(threads) != workers ||
        nf_balance_make(b, sample->ranks, sample->threads) != NF_OK)
        return false;
    bool fine = unpack_times(threads, workers, b->threads, sizeof(double));
    for (int p = 0; p < PHASES && fine; p++)
        fine = unpack_times(json_object_get(ranks, phase_list[p].name), n, phase_of(b->ranks, p),
                            sizeof(nf_phases));
    return fine;
}

static bool unpack_balance(json_t *record, nf_sample *sample)
{
    nf_balance *b = &sample->balance;
    json_t *object = json_object_get(record, "balance");
    json_int_t steps;
    if (object == NULL)
        return true;
    if (json_unpack(object, "{s:F, s:F, s:F, s:F, s:F, s:I, s:i}", "useful", &b->useful, "most",
                    &b->most, "rank_most", &b->rank_most, "bulk", &b->bulk, "chain", &b->chain,
                    "steps", &steps, "slowest", &b->slowest) != 0)
        return false;
    b->steps = steps;
    b->known = true;
    return b->slowest >= 0 && b->slowest < sample->ranks && unpack_lists(object, sample);
}

static bool unpack_required(json_t *record, nf_sample *sample)
{
    const char *kernel, *label, *scaling;
    json_int_t work;
    int valid, oversubscribed;
    if (json_unpack(record, "{s:s, s:s, s:s, s:i, s:i, s:i, s:I, s:i, s:i, s:F, s:b, s:b}",
                    "kernel", &kernel, "label", &label, "scaling", &scaling, "ranks",
                    &sample->ranks, "threads", &sample->threads, "nodes", &sample->nodes, "work",
                    &work, "launch", &sample->launch, "rep", &sample->rep, "seconds",
                    &sample->seconds, "valid", &valid, "oversubscribed", &oversubscribed) != 0)
        return false;
    int which = find_name(scaling_names, 2, scaling);
    sample->kernel = (char *)(uintptr_t)kernel;
    sample->label = (char *)(uintptr_t)label;
    sample->scaling = (nf_scaling)which;
    sample->work = work;
    sample->valid = valid;
    sample->oversubscribed = oversubscribed;
    return which >= 0 && sample->ranks >= 1 && sample->threads >= 1 &&
           sample->ranks <= INT32_MAX / sample->threads && work >= 1 && sample->seconds > 0 &&
           unpack_shape(record, &sample->shape) && unpack_phases(record, &sample->phases);
}

static bool unpack_known(json_t *record, nf_sample *sample)
{
    const json_t *simulated = json_object_get(record, "simulated");
    const json_t *waits = json_object_get(record, "waits"),
                 *cores = json_object_get(record, "cores");
    const json_t *order = json_object_get(record, "order"), *runs = json_object_get(record, "runs");
    const json_t *grows = json_object_get(record, "grows");
    int clock = 0, end = 0;
    bool fine =
        get_name(record, "clock", clock_names, 3, &clock) &&
        get_name(record, "end", end_names, 4, &end) && (grows == NULL || json_is_string(grows)) &&
        (runs == NULL || json_integer_value(runs) > 0) &&
        (order == NULL || json_is_integer(order)) && (cores == NULL || json_is_integer(cores)) &&
        (waits == NULL || json_is_boolean(waits)) &&
        (simulated == NULL || json_is_boolean(simulated));
    for (int i = 0; i < OPTIONAL && fine; i++)
        fine = get_real(record, optional[i].name, optional_of(sample, i));
    sample->clock = (nf_clock)clock;
    sample->end = (nf_end)end;
    sample->grows = (char *)(uintptr_t)json_string_value(grows);
    sample->runs = (int)json_integer_value(runs);
    sample->order = json_integer_value(order);
    sample->cores = (int)json_integer_value(cores);
    sample->waits = json_is_true(waits);
    sample->simulated = json_is_true(simulated);
    return fine && unpack_balance(record, sample);
}

bool nf_unpack_sample(json_t *record, nf_sample *sample)
{
    *sample = (nf_sample){.kernel = NULL};
    if (!unpack_required(record, sample) || !unpack_known(record, sample))
        return false;
    json_t *known = nf_pack_sample(sample, "");
    sample->more = nf_record_beyond(record, known);
    json_decref(known);
    return true;
}

bool nf_unpack_ceiling(json_t *record, nf_ceiling *c)
{
    const char *what, *unit;
    json_int_t bytes;
    *c = (nf_ceiling){.what = NULL};
    if (json_unpack(record, "{s:s, s:s, s:i, s:i, s:i, s:I, s:F, s:i, s:F, s:F}", "what", &what,
                    "unit", &unit, "ranks", &c->ranks, "threads", &c->threads, "nodes", &c->nodes,
                    "bytes", &bytes, "factor", &c->factor, "n", &c->n, "best", &c->best, "median",
                    &c->median) != 0)
        return false;
    c->what = (char *)(uintptr_t)what;
    c->unit = (char *)(uintptr_t)unit;
    c->bytes = bytes;
    json_t *known = nf_pack_ceiling(c);
    c->more = nf_record_beyond(record, known);
    json_decref(known);
    return true;
}

bool nf_unpack_cost(json_t *record, nf_cost *c)
{
    const char *kind, *what, *unit, *kernel = NULL, *label = NULL;
    int valid, which;
    *c = (nf_cost){.what = NULL};
    if (json_unpack(record,
                    "{s:s, s:s, s:s, s:i, s:i, s:i, s:F, s:i, s:F, s:F, s:F, s:b, s?s, s?s, s?F}",
                    "kind", &kind, "what", &what, "unit", &unit, "ranks", &c->ranks, "threads",
                    &c->threads, "nodes", &c->nodes, "amount", &c->amount, "n", &c->n, "value",
                    &c->value, "low", &c->low, "high", &c->high, "valid", &valid, "kernel", &kernel,
                    "label", &label, "lost", &c->lost) != 0)
        return false;
    which = find_name(nf_cost_names, NF_COSTS, kind);
    if (which < 0 || c->ranks < 1 || c->threads < 1 || c->ranks > INT32_MAX / c->threads ||
        (which == NF_COST_BREAK_EVEN) != (kernel != NULL && label != NULL))
        return false;
    c->kind = (nf_cost_kind)which;
    c->what = (char *)(uintptr_t)what;
    c->unit = (char *)(uintptr_t)unit;
    c->kernel = (char *)(uintptr_t)kernel;
    c->label = (char *)(uintptr_t)label;
    c->valid = valid;
    json_t *known = nf_pack_cost(c);
    c->more = nf_record_beyond(record, known);
    json_decref(known);
    return true;
}
