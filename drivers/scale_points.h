/* scale_points.h - the points of a study, and the order in which they are measured. */
#ifndef NF_SCALE_POINTS_H
#define NF_SCALE_POINTS_H

#include "drivers/scale_jobs.h"

typedef struct scale_point {
    size_t chain; /* number of its kernel */
    nf_scaling scaling;
    scale_layout layout;
    nf_sample key;  /* of its samples: kernel, label, scaling, ranks, threads, shape, work, grows */
    char grows[64]; /* key.grows is this */
    bool done;      /* on all ranks the same: it has enough samples, or was begun */
    double *seconds; /* rank 0: of its samples, those of earlier launches included; owned */
    size_t n, room;
    int taken;            /* samples of this launch */
    double spent, budget; /* rank 0: seconds that sampling has taken, and may take */
} scale_point;

typedef struct scale_points {
    scale_point *list;
    size_t count;
    size_t *order; /* [count]: numbers of points */
} scale_points;

/* Every kernel, scaling and layout that was asked for; layouts[1] are those of kernels that wait,
 * layouts[0] those of the others. Free them also after an error. */
nf_status scale_points_make(scale_args *args, const nf_source *source,
                            const scale_layouts layouts[2], scale_points *points);
void scale_points_free(scale_points *points);

/* Keeps what a study of an earlier launch holds of a point: the times of its samples; where one
 * says that it was the last, the point is done. Errors: NF_ERR_MEMORY. */
nf_status scale_points_recall(scale_points *points, const nf_study *study);

nf_status scale_point_add(scale_point *point, double seconds); /* NF_ERR_MEMORY */

/* The next points in the order: one, or (together) all of one kernel and scaling. Marks them done.
 * Returns how many; 0: none is left. `group` has room for all. */
size_t scale_points_next(scale_points *points, bool together, scale_point **group);

#endif
