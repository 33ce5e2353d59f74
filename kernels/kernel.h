/* kernel.h - what a kernel is: data that describes it, and a few plain C functions over one tile.
 *
 * This header is all that a kernel needs. It stands on the C library alone; a kernel never sees
 * OpenMP, MPI, HDF5, stdio or malloc. How a kernel is driven (threads, ranks, both, neither) is the
 * engine's business, and no kernel can tell the difference.
 *
 * Arrays. Every array is three-dimensional in C order: dim[0] planes, dim[1] rows, dim[2] columns,
 * leading extents 1 where the array has fewer dimensions. A cell holds `channels` elements, stored
 * side by side, so that one row of n columns is n * channels contiguous elements. Indices named
 * `lo`, `hi` or z, y, x are global cell indices; strides count elements, never bytes.
 *
 * A new kernel is a file kernels/NAME.c that defines `const nf_kernel NF_ISA_NAME(nf_kernel_NAME)`
 * (isa.h), and the line NF_KERNEL(NAME) in list.h; CMake, --list, the programs and the tests find it
 * there. each_dtype.h writes its arithmetic once for all element types. Short ones: heat.c, a map;
 * sumsq.c, a reduction; sumsq_range.c, a range; flip.c, a resample; label.c, of components; normalize.c,
 * a map that surveys; open.c, an alias.
 */
#ifndef NF_KERNEL_H
#define NF_KERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { NF_DIMS = 3, NF_MAX_CHANNELS = 4 };

/* What can go wrong: code, exit status of the program, words. NF_OK is 0. */
#define NF_STATUS_LIST(X)                                                                          \
    X(NF_OK, 0, "no error")                                                                        \
    X(NF_ERR_USAGE, 2, "the command line is wrong")                                                \
    X(NF_ERR_PARAM, 2, "a kernel or one of its parameters is wrong")                               \
    X(NF_ERR_FILE, 1, "a file cannot be opened, read or written")                                  \
    X(NF_ERR_FORMAT, 1, "a file does not hold what was expected")                                  \
    X(NF_ERR_SHAPE, 1, "the array's shape or type does not suit the kernel or the file")           \
    X(NF_ERR_MEMORY, 1, "memory is exhausted")                                                     \
    X(NF_ERR_CHECK, 1, "a result differs from its independent reference")                          \
    X(NF_ERR_SYSTEM, 1, "the system or a library failed")                                          \
    X(NF_ERR_STOPPED, 75, "stopped as it was asked to; it can go on later")

typedef enum nf_status {
#define NF_STATUS_ENUM(code, exit_status, words) code,
    NF_STATUS_LIST(NF_STATUS_ENUM)
#undef NF_STATUS_ENUM
} nf_status;

/* Element types. NF_NONE is the type of an index range that no array stands behind. */
typedef enum nf_dtype { NF_NONE, NF_U8, NF_U16, NF_F32, NF_F64, NF_DTYPES } nf_dtype;

typedef struct nf_shape {
    int64_t dim[NF_DIMS]; /* planes, rows, columns; leading ones are 1 where absent */
    int ndim;             /* dimensions that the array has: 1, 2 or 3 (channels not counted) */
    int channels;         /* elements a cell, 1 to NF_MAX_CHANNELS */
    nf_dtype dtype;
} nf_shape;

/* Cells that a kernel reads beyond its output cell, on the low and the high side of each dimension.
 */
typedef struct nf_halo {
    int lo[NF_DIMS], hi[NF_DIMS];
} nf_halo;

/* How an array goes on beyond its edges; for a row `a b c d`, as scipy.ndimage defines them
 * (its names in brackets):
 *   clamp    (nearest)   a a a | a b c d | d d d
 *   reflect  (reflect)   c b a | a b c d | d c b     the edge repeated: the default
 *   mirror   (mirror)    d c b | a b c d | c b a     the edge not repeated
 *   wrap     (wrap)      b c d | a b c d | a b c
 *   constant (constant)  k k k | a b c d | k k k     k: the parameter `value` */
typedef enum nf_border { NF_CLAMP, NF_REFLECT, NF_MIRROR, NF_WRAP, NF_CONSTANT } nf_border;

/* ---- parameters ---- */

typedef enum nf_param_type {
    NF_PARAM_INTEGER, /* value.integer; 1e6 is read as an integer too */
    NF_PARAM_REAL,    /* value.real */
    NF_PARAM_CHOICE,  /* value.integer: index into choices */
    NF_PARAM_LIST     /* value.list[value.count] of reals, comma-separated as typed */
} nf_param_type;

typedef struct nf_param {
    const char *name;
    nf_param_type type;
    const char *unit;     /* "cells", "1", ... */
    const char *fallback; /* the default as it would be typed; "auto": prepare chooses where the
                                   value is not given; NULL: the user must give it */
    double min, max;      /* inclusive; checked by the engine, for each element of a list */
    const char *const *choices; /* NULL-terminated; NF_PARAM_CHOICE only */
    const char *help;
} nf_param;

typedef struct nf_value {
    bool given; /* false: `fallback` was used, or, if that is "auto", nothing is set */
    int64_t integer;
    double real;
    const double *list;
    size_t count;
} nf_value;

/* The two parameters of a kernel that reads beyond its cell. The engine acts on them by name; without
 * them the border of a map with a halo is NF_CLAMP. */
extern const char *const nf_border_names[];
#define NF_BORDER_PARAMS                                                                           \
    {"border",                                                                                     \
     NF_PARAM_CHOICE,                                                                              \
     "",                                                                                           \
     "reflect",                                                                                    \
     0,                                                                                            \
     0,                                                                                            \
     nf_border_names,                                                                              \
     "how the array goes on beyond its edges"},                                                    \
    {                                                                                              \
        "value", NF_PARAM_REAL, "", "0", -1e300, 1e300, NULL, "the value beyond a constant border" \
    }

/* ---- set-up: one array shape and one set of parameters ---- */

typedef struct nf_setup {
    /* Given. */
    nf_shape in;            /* the whole input array */
    const nf_value *values; /* one a descriptor's parameter, in its order */
    void *(*alloc)(struct nf_setup *self, size_t bytes); /* zeroed, lives as long as the set-up;
                                                            NULL when memory is exhausted */
    void *arena;                                         /* alloc's own */

    /* To be filled in by prepare; what stands in brackets is there on entry. */
    nf_shape out;          /* maps: the output array                    [= in]           */
    nf_halo halo;          /* maps: cells read beyond an output cell    [none]           */
    int64_t steps;         /* maps: how often to apply, output to input [1]              */
    int64_t indices;       /* ranges: size of the index range           [0]              */
    int64_t a_tile;        /* ranges: indices that a tile has at most, where each takes long;
                              0: as many as are worth a call            [0]              */
    int scratch_rows;      /* maps, resamples: rows of doubles, each as wide as the wider
                              of a tile's input and output, and by one wider than the output is
                              long along a `whole` dimension            [0]   */
    unsigned whole;        /* resamples: bit 1 << d: a tile spans the whole output along d  [0] */
    int strip;             /* maps: rows (in volumes planes) that a tile has better at least, as
                              some are read again for each [0]; the caches may not allow it */
    size_t partial_bytes;  /* reductions, surveys: bytes of one partial result; maps that survey
                              nothing with these values leave it         [0]              */
    int64_t looks;         /* kernels that learn: how often they think to look   [1]      */
    int64_t survey_every;  /* maps of several steps: so many between two surveys [0: one before] */
    int connectivity;      /* components: neighbours differ in at most so many indices [1] */
    bool selective;        /* components: two members join only where `joins` says so [no] */
    bool seeds, sizes;     /* components: what `value` looks at beside the number [no]     */
    int64_t most;          /* components: more of them the output cannot tell apart [any]  */
    double flops_per_cell; /* nominal, per output element and step      [0]              */
    double bytes_per_cell; /* nominal memory traffic, likewise          [a cell of in read for each
                              of out that is written] */
    const void *config;    /* whatever apply needs, read-only there; its learn may change it, so
                              then it must be alloc's                    [NULL]           */
    const char *param;     /* on failure: the parameter at fault, or NULL                */
    const char *problem;   /* on failure: what is wrong with it and what would be right  */
} nf_setup;

/* ---- one tile ---- */

/* A map reads `in` at every cell of the box and up to `halo` cells beyond it on each side (borders
 * are resolved before), and writes every cell of the box to `out`; one of two inputs reads `with` on
 * the box alone. A resample's box is one of output cells; `in` and in_lo are exactly the from_lo that
 * its `source` gives for it. A components kernel reads `in` on the box and writes a byte a cell. A
 * reduction reads `in` on the box and has no `out`. For a range (NF_NONE) there is no `in`: the tile is
 * the index interval [lo[2], lo[2] + size[2]). in and out never overlap. */
typedef struct nf_tile {
    int64_t lo[NF_DIMS]; /* global index of the box's first cell */
    int64_t
        size[NF_DIMS]; /* extent of the box in cells, each at least 1; leading ones are 1 where the
                              array has fewer dimensions: only kernels that take 3-D loop over z */
    int channels;      /* of the input */
    const void *in;    /* the element of cell lo (resamples: in_lo), channel 0 */
    int64_t in_lo[NF_DIMS]; /* resamples: the first cell of the source box */
    const void *with;       /* the same of the second array, for kernels with two inputs */
    void *out;
    ptrdiff_t in_stride[NF_DIMS], out_stride[NF_DIMS]; /* elements; stride[2] = channels */
    ptrdiff_t with_stride[NF_DIMS];
    double *scratch;       /* scratch_rows rows of doubles, uninitialised, 64-byte aligned */
    size_t scratch_stride; /* doubles from one scratch row to the next */
} nf_tile;

/* ---- results and references ---- */

/* Where a reduction's finish puts its named numbers, in the order in which they are shown. */
typedef struct nf_sink {
    void (*real)(struct nf_sink *self, const char *name, double value);
    void (*integer)(struct nf_sink *self, const char *name, uint64_t high, uint64_t low);
    void (*counts)(struct nf_sink *self, const char *name, const uint64_t *values, size_t n);
} nf_sink;

/* A whole array as a reference sees it: any index is valid, borders are resolved by `at`. */
typedef struct nf_cells {
    nf_shape shape;
    const struct nf_cells *with; /* the second array, for kernels with two inputs */
    double (*at)(const struct nf_cells *self, int64_t z, int64_t y, int64_t x, int channel);
} nf_cells;

/* ---- the descriptor ---- */

typedef enum nf_kind {
    NF_MAP,        /* array -> array, each output cell from a neighbourhood of its input cell */
    NF_REDUCE,     /* array -> named numbers */
    NF_RANGE,      /* index range -> named numbers; no array */
    NF_COMPONENTS, /* array -> array, each output cell from the connected component of its input
                      cell: see components.h */
    NF_RESAMPLE,   /* array -> array of other extents or in another order: each box of output cells
                      from a box of input cells */
    NF_ALIAS       /* the name of a chain: no arithmetic of its own */
} nf_kind;

enum { NF_1D = 1, NF_2D = 2, NF_3D = 4 };

typedef void nf_apply(const nf_tile *tile, const void *config, void *partial);

typedef struct nf_kernel {
    const char *name, *summary;
    nf_kind kind;
    bool waits; /* ranges: apply waits, as for files, longer than it computes, so that more threads
                   than cores make it faster */
    unsigned ndims;         /* bit set of NF_1D NF_2D NF_3D; 0 for ranges */
    bool two_inputs;        /* reductions: reads a second array of the same shape and type; maps:
                               reads what the first stage of its alias's chain reads, which must be
                               of the same shape and type, and is used in aliases alone */
    const nf_param *params; /* ends with a NULL name; NULL: none */

    /* Aliases have nothing below this: the chain that takes the place of the name, in which
     * {parameter} stands for the value of that parameter. Other aliases may be part of it. */
    const char *expansion;

    /* Checks what the parameters' ranges cannot say and fills the set-up. The only function that
     * may fail: it then sets setup->problem and returns NF_ERR_PARAM, NF_ERR_SHAPE or
     * NF_ERR_MEMORY. May be NULL for a map without halo. */
    nf_status (*prepare)(nf_setup *setup);

    /* Resamples: the box [from_lo, from_hi) of input cells that apply reads for the output cells
     * [lo, hi). With the border parameters it may reach beyond the array, or lie there: the engine
     * fills in those cells. Without them it lies within the array. It is never empty, and that of a
     * part lies within that of the whole. */
    void (*source)(const void *config, const int64_t lo[NF_DIMS], const int64_t hi[NF_DIMS],
                   int64_t from_lo[NF_DIMS], int64_t from_hi[NF_DIMS]);
    bool turns; /* resamples: may turn or mirror what an image shows, so that what is known of its
                   orientation no longer holds */

    /* The arithmetic, by the input's element type; NULL: type not accepted (NF_NONE: ranges).
     * Maps: partial is NULL. Reductions: adds the tile to *partial, whose bytes were zero, then
     * passed to `start` where there is one. Components: writes a byte for each cell, as
     * components.h says. */
    nf_apply *apply[NF_DTYPES];

    /* apply cannot fail. Where it may meet trouble that is not in the data (a file that cannot be
     * read), it goes on somehow, and this says, after a run and on each rank, what went wrong since
     * it was asked last: a sentence that stays valid until then; NULL: nothing. May be NULL. */
    const char *(*trouble)(void);

    const struct nf_joining *joining; /* components */

    /* Reductions and ranges; for maps, of what a survey brings together. */
    void (*start)(void *partial, const void *config);
    void (*fold)(void *into, const void *next, const void *config); /* into, then next */
    bool any_order; /* fold is exact, associative and commutative: the engine folds as it likes;
                       otherwise it folds tiles in ascending order, at the price of keeping them */
    bool adds;      /* the partial is an array of int64, and folding is adding them one by one */
    void (*finish)(const void *partial, const void *config, nf_sink *out); /* maps: partial is NULL;
                       sends what was learned; may be NULL. Components: partial is how many there are,
                       an int64_t; likewise */

    /* What must look at its whole input before it goes on, or more than once. any_order is required.
     *
     * A map that looks has `survey`: it adds a tile, which has the map's halo, to a partial. Its first
     * step is taken when `learn` asks for no other survey. With setup->survey_every = k it is an
     * iteration that may stop: steps % k are taken first, then a survey follows after each k of the
     * others, of what they have left; where `learn` returns false after one, these were the last.
     *
     * A reduction that looks more than once has `learn` and no survey: it is swept over the same
     * array again until `learn` has enough; then it is finished.
     *
     * learn is called on all ranks with the same bits in *partial, all of the array folded; it may
     * change the config, and returns whether to look again (to go on). partial NULL begins a run:
     * what an earlier one taught is forgotten. */
    nf_apply *survey[NF_DTYPES];
    bool (*learn)(void *config, const void *partial);

    /* The independent answer, the slow and obvious way, in double. A map gives one element of one
     * step, of a resample that of the output cell (z, y, x), before it is rounded to the output type; a
     * reduction sends the same numbers as finish.
     * The result may differ by tolerance (maps: in units of the last place of a float type, and not
     * at all but for exact ties in an integer type; reductions: relative). Components: the byte that
     * apply writes, but for NF_APART. */
    double (*reference_cell)(const nf_cells *in, const void *config, int64_t z, int64_t y,
                             int64_t x, int channel);
    void (*reference)(const nf_cells *in, const void *config, nf_sink *out);
    /* Of a map that surveys: learns the same, by a look at the whole array at once, and returns
     * whether an iteration is to go on. */
    bool (*reference_learn)(const nf_cells *in, void *config);
    double tolerance;

    /* Weak scaling: what grows with the workers. Ranges: the parameter, an integer, [the first], and the
     * power of it that the work grows with [1]. Arrays: the dimension, 0 to 2 for planes, rows and
     * columns, as 1 + d [0: the slowest that the array has]; of a chain its first kernel's counts. */
    const char *grows;
    int grows_power;
    int grows_dimension;
} nf_kernel;

/* ---- the registry ---- */

/* Every kernel is compiled once for each instruction set that the build offers, into one program:
 * the registry hands out those of the best set that this processor has, or of the one that the
 * environment variable NFOLD_ISA names (`baseline`, `v3`, `v4`; unknown or impossible: the best).
 */
const nf_kernel *nf_kernel_find(const char *name); /* NULL: no such kernel */
const nf_kernel *nf_kernel_at(size_t index); /* in the order of kernels/list.h, then those that were
                                                added; NULL: past the end */
const char *nf_kernel_isa(void);             /* name of the instruction set in use */

/* Adds a kernel that a program brings itself; it must live as long as the program. Not while others
 * look for kernels. false: there is one of that name, or there are NF_MAX_ADDED already. */
enum { NF_MAX_ADDED = 64 };
bool nf_kernel_add(const nf_kernel *kernel);

/* Bytes of one element; its name as written in reports ("u8", "f32"); NF_NONE: 0 and "none". */
size_t nf_dtype_size(nf_dtype dtype);
const char *nf_dtype_name(nf_dtype dtype);

#endif
