#include "drivers/scale_check.h"

#include <stdlib.h>

#include "drivers/engine/reference.h"

/* ---- independent references ---- */

/* Rank 0: a range against its independent reference, or as much of it as takes about a second. */
static nf_status check_range(nf_chain *chain, bool *passed)
{
    const double most = 4e8; /* operations */
    nf_chain part = {.count = 0};
    nf_status status = nf_chain_prepare(chain, NULL);
    if (status == NF_OK && scale_range_work(chain) > most)
        status = scale_range_resize(chain, most / scale_range_work(chain), &part);
    if (status == NF_OK)
        status = nf_check_chain(part.count > 0 ? &part : chain, NULL, NULL, NULL);
    nf_chain_free(&part);
    *passed = status == NF_OK;
    return status == NF_ERR_CHECK ? NF_OK : status;
}

/* A corner of the input that suits the chain, small, so that checking does not take long; larger
 * where the chain takes, for one, a box out of the array's middle. */
static nf_shape corner_for(const nf_source *source, nf_chain *chain)
{
    enum { DOUBLINGS = 6 };
    nf_shape corner = source->shape;
    for (int d = 0; d < NF_DIMS; d++)
        corner.dim[d] = corner.dim[d] < 90 - 7 * d ? corner.dim[d] : 90 - 7 * d;
    for (int i = 0; i < DOUBLINGS && nf_chain_prepare(chain, &corner) != NF_OK; i++)
        for (int d = 0; d < NF_DIMS; d++)
            corner.dim[d] *= corner.dim[d] > 1 ? 2 : 1;
    return corner;
}

/* Rank 0: the kernel against its independent reference, on a corner of the input. */
static nf_status check_array(const nf_source *source, nf_chain *chain, bool *passed)
{
    nf_shape corner = corner_for(source, chain);
    void *cells = NULL;
    nf_field field;
    nf_halo none = {{0}, {0}};
    nf_cut cut = nf_cut_choose(&corner, 1, &none, NULL);
    nf_status status = nf_field_create(&field, &cut, 0, &none);
    if (status == NF_OK) {
        nf_source_fill(source, &field);
        cells = malloc(nf_shape_bytes(&corner));
        ptrdiff_t dense[NF_DIMS];
        nf_dense_strides(corner.dim, corner.channels, dense);
        if (cells == NULL)
            status = nf_fail(NF_ERR_MEMORY, "no memory for a check");
        else
            nf_copy_box(corner.dim, corner.channels, corner.dtype, cells, dense, field.origin,
                        field.stride);
    }
    if (status == NF_OK)
        status = nf_check_chain(chain, &corner, cells, cells);
    *passed = status == NF_OK;
    free(cells);
    nf_field_free(&field);
    return status == NF_ERR_CHECK ? NF_OK
                                  : status; /* such points are measured, and shown as invalid */
}

nf_status scale_check_kernel(const nf_source *source, nf_chain *chain, bool *passed)
{
    return nf_chain_is_range(chain) ? check_range(chain, passed)
                                    : check_array(source, chain, passed);
}

/* ---- serial results ---- */

static const nf_expectation *find(const scale_expectations *all, const scale_job *job)
{
    for (size_t i = 0; i < all->count; i++)
        if (all->list[i]->typed == job->typed && nf_shape_equal(&all->list[i]->shape, &job->shape))
            return &all->list[i]->result;
    return NULL;
}

const nf_expectation *scale_expect(scale_expectations *all, const nf_source *source, scale_job *job,
                                   nf_status *status)
{
    const nf_expectation *known = find(all, job);
    *status = NF_OK;
    if (known != NULL)
        return known;
    scale_expected **list = realloc(all->list, (all->count + 1) * sizeof *list);
    all->list = list != NULL ? list : all->list;
    scale_expected *one = list != NULL ? calloc(1, sizeof *one) : NULL;
    if (one == NULL) {
        *status = nf_fail(NF_ERR_MEMORY, "no memory for a result to compare with");
        return NULL;
    }
    list[all->count++] = one;
    nf_results_init(&one->result.results);
    *status = nf_bench_expect(source, &job->chain, &job->shape, &one->result);
    if (*status != NF_OK)
        return NULL;
    one->typed = job->typed;
    one->shape = job->shape;
    return &one->result;
}

void scale_expectations_free(scale_expectations *all)
{
    for (size_t i = 0; i < all->count; i++) {
        nf_results_free(&all->list[i]->result.results);
        free(all->list[i]);
    }
    free(all->list);
    *all = (scale_expectations){NULL, 0};
}
