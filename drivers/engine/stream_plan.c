/* stream_plan.c - how high the bands of each pass are, so that what a rank holds stays within its
 * bound. */
#include <stdlib.h>
#include <string.h>

#include "drivers/engine/bands.h"
#include "drivers/engine/memory.h"
#include "drivers/engine/stream_parts.h"

/* What a process takes later that cannot be told beforehand: code, stacks, buffers of libraries. */
enum { RESERVE = 8 << 20 };

/* Bytes of what a pass reads and writes. */
static size_t pass_bytes(const nf_plan *plan, const nf_pass *pass)
{
    size_t bytes = nf_shape_bytes(&pass->in);
    if (!pass->reduces)
        bytes += nf_shape_bytes(&pass->out);
    else if (plan->with.dtype != NF_NONE)
        bytes += nf_shape_bytes(&plan->with);
    return bytes;
}

double nf_pass_band_bytes(const nf_plan *plan, const nf_pass *pass, const nf_box *band)
{
    double part = (double)nf_box_cells(band) / (double)nf_shape_cells(&pass->out);
    return part * (double)pass_bytes(plan, pass);
}

/* ---- all passes ---- */

/* The pass that has this number, each survey before the pass that it is for, as nf_plan_tell
 * counts; NULL: past the end. `last`: it writes the output. */
static nf_pass *find_pass(const nf_plan *plan, size_t number, bool *last)
{
    for (size_t g = 0; g < plan->ngroups; g++) {
        const nf_group *group = &plan->groups[g];
        for (size_t p = 0; p < group->npasses; p++) {
            nf_pass *pass = &group->passes[p];
            *last = p + 1 == group->npasses && !pass->reduces;
            if (number == 0 && pass->survey != NULL)
                *last = false;
            if (pass->survey != NULL && number-- == 0)
                return pass->survey;
            if (number-- == 0)
                return pass;
        }
    }
    return NULL;
}

/* ---- heights ---- */

static int64_t clamp(int64_t v, int64_t least, int64_t most)
{
    v = v < most ? v : most;
    return v > least ? v : least;
}

static int64_t round_up(int64_t n, int64_t unit)
{
    return (n + unit - 1) / unit * unit;
}

/* Bytes of this rank in bands of this height; those of the sink included. */
static int64_t bytes_at(const nf_stream *stream, nf_pass *pass, bool last, int64_t height,
                        size_t *workspace)
{
    const nf_stream_sink *out = &stream->ends.out;
    int64_t bytes = nf_bands_bytes(stream->plan, pass, height, workspace);
    nf_bands bands = nf_bands_of(pass, stream->plan->world.rank);
    if (!last || out->bytes == NULL || bands.count == 0)
        return bytes;
    int64_t rows = clamp(height, 1, nf_box_extent(&bands.slab, bands.slow));
    int64_t cells = nf_box_cells(&bands.slab) / nf_box_extent(&bands.slab, bands.slow) * rows;
    return bytes + 2 * out->bytes(out->context, cells);
}

/* A band is as high as reading and writing it by one call each is worth, and as what is computed
 * twice at its edges does not matter; and as low as there are many of them, because the first and
 * the last are not overlapped. */
static int64_t wanted_height(const nf_plan *plan, const nf_pass *pass)
{
    enum { BYTES = 8 << 20, OTHERS = 64 << 20, LEAST = 1 << 20, BANDS = 32, REACHES = 8 };
    int d = nf_pass_slowest(pass);
    nf_box slab = nf_cut_block(&pass->cut, 0);
    int64_t extent = nf_box_extent(&slab, d), unit = nf_bands_unit(plan, pass);
    int64_t across = (int64_t)(pass_bytes(plan, pass) / (size_t)pass->out.dim[d]) + 1;
    if (pass->kind == NF_RESAMPLING) /* which may read columns */
        return round_up(clamp(OTHERS / across + 1, 1, extent), unit);
    int64_t few = clamp(extent / BANDS, LEAST / across + 1, BYTES / across + 1);
    int64_t reach = pass->halo.lo[d] + pass->halo.hi[d];
    return round_up(clamp(few, REACHES * reach, extent), unit);
}

/* The highest band, up to the one that is wanted, whose bytes there is room for, in units. */
static int64_t fitting_height(const nf_stream *stream, nf_pass *pass, bool last, int64_t wanted,
                              int64_t room)
{
    int64_t unit = nf_bands_unit(stream->plan, pass), least = 1, most = wanted / unit;
    size_t workspace;
    while (least < most) {
        int64_t middle = (least + most + 1) / 2;
        if (bytes_at(stream, pass, last, middle * unit, &workspace) <= room)
            least = middle;
        else
            most = middle - 1;
    }
    return least * unit;
}

/* Collective. The least and the greatest that any rank has. */
static nf_status find_bounds(const nf_world *world, int64_t mine, int64_t *least, int64_t *most)
{
    int64_t bounds[2] = {mine, mine}, *all = NULL;
    nf_status status = NF_OK;
    if (world->rank == 0) {
        all = malloc((size_t)world->size * sizeof *all);
        status = all != NULL ? NF_OK : nf_fail(NF_ERR_MEMORY, "no memory for a plan");
    }
    status = nf_agree(world, status);
    if (status == NF_OK)
        nf_gather(world, &mine, all, sizeof mine);
    for (int rank = 0; status == NF_OK && world->rank == 0 && rank < world->size; rank++) {
        bounds[0] = all[rank] < bounds[0] ? all[rank] : bounds[0];
        bounds[1] = all[rank] > bounds[1] ? all[rank] : bounds[1];
    }
    free(all);
    if (status == NF_OK)
        nf_broadcast(world, bounds, sizeof bounds, 0);
    *least = bounds[0], *most = bounds[1];
    return status;
}

/* Collective. Sets the pass's height; *least: the bound that the lowest band would need. */
static nf_status choose_height(const nf_stream *stream, nf_pass *pass, bool last, int64_t *least)
{
    const nf_plan *plan = stream->plan;
    int64_t unit = nf_bands_unit(plan, pass), unused, height = round_up(1, unit);
    size_t workspace;
    int64_t low = stream->resident + bytes_at(stream, pass, last, height, &workspace);
    if (stream->options.band > 0)
        height = round_up(stream->options.band, unit);
    else
        height = fitting_height(stream, pass, last, wanted_height(plan, pass),
                                stream->options.memory - stream->resident);
    nf_status status = find_bounds(&plan->world, low, &unused, least);
    if (status == NF_OK)
        status = find_bounds(&plan->world, height, &pass->band, &unused);
    return status;
}

static nf_status too_small(const nf_stream *stream, const nf_pass *pass, int64_t least)
{
    char text[NF_SHAPE_TEXT];
    enum { MIB = 1 << 20 };
    return nf_fail(
        NF_ERR_MEMORY,
        "%lld MiB a rank are too few for an array of %s: the least bound that would do is "
        "%lld MiB, of which the program has %lld already",
        (long long)(stream->options.memory / MIB), nf_shape_text(&pass->in, text),
        (long long)(round_up(least, MIB) / MIB),
        (long long)(round_up(stream->resident, MIB) / MIB));
}

const nf_kernel *nf_stream_obstacle(const nf_plan *plan)
{
    const nf_pass *pass;
    bool last;
    for (size_t i = 0; (pass = find_pass(plan, i, &last)) != NULL; i++)
        if (pass->kind == NF_LABELLING)
            return pass->stages[0]->kernel;
    return NULL;
}

static nf_status refuse(const nf_plan *plan)
{
    return nf_fail(
        NF_ERR_MEMORY,
        "kernel '%s' cannot go through an array in bands; in memory the chain needs about "
        "%lld MiB a rank: start more ranks, or allow each so much",
        nf_stream_obstacle(plan)->name, (long long)(nf_stream_in_memory(plan) >> 20));
}

/* Collective. Of all passes: heights, the workspace, what they take at most. */
static nf_status choose_heights(nf_stream *stream)
{
    nf_plan *plan = stream->plan;
    const nf_pass *at_fault = NULL;
    int64_t least = 0, most_bytes = 0;
    size_t most = 0, workspace;
    nf_status status = NF_OK;
    nf_pass *pass;
    bool last;
    if (nf_stream_obstacle(plan) != NULL)
        return refuse(plan);
    for (size_t i = 0; status == NF_OK && (pass = find_pass(plan, i, &last)) != NULL; i++) {
        int64_t low;
        status = choose_height(stream, pass, last, &low);
        if (status != NF_OK)
            break;
        if (low > least)
            at_fault = pass, least = low;
        int64_t bytes = bytes_at(stream, pass, last, pass->band, &workspace);
        most = workspace > most ? workspace : most;
        most_bytes = bytes > most_bytes ? bytes : most_bytes;
    }
    stream->most = stream->resident + most_bytes;
    if (status == NF_OK && stream->options.band == 0 && least > stream->options.memory)
        return too_small(stream, at_fault, least);
    return status == NF_OK ? nf_agree(&plan->world, nf_workspace_create(plan, most)) : status;
}

/* ---- creating ---- */

/* Bytes that this rank reads and writes in all. */
static double all_bytes(const nf_plan *plan)
{
    double bytes = 0;
    nf_pass *pass;
    bool last;
    for (size_t i = 0; (pass = find_pass(plan, i, &last)) != NULL; i++) {
        nf_box slab = nf_cut_block(&pass->cut, plan->world.rank);
        int64_t sweeps = pass->sweeps + (last && pass->survey_every > 0);
        bytes += (double)sweeps * nf_pass_band_bytes(plan, pass, &slab);
    }
    return bytes;
}

const char *nf_stream_folder(const nf_stream_options *options)
{
    const char *usual = getenv("TMPDIR");
    if (options->scratch != NULL)
        return options->scratch;
    return usual != NULL && usual[0] != '\0' ? usual : "/var/tmp";
}

nf_status nf_stream_create(nf_plan *plan, const nf_stream_ends *ends,
                           const nf_stream_options *options, nf_stream **made)
{
    enum { GIB = 1 << 30 };
    nf_stream *stream = *made = calloc(1, sizeof *stream);
    nf_status status = stream ? NF_OK : nf_fail(NF_ERR_MEMORY, "no memory for a stream");
    status = nf_agree(&plan->world, status);
    if (status == NF_OK) {
        stream->plan = plan;
        stream->ends = *ends;
        stream->options = *options;
        stream->options.scratch = nf_stream_folder(options);
        stream->options.memory = options->memory > 0 ? options->memory : GIB;
        stream->resident = nf_memory_resident() + RESERVE;
        stream->mine = all_bytes(plan);
        status = choose_heights(stream);
    }
    if (status == NF_OK)
        return NF_OK;
    nf_stream_free(stream);
    *made = NULL;
    return status;
}

void nf_stream_free(nf_stream *stream)
{
    if (stream == NULL)
        return;
    nf_scratch_close(&stream->scratch[0]);
    nf_scratch_close(&stream->scratch[1]);
    free(stream);
}

void nf_stream_watch(nf_stream *stream, nf_watch watch)
{
    stream->watch = watch;
}

/* ---- telling ---- */

static int64_t share(const nf_plan *plan, const nf_shape *shape)
{
    return (int64_t)(nf_shape_bytes(shape) / (size_t)nf_cut_blocks(&plan->cut));
}

/* Arrays that the pass keeps beside its input: those between its sweeps, and what the next pass
 * reads. */
static int64_t held_arrays(const nf_pass *pass, bool followed)
{
    int64_t kept = pass->reduces ? 0 : pass->survey_every > 0 ? pass->sweeps : pass->sweeps - 1;
    return clamp(kept, 0, 2) + followed;
}

int64_t nf_stream_in_memory(const nf_plan *plan)
{
    int64_t bytes = share(plan, &plan->in) + share(plan, &plan->with) + share(plan, &plan->out);
    for (size_t g = 0; g < plan->ngroups; g++) {
        const nf_group *group = &plan->groups[g];
        for (size_t p = 0; p < group->npasses; p++) {
            const nf_pass *pass = &group->passes[p];
            bytes += held_arrays(pass, p + 1 < group->npasses) * share(plan, &pass->out);
            if (pass->kind !=
                NF_SWEEPS) /* what is brought together of others; numbers of components */
                bytes += pass->kind == NF_RESAMPLING ? share(plan, &pass->in)
                                                     : 4 * share(plan, &pass->in);
        }
    }
    return bytes;
}

/* Bytes of all scratch arrays that a chain needs at the same time. */
static int64_t scratch_bytes(const nf_group *group)
{
    int64_t most[2] = {0, 0}, at = -1;
    for (size_t p = 0; p < group->npasses; p++) {
        const nf_pass *pass = &group->passes[p];
        bool ends = p + 1 == group->npasses && pass->survey_every == 0;
        int64_t sweeps = pass->reduces ? 0 : pass->sweeps - ends;
        for (int64_t i = 0; i < sweeps && i < 2; i++) {
            at = at == 0 ? 1 : 0;
            int64_t bytes = (int64_t)nf_shape_bytes(&pass->out);
            most[at] = bytes > most[at] ? bytes : most[at];
        }
    }
    return most[0] + most[1];
}

nf_stream_facts nf_stream_tell(const nf_stream *stream)
{
    const nf_plan *plan = stream->plan;
    nf_stream_facts facts = {.bytes = stream->most};
    nf_pass *pass;
    bool last;
    for (size_t g = 0; g < plan->ngroups; g++) {
        int64_t bytes = scratch_bytes(&plan->groups[g]);
        facts.scratch = bytes > facts.scratch ? bytes : facts.scratch;
    }
    for (size_t i = 0; (pass = find_pass(plan, i, &last)) != NULL; i++) {
        nf_stream_pass told = nf_stream_tell_pass(stream, i);
        facts.moved += pass->sweeps * (told.read + told.again + told.written);
        facts.may_stop = facts.may_stop || pass->survey_every > 0;
    }
    return facts;
}

/* By this slab in a sweep. A resampling keeps nothing from one band to the next. */
static int64_t cells_read(const nf_pass *pass, const nf_bands *bands)
{
    int64_t cells = 0, beyond;
    if (pass->kind != NF_RESAMPLING)
        return nf_bands_cells(pass, bands, &bands->slab, &beyond);
    for (int64_t i = 0; i < bands->count; i++) {
        nf_box band = nf_bands_box(bands, i);
        cells += nf_bands_cells(pass, bands, &band, &beyond);
    }
    return cells;
}

nf_stream_pass nf_stream_tell_pass(const nf_stream *stream, size_t number)
{
    const nf_plan *plan = stream->plan;
    bool last;
    const nf_pass *pass = find_pass(plan, number, &last);
    nf_stream_pass told = {.height = pass->band};
    int64_t cell = (int64_t)nf_cell_bytes(&pass->in);
    for (int rank = 0; rank < plan->world.size; rank++) {
        nf_bands bands = nf_bands_of(pass, rank);
        if (rank == plan->world.rank)
            told.bands = bands.count;
        if (bands.count == 0)
            continue;
        told.read += cells_read(pass, &bands) * cell;
    }
    int64_t once = (int64_t)nf_shape_bytes(&pass->in);
    told.again = told.read > once ? told.read - once : 0;
    told.read -= told.again;
    if (!pass->reduces)
        told.written = (int64_t)nf_shape_bytes(&pass->out);
    else if (plan->with.dtype != NF_NONE)
        told.read += (int64_t)nf_shape_bytes(&plan->with);
    return told;
}
