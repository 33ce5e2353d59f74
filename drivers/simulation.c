#include "drivers/simulation.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "drivers/engine/digest.h"
#include "drivers/engine/team.h"

const nf_plan_options nf_simulated_core = {.caches = {32 << 10, 1 << 20, 4 << 20}};

/* ---- stand-ins ---- */

static void sleep_for(double seconds)
{
    double whole = floor(seconds);
    struct timespec nap = {(time_t)whole, (long)((seconds - whole) * 1e9)};
    if (seconds > 0)
        nanosleep(&nap, NULL);
}

static void stand_in(nf_stand_in *s, nf_apply *work, const nf_tile *tile, void *partial)
{
    int64_t cells = tile->size[0] * tile->size[1] * tile->size[2];
    double start = nf_seconds();
    work(tile, s->config, partial);
    sleep_for(s->cost * (double)cells);
    s->seconds += nf_seconds() - start;
    s->cells += cells;
}

/* apply's configuration is const; the stand-in behind it is this program's own. */
static void apply(const nf_tile *tile, const void *config, void *partial)
{
    nf_stand_in *s = (nf_stand_in *)(uintptr_t)config;
    stand_in(s, s->apply, tile, partial);
}

static void survey(const nf_tile *tile, const void *config, void *partial)
{
    nf_stand_in *s = (nf_stand_in *)(uintptr_t)config;
    stand_in(s, s->survey, tile, partial);
}

static bool learn(void *config, const void *partial)
{
    const nf_stand_in *s = config;
    return s->real->learn((void *)(uintptr_t)s->config, partial);
}

static void source(const void *config, const int64_t lo[NF_DIMS], const int64_t hi[NF_DIMS],
                   int64_t from_lo[NF_DIMS], int64_t from_hi[NF_DIMS])
{
    const nf_stand_in *s = config;
    s->real->source(s->config, lo, hi, from_lo, from_hi);
}

static void start(void *partial, const void *config)
{
    const nf_stand_in *s = config;
    if (s->real->start != NULL)
        s->real->start(partial, s->config);
}

static void fold(void *into, const void *next, const void *config)
{
    const nf_stand_in *s = config;
    s->real->fold(into, next, s->config);
    sleep_for(s->fold_cost);
}

static void finish(const void *partial, const void *config, nf_sink *out)
{
    const nf_stand_in *s = config;
    if (s->real->finish != NULL)
        s->real->finish(partial, s->config, out);
}

void nf_stand_ins_put(nf_chain *chain, const nf_costs *costs, nf_stand_in *stand_ins)
{
    for (size_t i = 0; i < chain->count; i++) {
        nf_stage *stage = &chain->stages[i];
        nf_dtype dtype = stage->setup.in.dtype;
        stand_ins[i] = (nf_stand_in){.kernel = *stage->kernel,
                                     .real = stage->kernel,
                                     .apply = stage->kernel->apply[dtype],
                                     .survey = stage->kernel->survey[dtype],
                                     .config = stage->setup.config,
                                     .cost = costs->cell[i],
                                     .fold_cost = costs->fold};
        stand_ins[i].kernel.apply[dtype] = apply;
        stand_ins[i].kernel.survey[dtype] = survey;
        if (stage->kernel->learn != NULL)
            stand_ins[i].kernel.learn = learn;
        stand_ins[i].kernel.source = source;
        stand_ins[i].kernel.start = start;
        stand_ins[i].kernel.fold = fold;
        stand_ins[i].kernel.finish = finish;
        stage->kernel = &stand_ins[i].kernel;
        stage->setup.config = &stand_ins[i];
    }
}

void nf_stand_ins_take(nf_chain *chain, const nf_stand_in *stand_ins)
{
    for (size_t i = 0; i < chain->count; i++) {
        chain->stages[i].kernel = stand_ins[i].real;
        chain->stages[i].setup.config = stand_ins[i].config;
    }
}

/* ---- the array ---- */

/* The finalizer of MurmurHash3 (Appleby, public domain): every bit of the index moves every bit. */
static uint64_t mix(uint64_t x)
{
    x ^= x >> 33, x *= 0xff51afd7ed558ccdu;
    x ^= x >> 33, x *= 0xc4ceb9fe1a85ec53u;
    return x ^ x >> 33;
}

static double made_value(uint64_t index)
{
    static const double scale[] = {0x1p-40, 0x1p-27, 0x1p-20, 0x1p-15};
    uint64_t bits = mix(index + 1);
    return (double)((int64_t)(bits & 0xffffff) - 0x800000) * scale[bits >> 62];
}

void nf_made_fill(const nf_field *field)
{
    const nf_shape *shape = &field->cut.shape;
    for (int64_t z = field->own.lo[0]; z < field->own.hi[0]; z++) {
        for (int64_t y = field->own.lo[1]; y < field->own.hi[1]; y++) {
            int64_t at[NF_DIMS] = {z, y, field->own.lo[2]};
            int64_t first = ((z * shape->dim[1] + y) * shape->dim[2] + at[2]) * shape->channels;
            int64_t n = nf_box_extent(&field->own, 2) * shape->channels;
            void *row = nf_field_at(field, at);
            for (int64_t i = 0; i < n && shape->dtype == NF_F32; i++)
                ((float *)row)[i] = (float)made_value((uint64_t)(first + i));
            for (int64_t i = 0; i < n && shape->dtype == NF_F64; i++)
                ((double *)row)[i] = made_value((uint64_t)(first + i));
        }
    }
}

/* ---- results ---- */

/* Appends to the text; false: no room. */
static bool say(char text[NF_RESULT_TEXT], const char *format, ...)
{
    size_t used = strlen(text);
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(text + used, NF_RESULT_TEXT - used, format, arguments);
    va_end(arguments);
    return length >= 0 && (size_t)length < NF_RESULT_TEXT - used;
}

static bool say_number(const nf_number *number, char text[NF_RESULT_TEXT])
{
    uint64_t bits;
    memcpy(&bits, &number->real, sizeof bits);
    bool room = say(text, "%s%s=", text[0] != '\0' ? " " : "", number->name);
    if (number->type == NF_REAL)
        return room && say(text, "%016" PRIx64, bits);
    if (number->type == NF_INTEGER)
        return room && say(text, "%016" PRIx64 "%016" PRIx64, number->high, number->low);
    for (size_t i = 0; i < number->n && room; i++)
        room = say(text, "%s%" PRIx64, i > 0 ? "," : "", number->counts[i]);
    return room;
}

nf_status nf_result_text(const nf_world *world, const nf_field *out, const nf_results *results,
                         char text[NF_RESULT_TEXT])
{
    bool room = true;
    text[0] = '\0';
    if (out != NULL)
        room = say(text, "digest=%016" PRIx64, nf_field_digest(world, out));
    for (size_t i = 0; out == NULL && i < results->count && room; i++)
        room = say_number(&results->numbers[i], text);
    return room ? NF_OK
                : nf_fail(NF_ERR_MEMORY, "no room for a result of more than %d characters",
                          NF_RESULT_TEXT);
}
