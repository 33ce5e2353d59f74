/* components.h - kernels that join cells into connected components: what such a kernel says of cells
 * and of components, and rows of cells as bits and runs, which the engine joins.
 *
 * A kernel of the kind NF_COMPONENTS classifies each cell (apply), and gives each component one value
 * (nf_joining.value), which all its cells get; the other cells get 0. Two members of neighbouring cells
 * are of one component: neighbours differ by at most 1 in each index, and in at most
 * setup->connectivity of them, as in scipy.ndimage.generate_binary_structure. Components are numbered
 * from 1 in raster order of their first cells, as by scipy.ndimage.label, however the array is cut.
 *
 * A row is kept as bits: of cells that are members, and of those of them that begin a run. A run is a
 * longest stretch of members that join each other; runs are numbered in raster order, and the forest
 * parent[] joins them: a run's parent has a number no higher than its own. */
#ifndef NF_COMPONENTS_H
#define NF_COMPONENTS_H

#include "kernels/isa.h"
#include "kernels/kernel.h"

/* What apply writes of a cell; sums of these. Its output has rows of bytes, one a cell. */
enum {
    NF_MEMBER = 1, /* of a component; otherwise background, and the byte is 0 */
    NF_SEED = 2,   /* makes its component one with a seed; setup->seeds only */
    NF_APART =
        4 /* does not join the cell before it in its row; setup->selective only. The first cell
                      of a row: as may be */
};

typedef struct nf_component {
    int64_t number; /* from 1 */
    int64_t size;   /* cells; setup->sizes only */
    bool seeded;    /* a member is a seed; setup->seeds only */
} nf_component;

/* A row of runs. */
typedef struct nf_run_row {
    const uint64_t *members, *starts; /* bit i % 64 of word i / 64; beyond the last cell: 0 */
    uint32_t first;                   /* number of its first run */
    const char *cells; /* its input cells; looked at where the joining is selective */
} nf_run_row;

typedef struct nf_joining nf_joining;

/* How two rows join: `columns` also diagonally. joins: NULL where the joining is not selective. */
typedef struct nf_row_link {
    bool columns;
    bool fresh; /* no run of the second row has been joined with any before */
    bool (*joins)(const void *a, const void *b, int channels);
    int channels;
    size_t cell_bytes;
} nf_row_link;

/* Loops over rows, compiled for each instruction set. */
typedef struct nf_run_loops {
    /* Bytes of apply into bits; seeds may be NULL. Returns the number of runs. */
    uint32_t (*pack)(const uint8_t *bytes, int64_t cells, bool selective, uint64_t *members,
                     uint64_t *starts, uint64_t *seeds);
    /* Joins the runs of a row with those of one before it. */
    void (*unite)(const nf_run_row *before, const nf_run_row *row, int64_t words,
                  const nf_row_link *link, uint32_t *parent);
    /* Roots among runs lo <= i < hi. */
    uint32_t (*count)(const uint32_t *parent, uint32_t lo, uint32_t hi);
    /* Makes the roots among them components, `component` and so on, and so the parents of runs whose
     * root is in [begin, hi), where lo - begin runs have been numbered before; those of others stay below
     * begin. Returns the next component. */
    uint32_t (*number)(uint32_t *parent, uint32_t begin, uint32_t lo, uint32_t hi,
                       uint32_t component);
    /* Output elements of a row by their size, 1, 2, 4 or 8 bytes: of each run what values[] holds for
     * its component, 0 elsewhere. parent: NF_ROOT + number of the component, or a run before. */
    void (*paint)(const nf_run_row *row, int64_t cells, const uint32_t *parent, size_t size,
                  const void *values, void *out);
} nf_run_loops;

#define NF_ROOT UINT32_C(0x80000000)

struct nf_joining {
    /* By the input's type: whether two neighbouring members join. */
    bool (*joins[NF_DTYPES])(const void *a, const void *b, int channels);
    double (*value)(const nf_component *component, const void *config);
    const nf_run_loops *loops; /* NF_ISA_NAME(nf_run_loops) */
};

#define NF_RUN_LOOPS NF_ISA_NAME(nf_run_loops)
extern const nf_run_loops NF_RUN_LOOPS;

/* The component of a run, once paint could be called. */
static inline uint32_t nf_run_component(const uint32_t *parent, uint32_t run)
{
    uint32_t at = parent[run];
    while (!(at & NF_ROOT))
        at = parent[at];
    return at & ~NF_ROOT;
}

#endif
