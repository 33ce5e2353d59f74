/* exact_rows.c - exact sums of rows and of their squares, at the speed of vectors.
 *
 * A block of values is summed in two slices on a fixed grid. With magic = 1.5 * 2^(52 + unit), the
 * bits of q = x + magic, read as an integer, are those of magic plus x / 2^unit, rounded: their
 * integer sum is exact. What was rounded off, x - (q - magic), is exact too, below 2^unit, and so
 * small that a plain sum of doubles holds it without rounding.
 *
 * All this is so as long as the block's values are neither too large nor too finely divided for the
 * grid. The same pass therefore keeps their largest and smallest exponent, and its sums are thrown
 * away if these do not fit. Then a better grid is chosen, or the block is sliced several times, or,
 * if nothing helps (infinities, NaN, extreme exponents), it is added one value at a time. Every way
 * is exact: which one was taken cannot show in the result. */
#include "kernels/exact.h"

#include <stdbool.h>
#include <string.h>

#ifdef __SSE2__
#include <immintrin.h>
#endif

#if defined __AVX512F__ && defined __AVX512BW__
enum { VECTOR_BYTES = 64 };
#elif defined __AVX2__ && defined __FMA__
enum { VECTOR_BYTES = 32 };
#else
enum { VECTOR_BYTES = 16 };
#endif

enum {
    LANES = VECTOR_BYTES / 8,
    CHAINS = 2,       /* independent sums, to hide the latency of an addition */
    STEP = 4 * LANES, /* values of one round of the loops */
    BLOCK_BITS = 10,
    BLOCK = 1 << BLOCK_BITS,
    AHEAD = 8192, /* bytes from what is read to what is fetched into the cache */
    DOUBLE_BITS = 53,
    SLICE_BITS = 51, /* a value of at most 2^(unit + SLICE_BITS) may be added to magic */
    /* Units for which magic is finite and normal. */
    LOWEST_UNIT = -1074,
    HIGHEST_UNIT = 970,
    HIGHEST_TOP = HIGHEST_UNIT + SLICE_BITS,
    /* Slices that cost no more than to add one value at a time. */
    MOST_SLICES = 8,
    /* Squares are split in two doubles, the lower one's grid is this much finer. */
    LOWER_GRID = 53,
    FIRST_UNIT = -30, /* a guess that suits values around 1 */
    /* The half of a double that holds its exponent. */
    HIGH_HALF = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
};

typedef double doubles __attribute__((vector_size(VECTOR_BYTES)));
typedef uint64_t longs __attribute__((vector_size(VECTOR_BYTES)));
typedef uint16_t shorts __attribute__((vector_size(VECTOR_BYTES)));
typedef uint32_t words __attribute__((vector_size(VECTOR_BYTES)));
typedef int32_t signed_words __attribute__((vector_size(VECTOR_BYTES)));

/* Every value that is not zero is a multiple of 2^bottom, and at most 2^top in magnitude. */
typedef struct span {
    int top, bottom;
} span;

/* The sum of a block: k * 2^unit + rest. */
typedef struct slices {
    int64_t k;
    double rest;
} slices;

/* ---- what only instruction sets can say ---- */

/* Compilers do not find these operations reliably. Each set has: the larger and the smaller of two,
 * the upper halves of integer squares, a vector of floats as doubles, and the error of a rounded
 * square p = v * v, which is exact where nothing underflows. */
#if defined __AVX512F__ && defined __AVX512BW__
static inline signed_words larger(signed_words a, signed_words b)
{
    return (signed_words)_mm512_max_epi32((__m512i)a, (__m512i)b);
}

static inline words smaller(words a, words b)
{
    return (words)_mm512_min_epu32((__m512i)a, (__m512i)b);
}

static inline shorts upper_squares(shorts v)
{
    return (shorts)_mm512_mulhi_epu16((__m512i)v, (__m512i)v);
}

static inline doubles load_widened(const float *x)
{
    return (doubles)_mm512_cvtps_pd(_mm256_loadu_ps(x));
}

static inline doubles square_error(doubles v, doubles p)
{
    return (doubles)_mm512_fmsub_pd((__m512d)v, (__m512d)v, (__m512d)p);
}
#elif defined __AVX2__ && defined __FMA__
static inline signed_words larger(signed_words a, signed_words b)
{
    return (signed_words)_mm256_max_epi32((__m256i)a, (__m256i)b);
}

static inline words smaller(words a, words b)
{
    return (words)_mm256_min_epu32((__m256i)a, (__m256i)b);
}

static inline shorts upper_squares(shorts v)
{
    return (shorts)_mm256_mulhi_epu16((__m256i)v, (__m256i)v);
}

static inline doubles load_widened(const float *x)
{
    return (doubles)_mm256_cvtps_pd(_mm_loadu_ps(x));
}

static inline doubles square_error(doubles v, doubles p)
{
    return (doubles)_mm256_fmsub_pd((__m256d)v, (__m256d)v, (__m256d)p);
}
#else
#ifdef __SSE2__
/* Of the upper halves of words only, and of the lower ones by themselves. */
static inline signed_words larger(signed_words a, signed_words b)
{
    return (signed_words)_mm_max_epi16((__m128i)a, (__m128i)b);
}

static inline words smaller(words a, words b)
{
    const words flip = (words){0} + 0x80008000u; /* only signed ones can be compared */
    return (words)_mm_min_epi16((__m128i)(a ^ flip), (__m128i)(b ^ flip)) ^ flip;
}

static inline shorts upper_squares(shorts v)
{
    return (shorts)_mm_mulhi_epu16((__m128i)v, (__m128i)v);
}

static inline doubles load_widened(const float *x)
{
    double pair;
    memcpy(&pair, x, sizeof pair);
    return (doubles)_mm_cvtps_pd(_mm_castpd_ps(_mm_set_sd(pair)));
}
#else
static inline signed_words larger(signed_words a, signed_words b)
{
    signed_words is_a = a > b;
    return (a & is_a) | (b & ~is_a);
}

static inline words smaller(words a, words b)
{
    words is_a = (words)(a < b);
    return (a & is_a) | (b & ~is_a);
}

static inline shorts upper_squares(shorts v)
{
    shorts upper;
    for (int j = 0; j < 4 * LANES; j++)
        upper[j] = (uint16_t)((uint32_t)v[j] * v[j] >> 16);
    return upper;
}

static inline doubles load_widened(const float *x)
{
    doubles v;
    for (int j = 0; j < LANES; j++)
        v[j] = (double)x[j];
    return v;
}
#endif

/* Dekker's product: v = h + l, of 26 bits each; h is v rounded, by way of its integer bits. */
static inline doubles square_error(doubles v, doubles p)
{
    const uint64_t half = (uint64_t)1 << 26;
    doubles h = (doubles)(((longs)v + half) & ~(2 * half - 1));
    doubles l = v - h;
    return ((h * h - p) + 2 * (h * l)) + l * l;
}
#endif

/* ---- vectors ---- */

static inline doubles splat(double x)
{
    return x - (doubles){0};
}

static inline doubles load(const double *x)
{
    doubles v;
    memcpy(&v, x, sizeof v);
    return v;
}

/* Without the arithmetic of pointers beyond the array's end, which C does not define. */
static inline void fetch_ahead(const void *x, size_t bytes)
{
    for (size_t i = 0; i < bytes; i += 64)
        __builtin_prefetch((const void *)((uintptr_t)x + AHEAD + i));
}

static double sum_doubles(doubles v)
{
    double sum = 0;
    for (int j = 0; j < LANES; j++)
        sum += v[j];
    return sum;
}

static uint64_t sum_longs(longs v)
{
    uint64_t sum = 0;
    for (int j = 0; j < LANES; j++)
        sum += v[j];
    return sum;
}

/* ---- exponents ---- */

/* The largest and the smallest |x| - 1, by bits: as signed words a zero is below all others, as
 * unsigned words it is above them, and so it counts on neither side. Of a double, the high half is
 * enough. */
typedef struct extremes {
    signed_words largest;
    words smallest;
} extremes;

static inline void see_nothing(extremes *seen)
{
    seen->largest = (signed_words){0};
    seen->smallest = ~(words){0};
}

static inline void see(extremes *seen, words bits)
{
    seen->largest = larger(seen->largest, (signed_words)bits);
    seen->smallest = smaller(seen->smallest, bits);
}

static inline void see_doubles(extremes *seen, doubles v)
{
    see(seen, (words)(((longs)v & (uint64_t)INT64_MAX) - 1));
}

static inline void see_floats(extremes *seen, const float *x)
{
    words v;
    memcpy(&v, x, sizeof v);
    see(seen, (v & (uint32_t)INT32_MAX) - 1);
}

/* The exponent fields of the extremes, over every `stride`-th word. */
static inline span fields_of(const extremes *seen, int first, int stride, int fraction_bits)
{
    int32_t largest = 0;
    uint32_t smallest = UINT32_MAX;
    for (int j = first; j < 2 * LANES; j += stride) {
        largest = seen->largest[j] > largest ? seen->largest[j] : largest;
        smallest = seen->smallest[j] < smallest ? seen->smallest[j] : smallest;
    }
    int low = (int)(smallest >> fraction_bits);
    return (span){.top = largest >> fraction_bits, .bottom = low > 0 ? low : 1};
}

static inline span span_of_doubles(const extremes *seen)
{
    span fields = fields_of(seen, HIGH_HALF, 2, 20);
    return (span){.top = fields.top - 1022, .bottom = fields.bottom - 1075};
}

/* Infinities and NaN, and the largest floats with them, are reported as too large. */
static inline span span_of_floats(const extremes *seen)
{
    span fields = fields_of(seen, 0, 1, 23);
    int top = fields.top < 254 ? fields.top - 126 : HIGHEST_TOP + 1;
    return (span){.top = top, .bottom = fields.bottom - 150};
}

/* ---- grids ---- */

/* The units of the grids on which a block can be sliced; none, if low > high. */
typedef struct units {
    int low, high;
} units;

static units units_for(span s)
{
    /* Up to 2^BLOCK_BITS rests of at most 2^(unit - 1) must add up to at most 2^(53 + bottom). */
    units u = {s.top - SLICE_BITS, s.bottom + DOUBLE_BITS - BLOCK_BITS + 1};
    u.low = u.low > LOWEST_UNIT ? u.low : LOWEST_UNIT;
    u.high = u.high < HIGHEST_UNIT ? u.high : HIGHEST_UNIT;
    return u;
}

/* A square in two doubles: what they span, each. */
static span upper_square(span s)
{
    return (span){2 * s.top, 2 * s.bottom + DOUBLE_BITS - 1};
}

static span lower_square(span s)
{
    return (span){2 * s.top - DOUBLE_BITS - 1, 2 * s.bottom};
}

/* Whether all squares, in two doubles each, are exact. */
static bool has_squares(span s)
{
    return 2 * s.bottom >= LOWEST_UNIT && 2 * s.top <= HIGHEST_TOP;
}

/* The units for the upper doubles of squares; for the lower ones, they are LOWER_GRID less. */
static units units_for_squares(span s)
{
    if (!has_squares(s))
        return (units){1, 0};
    units upper = units_for(upper_square(s)), lower = units_for(lower_square(s));
    lower.low += LOWER_GRID;
    lower.high += LOWER_GRID;
    upper.low = upper.low > lower.low ? upper.low : lower.low;
    upper.high = upper.high < lower.high ? upper.high : lower.high;
    return upper;
}

static bool is_within(units u, int unit)
{
    return u.low <= unit && unit <= u.high;
}

/* A unit that leaves as much room above as below; false: there is none. */
static bool choose_unit(units u, int *unit)
{
    if (u.low > u.high)
        return false;
    *unit = u.low + (u.high - u.low) / 2;
    return true;
}

static double magic_of(int unit)
{
    uint64_t bits = (uint64_t)(unit + 52 + 1023) << 52 | (uint64_t)1 << 51;
    double magic;
    memcpy(&magic, &bits, sizeof magic);
    return magic;
}

/* ---- slicing a block: n is a multiple of STEP ---- */

static inline void slice(doubles v, doubles magic, longs *k, doubles *rest)
{
    doubles q = v + magic;
    *k += (longs)q;
    *rest += v - (q - magic);
}

static slices slices_of(longs k, doubles rest, size_t n, int unit)
{
    double magic = magic_of(unit);
    uint64_t bits;
    memcpy(&bits, &magic, sizeof bits);
    return (slices){.k = (int64_t)(sum_longs(k) - n * bits), .rest = sum_doubles(rest)};
}

static void add_slices(nf_exact *sum, slices s, int unit)
{
    nf_exact_add_scaled(sum, s.k, unit);
    nf_exact_add(sum, s.rest);
}

static span slice_doubles(const double *x, size_t n, int unit, slices *sum)
{
    const doubles magic = splat(magic_of(unit));
    longs k[CHAINS] = {{0}};
    doubles rest[CHAINS] = {{0}};
    extremes seen;
    see_nothing(&seen);
    for (size_t i = 0; i < n; i += STEP) {
        fetch_ahead(x + i, STEP * sizeof *x);
        for (size_t j = 0; j < STEP / LANES; j++) {
            doubles v = load(x + i + j * LANES);
            see_doubles(&seen, v);
            slice(v, magic, &k[j % CHAINS], &rest[j % CHAINS]);
        }
    }
    *sum = slices_of(k[0] + k[1], rest[0] + rest[1], n, unit);
    return span_of_doubles(&seen);
}

static span slice_squares(const double *x, size_t n, int unit, slices sum[2])
{
    const doubles magic = splat(magic_of(unit)), low_magic = splat(magic_of(unit - LOWER_GRID));
    longs k = {0}, low_k = {0};
    doubles rest = {0}, low_rest = {0};
    extremes seen;
    see_nothing(&seen);
    for (size_t i = 0; i < n; i += STEP) {
        fetch_ahead(x + i, STEP * sizeof *x);
        for (size_t j = 0; j < STEP; j += LANES) {
            doubles v = load(x + i + j), p = v * v;
            see_doubles(&seen, v);
            slice(p, magic, &k, &rest);
            slice(square_error(v, p), low_magic, &low_k, &low_rest);
        }
    }
    sum[0] = slices_of(k, rest, n, unit);
    sum[1] = slices_of(low_k, low_rest, n, unit - LOWER_GRID);
    return span_of_doubles(&seen);
}

/* Doubles hold the squares of floats. */
static span slice_float_squares(const float *x, size_t n, int unit, slices *sum)
{
    const doubles magic = splat(magic_of(unit));
    longs k[CHAINS] = {{0}};
    doubles rest[CHAINS] = {{0}};
    extremes seen;
    see_nothing(&seen);
    for (size_t i = 0; i < n; i += STEP) {
        fetch_ahead(x + i, STEP * sizeof *x);
        for (size_t j = 0; j < STEP / LANES; j++) {
            doubles v = load_widened(x + i + j * LANES);
            if (j % 2 == 0)
                see_floats(&seen, x + i + j * LANES);
            slice(v * v, magic, &k[j % CHAINS], &rest[j % CHAINS]);
        }
    }
    *sum = slices_of(k[0] + k[1], rest[0] + rest[1], n, unit);
    return span_of_floats(&seen);
}

/* The plain sum in doubles: exact, if the floats do not span too much. */
static span plain_sum(const float *x, size_t n, double *sum)
{
    doubles part[STEP / LANES] = {{0}};
    extremes seen;
    see_nothing(&seen);
    for (size_t i = 0; i < n; i += STEP) {
        fetch_ahead(x + i, STEP * sizeof *x);
        for (size_t j = 0; j < STEP / LANES; j++) {
            if (j % 2 == 0)
                see_floats(&seen, x + i + j * LANES);
            part[j] += load_widened(x + i + j * LANES);
        }
    }
    *sum = sum_doubles((part[0] + part[1]) + (part[2] + part[3]));
    return span_of_floats(&seen);
}

/* ---- blocks that fit no single grid ---- */

/* Takes from each value its part on the grid. */
static int64_t peel(double *x, size_t n, int unit)
{
    const doubles magic = splat(magic_of(unit));
    longs k = {0};
    for (size_t i = 0; i < n; i += LANES) {
        doubles rest = {0};
        slice(load(x + i), magic, &k, &rest);
        memcpy(x + i, &rest, sizeof rest);
    }
    return slices_of(k, (doubles){0}, n, unit).k;
}

static bool is_too_wide(span s)
{
    return s.top > HIGHEST_TOP || s.top - s.bottom > MOST_SLICES * SLICE_BITS;
}

/* Adds a block, slice by slice as far as needed, and overwrites it. */
static void add_wide(nf_exact *sum, double *x, size_t n, span s)
{
    int unit;
    slices part;
    if (is_too_wide(s)) {
        nf_exact_add_each(sum, x, n);
        return;
    }
    while (!choose_unit(units_for(s), &unit)) {
        unit = s.top - SLICE_BITS;
        nf_exact_add_scaled(sum, peel(x, n, unit), unit);
        s.top = unit - 1;
    }
    slice_doubles(x, n, unit, &part);
    add_slices(sum, part, unit);
}

static void add_wide_doubles(nf_exact *sum, const double *x, size_t n, span s)
{
    double copy[BLOCK];
    if (is_too_wide(s))
        nf_exact_add_each(sum, x, n);
    else
        add_wide(sum, memcpy(copy, x, n * sizeof *x), n, s);
}

static void add_wide_squares(nf_exact *sum, const double *x, size_t n, span s)
{
    double upper[BLOCK], lower[BLOCK];
    if (!has_squares(s) || is_too_wide(upper_square(s))) {
        nf_exact_add_each_squared(sum, x, n);
        return;
    }
    for (size_t i = 0; i < n; i += LANES) {
        doubles v = load(x + i), p = v * v, e = square_error(v, p);
        memcpy(upper + i, &p, sizeof p);
        memcpy(lower + i, &e, sizeof e);
    }
    add_wide(sum, upper, n, upper_square(s));
    add_wide(sum, lower, n, lower_square(s));
}

static void add_wide_floats(nf_exact *sum, const float *x, size_t n, span s)
{
    double wide[BLOCK];
    for (size_t i = 0; i < n; i++)
        wide[i] = (double)x[i];
    add_wide(sum, wide, n, s);
}

static void add_wide_float_squares(nf_exact *sum, const float *x, size_t n, span squares)
{
    double wide[BLOCK];
    for (size_t i = 0; i < n; i++)
        wide[i] = (double)x[i] * (double)x[i];
    add_wide(sum, wide, n, squares);
}

/* ---- blocks ---- */

/* Each adds a block of at most BLOCK values, a multiple of STEP. `unit` is the grid to be tried
 * first, and then the one that did. */
static void add_doubles(nf_exact *sum, const double *x, size_t n, int *unit)
{
    slices part;
    span s = slice_doubles(x, n, *unit, &part);
    if (!is_within(units_for(s), *unit)) {
        if (!choose_unit(units_for(s), unit)) {
            add_wide_doubles(sum, x, n, s);
            return;
        }
        slice_doubles(x, n, *unit, &part);
    }
    add_slices(sum, part, *unit);
}

static void add_double_squares(nf_exact *sum, const double *x, size_t n, int *unit)
{
    slices part[2];
    span s = slice_squares(x, n, *unit, part);
    if (!is_within(units_for_squares(s), *unit)) {
        if (!choose_unit(units_for_squares(s), unit)) {
            add_wide_squares(sum, x, n, s);
            return;
        }
        slice_squares(x, n, *unit, part);
    }
    add_slices(sum, part[0], *unit);
    add_slices(sum, part[1], *unit - LOWER_GRID);
}

static void add_floats(nf_exact *sum, const float *x, size_t n)
{
    double part;
    span s = plain_sum(x, n, &part);
    if (s.top <= HIGHEST_TOP && s.top + BLOCK_BITS - s.bottom <= DOUBLE_BITS) {
        nf_exact_add(sum, part);
        return;
    }
    add_wide_floats(sum, x, n, s);
}

static void add_float_squares(nf_exact *sum, const float *x, size_t n, int *unit)
{
    slices part;
    span s = slice_float_squares(x, n, *unit, &part);
    span squares = {2 * s.top, 2 * s.bottom};
    if (!is_within(units_for(squares), *unit)) {
        if (!choose_unit(units_for(squares), unit)) {
            add_wide_float_squares(sum, x, n, squares);
            return;
        }
        slice_float_squares(x, n, *unit, &part);
    }
    add_slices(sum, part, *unit);
}

/* ---- rows of floating-point numbers ---- */

/* The length of the next block of a row, n of whose values are left; 0: less than STEP are. */
static size_t next_block(size_t n)
{
    return n < BLOCK ? n / STEP * STEP : BLOCK;
}

void nf_exact_sum_f64(nf_exact *sum, const double *x, size_t n)
{
    int unit = FIRST_UNIT;
    for (size_t m; (m = next_block(n)) > 0; x += m, n -= m)
        add_doubles(sum, x, m, &unit);
    double last[STEP] = {0};
    if (n > 0)
        add_doubles(sum, memcpy(last, x, n * sizeof *x), STEP, &unit);
}

void nf_exact_sumsq_f64(nf_exact *sum, const double *x, size_t n)
{
    int unit = FIRST_UNIT;
    for (size_t m; (m = next_block(n)) > 0; x += m, n -= m)
        add_double_squares(sum, x, m, &unit);
    double last[STEP] = {0};
    if (n > 0)
        add_double_squares(sum, memcpy(last, x, n * sizeof *x), STEP, &unit);
}

void nf_exact_sum_f32(nf_exact *sum, const float *x, size_t n)
{
    for (size_t m; (m = next_block(n)) > 0; x += m, n -= m)
        add_floats(sum, x, m);
    float last[STEP] = {0};
    if (n > 0)
        add_floats(sum, memcpy(last, x, n * sizeof *x), STEP);
}

void nf_exact_sumsq_f32(nf_exact *sum, const float *x, size_t n)
{
    int unit = FIRST_UNIT;
    for (size_t m; (m = next_block(n)) > 0; x += m, n -= m)
        add_float_squares(sum, x, m, &unit);
    float last[STEP] = {0};
    if (n > 0)
        add_float_squares(sum, memcpy(last, x, n * sizeof *x), STEP, &unit);
}

/* ---- rows of integers ---- */

/* Sums of neighbours, in lanes of twice the width. */
static inline shorts pair_bytes(shorts v)
{
    return (v & 0xff) + (v >> 8);
}

static inline words pair_shorts(words v)
{
    return (v & 0xffff) + (v >> 16);
}

static inline longs pair_words(longs v)
{
    return (v & 0xffffffff) + (v >> 32);
}

static inline shorts load_integers(const void *x)
{
    shorts v;
    memcpy(&v, x, sizeof v);
    return v;
}

/* Whole vectors of a row are summed in runs, as long as the narrow lanes can hold. */
enum {
    BYTES_RUN = 128 * VECTOR_BYTES,          /* of 2 * 255 in 16 bits each */
    BYTE_SQUARES_RUN = 16384 * VECTOR_BYTES, /* of 4 * 255^2 in 32 bits */
    SHORTS_RUN = 32768 * VECTOR_BYTES / 2    /* of 2 * 65535 in 32 bits */
};

static size_t run_end(size_t start, size_t n, size_t run)
{
    return n - start < run ? n : start + run;
}

void nf_exact_sum_u8(nf_exact *sum, const uint8_t *x, size_t n)
{
    size_t i = 0, whole = n / VECTOR_BYTES * VECTOR_BYTES;
    longs total = {0};
    while (i < whole) {
        shorts part = {0};
        for (size_t end = run_end(i, whole, BYTES_RUN); i < end; i += VECTOR_BYTES)
            part += pair_bytes(load_integers(x + i));
        total += pair_words((longs)pair_shorts((words)part));
    }
    uint64_t last = 0;
    for (; i < n; i++)
        last += x[i];
    nf_exact_add_integer(sum, 0, sum_longs(total) + last);
}

void nf_exact_sum_u16(nf_exact *sum, const uint16_t *x, size_t n)
{
    enum { STRIDE = VECTOR_BYTES / 2 };
    size_t i = 0, whole = n / STRIDE * STRIDE;
    longs total = {0};
    while (i < whole) {
        words part = {0};
        for (size_t end = run_end(i, whole, SHORTS_RUN); i < end; i += STRIDE)
            part += pair_shorts((words)load_integers(x + i));
        total += pair_words((longs)part);
    }
    uint64_t last = 0;
    for (; i < n; i++)
        last += x[i];
    nf_exact_add_integer(sum, 0, sum_longs(total) + last);
}

void nf_exact_sumsq_u8(nf_exact *sum, const uint8_t *x, size_t n)
{
    size_t i = 0, whole = n / VECTOR_BYTES * VECTOR_BYTES;
    longs total = {0};
    while (i < whole) {
        words part = {0};
        for (size_t end = run_end(i, whole, BYTE_SQUARES_RUN); i < end; i += VECTOR_BYTES) {
            shorts v = load_integers(x + i), even = v & 0xff, odd = v >> 8;
            part += pair_shorts((words)(even * even)) + pair_shorts((words)(odd * odd));
        }
        total += pair_words((longs)part);
    }
    uint64_t last = 0;
    for (; i < n; i++)
        last += (uint64_t)x[i] * x[i];
    nf_exact_add_integer(sum, 0, sum_longs(total) + last);
}

void nf_exact_sumsq_u16(nf_exact *sum, const uint16_t *x, size_t n)
{
    enum { STRIDE = VECTOR_BYTES / 2 };
    size_t i = 0, whole = n / STRIDE * STRIDE;
    longs low = {0}, high = {0};
    while (i < whole) {
        words low_part = {0}, high_part = {0};
        for (size_t end = run_end(i, whole, SHORTS_RUN); i < end; i += STRIDE) {
            shorts v = load_integers(x + i);
            low_part += pair_shorts((words)(v * v));
            high_part += pair_shorts((words)upper_squares(v));
        }
        low += pair_words((longs)low_part);
        high += pair_words((longs)high_part);
    }
    uint64_t last = 0;
    for (; i < n; i++)
        last += (uint64_t)x[i] * x[i];
    nf_exact_add_integer(sum, 0, sum_longs(low) + last);
    uint64_t upper = sum_longs(high);
    nf_exact_add_integer(sum, upper >> 48, upper << 16);
}
