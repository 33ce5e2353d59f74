/* bench_rows.c - hand-written kernels: the same arithmetic as nfold's, in the same order, so that
 * the results have the same bits; only what these few cases need. The whole row is computed in one
 * loop, reading beyond its ends; then its two ends are put right. */
#include "tests/bench_rows.h"

#include <math.h>

static inline const char *row_at(const hand_rows *rows, const void *in, int64_t y, size_t size)
{
    y = y < rows->least ? rows->least : y > rows->most ? rows->most : y;
    return (const char *)in + y * rows->pitch * (int64_t)size;
}

/* NAME_cell(above, row, below, left, here, right) in type T, over rows. */
#define ROWS(NAME, T)                                                                              \
    static void NAME##_row(const T *restrict a, const T *restrict b, const T *restrict c,          \
                           ptrdiff_t n, T *restrict out)                                           \
    {                                                                                              \
        for (ptrdiff_t i = 0; i < n; i++)                                                          \
            out[i] = NAME##_cell(a, b, c, i - 1, i, i + 1);                                        \
        out[0] = NAME##_cell(a, b, c, 0, 0, 1);                                                    \
        out[n - 1] = NAME##_cell(a, b, c, n - 2, n - 1, n - 1);                                    \
    }                                                                                              \
                                                                                                   \
    static void NAME(const hand_rows *rows, const void *in, void *out, int64_t begin, int64_t end) \
    {                                                                                              \
        for (int64_t y = begin; y < end; y++)                                                      \
            NAME##_row((const T *)row_at(rows, in, y - 1, sizeof(T)),                              \
                       (const T *)row_at(rows, in, y, sizeof(T)),                                  \
                       (const T *)row_at(rows, in, y + 1, sizeof(T)), rows->columns,               \
                       (T *)out + y * rows->pitch);                                                \
    }

/* ---- heat ---- */

#define HEAT(NAME, T)                                                                              \
    static inline T NAME##_cell(const T *a, const T *b, const T *c, ptrdiff_t l, ptrdiff_t i,      \
                                ptrdiff_t r)                                                       \
    {                                                                                              \
        T laplacian = ((a[i] + c[i]) + (b[l] + b[r])) - 4 * b[i];                                  \
        return b[i] + (T)HAND_ALPHA * laplacian;                                                   \
    }                                                                                              \
    ROWS(NAME, T)

HEAT(heat_f32, float)
HEAT(heat_f64, double)

/* ---- convolution 3x3: the mask is turned ---- */

static inline float convolve_f32_cell(const float *a, const float *b, const float *c, ptrdiff_t l,
                                      ptrdiff_t i, ptrdiff_t r)
{
    static const float m[] = {HAND_MASK};
    float sum = m[8] * a[l];
    sum += m[7] * a[i];
    sum += m[6] * a[r];
    sum += m[5] * b[l];
    sum += m[4] * b[i];
    sum += m[3] * b[r];
    sum += m[2] * c[l];
    sum += m[1] * c[i];
    return sum + m[0] * c[r];
}

ROWS(convolve_f32, float)

/* ---- sobel: integers are exact up to the square root ---- */

static inline uint8_t sobel_u8_cell(const uint8_t *a, const uint8_t *b, const uint8_t *c,
                                    ptrdiff_t l, ptrdiff_t i, ptrdiff_t r)
{
    int16_t gx = (int16_t)((a[r] - a[l]) + 2 * (b[r] - b[l]) + (c[r] - c[l]));
    int16_t gy = (int16_t)((c[l] - a[l]) + 2 * (c[i] - a[i]) + (c[r] - a[r]));
    float v = sqrtf((float)(gx * gx + gy * gy));
    return (uint8_t)(int)((v < 255 ? v : 255) + 0x1.fffffep-2f);
}

ROWS(sobel_u8, uint8_t)

/* ---- sum of squares ---- */

static double sumsq_f64(const hand_rows *rows, const void *in, int64_t begin, int64_t end)
{
    enum { PARTS = 32 };
    double part[PARTS] = {0}, total = 0;
    for (int64_t y = begin; y < end; y++) {
        const double *x = (const double *)in + y * rows->pitch;
        int64_t i = 0;
        for (; i + PARTS <= rows->columns; i += PARTS)
            for (int j = 0; j < PARTS; j++)
                part[j] += x[i + j] * x[i + j];
        for (; i < rows->columns; i++)
            total += x[i] * x[i];
    }
    for (int j = 0; j < PARTS; j++)
        total += part[j];
    return total;
}

#define TEXT2(x) #x
#define TEXT(x)  TEXT2(x)

const hand_set NF_ISA_NAME(hand) = {
    .isa = TEXT(NF_ISA),
    .heat_f32 = heat_f32,
    .heat_f64 = heat_f64,
    .convolve_f32 = convolve_f32,
    .sobel_u8 = sobel_u8,
    .sumsq_f64 = sumsq_f64,
};
