#include "drivers/engine/window.h"

#include <string.h>

#include "drivers/engine/team.h"

static void keep(const nf_box *kept, const nf_window *before, nf_window *window)
{
    const nf_shape *shape = &window->field.cut.shape;
    int64_t extent[NF_DIMS];
    nf_box_extents(kept, extent);
    nf_copy_box(extent, shape->channels, shape->dtype, nf_field_at(&window->field, kept->lo),
                window->field.stride, nf_field_at(&before->field, kept->lo), before->field.stride);
}

/* Cells whose indices along d may lie beyond the array: they stand for those that wrap around. */
static nf_status fetch(const nf_stream_source *from, const nf_box *fresh, int d, nf_window *window)
{
    int64_t n = window->field.cut.shape.dim[d];
    nf_status status = NF_OK;
    for (int64_t at = fresh->lo[d], run; at < fresh->hi[d] && status == NF_OK; at += run) {
        nf_box box = *fresh;
        int64_t cell[NF_DIMS] = {box.lo[0], box.lo[1], box.lo[2]};
        cell[d] = at;
        box.lo[d] = nf_border_index(at, n, NF_WRAP);
        run = n - box.lo[d] < fresh->hi[d] - at ? n - box.lo[d] : fresh->hi[d] - at;
        box.hi[d] = box.lo[d] + run;
        status = from->read(from->context, &box, nf_field_at(&window->field, cell),
                            window->field.stride);
    }
    return status;
}

nf_status nf_window_read(const nf_pass *pass, const nf_bands *bands, int64_t number,
                         const nf_stream_source *from, const nf_window *before, nf_window *window)
{
    int d = bands->slow;
    window->field.own = nf_bands_box(bands, number);
    window->cells = nf_bands_reads(pass, bands, &window->field.own);
    nf_box kept = window->cells, fresh = window->cells;
    if (before != NULL && before->cells.hi[d] > kept.lo[d]) {
        int64_t end = before->cells.hi[d] < kept.hi[d] ? before->cells.hi[d] : kept.hi[d];
        kept.hi[d] = fresh.lo[d] = end;
        keep(&kept, before, window);
    }
    return fetch(from, &fresh, d, window);
}

/* ---- wrapping around ---- */

typedef struct wrapping {
    nf_patch patch;
    int64_t dim[NF_DIMS];
    int d, shares;
} wrapping;

static void wrap_share(void *context, int thread, int64_t share)
{
    const wrapping *w = context;
    (void)thread;
    nf_fill_border_share(&w->patch, w->dim, NF_WRAP, 0, w->d, share, w->shares);
}

/* Along `slow` all that the window holds counts as inside the array. */
void nf_window_wrap(const nf_plan *plan, const nf_pass *pass, int slow, const nf_window *window)
{
    int threads = plan->world.threads;
    wrapping all[NF_DIMS];
    nf_team_phase phases[NF_DIMS];
    nf_patch patch = nf_field_patch(&window->field);
    if (pass->border != NF_WRAP || nf_halo_none(&pass->halo))
        return;
    patch.box.lo[slow] = 0;
    patch.box.hi[slow] = nf_box_extent(&window->cells, slow);
    for (int i = 0; i < NF_DIMS; i++) {
        wrapping *w = &all[i];
        *w = (wrapping){.patch = patch, .d = NF_DIMS - 1 - i, .shares = threads};
        memcpy(w->dim, pass->in.dim, sizeof w->dim);
        w->dim[slow] = patch.box.hi[slow];
        bool beyond = patch.box.lo[w->d] < 0 || patch.box.hi[w->d] > w->dim[w->d];
        phases[i] = (nf_team_phase){beyond ? threads : 0, wrap_share, w};
    }
    nf_team_run_phases(threads, phases, NF_DIMS);
}
