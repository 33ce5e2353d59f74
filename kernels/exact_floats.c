/* exact_floats.c - exact sums of rows of floats and doubles, of their squares and of the products of
 * two, at the speed of vectors.
 *
 * A block of values is summed in slices. A slice is a running sum s that starts from 1.5 * 2^(52 +
 * unit) and stays near there, so that it counts in units of 2^unit: s + v is v rounded to the unit,
 * and what was rounded off, v - ((s + v) - s), is exact and goes to the next, finer slice. The last
 * slice is a plain sum of doubles, of values so small and so coarse that it never rounds. Products
 * come as two doubles, p = x * y and its error (by a fused multiply-add, or Dekker's product), each
 * summed in slices of its own.
 *
 * All this is so as long as the block's values are neither too large nor too finely divided for the
 * grid of its slices. The same pass therefore keeps their largest and smallest exponent, and its
 * sums are thrown away if these do not fit. Then the pass is repeated, while the block is still in
 * cache, with a better unit or with more slices; if nothing helps (exponents far apart, infinities,
 * NaN), mantissas are added up by exponent, as in the large accumulator of Neal, arXiv:1505.05571.
 * Every way is exact: which one was taken cannot show in the result. */
#include <stdbool.h>

#include "kernels/exact_rows.h"
#include "kernels/exact_vectors.h"

#define ALWAYS_INLINE inline __attribute__((always_inline))

__extension__ typedef unsigned __int128 nf_u128;
__extension__ typedef __int128 nf_i128;

enum {
    BLOCK_BITS = 10,
    BLOCK = 1 << BLOCK_BITS,
    DOUBLE_BITS = 53,
    /* A running sum has room for 2^51 units on either side, and each lane adds up to
     * 2^LANE_BITS values. */
    LANE_BITS = BLOCK_BITS - LANES_BITS,
    SUM_BITS = 51 - LANE_BITS,
    SPACING = SUM_BITS + 1, /* bits from a slice's unit to the next one's: rests are half a unit */
    /* Units for which 1.5 * 2^(52 + unit), and twice that, is finite and normal. */
    LOWEST_UNIT = -1074,
    HIGHEST_UNIT = 970,
    HIGHEST_TOP = 1021, /* factors below 2^that can be split for Dekker's product */
    /* The errors of products are this much smaller than the products. */
    ERROR_BITS = 53,
    FIRST_UNIT = -30, /* a guess that suits values around 1 */
    PLAIN = 1,        /* slices: nothing but the plain sum; some for most values; many */
    FEW = 2,
    MANY = 4,
    MOST = 8, /* for floats only */
    PARTS = 2,
    CHAINS = 2, /* independent sums, to hide the latency of an addition */
    /* The half of a double that holds its exponent. */
    HIGH_HALF = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
};

/* What is summed, of elements x and y. */
typedef enum term { VALUES, MAGNITUDES, SQUARES, PRODUCTS } term;

/* A block of elements: n is a multiple of STEP. `what` and `floats` are constants wherever a
 * function is inlined, and `y` stands for nothing but in PRODUCTS. */
typedef struct block {
    term what;
    bool floats;
    const void *x, *y;
    size_t n;
} block;

/* Whether terms are elements, but for their sign. */
static ALWAYS_INLINE bool of_values(const block *b)
{
    return b->what == VALUES || b->what == MAGNITUDES;
}

/* Of an element, in bytes. */
static ALWAYS_INLINE size_t size_of(const block *b)
{
    return b->floats ? sizeof(float) : sizeof(double);
}

/* Every term that is not zero is a multiple of 2^bottom, and less than 2^top in magnitude. */
typedef struct span {
    int top, bottom;
} span;

/* The grid of a block's slices: the unit of the first one, and how many slices there are; and whether
 * exponents are seen of elements, or, with FEW slices, at less cost, of products in two parts. */
typedef struct grid {
    int unit, slices;
    bool of_elements;
} grid;

/* The sums of a block: of the products' errors in totals[1]. */
typedef struct totals {
    int64_t k[MOST - 1]; /* slice j: k[j] * 2^(unit - j * SPACING) */
    double rest;
} totals;

/* ---- exponents ---- */

/* The largest and the smallest |x| - 1, by bits: as signed words a zero is below all others, as
 * unsigned words it is above them, and so it counts on neither side. Of a double, the high half is
 * enough. Of products, whose zeros may hide what underflowed, it is |p|. */
typedef struct extremes {
    signed_words largest;
    words smallest;
} extremes;

static ALWAYS_INLINE void see(extremes *seen, words bits)
{
    seen->largest = larger(seen->largest, (signed_words)bits);
    seen->smallest = smaller(seen->smallest, bits);
}

/* Of STEP elements of either type. */
static ALWAYS_INLINE void see_step(extremes *seen, const void *data, size_t first, bool floats)
{
    const char *x = (const char *)data + first * (floats ? sizeof(float) : sizeof(double));
    for (size_t j = 0; j < STEP * (floats ? sizeof(float) : sizeof(double)); j += VECTOR_BYTES) {
        longs v;
        memcpy(&v, x + j, sizeof v);
        see(seen,
            floats ? ((words)v & (uint32_t)INT32_MAX) - 1 : (words)((v & (uint64_t)INT64_MAX) - 1));
    }
}

/* The exponent fields of the largest and of the smallest. */
static ALWAYS_INLINE span fields_of(const extremes *seen, bool floats)
{
    const int stride = floats ? 1 : 2, fraction_bits = floats ? 23 : 20;
    int32_t largest = 0;
    uint32_t smallest = UINT32_MAX;
    for (int j = floats ? 0 : HIGH_HALF; j < 2 * LANES; j += stride) {
        largest = seen->largest[j] > largest ? seen->largest[j] : largest;
        smallest = seen->smallest[j] < smallest ? seen->smallest[j] : smallest;
    }
    return (span){.top = largest >> fraction_bits, .bottom = (int)(smallest >> fraction_bits)};
}

/* Infinities and NaN, and the largest values with them, are reported as too large. */
static ALWAYS_INLINE span span_of(const extremes *seen, bool floats)
{
    const int bias = floats ? 126 : 1022, most = floats ? 254 : 2046, unit = floats ? 24 : 53;
    span fields = fields_of(seen, floats);
    return (span){.top = fields.top < most ? fields.top - bias : HIGHEST_TOP + 1,
                  .bottom = (fields.bottom > 0 ? fields.bottom : 1) - bias - unit};
}

/* ---- grids ---- */

/* Products of floats are exact in a double, those of doubles come in two parts. */
static ALWAYS_INLINE int parts_of(const block *b)
{
    return of_values(b) || b->floats ? 1 : PARTS;
}

static double start_of(int unit)
{
    uint64_t bits = (uint64_t)(unit + 52 + 1023) << 52 | (uint64_t)1 << 51;
    double start;
    memcpy(&start, &bits, sizeof start);
    return start;
}

/* The units of the grids of so many slices on which terms of this span can be summed; none, if low >
 * high. Of products in two parts, p is a multiple of 2^(bottom + 53), and its error at most 2^(top -
 * 54). Up to 2^BLOCK_BITS rests of half a unit must add up to at most 2^(53 + bottom). */
typedef struct units {
    int low, high;
} units;

static units units_for(span s, int slices, int parts)
{
    int finer = (slices - FEW) * SPACING;
    int bottom = parts == PARTS ? s.bottom + DOUBLE_BITS : s.bottom;
    int lowest = LOWEST_UNIT + finer + (parts == PARTS ? ERROR_BITS : 0);
    units u = {s.top - SUM_BITS, bottom + DOUBLE_BITS + 1 - BLOCK_BITS + finer};
    u.low = u.low > lowest ? u.low : lowest;
    u.high = u.high < HIGHEST_UNIT ? u.high : HIGHEST_UNIT;
    if (s.top > HIGHEST_TOP || (parts == PARTS && s.bottom < LOWEST_UNIT))
        u.high = u.low - 1;
    return u;
}

/* Factors that may be subnormal have fewer digits than the parts of products rely on: they are reported
 * as too large, too. */
static span span_of_products(span x, span y, int parts)
{
    bool bad = x.top > HIGHEST_TOP || y.top > HIGHEST_TOP;
    if (parts == PARTS)
        bad = bad || x.bottom == LOWEST_UNIT || y.bottom == LOWEST_UNIT;
    return (span){.top = bad ? HIGHEST_TOP + 1 : x.top + y.top, .bottom = x.bottom + y.bottom - 1};
}

/* By the products themselves: p is not less than 2^(field - 1023), and the last of the 106 digits of two
 * factors whose first ones make it so is not below 2^(field - 1128). Zeros, and what underflowed, are
 * reported as below LOWEST_UNIT; rests tell of NaN. */
static ALWAYS_INLINE span span_by_products(const extremes *seen, const totals t[PARTS])
{
    span fields = fields_of(seen, false);
    bool bad = fields.top >= 2046 || t[0].rest != t[0].rest || t[1].rest != t[1].rest;
    return (span){.top = bad ? HIGHEST_TOP + 1 : fields.top - 1022, .bottom = fields.bottom - 1128};
}

static bool fits(span s, grid g, int parts)
{
    units u = units_for(s, g.slices, parts);
    return u.low <= u.high && (g.slices == PLAIN || (u.low <= g.unit && g.unit <= u.high));
}

/* The least slices that are tried: only floats are coarse enough for a plain sum. */
static ALWAYS_INLINE int least_slices(const block *b)
{
    return of_values(b) && b->floats ? PLAIN : FEW;
}

/* The most that are still faster than to count. */
static ALWAYS_INLINE int most_slices(const block *b)
{
    return b->floats ? MOST : MANY;
}

/* The grid of the fewest slices, with room for values twice as large: more is left to the small ones,
 * whose exponents vary more. false: there is none. */
static bool choose(span s, int parts, int least, int most, grid *g)
{
    for (int slices = least; slices <= most; slices *= 2) {
        units u = units_for(s, slices, parts);
        if (u.low <= u.high) {
            g->unit = u.low + (u.low < u.high);
            g->slices = slices;
            return true;
        }
    }
    return false;
}

/* ---- one pass over a block ---- */

static ALWAYS_INLINE doubles load_as(const void *x, size_t i, bool floats)
{
    return floats ? load_widened((const float *)x + i) : load((const double *)x + i);
}

static ALWAYS_INLINE doubles magnitude(doubles v)
{
    return (doubles)((longs)v & (uint64_t)INT64_MAX);
}

typedef struct sums {
    doubles running[MOST - 1], rest;
} sums;

/* Adds v to the slices from `first` on. */
static ALWAYS_INLINE void add_value(sums *s, doubles v, int first, int slices)
{
#pragma GCC unroll 8
    for (int j = first; j < slices - 1; j++) {
        doubles next = s->running[j] + v;
        v -= difference(next, s->running[j]);
        s->running[j] = next;
    }
    s->rest += v;
}

/* Adds a product that is exact in a double. */
static ALWAYS_INLINE void add_product(sums *s, doubles x, doubles y, int slices)
{
    doubles next = multiply_add(x, y, s->running[0]);
    doubles rest = multiply_add(x, y, s->running[0] - next);
    s->running[0] = next;
    add_value(s, rest, 1, slices);
}

static ALWAYS_INLINE void start_sums(sums *s, int unit, int slices)
{
#pragma GCC unroll 8
    for (int j = 0; j < slices - 1; j++)
        s->running[j] = splat(start_of(unit - j * SPACING));
    s->rest = (doubles){0};
}

static ALWAYS_INLINE totals totals_of(const sums *a, const sums *b, int unit, int slices)
{
    totals t = {.rest = sum_doubles(a->rest + b->rest)};
    for (int j = 0; j < slices - 1; j++) {
        longs start = (longs)splat(start_of(unit - j * SPACING));
        longs k = ((longs)a->running[j] - start) + ((longs)b->running[j] - start);
        t.k[j] = (int64_t)sum_longs(k);
    }
    return t;
}

/* By what was seen of x and of y. */
static ALWAYS_INLINE span span_of_terms(const block *b, const extremes seen[2])
{
    span x = span_of(&seen[0], b->floats);
    if (of_values(b))
        return x;
    return span_of_products(x, b->what == PRODUCTS ? span_of(&seen[1], b->floats) : x, parts_of(b));
}

/* Sums a block in `slices`, and says what its terms span. */
static ALWAYS_INLINE span pass(const block *b, int unit, int slices, bool of_elements,
                               totals t[PARTS])
{
    const int parts = parts_of(b);
    sums s[PARTS][CHAINS];
    extremes seen[2] = {{{0}, ~(words){0}}, {{0}, ~(words){0}}};
    for (int c = 0; c < CHAINS; c++) {
        start_sums(&s[0][c], unit, slices);
        start_sums(&s[1][c], unit - ERROR_BITS, slices);
    }
    for (size_t i = 0; i < b->n; i += STEP) {
        const size_t size = size_of(b);
        fetch_ahead((const char *)b->x + i * size, STEP * size);
        if (b->what == PRODUCTS)
            fetch_ahead((const char *)b->y + i * size, STEP * size);
        if (of_elements)
            see_step(&seen[0], b->x, i, b->floats);
        if (of_elements && b->what == PRODUCTS)
            see_step(&seen[1], b->y, i, b->floats);
#pragma GCC unroll 4
        for (size_t j = 0; j < STEP / LANES; j++) {
            const int c = slices <= FEW && parts == 1 ? j % CHAINS : 0;
            doubles x = load_as(b->x, i + j * LANES, b->floats);
            doubles y = b->what == PRODUCTS ? load_as(b->y, i + j * LANES, b->floats) : x;
            if (of_values(b)) {
                add_value(&s[0][c], b->what == VALUES ? x : magnitude(x), 0, slices);
            } else if (parts == 1) {
                add_product(&s[0][c], x, y, slices);
            } else {
                doubles p = x * y;
                add_value(&s[0][c], p, 0, slices);
                add_value(&s[1][c], product_error(x, y, p), 0, slices);
                if (!of_elements)
                    see(&seen[0],
                        (words)((longs)p & (b->what == SQUARES ? UINT64_MAX : INT64_MAX)));
            }
        }
    }
    for (int i = 0; i < parts; i++)
        t[i] = totals_of(&s[i][0], &s[i][1], unit - i * ERROR_BITS, slices);
    return of_elements ? span_of_terms(b, seen) : span_by_products(&seen[0], t);
}

static void commit(nf_exact *sum, const totals t[PARTS], int parts, grid g)
{
    for (int i = 0; i < parts; i++) {
        for (int j = 0; j < g.slices - 1; j++)
            nf_exact_add_scaled(sum, t[i].k[j], g.unit - i * ERROR_BITS - j * SPACING);
        nf_exact_add(sum, t[i].rest);
    }
}

static ALWAYS_INLINE bool sees_products(const block *b, grid g)
{
    return parts_of(b) == PARTS && g.slices == FEW && !g.of_elements;
}

/* One pass on the given grid, in that of the compiled passes that is meant for it. */
static ALWAYS_INLINE span pass_on(const block *b, grid g, totals t[PARTS])
{
    if (g.slices == PLAIN && least_slices(b) == PLAIN)
        return pass(b, g.unit, PLAIN, true, t);
    if (g.slices == MOST && most_slices(b) == MOST)
        return pass(b, g.unit, MOST, true, t);
    if (sees_products(b, g))
        return pass(b, g.unit, FEW, false, t);
    return g.slices == FEW ? pass(b, g.unit, FEW, true, t) : pass(b, g.unit, MANY, true, t);
}

/* Adds a block on this grid, or on a better one, which is then set. false: there is none, nothing was
 * added. */
static ALWAYS_INLINE bool add_block(nf_exact *sum, const block *b, grid *g)
{
    const int parts = parts_of(b), least = least_slices(b), most = most_slices(b);
    totals t[PARTS];
    span s = pass_on(b, *g, t);
    if (sees_products(b, *g) && s.bottom < LOWEST_UNIT) {
        g->of_elements = true;
        s = pass_on(b, *g, t);
    }
    if (!fits(s, *g, parts)) {
        if (!choose(s, parts, least, most, g))
            return false;
        pass_on(b, *g, t);
    }
    commit(sum, t, parts, *g);
    if (g->slices > least)
        choose(s, parts, least, most, g);
    return true;
}

/* ---- values of any exponent ---- */

/* The mantissas of terms of one exponent are added up in one counter: of 53 bits, or, of products, of
 * 106. Products are counted by the sum of their factors' exponents, squares by their root's, values by
 * sign and exponent. */
enum {
    COUNTERS = 4096,
    STRETCH = 1 << 16, /* elements that are counted at a time; read once */
    MANTISSA_BITS = 52,
    SPECIAL_FIELD = 2047, /* the exponent field of infinities and NaN */
    FIELD_BIAS = 1075,    /* a mantissa counts units of 2^(field - this) */
    LIMB_BITS = 32,
    COUNT_BIT = 40 /* below: the upper 20 bits of up to 2^20 mantissas; above: how many */
};

typedef union counters {
    nf_i128 total[COUNTERS];
    struct { /* VALUES: the lower 32 bits of mantissas; the upper ones, and how many */
        uint64_t low[COUNTERS], high[COUNTERS];
    };
} counters;

static ALWAYS_INLINE double element(const void *x, size_t i, bool floats)
{
    return floats ? (double)((const float *)x)[i] : ((const double *)x)[i];
}

static ALWAYS_INLINE uint64_t bits_of(double x)
{
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

/* |x| = mantissa * 2^(field - FIELD_BIAS) */
typedef struct number {
    uint64_t mantissa;
    unsigned field;
} number;

static ALWAYS_INLINE number take_apart(uint64_t bits)
{
    unsigned field = (unsigned)(bits >> MANTISSA_BITS) & SPECIAL_FIELD;
    uint64_t normal = field > 0, mask = ((uint64_t)1 << MANTISSA_BITS) - 1;
    return (number){(bits & mask) | normal << MANTISSA_BITS, field + (field == 0)};
}

static ALWAYS_INLINE void count_value(counters *all, uint64_t bits)
{
    const uint64_t one = (uint64_t)1 << COUNT_BIT, upper = (1 << (MANTISSA_BITS - 32)) - 1;
    all->low[bits >> MANTISSA_BITS] += bits & UINT32_MAX;
    all->high[bits >> MANTISSA_BITS] += (bits >> 32 & upper) | one;
}

static ALWAYS_INLINE void count_square(counters *all, uint64_t bits)
{
    number x = take_apart(bits);
    all->total[x.field] += (nf_i128)((nf_u128)x.mantissa * x.mantissa);
}

static ALWAYS_INLINE void count_product(counters *all, uint64_t x_bits, uint64_t y_bits)
{
    number x = take_apart(x_bits), y = take_apart(y_bits);
    int64_t flip = -(int64_t)((x_bits ^ y_bits) >> 63);
    all->total[x.field + y.field] +=
        (nf_i128)(((int64_t)x.mantissa ^ flip) - flip) * (int64_t)y.mantissa;
}

/* What counter i holds, of values: 2^52 for each that is normal, beside its lower bits. */
static ALWAYS_INLINE nf_i128 total_of_sign(const counters *all, int i, bool normal)
{
    uint64_t upper = all->high[i] & (((uint64_t)1 << COUNT_BIT) - 1);
    uint64_t count = normal ? all->high[i] >> COUNT_BIT : 0;
    return ((nf_i128)count << MANTISSA_BITS) + ((nf_i128)upper << 32) + all->low[i];
}

static ALWAYS_INLINE nf_i128 total_of_values(const counters *all, int i, bool normal)
{
    enum { NEGATIVE = COUNTERS / 2 };
    if ((all->high[i] | all->high[i + NEGATIVE]) == 0)
        return 0;
    return total_of_sign(all, i, normal) - total_of_sign(all, i + NEGATIVE, normal);
}

static void add_wide(nf_exact *sum, nf_i128 k, int exponent)
{
    for (; k != 0 && k != -1; k >>= LIMB_BITS, exponent += LIMB_BITS)
        nf_exact_add_scaled(sum, (int64_t)(k & UINT32_MAX), exponent);
    nf_exact_add_scaled(sum, (int64_t)k, exponent);
}

/* Adds `count` counters: the first counts units of 2^exponent, each following one 2^step times as much.
 * From the lowest on, what is beyond a counter's own digits is carried. */
static ALWAYS_INLINE void collect(nf_exact *sum, const counters *all, bool values, int count,
                                  int exponent, int step)
{
    const int group = LIMB_BITS / step;
    nf_i128 carry = 0;
    for (int i = 0; i < count; i += group) {
        nf_i128 total[LIMB_BITS], any = 0;
        int64_t digits = 0;
        for (int j = 0; j < group; j++)
            any |= total[j] = values ? total_of_values(all, i + j, true) : all->total[i + j];
        if (any == 0) {
            add_wide(sum, carry, exponent + i * step);
            carry = 0;
            continue;
        }
        for (int j = 0; j < group; j++) {
            carry += total[j];
            digits |= (int64_t)(carry & ((1 << step) - 1)) << j * step;
            carry >>= step;
        }
        nf_exact_add_scaled(sum, digits, exponent + i * step);
    }
    add_wide(sum, carry, exponent + count * step);
}

/* Term i as IEEE 754 rounds it. */
static ALWAYS_INLINE double rounded_term(const block *b, size_t i)
{
    double x = element(b->x, i, b->floats);
    if (b->what == PRODUCTS)
        return x * element(b->y, i, b->floats);
    return b->what == SQUARES ? x * x : b->what == MAGNITUDES ? __builtin_fabs(x) : x;
}

static ALWAYS_INLINE bool is_special(const block *b, size_t i)
{
    double x = element(b->x, i, b->floats), y = x;
    if (b->what == PRODUCTS)
        y = element(b->y, i, b->floats);
    return !(x - x == 0.0 && y - y == 0.0);
}

/* Infinities, NaN, and products with them: no other term matters beside them. false: there are none. */
static ALWAYS_INLINE bool add_specials(nf_exact *sum, const block *b)
{
    unsigned found = 0;
    for (size_t i = 0; i < b->n; i++)
        found |= is_special(b, i);
    for (size_t i = 0; i < b->n && found != 0; i++)
        if (is_special(b, i))
            nf_exact_add(sum, rounded_term(b, i));
    return found != 0;
}

/* Products of floats are values: exact in a double. */
static ALWAYS_INLINE void count_block(counters *all, const block *b)
{
    for (size_t i = 0; i < b->n; i++) {
        if (parts_of(b) == 1)
            count_value(all, bits_of(rounded_term(b, i)));
        else if (b->what == SQUARES)
            count_square(all, bits_of(element(b->x, i, false)));
        else
            count_product(all, bits_of(element(b->x, i, false)), bits_of(element(b->y, i, false)));
    }
}

/* The first n elements of a row; they are taken off it. */
static ALWAYS_INLINE block cut(block *row, size_t n)
{
    const size_t bytes = n * size_of(row);
    block first = *row;
    first.n = n;
    row->x = (const char *)row->x + bytes;
    row->y = (const char *)row->y + bytes;
    row->n -= n;
    return first;
}

/* Adds at most STRETCH terms, whatever they are. */
static ALWAYS_INLINE void add_counted(nf_exact *sum, block b)
{
    counters all;
    memset(&all, 0, sizeof all);
    while (b.n > 0) {
        block next = cut(&b, b.n < BLOCK ? b.n : BLOCK);
        fetch_ahead(next.x, next.n * size_of(&b));
        if (b.what == PRODUCTS)
            fetch_ahead(next.y, next.n * size_of(&b));
        if (!add_specials(sum, &next))
            count_block(&all, &next);
    }
    if (b.what == SQUARES && parts_of(&b) == PARTS) {
        collect(sum, &all, false, COUNTERS / 2, -2 * FIELD_BIAS, 2);
    } else if (parts_of(&b) == PARTS) {
        collect(sum, &all, false, COUNTERS, -2 * FIELD_BIAS, 1);
    } else { /* subnormals count the units of exponent 1 */
        add_wide(sum, total_of_values(&all, 0, false), 1 - FIELD_BIAS);
        all.high[0] = all.high[COUNTERS / 2] = 0;
        collect(sum, &all, true, COUNTERS / 2, -FIELD_BIAS, 1);
    }
}

/* ---- rows ---- */

static ALWAYS_INLINE void add_row(nf_exact *sum, block row)
{
    grid g = {FIRST_UNIT, least_slices(&row), false};
    while (row.n >= STEP) {
        block rest = row, next = cut(&rest, row.n < BLOCK ? row.n / STEP * STEP : BLOCK);
        if (!add_block(sum, &next, &g)) {
            rest = row;
            add_counted(sum, cut(&rest, row.n < STRETCH ? row.n : STRETCH));
        }
        row = rest;
    }
    char last[2][STEP * sizeof(double)] = {{0}};
    if (row.n > 0) {
        memcpy(last[0], row.x, row.n * size_of(&row));
        memcpy(last[1], row.y, row.n * size_of(&row));
        block next = {row.what, row.floats, last[0], last[1], STEP};
        if (!add_block(sum, &next, &g))
            add_counted(sum, row);
    }
}

#define ROW_FUNCTIONS(name, type, floats)                                                          \
    void NF_ISA_NAME(nf_exact_sum_##name)(nf_exact * sum, const type *x, size_t n)                 \
    {                                                                                              \
        add_row(sum, (block){VALUES, floats, x, x, n});                                            \
    }                                                                                              \
    void NF_ISA_NAME(nf_exact_norm1_##name)(nf_exact * sum, const type *x, size_t n)               \
    {                                                                                              \
        add_row(sum, (block){MAGNITUDES, floats, x, x, n});                                        \
    }                                                                                              \
    void NF_ISA_NAME(nf_exact_sumsq_##name)(nf_exact * sum, const type *x, size_t n)               \
    {                                                                                              \
        add_row(sum, (block){SQUARES, floats, x, x, n});                                           \
    }                                                                                              \
    void NF_ISA_NAME(nf_exact_dot_##name)(nf_exact * sum, const type *x, const type *y, size_t n)  \
    {                                                                                              \
        add_row(sum, (block){PRODUCTS, floats, x, y, n});                                          \
    }

ROW_FUNCTIONS(f32, float, true)
ROW_FUNCTIONS(f64, double, false)
