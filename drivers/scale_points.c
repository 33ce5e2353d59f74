#include "drivers/scale_points.h"

#include <stdlib.h>
#include <string.h>

#include "drivers/study/sampling.h"

static nf_status make_point(const scale_args *args, const nf_source *source,
                            const scale_layout *layout, scale_point *p)
{
    const nf_chain *typed = &args->chains.list[p->chain];
    scale_job job;
    nf_status status =
        scale_job_make(args, source, typed, p->scaling, layout->ranks * layout->threads, &job);
    p->layout = *layout;
    p->key = (nf_sample){.kernel = args->sizes[p->chain].name,
                         .label = args->sizes[p->chain].label,
                         .scaling = p->scaling,
                         .ranks = layout->ranks,
                         .threads = layout->threads,
                         .shape = job.shape,
                         .work = job.work};
    memcpy(p->grows, job.grows, sizeof p->grows);
    if (p->grows[0] != '\0')
        p->key.grows = p->grows;
    scale_job_free(&job);
    return status;
}

/* Of a kernel: strong, then weak, of what was asked for. */
static nf_status add_points(scale_args *args, const nf_source *source, size_t chain,
                            const scale_layouts *layouts, scale_points *points)
{
    nf_status status = NF_OK;
    for (nf_scaling s = NF_STRONG; s <= NF_WEAK; s++)
        for (size_t l = 0; l < layouts->count && status == NF_OK; l++) {
            if (!(s == NF_STRONG ? args->strong : args->weak))
                continue;
            scale_point *p = &points->list[points->count++];
            p->chain = chain;
            p->scaling = s;
            status = make_point(args, source, &layouts->list[l], p);
        }
    return status;
}

nf_status scale_points_make(scale_args *args, const nf_source *source,
                            const scale_layouts layouts[2], scale_points *points)
{
    size_t most = 2 * args->chains.count * (layouts[0].count + layouts[1].count);
    *points = (scale_points){calloc(most, sizeof *points->list), 0, NULL};
    points->order = calloc(most, sizeof *points->order);
    nf_status status = points->list != NULL && points->order != NULL
                           ? NF_OK
                           : nf_fail(NF_ERR_MEMORY, "no memory for %zu points", most);
    for (size_t c = 0; c < args->chains.count && status == NF_OK; c++) {
        bool waits = nf_chain_waits(&args->chains.list[c]);
        status = add_points(args, source, c, &layouts[waits], points);
    }
    if (status == NF_OK)
        nf_permute(points->order, points->count, args->seed);
    return status;
}

void scale_points_free(scale_points *points)
{
    for (size_t i = 0; i < points->count; i++)
        free(points->list[i].seconds);
    free(points->list);
    free(points->order);
    *points = (scale_points){NULL, 0, NULL};
}

nf_status scale_point_add(scale_point *point, double seconds)
{
    if (point->n == point->room) {
        size_t room = point->room > 0 ? 2 * point->room : 16;
        double *grown = realloc(point->seconds, room * sizeof *grown);
        if (grown == NULL)
            return nf_fail(NF_ERR_MEMORY, "no memory for %zu samples", room);
        point->seconds = grown;
        point->room = room;
    }
    point->seconds[point->n++] = seconds;
    return NF_OK;
}

nf_status scale_points_recall(scale_points *points, const nf_study *study)
{
    nf_status status = NF_OK;
    for (size_t i = 0; i < points->count; i++) {
        scale_point *p = &points->list[i];
        for (size_t s = 0; s < study->nsamples && status == NF_OK; s++) {
            if (!nf_sample_same_point(&p->key, &study->samples[s]))
                continue;
            p->done |= study->samples[s].end != NF_END_NONE;
            status = scale_point_add(p, study->samples[s].seconds);
        }
    }
    return status;
}

size_t scale_points_next(scale_points *points, bool together, scale_point **group)
{
    size_t n = 0;
    for (size_t i = 0; i < points->count; i++) {
        scale_point *p = &points->list[points->order[i]];
        if (p->done || (n > 0 && (p->chain != group[0]->chain || p->scaling != group[0]->scaling)))
            continue;
        p->done = true;
        group[n++] = p;
        if (!together)
            break;
    }
    return n;
}
