#include "drivers/advise_piece.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "drivers/engine/facts.h"
#include "drivers/scale_jobs.h"

double advise_work(const nf_chain *chain)
{
    nf_nominal nominal = nf_chain_nominal(chain);
    return nominal.flops + nominal.bytes;
}

/* ---- fewer steps ---- */

/* Where the value of `steps` stands in a stage's text; NULL: it has none. */
static const char *find_steps(const nf_stage *stage)
{
    const char *at = strstr(stage->text, "steps=");
    if (at == NULL || (at[-1] != ':' && at[-1] != ','))
        return NULL;
    return at + strlen("steps=");
}

/* The chain as it could be typed with at most so many steps; NULL: it has not more, or no memory. */
static char *limit_steps(const nf_chain *chain, int64_t most)
{
    char *text = NULL;
    size_t length;
    bool fewer = false;
    FILE *out = most > 0 ? open_memstream(&text, &length) : NULL;
    for (size_t i = 0; out != NULL && i < chain->count; i++) {
        const nf_stage *stage = &chain->stages[i];
        const char *steps = find_steps(stage);
        bool many = steps != NULL && strtoll(steps, NULL, 10) > most;
        fputs(i > 0 ? " | " : "", out);
        if (many)
            fprintf(out, "%.*s%lld%s", (int)(steps - stage->text), stage->text, (long long)most,
                    steps + strcspn(steps, ","));
        else
            fputs(stage->text, out);
        fewer |= many;
    }
    if (out != NULL)
        fclose(out);
    if (!fewer) {
        free(text);
        text = NULL;
    }
    return text;
}

/* ---- a smaller array ---- */

enum { FEWEST = 128, FEWEST_COLUMNS = 256, FEWEST_PLANES = 32 };

/* Images lose rows first, as what a core keeps in cache hangs on their width; volumes lose a like part
 * of every extent, as thin ones have more surface to exchange and to compute twice. */
static nf_shape cut_shape(const nf_shape *whole, double size)
{
    nf_shape shape = *whole;
    for (int d = NF_DIMS - whole->ndim; d < NF_DIMS && size < 1; d++) {
        double extent = (double)whole->dim[d];
        int least = whole->ndim == 3 ? FEWEST_PLANES : d == NF_DIMS - 1 ? FEWEST_COLUMNS : FEWEST;
        double part = whole->ndim == 3 ? pow(size, 1.0 / (NF_DIMS - d)) : size;
        shape.dim[d] = llround(fmin(extent, fmax(least, extent * part)));
        size *= extent / (double)shape.dim[d];
    }
    return shape;
}

/* Along one dimension alone, so that two pieces differ in nothing else. */
static void cut_further(int fewer, nf_shape *shape)
{
    int d = NF_DIMS - shape->ndim;
    while (d < NF_DIMS - 1 && shape->dim[d] < 2 * fewer)
        d++;
    shape->dim[d] = shape->dim[d] > fewer ? shape->dim[d] / fewer : 1;
}

static nf_status make_range(const nf_chain *chain, double size, advise_piece *p)
{
    nf_chain whole;
    nf_status status = nf_chain_parse(chain->text, &whole);
    if (status == NF_OK)
        status = nf_chain_prepare(&whole, NULL);
    if (status == NF_OK && size < 1 && scale_range_resize(&whole, size, &p->chain) == NF_OK) {
        p->part = advise_work(&p->chain) / advise_work(&whole);
        nf_chain_free(&whole);
        return NF_OK;
    }
    nf_chain_free(&p->chain);
    p->chain = whole;
    return status;
}

static nf_status make_array(const nf_chain *chain, const nf_shape *whole, double size, int fewer,
                            int64_t most_steps, advise_piece *p)
{
    char *shorter = limit_steps(chain, most_steps);
    nf_status status = nf_chain_parse(shorter != NULL ? shorter : chain->typed, &p->chain);
    double all = 0, limited = 0;
    p->shape = cut_shape(whole, size);
    if (fewer > 1)
        cut_further(fewer, &p->shape);
    if (status == NF_OK)
        status = nf_chain_prepare(&p->chain, whole);
    if (status == NF_OK)
        limited = advise_work(&p->chain);
    if (status == NF_OK)
        status = nf_chain_prepare(&p->chain, &p->shape);
    if (status == NF_OK)
        p->part = limited > 0 ? advise_work(&p->chain) / limited : size / fewer;
    if (status == NF_OK && shorter != NULL) {
        nf_chain copy;
        status = nf_chain_parse(chain->typed, &copy);
        if (status == NF_OK)
            status = nf_chain_prepare(&copy, whole);
        all = status == NF_OK ? advise_work(&copy) : 0;
        nf_chain_free(&copy);
    }
    p->steps = shorter != NULL && limited > 0 ? all / limited : 1;
    free(shorter);
    return status;
}

nf_status advise_piece_make(const nf_chain *chain, const nf_shape *whole, double size, int fewer,
                            int64_t most_steps, advise_piece *p)
{
    *p = (advise_piece){.shape = *whole, .part = 1, .steps = 1};
    if (nf_chain_is_range(chain))
        return make_range(chain, size / fewer, p);
    return make_array(chain, whole, size, fewer, most_steps, p);
}

void advise_piece_free(advise_piece *p)
{
    nf_chain_free(&p->chain);
    *p = (advise_piece){.part = 1};
}
