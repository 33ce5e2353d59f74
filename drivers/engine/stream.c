/* stream.c - running a plan a band at a time. */
#include "drivers/engine/stream.h"

#include <stdlib.h>
#include <string.h>

#include "drivers/engine/pipe.h"
#include "drivers/engine/resample.h"
#include "drivers/engine/scratch.h"
#include "drivers/engine/stop.h"
#include "drivers/engine/stream_parts.h"
#include "drivers/engine/sweep.h"
#include "drivers/engine/team.h"
#include "drivers/engine/window.h"

/* ---- one sweep ---- */

/* What is in memory while a rank goes through a pass: places for even and for odd bands. */
typedef struct sweeping {
    nf_stream *stream;
    nf_pass *pass;
    nf_bands bands;
    nf_stream_source from, with;
    nf_stream_sink to;
    nf_window in[2], second[2];
    nf_sources *sources[2]; /* of a resampling, instead of `in` */
    nf_field out[2];
    uint64_t number;
} sweeping;

static bool is_copy(const nf_pass *pass)
{
    return pass->count == 0 && !pass->reduces;
}

static bool has_second(const sweeping *s)
{
    return s->pass->reduces && s->with.read != NULL;
}

static nf_status make_input(sweeping *s, const nf_box *band, int i)
{
    int64_t beyond;
    if (s->pass->kind != NF_RESAMPLING)
        return nf_field_create_box(&s->in[i].field, &s->pass->in, band, &s->pass->halo);
    int64_t inside = nf_bands_most_cells(s->pass, &s->bands, &beyond);
    return nf_sources_reserve(s->pass, inside, beyond, &s->sources[i]);
}

static nf_status make_places(sweeping *s)
{
    const nf_halo none = {{0}, {0}};
    const nf_pass *pass = s->pass;
    const nf_shape *with = &s->stream->plan->with;
    nf_box band = s->bands.slab;
    int d = s->bands.slow;
    nf_status status = NF_OK;
    if (s->bands.height < nf_box_extent(&band, d))
        band.hi[d] = band.lo[d] + s->bands.height;
    for (int i = 0; i < 2 && i < s->bands.count && status == NF_OK; i++) {
        status = make_input(s, &band, i);
        if (status == NF_OK && has_second(s))
            status = nf_field_create_box(&s->second[i].field, with, &band, &none);
        if (status == NF_OK && !pass->reduces)
            status = nf_field_create_box(&s->out[i], &pass->out, &band, &none);
    }
    return status;
}

static void free_places(sweeping *s)
{
    for (int i = 0; i < 2; i++) {
        nf_field_free(&s->in[i].field);
        nf_sources_free(s->sources[i]);
        nf_field_free(&s->second[i].field);
        nf_field_free(&s->out[i]);
    }
}

static bool is_there(const sweeping *s, int64_t number)
{
    nf_box band;
    if (s->to.has == NULL || number < 0 || number >= s->bands.count)
        return false;
    band = nf_bands_box(&s->bands, number);
    return s->to.has(s->to.context, &band);
}

static nf_status fetch_sources(sweeping *s, int64_t number)
{
    nf_box band = nf_bands_box(&s->bands, number);
    nf_patch to = nf_sources_aim(s->sources[number % 2], s->pass, &band);
    if (nf_box_empty(&to.box)) /* all of it lies beyond the array */
        return NF_OK;
    return s->from.read(s->from.context, &to.box, to.origin, to.stride);
}

static nf_status fetch(void *context, int64_t band)
{
    sweeping *s = context;
    const nf_pass alone = {.in = s->stream->plan->with};
    int place = (int)(band % 2);
    if (is_there(s, band))
        return NF_OK;
    if (s->pass->kind == NF_RESAMPLING)
        return fetch_sources(s, band);
    nf_status status = nf_window_read(s->pass, &s->bands, band, &s->from,
                                      band > 0 && !is_there(s, band - 1) ? &s->in[1 - place] : NULL,
                                      &s->in[place]);
    if (status == NF_OK && has_second(s))
        status = nf_window_read(&alone, &s->bands, band, &s->with, NULL, &s->second[place]);
    return status;
}

typedef struct copying {
    const nf_field *from, *to;
} copying;

/* One row, of a volume one plane: whichever the band has more of. */
static void copy_row(void *context, int thread, int64_t row)
{
    const copying *c = context;
    nf_box box = c->to->own;
    int d = nf_box_extent(&box, 0) > 1 ? 0 : 1;
    int64_t extent[NF_DIMS];
    (void)thread;
    box.lo[d] += row, box.hi[d] = box.lo[d] + 1;
    nf_box_extents(&box, extent);
    nf_copy_box(extent, c->to->cut.shape.channels, c->to->cut.shape.dtype,
                nf_field_at(c->to, box.lo), c->to->stride, nf_field_at(c->from, box.lo),
                c->from->stride);
}

static void copy_band(const nf_plan *plan, const nf_field *from, const nf_field *to)
{
    copying c = {from, to};
    int64_t planes = nf_box_extent(&to->own, 0);
    nf_team_run(plan->world.threads, planes > 1 ? planes : nf_box_extent(&to->own, 1), copy_row,
                &c);
}

static void show(nf_stream *stream, const nf_pass *pass, const nf_box *band)
{
    stream->done += nf_pass_band_bytes(stream->plan, pass, band);
    double done = stream->done < stream->mine ? stream->done : stream->mine;
    nf_watch_show(&stream->watch, done, stream->mine);
}

static void sweep_band(const sweeping *s, nf_window *window, const nf_field *with,
                       const nf_field *to)
{
    nf_plan *plan = s->stream->plan;
    nf_sweep sweep = {.plan = plan, .pass = s->pass, .from = &window->field};
    sweep.with = has_second(s) ? with : NULL;
    sweep.to = s->pass->reduces ? NULL : to;
    sweep.number = ++plan->sweeps;
    nf_window_wrap(plan, s->pass, s->bands.slow, window);
    nf_sweep_after_halo(&sweep, &window->field);
}

static nf_status compute(void *context, int64_t number)
{
    sweeping *s = context;
    nf_plan *plan = s->stream->plan;
    nf_box band = nf_bands_box(&s->bands, number);
    int place = (int)(number % 2);
    nf_field *out = &s->out[place];
    if (s->to.has == NULL && nf_stop_asked())
        return nf_fail(
            NF_ERR_STOPPED,
            "stopped as it was asked to, before any of the output was computed: the same "
            "command begins once more");
    if (is_there(s, number)) {
        show(s->stream, s->pass, &band);
        return NF_OK;
    }
    nf_status status = is_copy(s->pass) ? NF_OK : nf_bands_tile(plan, s->pass, &band);
    out->own = band;
    if (status != NF_OK)
        return status;
    if (is_copy(s->pass))
        copy_band(plan, &s->in[place].field, out);
    else if (s->pass->kind == NF_RESAMPLING)
        nf_resample_band(plan, s->pass, s->sources[place], out);
    else
        sweep_band(s, &s->in[place], &s->second[place].field, out);
    show(s->stream, s->pass, &band);
    return NF_OK;
}

/* ---- writing ---- */

static nf_stream_band band_of(const sweeping *s, int64_t number)
{
    nf_stream_band band = {.place = (int)(number % 2)};
    const nf_field *out = &s->out[band.place];
    if (number >= s->bands.count || is_there(s, number)) /* a rank that has none left */
        return band;
    band.box = nf_bands_box(&s->bands, number);
    band.cells = out->origin;
    memcpy(band.stride, out->stride, sizeof band.stride);
    return band;
}

static nf_status pack(void *context, int64_t number)
{
    const sweeping *s = context;
    nf_stream_band band = band_of(s, number);
    return nf_box_empty(&band.box) ? NF_OK : s->to.pack(s->to.context, &band);
}

static nf_status place(void *context, int64_t number)
{
    const sweeping *s = context;
    nf_stream_band band = band_of(s, number);
    return s->to.place(s->to.context, &band);
}

static nf_status store(void *context, int64_t number)
{
    const sweeping *s = context;
    nf_stream_band band = band_of(s, number);
    return nf_box_empty(&band.box) ? NF_OK : s->to.store(s->to.context, &band);
}

/* Collective. `to` NULL: the pass reduces. */
static nf_status sweep(nf_stream *stream, nf_pass *pass, const nf_stream_source *from,
                       const nf_stream_source *with, const nf_stream_sink *to)
{
    nf_plan *plan = stream->plan;
    sweeping s = {.stream = stream, .pass = pass, .from = *from};
    s.bands = nf_bands_of(pass, plan->world.rank);
    if (with != NULL)
        s.with = *with;
    if (to != NULL)
        s.to = *to;
    nf_pipe pipe = {.bands = s.bands.count,
                    .rounds = nf_bands_most(plan, pass),
                    .fetch = fetch,
                    .compute = compute,
                    .pack = s.to.pack != NULL ? pack : NULL,
                    .place = s.to.place != NULL ? place : NULL,
                    .store = s.to.store != NULL ? store : NULL,
                    .context = &s};
    nf_pipe_times times = {0};
    nf_status status = nf_agree(&plan->world, make_places(&s));
    if (status == NF_OK)
        status = nf_pipe_run(&plan->world, &pipe, &times);
    stream->spent.read += times.fetch;
    stream->spent.compute += times.compute;
    stream->spent.write += times.store;
    free_places(&s);
    return status;
}

/* ---- scratch arrays ---- */

static nf_status read_scratch(void *context, const nf_box *box, void *cells,
                              const ptrdiff_t stride[NF_DIMS])
{
    const nf_scratch *scratch = context;
    return nf_dense_read(&scratch->dense, box, cells, stride);
}

static nf_status store_scratch(void *context, const nf_stream_band *band)
{
    const nf_scratch *scratch = context;
    return nf_dense_write(&scratch->dense, &band->box, band->cells, band->stride);
}

/* The array that a chain has come to: the input, or one of two scratch arrays. */
typedef struct current {
    nf_stream_source source;
    int scratch; /* -1: the input */
} current;

/* Collective. */
static nf_status begin_scratch(nf_stream *stream, int number, const nf_shape *shape)
{
    nf_scratch *scratch = &stream->scratch[number];
    const nf_world *world = &stream->plan->world;
    nf_status status = NF_OK;
    if (scratch->path == NULL)
        status = nf_scratch_open(world, stream->options.scratch, stream->options.nodes, scratch);
    return status == NF_OK ? nf_scratch_begin(world, scratch, shape) : status;
}

/* Collective. One sweep from where the chain is to the next scratch array, or to the output. */
static nf_status sweep_on(nf_stream *stream, nf_pass *pass, current *at, bool last)
{
    if (last)
        return sweep(stream, pass, &at->source, NULL, &stream->ends.out);
    int next = at->scratch == 0 ? 1 : 0;
    nf_scratch *scratch = &stream->scratch[next];
    nf_stream_sink to = {.context = scratch, .store = store_scratch};
    nf_status status = begin_scratch(stream, next, &pass->out);
    if (status == NF_OK)
        status = sweep(stream, pass, &at->source, NULL, &to);
    *at = (current){{scratch, read_scratch}, next};
    return status;
}

/* ---- passes ---- */

/* Looks at an array as often as the kernel that learns from it wants. */
static nf_status look(nf_stream *stream, nf_pass *pass, const current *at, bool *more)
{
    const nf_stream_source *with = pass->ends->surveys ? NULL : &stream->ends.with;
    nf_start_partials(pass->ends);
    nf_status status = sweep(stream, pass, &at->source, with, NULL);
    *more = status == NF_OK && nf_survey_learn(stream->plan, pass);
    return status;
}

static nf_status look_all(nf_stream *stream, nf_pass *pass, const current *at)
{
    nf_status status = NF_OK;
    nf_survey_begin(pass);
    for (bool more = true; more && status == NF_OK;)
        status = look(stream, pass, at, &more);
    return status;
}

/* Sweeps with surveys between them, until one says that it is enough. */
static nf_status iterate(nf_stream *stream, nf_pass *pass, current *at, bool last)
{
    nf_status status = NF_OK;
    bool more = true;
    nf_survey_begin(pass->survey);
    for (int64_t done = 0; done < pass->sweeps && more && status == NF_OK; done++) {
        status = sweep_on(stream, pass, at, false);
        if (status == NF_OK && (done + 1) % pass->survey_every == 0)
            status = look(stream, pass->survey, at, &more);
    }
    nf_pass copy = {.in = pass->out, .out = pass->out, .cut = pass->cut, .band = pass->band};
    return status == NF_OK && last ? sweep_on(stream, &copy, at, true) : status;
}

static nf_status run_pass(nf_stream *stream, nf_pass *pass, current *at, bool last)
{
    nf_status status = NF_OK;
    if (pass->reduces && pass->nends == 1 && nf_stage_relooks(pass->ends->stage))
        return look_all(stream, pass, at);
    if (pass->survey_every > 0)
        return iterate(stream, pass, at, last);
    if (pass->survey != NULL)
        status = look_all(stream, pass->survey, at);
    if (status == NF_OK && pass->reduces)
        return sweep(stream, pass, &at->source, &stream->ends.with, NULL);
    for (int64_t done = 0; done < pass->sweeps && status == NF_OK; done++)
        status = sweep_on(stream, pass, at, last && done + 1 == pass->sweeps);
    return status;
}

nf_status nf_stream_run(nf_stream *stream, nf_results *results, nf_stream_times *times)
{
    nf_plan *plan = stream->plan;
    double start = nf_seconds();
    nf_status status = NF_OK;
    stream->done = 0;
    stream->spent = (nf_stream_times){0};
    for (size_t g = 0; g < plan->ngroups && status == NF_OK; g++) {
        nf_group *group = &plan->groups[g];
        current at = {stream->ends.in, -1};
        for (size_t e = 0; e < group->nends; e++)
            nf_start_partials(&group->ends[e]);
        for (size_t p = 0; p < group->npasses && status == NF_OK; p++)
            status = run_pass(stream, &group->passes[p], &at, p + 1 == group->npasses);
        if (status == NF_OK)
            status = nf_finish_group(plan, group, results);
    }
    times->read += stream->spent.read;
    times->compute += stream->spent.compute;
    times->write += stream->spent.write;
    times->all += nf_seconds() - start;
    return status;
}
