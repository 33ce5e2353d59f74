#include "kernels/moving.h"

#include <string.h>

nf_moving *nf_moving_make(nf_setup *setup)
{
    nf_moving *moving = setup->alloc(setup, sizeof *moving);
    if (moving == NULL)
        return NULL;
    *moving = (nf_moving){
        .axis = {0, 1, 2}, .step = {1, 1, 1}, .element = nf_dtype_size(setup->in.dtype)};
    setup->config = moving;
    return moving;
}

void nf_moving_turn(nf_moving *moving, const nf_setup *setup, int d)
{
    moving->first[d] += moving->step[d] * (setup->out.dim[d] - 1);
    moving->step[d] = -moving->step[d];
}

void nf_moving_source(const void *config, const int64_t lo[NF_DIMS], const int64_t hi[NF_DIMS],
                      int64_t from_lo[NF_DIMS], int64_t from_hi[NF_DIMS])
{
    const nf_moving *m = config;
    for (int d = 0; d < NF_DIMS; d++) {
        int64_t a = m->first[d] + m->step[d] * lo[d], b = m->first[d] + m->step[d] * (hi[d] - 1);
        from_lo[m->axis[d]] = a < b ? a : b;
        from_hi[m->axis[d]] = (a < b ? b : a) + 1;
    }
}

double nf_moving_reference(const nf_cells *in, const void *config, int64_t z, int64_t y, int64_t x,
                           int channel)
{
    const nf_moving *m = config;
    int64_t to[NF_DIMS] = {z, y, x}, from[NF_DIMS];
    for (int d = 0; d < NF_DIMS; d++)
        from[m->axis[d]] = m->first[d] + m->step[d] * to[d];
    return in->at(in, from[0], from[1], from[2], channel);
}

/* ---- rows that stay rows ---- */

/* Inlined for each size of a cell, so that loops over cells are vectorised. */
#define INLINE static inline __attribute__((always_inline))

/* Bytes that a cell is copied as where others follow on both sides, in the order in which they are
 * written: what is too much is written once more. */
INLINE ptrdiff_t wide_of(ptrdiff_t bytes)
{
    return bytes == 3 ? 4 : bytes == 6 ? 8 : bytes;
}

#define REVERSE_AS(T)                                                                              \
    for (int64_t x = 0; x < n; x++)                                                                \
        ((T *)(void *)to)[x] = ((const T *)(const void *)from)[-x];

/* n cells, `from` the last of them. */
INLINE void reverse_row(char *restrict to, const char *restrict from, int64_t n, ptrdiff_t bytes)
{
    if (bytes == 1) {
        REVERSE_AS(uint8_t)
    } else if (bytes == 2) {
        REVERSE_AS(uint16_t)
    } else if (bytes == 4) {
        REVERSE_AS(uint32_t)
    } else if (bytes == 8) {
        REVERSE_AS(uint64_t)
    } else {
        memcpy(to, from, (size_t)bytes);
        for (int64_t x = 1; x < n - 1; x++)
            memcpy(to + x * bytes, from - x * bytes, (size_t)wide_of(bytes));
        memcpy(to + (n - 1) * bytes, from - (n - 1) * bytes, (size_t)bytes);
    }
}

/* ---- rows that become columns ---- */

/* What a matrix of cells is transposed from and to: `to` row y, column x is `from` row x, column y.
 * Strides of rows in bytes; columns are cells. */
typedef struct matrix {
    char *to;
    const char *from;
    ptrdiff_t to_row, from_row;
    int64_t rows, columns; /* of `to` */
} matrix;

#define ZIP_LOW_16  0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23
#define ZIP_HIGH_16 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31
#define ZIP_LOW_8   0, 8, 1, 9, 2, 10, 3, 11
#define ZIP_HIGH_8  4, 12, 5, 13, 6, 14, 7, 15
#define ZIP_LOW_4   0, 4, 1, 5
#define ZIP_HIGH_4  2, 6, 3, 7
#define ZIP_LOW_2   0, 2
#define ZIP_HIGH_2  1, 3

/* A square of K x K cells, each row 16 bytes. Zipping rows i and i + K/2 into rows 2 i and 2 i + 1 makes
 * columns of rows in as many rounds as K has doublings. Written out: a compiler that meets a loop
 * here keeps the rows in memory, which takes ten times as long. */
#define EACH_2(DO, ...) DO(0, __VA_ARGS__) DO(1, __VA_ARGS__)
#define EACH_4(DO, ...) EACH_2(DO, __VA_ARGS__) DO(2, __VA_ARGS__) DO(3, __VA_ARGS__)
#define EACH_8(DO, ...)                                                                            \
    EACH_4(DO, __VA_ARGS__)                                                                        \
    DO(4, __VA_ARGS__) DO(5, __VA_ARGS__) DO(6, __VA_ARGS__) DO(7, __VA_ARGS__)
#define EACH_16(DO, ...)                                                                           \
    EACH_8(DO, __VA_ARGS__)                                                                        \
    DO(8, __VA_ARGS__)                                                                             \
    DO(9, __VA_ARGS__)                                                                             \
    DO(10, __VA_ARGS__)                                                                            \
    DO(11, __VA_ARGS__)                                                                            \
    DO(12, __VA_ARGS__) DO(13, __VA_ARGS__) DO(14, __VA_ARGS__) DO(15, __VA_ARGS__)
#define LOAD(i, to)    memcpy(&to[i], from + i * from_row, 16);
#define STORE(i, rows) memcpy(to + i * to_row, &rows[i], 16);
#define ZIP(i, K, from, to)                                                                        \
    to[2 * i] = __builtin_shufflevector(from[i], from[i + K / 2], ZIP_LOW_##K);                    \
    to[2 * i + 1] = __builtin_shufflevector(from[i], from[i + K / 2], ZIP_HIGH_##K);
#define ZIP_1(K, a, b) ZIP(0, K, a, b)
#define ZIP_2(K, a, b) EACH_2(ZIP, K, a, b)
#define ZIP_4(K, a, b) EACH_4(ZIP, K, a, b)
#define ZIP_8(K, a, b) EACH_8(ZIP, K, a, b)

/* ROUNDS: from a to b and back; the last ones are in RESULT. */
#define DEFINE_SQUARE(T, K, ROUNDS, RESULT)                                                        \
    typedef T vector_##K __attribute__((vector_size(16)));                                         \
    INLINE void square_##K(const char *from, ptrdiff_t from_row, char *to, ptrdiff_t to_row)       \
    {                                                                                              \
        vector_##K a[K], b[K];                                                                     \
        EACH_##K(LOAD, a) ROUNDS EACH_##K(STORE, RESULT)                                           \
    }
DEFINE_SQUARE(uint8_t, 16, ZIP_8(16, a, b) ZIP_8(16, b, a) ZIP_8(16, a, b) ZIP_8(16, b, a), a)
DEFINE_SQUARE(uint16_t, 8, ZIP_4(8, a, b) ZIP_4(8, b, a) ZIP_4(8, a, b), b)
DEFINE_SQUARE(uint32_t, 4, ZIP_2(4, a, b) ZIP_2(4, b, a), a)
DEFINE_SQUARE(uint64_t, 2, ZIP_1(2, a, b), b)

/* Rows [y0, y1), columns [x0, x1), cell by cell; nothing is read beyond a row of `from`. */
INLINE void transpose_cells(const matrix *m, int64_t y0, int64_t y1, int64_t x0, int64_t x1,
                            ptrdiff_t bytes)
{
    for (int64_t y = y0; y < y1; y++) {
        char *to = m->to + y * m->to_row;
        const char *from = m->from + y * bytes;
        if (y + 1 < m->rows)
            for (int64_t x = x0; x < x1 - 1; x++)
                memcpy(to + x * bytes, from + x * m->from_row, (size_t)wide_of(bytes));
        else
            for (int64_t x = x0; x < x1 - 1; x++)
                memcpy(to + x * bytes, from + x * m->from_row, (size_t)bytes);
        memcpy(to + (x1 - 1) * bytes, from + (x1 - 1) * m->from_row, (size_t)bytes);
    }
}

/* Likewise in squares; those that would reach beyond the end lie as much further back. */
INLINE void transpose_squares(const matrix *m, int64_t y0, int64_t y1, int64_t x0, int64_t x1,
                              ptrdiff_t bytes)
{
    int64_t side = 16 / bytes;
    for (int64_t i = y0; i < y1; i += side) {
        int64_t y = i + side < y1 ? i : y1 - side;
        for (int64_t j = x0; j < x1; j += side) {
            int64_t x = j + side < x1 ? j : x1 - side;
            const char *from = m->from + x * m->from_row + y * bytes;
            char *to = m->to + y * m->to_row + x * bytes;
            if (bytes == 1)
                square_16(from, m->from_row, to, m->to_row);
            else if (bytes == 2)
                square_8(from, m->from_row, to, m->to_row);
            else if (bytes == 4)
                square_4(from, m->from_row, to, m->to_row);
            else
                square_2(from, m->from_row, to, m->to_row);
        }
    }
}

static inline int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* The lines of the block [y, y1) x [x, x1) on both sides: hardly two of them lie next to each other, so
 * that the processor does not fetch them ahead by itself. */
INLINE void fetch(const matrix *m, int64_t y, int64_t y1, int64_t x, int64_t x1, ptrdiff_t bytes)
{
    enum { LINE = 64 };
    for (int64_t i = x; i < x1; i++)
        for (ptrdiff_t at = y * bytes; at < y1 * bytes; at += LINE)
            __builtin_prefetch(m->from + i * m->from_row + at);
    for (int64_t i = y; i < y1 && x < x1; i++)
        for (ptrdiff_t at = x * bytes; at < x1 * bytes; at += LINE)
            __builtin_prefetch(m->to + i * m->to_row + at, 1);
}

/* In blocks, each fetched while the one before is moved: as many rows as cells of the input share a
 * cache line, or many where cells are moved one by one. */
INLINE void transpose(const matrix *m, ptrdiff_t bytes)
{
    enum { HIGH = 64, WIDE = 32, SQUARE = 16 };
    bool squares = bytes <= 8 && (bytes & (bytes - 1)) == 0;
    squares = squares && m->rows * bytes >= SQUARE && m->columns * bytes >= SQUARE;
    int64_t high = squares ? HIGH / bytes : HIGH;
    for (int64_t y = 0; y < m->rows; y += high) {
        for (int64_t x = 0; x < m->columns; x += WIDE) {
            int64_t y1 = least(y + high, m->rows), x1 = least(x + WIDE, m->columns);
            fetch(m, y, y1, x1, least(x1 + WIDE, m->columns), bytes);
            if (squares)
                transpose_squares(m, y, y1, x, x1, bytes);
            else
                transpose_cells(m, y, y1, x, x1, bytes);
        }
    }
}

/* ---- a tile ---- */

/* The tile as bytes: an output cell, and where the input has it. */
typedef struct view {
    char *to;
    const char *from;
    ptrdiff_t to_step[NF_DIMS], from_step[NF_DIMS]; /* along the output's dimensions */
    int64_t n[NF_DIMS];
} view;

static view view_of(const nf_tile *tile, const nf_moving *m)
{
    view v = {.to = tile->out, .from = tile->in};
    ptrdiff_t size = (ptrdiff_t)m->element;
    for (int d = 0; d < NF_DIMS; d++) {
        ptrdiff_t step = tile->in_stride[m->axis[d]] * size;
        int64_t first = m->first[d] + m->step[d] * tile->lo[d];
        v.n[d] = tile->size[d];
        v.to_step[d] = tile->out_stride[d] * size;
        v.from_step[d] = m->step[d] * step;
        v.from += (first - tile->in_lo[m->axis[d]]) * step;
    }
    return v;
}

INLINE void move_rows(const view *v, ptrdiff_t bytes)
{
    for (int64_t z = 0; z < v->n[0]; z++) {
        for (int64_t y = 0; y < v->n[1]; y++) {
            char *to = v->to + z * v->to_step[0] + y * v->to_step[1];
            const char *from = v->from + z * v->from_step[0] + y * v->from_step[1];
            if (v->from_step[2] > 0)
                memcpy(to, from, (size_t)(v->n[2] * bytes));
            else
                reverse_row(to, from, v->n[2], bytes);
        }
    }
}

/* Output dimension `e` is the input's last one; the remaining one counts matrices. */
INLINE void move_columns(const view *v, int e, ptrdiff_t bytes)
{
    int rest = 1 - e;
    matrix a = {
        .to_row = v->to_step[e], .from_row = v->from_step[2], .rows = v->n[e], .columns = v->n[2]};
    for (int64_t i = 0; i < v->n[rest]; i++) {
        a.to = v->to + i * v->to_step[rest];
        a.from = v->from + i * v->from_step[rest];
        if (v->from_step[e] < 0) { /* from the other end, on both sides */
            a.to += (a.rows - 1) * v->to_step[e];
            a.from += (a.rows - 1) * v->from_step[e];
            a.to_row = -v->to_step[e];
        }
        transpose(&a, bytes);
    }
}

INLINE void move_cells(const view *v, const nf_moving *m, ptrdiff_t bytes)
{
    if (m->axis[2] == 2)
        move_rows(v, bytes);
    else
        move_columns(v, m->axis[0] == 2 ? 0 : 1, bytes);
}

void nf_moving_apply(const nf_tile *tile, const void *config, void *partial)
{
    const nf_moving *m = config;
    view v = view_of(tile, m);
    (void)partial;
    switch ((size_t)tile->channels * m->element) {
    case 1:
        move_cells(&v, m, 1);
        break;
    case 2:
        move_cells(&v, m, 2);
        break;
    case 3:
        move_cells(&v, m, 3);
        break;
    case 4:
        move_cells(&v, m, 4);
        break;
    case 6:
        move_cells(&v, m, 6);
        break;
    case 8:
        move_cells(&v, m, 8);
        break;
    case 12:
        move_cells(&v, m, 12);
        break;
    case 16:
        move_cells(&v, m, 16);
        break;
    case 24:
        move_cells(&v, m, 24);
        break;
    default:
        move_cells(&v, m, 32); /* four f64: there is nothing larger */
        break;
    }
}
