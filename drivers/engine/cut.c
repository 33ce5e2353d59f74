/* cut.c - how an array is cut into blocks. */
#include <stdio.h>
#include <string.h>

#include "drivers/engine/field.h"

static int64_t aligned_cells(const nf_cut *cut, int d)
{
    return (cut->shape.dim[d] - 1) / cut->align[d] + 1;
}

/* floor(units * index / parts), where the product may not fit. */
static int64_t boundary(int64_t units, int index, int parts)
{
    return units / parts * index + units % parts * index / parts;
}

void nf_cut_interval(const nf_cut *cut, int d, int index, int64_t *lo, int64_t *hi)
{
    int64_t units = aligned_cells(cut, d), last = cut->shape.dim[d];
    *lo = boundary(units, index, cut->parts[d]) * cut->align[d];
    *hi = index + 1 < cut->parts[d] ? boundary(units, index + 1, cut->parts[d]) * cut->align[d]
                                    : last;
}

/* The last index whose boundary is not beyond the cell's unit u: units * index < (u + 1) * parts. */
int nf_cut_owner(const nf_cut *cut, int d, int64_t cell)
{
    __extension__ typedef unsigned __int128 wide;
    wide units = (wide)aligned_cells(cut, d);
    wide limit = (wide)(cell / cut->align[d] + 1) * (wide)cut->parts[d];
    return (int)((limit - 1) / units);
}

int nf_cut_blocks(const nf_cut *cut)
{
    return cut->parts[0] * cut->parts[1] * cut->parts[2];
}

nf_box nf_cut_block(const nf_cut *cut, int rank)
{
    nf_box box = {{0, 0, 0}, {0, 0, 0}};
    if (rank >= nf_cut_blocks(cut))
        return box;
    for (int d = NF_DIMS - 1; d >= 0; d--) {
        nf_cut_interval(cut, d, rank % cut->parts[d], &box.lo[d], &box.hi[d]);
        rank /= cut->parts[d];
    }
    return box;
}

/* ---- choosing ---- */

/* What else an exchange costs, in bytes that could have been copied meanwhile: a row that is copied
 * by itself, for the cache lines at its ends; a message. `bench-halo` measures both. */
enum { ROW_COST = 128, MESSAGE_COST = 8192 };

/* The blocks next to a block that a halo on one side reaches into, most of all. */
static double reached(int64_t halo, double extent, int others)
{
    double blocks = halo > 0 ? (double)((int64_t)((double)(halo - 1) / extent) + 1) : 0;
    return blocks < others ? blocks : others;
}

/* What the halo of the busiest block costs, in bytes: a block in the middle of the largest extents. */
static double halo_cost(const nf_cut *cut, const nf_halo *halo)
{
    double extent[NF_DIMS], all[NF_DIMS], near[NF_DIMS];
    for (int d = 0; d < NF_DIMS; d++) {
        int parts = cut->parts[d];
        double n = (double)cut->shape.dim[d];
        int64_t units = (aligned_cells(cut, d) - 1) / parts + 1;
        extent[d] = (double)(units * cut->align[d]);
        extent[d] = extent[d] < n ? extent[d] : n;
        int64_t lo = halo->lo[d], hi = halo->hi[d];
        if (parts == 2) /* one side only */
            lo = lo > hi ? lo : hi, hi = 0;
        all[d] = parts == 1 ? n : extent[d] + (double)(lo + hi);
        all[d] = all[d] < n ? all[d] : n;
        near[d] = 1 + reached(lo, extent[d], parts - 1);
        near[d] += reached(hi, extent[d], parts - (int)near[d]);
    }
    double cell = (double)(cut->shape.channels * (int)nf_dtype_size(cut->shape.dtype));
    double cells = all[0] * all[1] * all[2] - extent[0] * extent[1] * extent[2];
    double rows = all[0] * all[1] * near[2] - extent[0] * extent[1];
    return cells * cell + rows * ROW_COST + (near[0] * near[1] * near[2] - 1) * MESSAGE_COST;
}

static nf_cut uncut(const nf_shape *shape, const int64_t align[NF_DIMS])
{
    nf_cut cut = {.shape = *shape, .parts = {1, 1, 1}, .align = {1, 1, 1}};
    if (align != NULL)
        memcpy(cut.align, align, sizeof cut.align);
    return cut;
}

nf_cut nf_cut_choose(const nf_shape *shape, int ranks, const nf_halo *halo,
                     const int64_t align[NF_DIMS])
{
    nf_cut cut = uncut(shape, align), best = cut;
    int best_parts = 0;
    double best_cost = 0;
    for (int64_t a = 1; a <= ranks && a <= aligned_cells(&cut, 0); a++) {
        for (int64_t b = 1; a * b <= ranks && b <= aligned_cells(&cut, 1); b++) {
            int64_t c = ranks / (a * b), limit = aligned_cells(&cut, 2);
            cut.parts[0] = (int)a, cut.parts[1] = (int)b,
            cut.parts[2] = (int)(c < limit ? c : limit);
            int parts = nf_cut_blocks(&cut);
            if (parts < best_parts)
                continue;
            double cost = halo_cost(&cut, halo);
            bool slower =
                cost <= best_cost && (cut.parts[2] < best.parts[2] ||
                                      (cut.parts[2] == best.parts[2] && a > best.parts[0]));
            if (parts > best_parts || cost < best_cost || slower)
                best = cut, best_parts = parts, best_cost = cost;
        }
    }
    return best;
}

/* "4x2": the extents that the array has. */
static const char *grid_text(const nf_shape *shape, const int grid[NF_DIMS], char text[48])
{
    int used = 0;
    for (int d = NF_DIMS - shape->ndim; d < NF_DIMS; d++)
        used += snprintf(text + used, (size_t)(48 - used), "%s%d", used > 0 ? "x" : "", grid[d]);
    return text;
}

nf_status nf_cut_given(const nf_shape *shape, int ranks, const int grid[NF_DIMS],
                       const int64_t align[NF_DIMS], nf_cut *cut)
{
    static const char *const names[NF_DIMS] = {"planes", "rows", "columns"};
    char text[48];
    int64_t parts = 1;
    *cut = uncut(shape, align);
    for (int d = 0; d < NF_DIMS; d++) {
        if (grid[d] < 1 || grid[d] > aligned_cells(cut, d))
            return nf_fail(NF_ERR_USAGE,
                           "the grid %s cuts %lld %s into %d blocks; 1 to %lld are possible",
                           grid_text(shape, grid, text), (long long)shape->dim[d], names[d],
                           grid[d], (long long)aligned_cells(cut, d));
        cut->parts[d] = grid[d];
        parts = parts > ranks ? parts : parts * grid[d];
    }
    if (parts != ranks)
        return nf_fail(NF_ERR_USAGE, "the grid %s does not have a block for each of %d ranks",
                       grid_text(shape, grid, text), ranks);
    return NF_OK;
}
