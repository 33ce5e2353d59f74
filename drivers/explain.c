#include "drivers/explain.h"

#include <stdio.h>

#include "drivers/engine/facts.h"
#include "drivers/study/amount.h"

enum { TEXT = NF_AMOUNT };

/* "64x2048", of as many dimensions as the array has. */
static const char *extents(const nf_shape *shape, const int64_t extent[NF_DIMS], char text[TEXT])
{
    int used = 0;
    for (int d = NF_DIMS - shape->ndim; d < NF_DIMS; d++)
        used += snprintf(text + used, (size_t)(TEXT - used), used > 0 ? "x%lld" : "%lld",
                         (long long)extent[d]);
    return text;
}

static void print_plan(const nf_plan_facts *f)
{
    char array[NF_SHAPE_TEXT], parts[TEXT], workspace[TEXT], l2[TEXT], l3[TEXT];
    int64_t grid[NF_DIMS] = {f->cut.parts[0], f->cut.parts[1], f->cut.parts[2]};
    fprintf(stderr, "plan: %s on %d rank%s x %d thread%s, in %s block%s",
            nf_shape_text(&f->in, array), f->ranks, f->ranks > 1 ? "s" : "", f->threads,
            f->threads > 1 ? "s" : "", extents(&f->in, grid, parts), f->used > 1 ? "s" : "");
    if (f->used < f->ranks)
        fprintf(stderr, " (%d ranks have none: there are not cells for more)", f->ranks - f->used);
    fprintf(stderr, "\n  workspace of a thread %s; caches: L2 %s a core, last level %s a rank\n",
            nf_bytes_text((double)f->workspace, workspace), nf_bytes_text((double)f->caches.l2, l2),
            nf_bytes_text((double)f->caches.l3, l3));
    if (f->ordered)
        fputs(
            "  a reduction is not exact: its tiles are folded in order, in a grid that depends on "
            "the array alone\n",
            stderr);
}

static void print_stages(size_t number, const nf_pass_facts *f)
{
    fprintf(stderr, "  pass %zu:%s", number + 1, f->surveys ? " a survey for" : "");
    for (size_t i = 0; i < f->count;) {
        size_t same = 1;
        while (i + same < f->count && f->stages[i + same] == f->stages[i])
            same++;
        fprintf(stderr, "%s %s", i > 0 ? " |" : "", f->stages[i]->text);
        if (same > 1)
            fprintf(stderr, " (%zu steps at once)", same);
        i += same;
    }
    for (size_t i = 0; i < f->nends; i++)
        fprintf(stderr, "%s %s", i > 0 ? "," : f->count > 0 ? " |" : "", f->ends[i]->text);
    if (f->count + f->nends == 0)
        fputs(" a copy", stderr);
    if (f->sweeps > 1)
        fprintf(stderr, ", %s%lld sweeps", f->may_stop ? "at most " : "", (long long)f->sweeps);
    fputc('\n', stderr);
}

/* The array that later passes have, and its blocks. */
static void print_output(const nf_pass_facts *f)
{
    char array[NF_SHAPE_TEXT], blocks[TEXT];
    int64_t parts[NF_DIMS];
    for (int d = 0; d < NF_DIMS; d++)
        parts[d] = f->cut.parts[d];
    fprintf(stderr, "    gives      %s, in %s blocks\n", nf_shape_text(&f->cut.shape, array),
            extents(&f->cut.shape, parts, blocks));
}

static void print_work(const nf_shape *in, const nf_pass_facts *f)
{
    char tile[TEXT], moved[TEXT], halo[TEXT];
    if (f->labels) {
        fputs("    bands of rows, one for each thread, joined at their seams and the ranks'\n",
              stderr);
        return;
    }
    fprintf(
        stderr, "    tiles      %lld, of at most %s, in strips of %lld; %.2f%% computed twice\n",
        (long long)f->tiles, extents(in, f->tile, tile), (long long)f->strip, 100 * f->repeated);
    if (f->resamples)
        fprintf(stderr, "    others     %s in %lld messages\n",
                nf_bytes_text((double)f->halo_bytes, halo), (long long)f->halo_messages);
    else
        fprintf(stderr,
                "    halo       %d+%d planes, %d+%d rows, %d+%d columns; %s in %lld messages, "
                "%lld of them by shared memory\n",
                f->halo.lo[0], f->halo.hi[0], f->halo.lo[1], f->halo.hi[1], f->halo.lo[2],
                f->halo.hi[2], nf_bytes_text((double)f->halo_bytes, halo),
                (long long)f->halo_messages, (long long)f->halo_shared);
    fprintf(stderr, "    moved      %s, %s\n", nf_bytes_text(f->bytes, moved),
            f->in_memory ? "from and to memory" : "within the last-level cache");
}

/* What takes longest of what overlaps, and what does not. */
static void print_bound(const nf_pass_facts *f)
{
    bool by_memory = f->memory > f->compute;
    if (f->nends > 0 && f->ends[0]->kernel->waits) {
        fputs("    a sweep    bound by waiting for files\n", stderr);
        return;
    }
    fprintf(
        stderr,
        "    a sweep    compute %.3g ms, %s %.3g ms, halo %.3g ms on nominal cores: bound by %s\n",
        1e3 * f->compute, f->in_memory ? "memory" : "cache", 1e3 * f->memory, 1e3 * f->exchange,
        f->exchange > f->compute && f->exchange > f->memory ? "communication"
        : by_memory ? (f->in_memory ? "memory" : "the cache")
                    : "arithmetic");
}

static void print_bands(const nf_stream_pass *f)
{
    char read[TEXT], again[TEXT], written[TEXT];
    fprintf(
        stderr,
        "    bands      %lld of %lld rows (planes, columns of a line); a sweep reads %s, %s of it "
        "twice, and writes %s\n",
        (long long)f->bands, (long long)f->height,
        nf_bytes_text((double)(f->read + f->again), read), nf_bytes_text((double)f->again, again),
        nf_bytes_text((double)f->written, written));
}

static void print_stream(const nf_stream *stream)
{
    nf_stream_facts f = nf_stream_tell(stream);
    char bytes[TEXT], moved[TEXT], scratch[TEXT];
    fprintf(
        stderr,
        "  in bands: %s of a rank's memory; %s%s read and written in all; %s of scratch files\n",
        nf_bytes_text((double)f.bytes, bytes), f.may_stop ? "at most " : "",
        nf_bytes_text((double)f.moved, moved), nf_bytes_text((double)f.scratch, scratch));
}

void nf_explain(const nf_world *world, const nf_plan *plan, const nf_stream *stream)
{
    nf_plan_facts facts;
    nf_plan_tell(plan, &facts);
    if (world->rank == 0)
        print_plan(&facts);
    if (world->rank == 0 && stream != NULL)
        print_stream(stream);
    for (size_t p = 0; p < facts.passes; p++) {
        nf_pass_facts pass;
        nf_plan_tell_pass(plan, p, &pass);
        if (world->rank != 0)
            continue;
        print_stages(p, &pass);
        if (pass.resamples)
            print_output(&pass);
        if (stream != NULL) {
            nf_stream_pass streamed = nf_stream_tell_pass(stream, p);
            print_bands(&streamed);
            continue;
        }
        print_work(&pass.cut.shape, &pass);
        if (!pass.labels)
            print_bound(&pass);
    }
}
