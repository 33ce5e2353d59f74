#include "drivers/simulate_model.h"

#include "drivers/engine/facts.h"

/* ---- the exchanges of a run ---- */

/* One kind of exchange: that of a pass, in each of its sweeps. */
typedef struct exchange {
    nf_halo halo;
    bool wrap;
    double cell_bytes;
    int64_t times;
} exchange;

/* Folds that all ranks learn from: those of a survey, or of a reduction's sweeps but the last. */
typedef struct looking {
    double bytes;
    int64_t times;
} looking;

/* What the engine plans for rank 0 of so many, without any of the others. */
typedef struct planned {
    nf_cut cut;
    exchange list[NF_MAX_STAGES];
    size_t count;
    looking looks[NF_MAX_STAGES];
    size_t nlooks;
    double repeated; /* part of the arithmetic that is done more than once */
} planned;

static void note_pass(const nf_pass_facts *pass, planned *p)
{
    double cell = (double)nf_dtype_size(pass->in.dtype) * pass->in.channels;
    if (p->count < NF_MAX_STAGES && !nf_halo_none(&pass->halo))
        p->list[p->count++] = (exchange){pass->halo, pass->border == NF_WRAP, cell, pass->sweeps};
}

static void note_looks(const nf_pass_facts *pass, planned *p)
{
    const nf_stage *stage = pass->nends > 0 ? pass->ends[0] : NULL;
    if (stage == NULL || p->nlooks == NF_MAX_STAGES || (!pass->surveys && !nf_stage_relooks(stage)))
        return;
    p->looks[p->nlooks++] =
        (looking){(double)stage->setup.partial_bytes, pass->sweeps - (pass->surveys ? 0 : 1)};
}

static nf_status plan_alone(nf_chain *chain, const nf_shape *shape, int ranks, planned *p)
{
    nf_world first = {.size = ranks, .threads = 1};
    nf_plan *plan;
    nf_plan_facts facts;
    double steps = 0;
    *p = (planned){.count = 0};
    nf_status status = nf_plan_create(&first, shape, chain, 1, &nf_simulated_core, &plan);
    if (status != NF_OK)
        return status;
    nf_plan_tell(plan, &facts);
    p->cut = facts.cut;
    for (size_t i = 0; i < facts.passes; i++) {
        nf_pass_facts pass;
        nf_plan_tell_pass(plan, i, &pass);
        note_pass(&pass, p);
        note_looks(&pass, p);
        double done = (double)pass.sweeps * (double)(pass.count + pass.nends);
        p->repeated += done * pass.repeated;
        steps += done;
    }
    p->repeated /= steps;
    nf_plan_free(plan);
    return NF_OK;
}

/* ---- who a rank exchanges with ---- */

/* What of a rank's ghost interval along a dimension a block there owns. */
typedef struct overlap {
    int index;
    int64_t cells;
} overlap;

enum { OVERLAPS = 64 }; /* along one dimension; a halo over more blocks than that is cut short */

static void interval(const nf_cut *cut, int d, int index, int64_t *lo, int64_t *hi)
{
    int parts = cut->parts[d], turn = index < 0 ? -1 : index >= parts ? 1 : 0;
    nf_cut line = {.shape = {.dim = {cut->shape.dim[d], 1, 1}},
                   .parts = {parts, 1, 1},
                   .align = {cut->align[d], 1, 1}};
    nf_box box = nf_cut_block(&line, index - turn * parts);
    *lo = box.lo[0] + turn * cut->shape.dim[d];
    *hi = box.hi[0] + turn * cut->shape.dim[d];
}

static size_t list_overlaps(const nf_cut *cut, int d, int index, const exchange *e,
                            overlap list[OVERLAPS])
{
    int64_t lo, hi, first, last;
    size_t n = 0;
    int parts = cut->parts[d];
    interval(cut, d, index, &lo, &hi);
    first = lo - e->halo.lo[d], last = hi + e->halo.hi[d];
    for (int way = -1; way <= 1; way += 2) {
        for (int at = way < 0 ? index : index + 1; n < OVERLAPS; at += way) {
            if ((at < 0 || at >= parts) && (!e->wrap || at < -parts || at >= 2 * parts))
                break;
            interval(cut, d, at, &lo, &hi);
            int64_t from = lo > first ? lo : first, to = hi < last ? hi : last;
            if (from >= to)
                break;
            list[n++] = (overlap){(at + parts) % parts, to - from};
        }
    }
    return n;
}

static double halo_seconds(const nf_loggp *net, const nf_cut *cut, int rank, const exchange *e)
{
    static const size_t room = 1024;
    nf_peer peers[1024];
    overlap along[NF_DIMS][OVERLAPS];
    size_t count[NF_DIMS], k = 0;
    int rest = rank;
    for (int d = NF_DIMS - 1; d >= 0; d--) {
        count[d] = list_overlaps(cut, d, rest % cut->parts[d], e, along[d]);
        rest /= cut->parts[d];
    }
    for (size_t z = 0; z < count[0]; z++)
        for (size_t y = 0; y < count[1]; y++)
            for (size_t x = 0; x < count[2] && k < room; x++) {
                const overlap *o[] = {&along[0][z], &along[1][y], &along[2][x]};
                int to = (o[0]->index * cut->parts[1] + o[1]->index) * cut->parts[2] + o[2]->index;
                double cells = (double)(o[0]->cells * o[1]->cells * o[2]->cells);
                if (to != rank)
                    peers[k++] = (nf_peer){to, cells * e->cell_bytes};
            }
    return nf_loggp_halo(net, rank, peers, k);
}

/* ---- the run ---- */

nf_status simulate_predict(const nf_loggp *net, nf_chain *chain, const nf_shape *shape, int ranks,
                           const simulate_cost *cost, double *predicted)
{
    planned p;
    nf_status status = plan_alone(chain, shape, ranks, &p);
    if (status != NF_OK)
        return status;
    nf_loggp with = *net;
    with.pack = cost->pack;
    int used = nf_cut_blocks(&p.cut);
    double seconds = 0;
    for (int rank = 0; rank < used; rank++) {
        nf_box own = nf_cut_block(&p.cut, rank);
        double mine = (double)nf_box_cells(&own) * cost->cell * (1 + p.repeated);
        for (size_t i = 0; i < p.count; i++)
            mine += (double)p.list[i].times * halo_seconds(&with, &p.cut, rank, &p.list[i]);
        seconds = mine > seconds ? mine : seconds;
    }
    /* Each is folded to rank 0 and handed back as it came, in as many rounds. */
    for (size_t i = 0; i < p.nlooks; i++)
        seconds += (double)p.looks[i].times * 2 * nf_loggp_fold(net, ranks, p.looks[i].bytes, 0);
    if (cost->partial > 0)
        seconds += nf_loggp_fold(net, ranks, cost->partial, cost->stages.fold) +
                   nf_loggp_allreduce(net, ranks, sizeof(int));
    *predicted = seconds;
    return NF_OK;
}
