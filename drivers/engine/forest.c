#include "drivers/engine/forest.h"

#include <stdlib.h>
#include <string.h>

#include "drivers/engine/deal.h"

/* Letters of `width` numbers each, put in order of the ranks that they go to. */
typedef struct mail {
    int64_t *send;
    int64_t *place; /* [n]: which letter item i became; NULL: nobody asks */
    int *counts, *received_counts;
    int64_t *received;
    int64_t nreceived; /* letters */
} mail;

static void free_mail(mail *m)
{
    free(m->send);
    free(m->place);
    free(m->counts);
    free(m->received);
    *m = (mail){.send = NULL};
}

static nf_status make_mail(const nf_world *world, int64_t n, int width, mail *m)
{
    size_t ranks = (size_t)world->size;
    *m = (mail){.send = malloc(((size_t)(n * width) + 1) * sizeof *m->send),
                .place = malloc(((size_t)n + 1) * sizeof *m->place),
                .counts = calloc(2 * ranks, sizeof *m->counts)};
    m->received_counts = m->counts != NULL ? m->counts + ranks : NULL;
    if (m->send && m->place && m->counts)
        return NF_OK;
    return nf_fail(NF_ERR_MEMORY, "no memory for %lld joints between ranks", (long long)n);
}

/* Collective. `letters`: n of them; each goes to the owner of its first number. */
static nf_status post(const nf_world *world, const nf_forest *f, const int64_t *letters, int64_t n,
                      int width, mail *m)
{
    int64_t *at = calloc((size_t)world->size + 1, sizeof *at);
    nf_status status = make_mail(world, n, width, m);
    if (status == NF_OK && at == NULL)
        status = nf_fail(NF_ERR_MEMORY, "no memory for counts of %d ranks", world->size);
    for (int64_t i = 0; i < n && status == NF_OK; i++)
        m->counts[f->owner(f->context, letters[i * width])] += width;
    for (int r = 0; r < world->size && status == NF_OK; r++)
        at[r + 1] = at[r] + m->counts[r] / width;
    for (int64_t i = 0; i < n && status == NF_OK; i++) {
        m->place[i] = at[f->owner(f->context, letters[i * width])]++;
        memcpy(m->send + m->place[i] * width, letters + i * width, (size_t)width * sizeof *letters);
    }
    free(at);
    status = nf_agree(world, status);
    if (status == NF_OK)
        status = nf_deal(world, m->send, m->counts, &m->received, m->received_counts);
    for (int r = 0; r < world->size && status == NF_OK; r++)
        m->nreceived += m->received_counts[r] / width;
    return status;
}

/* The node with this index, which is there. */
static int64_t find(const nf_forest *f, int64_t index)
{
    int64_t lo = 0, hi = f->n - 1;
    while (lo < hi) {
        int64_t middle = lo + (hi - lo) / 2;
        if (f->index[middle] < index)
            lo = middle + 1;
        else
            hi = middle;
    }
    return lo;
}

/* Collective. The answers go the way back that the questions came. */
static nf_status reply(const nf_world *world, const nf_forest *f, const int64_t *values, int width,
                       mail *m, int64_t **answers)
{
    size_t ranks = (size_t)world->size;
    int64_t *said = malloc(((size_t)(m->nreceived * width) + 1) * sizeof *said);
    int *counts = malloc(2 * ranks * sizeof *counts);
    nf_status status = said && counts ? NF_OK : nf_fail(NF_ERR_MEMORY, "no memory for answers");
    status = nf_agree(world, status);
    for (int64_t i = 0; i < m->nreceived && status == NF_OK; i++)
        memcpy(said + i * width, values + find(f, m->received[i]) * width,
               (size_t)width * sizeof *said);
    for (int r = 0; r < world->size && status == NF_OK; r++)
        counts[r] = m->received_counts[r] * width;
    *answers = NULL;
    if (status == NF_OK)
        status = nf_deal(world, said, counts, answers, counts + ranks);
    free(said);
    free(counts);
    return status;
}

nf_status nf_forest_ask(const nf_world *world, const nf_forest *f, const int64_t *values, int width,
                        int64_t n, const int64_t *asked, int64_t *answers)
{
    mail m;
    int64_t *back = NULL;
    nf_status status = post(world, f, asked, n, 1, &m);
    if (status == NF_OK)
        status = reply(world, f, values, width, &m, &back);
    for (int64_t i = 0; i < n && status == NF_OK; i++)
        memcpy(answers + i * width, back + m.place[i] * width, (size_t)width * sizeof *back);
    free(back);
    free_mail(&m);
    return status;
}

/* ---- joining ---- */

/* Collective. Each node's root, where parents may be nodes that have parents themselves. */
static nf_status find_roots(const nf_world *world, nf_forest *f, int64_t *parents)
{
    for (uint64_t changed = 1; changed > 0;) {
        nf_status status = nf_forest_ask(world, f, f->root, 1, f->n, f->root, parents);
        if (status != NF_OK)
            return status;
        changed = 0;
        for (int64_t i = 0; i < f->n; i++) {
            changed += parents[i] != f->root[i];
            f->root[i] = parents[i];
        }
        changed = nf_sum_u64(world, changed);
    }
    return NF_OK;
}

/* Collective. `roots`: of the pairs' nodes. Roots that are not the lower of their pair hang themselves
 * below the lowest that they hear of. *joined: how many pairs there were of two roots, on all ranks. */
static nf_status hang(const nf_world *world, nf_forest *f, int64_t *roots, uint64_t *joined)
{
    int64_t n = 0;
    mail m;
    for (int64_t i = 0; i < f->npairs; i++) {
        int64_t a = roots[2 * i], b = roots[2 * i + 1];
        if (a == b)
            continue;
        roots[2 * n] = a > b ? a : b;
        roots[2 * n++ + 1] = a > b ? b : a;
    }
    *joined = nf_sum_u64(world, (uint64_t)n);
    if (*joined == 0)
        return NF_OK;
    nf_status status = post(world, f, roots, n, 2, &m);
    for (int64_t i = 0; i < m.nreceived && status == NF_OK; i++) {
        int64_t *root = &f->root[find(f, m.received[2 * i])], lower = m.received[2 * i + 1];
        *root = lower < *root ? lower : *root;
    }
    free_mail(&m);
    return status;
}

nf_status nf_forest_join(const nf_world *world, nf_forest *f)
{
    int64_t *roots = malloc((2 * (size_t)f->npairs + 1) * sizeof *roots);
    int64_t *parents = malloc(((size_t)f->n + 1) * sizeof *parents);
    nf_status status =
        roots && parents ? NF_OK : nf_fail(NF_ERR_MEMORY, "no memory for the joints of a rank");
    status = nf_agree(world, status);
    if (status == NF_OK && f->n > 0)
        memcpy(f->root, f->index, (size_t)f->n * sizeof *f->root);
    for (uint64_t joined = 1; status == NF_OK && joined > 0;) {
        status = nf_forest_ask(world, f, f->root, 1, 2 * f->npairs, f->pairs, roots);
        if (status == NF_OK)
            status = hang(world, f, roots, &joined);
        if (status == NF_OK && joined > 0)
            status = find_roots(world, f, parents);
    }
    free(roots);
    free(parents);
    return status;
}

nf_status nf_forest_add(const nf_world *world, const nf_forest *f, int64_t *values, int width)
{
    int64_t n = 0, step = width + 1;
    mail m = {.send = NULL};
    int64_t *letters = malloc(((size_t)(f->n * step) + 1) * sizeof *letters);
    nf_status status =
        letters ? NF_OK : nf_fail(NF_ERR_MEMORY, "no memory for the joints of a rank");
    for (int64_t i = 0; i < f->n && status == NF_OK; i++) {
        if (f->root[i] == f->index[i])
            continue;
        letters[n * step] = f->root[i];
        memcpy(letters + n++ * step + 1, values + i * width, (size_t)width * sizeof *values);
    }
    status = nf_agree(world, status);
    if (status == NF_OK)
        status = post(world, f, letters, n, (int)step, &m);
    for (int64_t i = 0; i < m.nreceived && status == NF_OK; i++) {
        int64_t *sum = values + find(f, m.received[i * step]) * width;
        for (int k = 0; k < width; k++)
            sum[k] += m.received[i * step + 1 + k];
    }
    free(letters);
    free_mail(&m);
    return status;
}
