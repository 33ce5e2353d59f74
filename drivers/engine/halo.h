/* halo.h - ghost cells: those that other ranks own, and those beyond the array's edges. */
#ifndef NF_HALO_H
#define NF_HALO_H

#include "drivers/engine/field.h"

typedef struct nf_exchange nf_exchange;

/* The exchange that fills the ghost cells, up to `halo` around each block, that lie inside the
 * array, and with `wrap` those beyond its edges too. Any halo, also wider than the blocks, and any
 * cut. Serves every field of this cut. Not collective: each rank works out what it sends and
 * receives for itself, in time and memory that grow with its neighbours; agree on the status
 * afterwards. Error: NF_ERR_MEMORY. */
nf_status nf_exchange_create(const nf_world *world, const nf_cut *cut, const nf_halo *halo,
                             bool wrap, nf_exchange **exchange);
void nf_exchange_free(nf_exchange *exchange); /* not collective */

/* Collective, once, before the first exchange, for exchanges that all ranks have created. From now
 * on ranks of one node exchange through memory that they share, where the node has enough of it;
 * without, all exchange by messages. NFOLD_SHARED=n in the environment, the same on all ranks: only
 * among n consecutive ranks of a node; 0: nowhere. */
void nf_exchange_connect(const nf_world *world, nf_exchange *exchange);

/* All ranks begin and end exchanges in the same order; several may be under way, each once. Begin
 * packs and sends, and returns soon; the field's own cells may be read, not written, until the end.
 */
void nf_exchange_begin(nf_exchange *exchange, const nf_field *field);
/* Between begin and end, now and then, by the thread that began: lets long messages go on, which
 * many an MPI does only within its calls. */
void nf_exchange_advance(const nf_exchange *exchange);
/* Waits, unpacks into the ghost cells. */
void nf_exchange_end(nf_exchange *exchange, nf_field *field);

bool nf_exchange_is_local(const nf_exchange *exchange); /* no other rank takes part */

/* Marks in bits[rank / 8] the ranks that this one exchanges with. */
void nf_exchange_peers(const nf_exchange *exchange, unsigned char *bits);

/* What this rank receives in one exchange from others. */
typedef struct nf_traffic {
    int64_t cells, bytes;
    int messages; /* as many as ranks that it receives from */
    int shared;   /* of them, through shared memory */
} nf_traffic;
nf_traffic nf_exchange_traffic(const nf_exchange *exchange);

/* A block of memory that stands for a box of cells. */
typedef struct nf_patch {
    nf_box box;
    char *origin; /* the element of cell box.lo, channel 0 */
    ptrdiff_t stride[NF_DIMS];
    int channels;
    nf_dtype dtype;
} nf_patch;

void *nf_patch_at(const nf_patch *patch, const int64_t cell[NF_DIMS]);
nf_patch nf_field_patch(const nf_field *field); /* own and ghost cells */

/* Fills the patch's cells outside the array `dim` from those inside it (or with value, converted to
 * the element type), as the border says. The cells inside must reach as far inwards as the patch
 * reaches outwards, or to the opposite edge. NF_WRAP: does nothing. */
void nf_fill_border(const nf_patch *patch, const int64_t dim[NF_DIMS], nf_border border,
                    double value);
/* Of that, what lies beyond the edges of dimension d alone, once the dimensions after it are
 * filled; and of that again one of `parts` shares, which may be done at once: that of the rows
 * (planes) that come in this place, or that side of the array. NF_WRAP is filled, too: all cells of
 * the array along d must be there. */
void nf_fill_border_share(const nf_patch *patch, const int64_t dim[NF_DIMS], nf_border border,
                          double value, int d, int64_t part, int64_t parts);

/* A cell of a constant border: `value` in every channel, converted to the element type. */
void nf_border_cell(nf_dtype dtype, int channels, double value, void *cell);

#endif
