/* test_exact.c - exact accumulators against plain big-number arithmetic.
 *
 * The reference is one two's complement number of 7168 bits to which values are added bit by bit's
 * place, with every carry at once. What the accumulators hold must equal it; and a rounded result
 * is checked by comparing it with the midpoints to its neighbours, without rounding anything. Each
 * test runs with the rows of every instruction set that the processor has. */
#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "tests/exact_variants.h"
#include "tests/suite.h"

/* ---- the reference ---- */

enum { WORDS = 112, UNIT = -4480, HALF_UNIT = UNIT / 2 }; /* the number counts units of 2^UNIT */

typedef struct big {
    uint64_t word[WORDS];
} big;

__extension__ typedef unsigned __int128 wide;

static void big_carry(big *b, int i, uint64_t amount)
{
    for (; i < WORDS && amount != 0; i++) {
        b->word[i] += amount;
        amount = b->word[i] < amount;
    }
}

static void big_negate(big *b)
{
    for (int i = 0; i < WORDS; i++)
        b->word[i] = ~b->word[i];
    big_carry(b, 0, 1);
}

static bool big_is_negative(const big *b)
{
    return b->word[WORDS - 1] >> 63 != 0;
}

/* b += m * 2^exponent */
static void big_add(big *b, uint64_t m, int exponent, bool negative)
{
    int bit = exponent - UNIT;
    if (negative)
        big_negate(b);
    big_carry(b, bit / 64, m << bit % 64);
    if (bit % 64 != 0)
        big_carry(b, bit / 64 + 1, m >> (64 - bit % 64));
    if (negative)
        big_negate(b);
}

static void big_add_big(big *b, const big *other)
{
    for (int i = 0; i < WORDS; i++)
        big_carry(b, i, other->word[i]);
}

/* Of a number that is not negative, as are the following two. */
static void big_multiply(big *b, uint64_t factor)
{
    uint64_t carry = 0;
    for (int i = 0; i < WORDS; i++) {
        wide product = (wide)b->word[i] * factor + carry;
        b->word[i] = (uint64_t)product;
        carry = (uint64_t)(product >> 64);
    }
}

/* The square of a multiple of 2^HALF_UNIT. */
static big big_square(const big *b)
{
    enum { SHIFT = (HALF_UNIT - UNIT) / 64 };
    big product = {{0}};
    for (int i = SHIFT; i < WORDS; i++)
        for (int j = SHIFT; j < WORDS; j++) {
            wide term = (wide)b->word[i] * b->word[j];
            int at = i + j - 2 * SHIFT;
            if (term == 0 || at + 1 >= WORDS)
                continue;
            big_carry(&product, at, (uint64_t)term);
            big_carry(&product, at + 1, (uint64_t)(term >> 64));
        }
    return product;
}

static int big_compare(const big *a, const big *b)
{
    for (int i = WORDS - 1; i >= 0; i--)
        if (a->word[i] != b->word[i])
            return a->word[i] < b->word[i] ? -1 : 1;
    return 0;
}

/* |x| = m * 2^e, m below 2^53, and e the exponent of the last place of a double of this size. */
static void decode(double x, uint64_t *m, int *e)
{
    int exponent;
    double fraction = frexp(fabs(x), &exponent);
    *e = x == 0.0 || exponent < -1021 ? -1074 : exponent - 53;
    *m = (uint64_t)ldexp(fraction, x == 0.0 ? 0 : exponent - *e);
}

static void big_add_double(big *b, double x)
{
    uint64_t m;
    int e;
    decode(x, &m, &e);
    big_add(b, m, e, x < 0);
}

/* b += m * n * 2^exponent */
static void big_add_two(big *b, uint64_t m, uint64_t n, int exponent, bool negative)
{
    wide product = (wide)m * n;
    big_add(b, (uint64_t)product, exponent, negative);
    big_add(b, (uint64_t)(product >> 64), exponent + 64, negative);
}

static void big_add_product(big *b, double x, double y)
{
    uint64_t m, n;
    int e, f;
    decode(x, &m, &e);
    decode(y, &n, &f);
    big_add_two(b, m, n, e + f, (x < 0) != (y < 0));
}

static big big_of_exact(const nf_exact *sum)
{
    big b = {{0}};
    for (int i = 0; i < NF_EXACT_LIMBS; i++) {
        int64_t limb = sum->limb[i];
        big_add(&b, limb < 0 ? -(uint64_t)limb : (uint64_t)limb, 32 * i - NF_EXACT_BIAS, limb < 0);
    }
    return b;
}

/* -1, 0, 1: b is below, at, above divisor * m * 2^e. */
static int compare_with(const big *b, uint64_t divisor, uint64_t m, int e)
{
    big bound = {{0}};
    big_add(&bound, m, e, false);
    big_multiply(&bound, divisor);
    return big_compare(b, &bound);
}

/* Whether x is b / divisor, rounded to nearest, ties to even; an exact zero must be +0. */
static bool is_nearest(big b, uint64_t divisor, double x)
{
    const big zero = {{0}};
    if (x != x)
        return false;
    if (big_compare(&b, &zero) == 0)
        return x == 0.0 && !signbit(x);
    if (big_is_negative(&b)) {
        big_negate(&b);
        x = -x;
    }
    if (signbit(x))
        return false;
    if (isinf(x))
        return compare_with(&b, divisor, ((uint64_t)1 << 54) - 1, 970) >= 0;
    uint64_t m;
    int e;
    decode(x, &m, &e);
    int odd = (int)(m & 1);
    if (compare_with(&b, divisor, 2 * m + 1, e - 1) > -odd)
        return false;
    if (m == 0)
        return true;
    bool uneven = m == (uint64_t)1 << 52 && e > -1074; /* the neighbour below is half as far */
    return uneven ? compare_with(&b, divisor, 4 * m - 1, e - 2) >= 0
                  : compare_with(&b, divisor, 2 * m - 1, e - 1) >= odd;
}

/* -1, 0, 1: b is below, at, above the square of m * 2^e. */
static int compare_with_square(const big *b, uint64_t m, int e)
{
    big bound = {{0}};
    big_add_two(&bound, m, m, 2 * e, false);
    return big_compare(b, &bound);
}

/* Whether x is the square root of b, rounded to nearest. A root of a number of so many digits is never a
 * tie, other than one of few digits. */
static bool is_root(const big *b, double x)
{
    const big zero = {{0}};
    if (big_compare(b, &zero) == 0 || signbit(x) || x != x)
        return x == 0.0 && !signbit(x);
    if (isinf(x))
        return compare_with_square(b, ((uint64_t)1 << 54) - 1, 970) >= 0;
    uint64_t m;
    int e;
    decode(x, &m, &e);
    int odd = (int)(m & 1);
    if (compare_with_square(b, 2 * m + 1, e - 1) > -odd || m == 0)
        return false;
    bool uneven = m == (uint64_t)1 << 52 && e > -1074;
    return uneven ? compare_with_square(b, 4 * m - 1, e - 2) >= 0
                  : compare_with_square(b, 2 * m - 1, e - 1) >= odd;
}

static bool is_variance(const big *sum, const big *squares, uint64_t n, double x)
{
    big s = *sum, value = *squares;
    if (big_is_negative(&s))
        big_negate(&s);
    big product = big_square(&s);
    big_negate(&product);
    big_multiply(&value, n);
    big_add_big(&value, &product);
    return is_nearest(value, n * n, x);
}

/* ---- data ---- */

static uint64_t state = 88172645463325252u;

static uint64_t random_bits(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state * 2685821657736338717u;
}

static size_t below(size_t n)
{
    return (size_t)(random_bits() >> 11) % n;
}

/* Uniform in [-1, 1). */
static double uniform(void)
{
    return (double)(int64_t)random_bits() * 0x1p-63;
}

static double spread(int low, int high)
{
    return ldexp(uniform(), low + (int)below((size_t)(high - low + 1)));
}

typedef enum kind {
    UNIFORM,
    ZEROS,
    INTEGERS,
    CANCELLING,
    BINADES_20,
    BINADES_45,
    BINADES_100,
    BINADES_350,
    BINADES_2000,
    POWERS,
    TIES,
    TINY,
    SMALL_SQUARES,
    UNDERFLOWING,
    HUGE_VALUES,
    STEPPED,
    KINDS
} kind;

static double tie_pattern(size_t i)
{
    const double pattern[] = {0x1p53, 1, -0x1p53, 0x1p53, 1, 0x1p-60, -0x1p-60, 0x1p53, 2, -1};
    return pattern[i % (sizeof pattern / sizeof pattern[0])];
}

static double value_of(kind what, size_t i)
{
    switch (what) {
    case ZEROS:
        return below(3) == 0 ? uniform() : below(2) == 0 ? 0.0 : -0.0;
    case INTEGERS:
        return (double)below(256) - 100;
    case BINADES_20:
        return spread(-10, 10);
    case BINADES_45:
        return spread(300, 345);
    case BINADES_100:
        return spread(-80, 20);
    case BINADES_350:
        return spread(-180, 170);
    case BINADES_2000:
        return spread(-1000, 1000);
    case POWERS:
        return ldexp(below(2) == 0 ? 1 : -1, (int)below(60));
    case TIES:
        return tie_pattern(i);
    case TINY:
        return ldexp(uniform(), -1020 - (int)below(54));
    case SMALL_SQUARES:
        return spread(-545, -480);
    case UNDERFLOWING: /* of products, the lowest digits only */
        return spread(-496, -484);
    case HUGE_VALUES:
        return ldexp(uniform() < 0 ? -1 : 1, 1023) * (1 + fabs(uniform()) * 0.99);
    case STEPPED: /* another range of exponents now and then */
        return ldexp(uniform(), (int)(i / 700 * 37 % 400) - 200);
    default:
        return uniform();
    }
}

static void fill(double *x, size_t n, kind what)
{
    for (size_t i = 0; i < n; i++)
        x[i] = what == CANCELLING ? (i % 2 == 0 ? spread(0, 30) : -x[i - 1]) : value_of(what, i);
    if (what == CANCELLING && n > 2)
        x[below(n)] = 0x1p-70;
}

static void fill_floats(float *x, size_t n, kind what)
{
    for (size_t i = 0; i < n; i++) {
        double v = value_of(what, i);
        x[i] = (float)(fabs(v) <= (double)FLT_MAX ? v : ldexp(v, -1000));
    }
}

/* Lengths to be tested: all short ones, and some about the edges of vectors, blocks and stretches. */
static size_t length_of(size_t i)
{
    const size_t more[] = {63,   64,   65,   127,  128,  129,  511,  1023, 1024,
                           1025, 2047, 2048, 2049, 2063, 4095, 4097, 5000};
    return i < 36 ? i : more[i - 36];
}

enum { LENGTHS = 36 + 17, LONGEST = 5000 };

/* ---- tests of rows ---- */

static bool holds(const nf_exact *sum, const big *expected)
{
    big held = big_of_exact(sum);
    return big_compare(&held, expected) == 0 && sum->nans == 0 && sum->positive_infinities == 0 &&
           sum->negative_infinities == 0;
}

/* What rows must sum to: x, the squares of x, x times y. */
typedef struct truth {
    big sum, squares, dot;
} truth;

typedef struct sums {
    nf_exact sum, squares, dot;
} sums;

static void check_sums(const sums *found, const truth *t, size_t n)
{
    CU_ASSERT_FATAL(holds(&found->sum, &t->sum));
    CU_ASSERT_FATAL(holds(&found->squares, &t->squares));
    CU_ASSERT_FATAL(holds(&found->dot, &t->dot));
    CU_ASSERT(is_nearest(t->sum, 1, nf_exact_round(&found->sum)));
    CU_ASSERT(is_nearest(t->squares, 1, nf_exact_round(&found->squares)));
    CU_ASSERT(is_nearest(t->dot, 1, nf_exact_round(&found->dot)));
    CU_ASSERT(is_root(&t->squares, nf_exact_norm2(&found->squares)));
    if (n == 0)
        return;
    CU_ASSERT(is_nearest(t->sum, n, nf_exact_mean(&found->sum, n)));
    CU_ASSERT(is_nearest(t->squares, n, nf_exact_mean(&found->squares, n)));
    CU_ASSERT(
        is_variance(&t->sum, &t->squares, n, nf_exact_variance(&found->sum, &found->squares, n)));
}

/* check_u8(x, y, n) and so on: the rows of every instruction set against the truth. */
#define CHECK(name, type)                                                                          \
    static void check_##name(const type *x, const type *y, size_t n)                               \
    {                                                                                              \
        truth t = {{{0}}, {{0}}, {{0}}};                                                           \
        big magnitudes = {{0}};                                                                    \
        for (size_t i = 0; i < n; i++) {                                                           \
            big_add_double(&magnitudes, fabs((double)x[i]));                                       \
            big_add_double(&t.sum, (double)x[i]);                                                  \
            big_add_product(&t.squares, (double)x[i], (double)x[i]);                               \
            big_add_product(&t.dot, (double)x[i], (double)y[i]);                                   \
        }                                                                                          \
        for (size_t k = 0; k < variants_that_run(); k++) {                                         \
            sums found;                                                                            \
            memset(&found, 0, sizeof found);                                                       \
            variants[k].rows->sum_##name(&found.sum, x, n);                                        \
            variants[k].rows->sumsq_##name(&found.squares, x, n);                                  \
            variants[k].rows->dot_##name(&found.dot, x, y, n);                                     \
            check_sums(&found, &t, n);                                                             \
            nf_exact norm1 = {.nans = 0};                                                          \
            variants[k].rows->norm1_##name(&norm1, x, n);                                          \
            CU_ASSERT_FATAL(holds(&norm1, &magnitudes));                                           \
        }                                                                                          \
    }
NF_EXACT_TYPES(CHECK)

static void doubles_are_summed_exactly(void)
{
    static double x[LONGEST + 1], y[LONGEST + 1];
    for (kind what = UNIFORM; what < KINDS; what++)
        for (size_t i = 0; i < LENGTHS; i++) {
            fill(x, LONGEST + 1, what);
            fill(y, LONGEST + 1, i % 3 == 0 ? (kind)below(KINDS) : what);
            for (size_t j = 0; j < LONGEST && i % 4 == 0; j += 1 + below(40))
                x[j] = y[below(LONGEST)] = 0;
            check_f64(x + i % 2, y + i / 2 % 2, length_of(i));
        }
}

static void floats_are_summed_exactly(void)
{
    static float x[LONGEST + 3], y[LONGEST + 3];
    for (kind what = UNIFORM; what < KINDS; what++)
        for (size_t i = 0; i < LENGTHS; i++) {
            fill_floats(x, LONGEST + 3, what);
            fill_floats(y, LONGEST + 3, i % 3 == 0 ? (kind)below(KINDS) : what);
            check_f32(x + i % 3, y + i / 3 % 3, length_of(i));
        }
}

/* One value beside others that are `binades` smaller, at every distance: the edge of every grid. */
static void every_distance_of_exponents(void)
{
    enum { N = 1100 };
    static double x[N], y[N];
    for (int binades = 0; binades < 250; binades++)
        for (int high = -60; high <= 300; high += 90) {
            for (size_t i = 0; i < N; i++) {
                x[i] = ldexp(1 + fabs(uniform()), high - (i % 37 == 5 ? 0 : binades));
                y[i] = ldexp(1 + fabs(uniform()), (i % 29 == 7 ? 0 : binades) - 100);
            }
            x[3] = -ldexp(1, high + 1);
            x[4] = nextafter(x[3], 0);
            x[6] = nextafter(ldexp(1, high - binades + 1), 0);
            check_f64(x, y, N);
        }
}

static void floats_at_every_distance(void)
{
    enum { N = 1100 };
    static float x[N], y[N];
    for (int binades = 0; binades < 250; binades++) {
        for (size_t i = 0; i < N; i++) {
            x[i] = (float)ldexp(1 + fabs(uniform()), 100 - (i % 37 == 5 ? 0 : binades));
            y[i] = (float)ldexp(1 + fabs(uniform()), (i % 31 == 9 ? 0 : binades) - 140);
        }
        x[3] = -0x1p101f;
        check_f32(x, y, N);
    }
}

/* A value below 2 whose digits are ones, but for a zero at 2^-place. */
static double ones_but(int place)
{
    return 2 - ldexp(1, -52) - ldexp(1, -place);
}

/* Blocks filled with what strains a grid most: values of one sign, as large as their exponent allows,
 * rounded down by almost half a unit wherever a slice ends, beside one that is far smaller or larger
 * and sets the grid. */
static void strained_grids(void)
{
    enum { N = 2048 };
    static double x[N];
    static float f[N];
    for (int binades = 0; binades < 140; binades++)
        for (int place = 1 + binades % 3; place < 53; place += 3) {
            for (size_t i = 0; i < N; i++)
                f[i] = (float)(x[i] = ones_but(place));
            x[77] = ldexp(x[77], -binades);
            f[77] = (float)x[77];
            check_f64(x, x, N);
            check_f32(f, f, N);
            x[77] = ldexp(1.5, binades);
            f[77] = (float)ldexp(1.5, binades % 120);
            check_f64(x, x, N);
            check_f32(f, f, N);
        }
}

static void any_bits(void)
{
    enum { N = 600 };
    static double x[N], y[N];
    static float f[N], g[N];
    for (int round = 0; round < 60; round++) {
        for (size_t i = 0; i < N; i++) {
            uint64_t bits[2] = {random_bits(), random_bits()};
            memcpy(&x[i], &bits[0], sizeof x[i]);
            memcpy(&y[i], &bits[1], sizeof y[i]);
            memcpy(&f[i], &bits[0], sizeof f[i]);
            memcpy(&g[i], &bits[1], sizeof g[i]);
            x[i] = isfinite(x[i]) ? x[i] : DBL_MAX;
            y[i] = isfinite(y[i]) ? y[i] : -DBL_MAX;
            f[i] = isfinite(f[i]) ? f[i] : FLT_MAX;
            g[i] = isfinite(g[i]) ? g[i] : -FLT_MAX;
        }
        check_f64(x, y, N);
        check_f32(f, g, N);
    }
}

/* Beyond one stretch of counters, where all of one exponent meet in one of them. */
static void long_rows_of_any_exponent(void)
{
    enum { N = 70001 };
    static double x[N], y[N];
    for (int round = 0; round < 4; round++) {
        for (size_t i = 0; i < N; i++) {
            x[i] = i % 500 != 0 && round < 2 ? ones_but(60) : spread(-1073, 1023);
            y[i] = i % 500 == 7 || round % 2 == 0 ? spread(-1073, 1023) : -ones_but(60);
        }
        check_f64(x, y, N);
    }
}

static void integers_are_summed_exactly(void)
{
    enum { MOST = 1100001 }; /* the narrowest sums overflow below that, were they not carried */
    static uint8_t bytes[MOST], more_bytes[MOST];
    static uint16_t x[MOST], y[MOST];
    const size_t length[] = {0, 1, 2, 3, 31, 33, 255, 4097, 32769, 65537, MOST - 2};
    for (int largest = 0; largest < 2; largest++) {
        for (size_t i = 0; i < MOST; i++) {
            bytes[i] = (uint8_t)(largest ? 255 : random_bits());
            more_bytes[i] = (uint8_t)(largest ? 255 : random_bits());
            x[i] = (uint16_t)(largest ? 65535 : random_bits());
            y[i] = (uint16_t)(largest ? 65535 : random_bits());
        }
        for (size_t i = 0; i < sizeof length / sizeof length[0]; i++) {
            check_u8(bytes + 1, more_bytes + 2, length[i]);
            check_u16(x + 1, y + 2, length[i]);
        }
    }
}

/* ---- partitions ---- */

enum { PIECES = 40, PARTITIONED = 1500 };

/* What reductions would report, as bits to be compared. */
typedef struct results {
    double sum, squares, dot, norm, mean, variance;
} results;

static results results_of(const sums *s, size_t n)
{
    return (results){nf_exact_round(&s->sum),   nf_exact_round(&s->squares),
                     nf_exact_round(&s->dot),   nf_exact_norm2(&s->squares),
                     nf_exact_mean(&s->sum, n), nf_exact_variance(&s->sum, &s->squares, n)};
}

enum { MEMBERS = sizeof(sums) / sizeof(int64_t) };

static void fold(sums *into, const sums *next)
{
    nf_exact_fold(&into->sum, &next->sum);
    nf_exact_fold(&into->squares, &next->squares);
    nf_exact_fold(&into->dot, &next->dot);
}

/* As MPI_SUM does: no carries. */
static void add_members(sums *into, const sums *next)
{
    int64_t a[MEMBERS], b[MEMBERS];
    memcpy(a, into, sizeof a);
    memcpy(b, next, sizeof b);
    for (size_t i = 0; i < MEMBERS; i++)
        a[i] += b[i];
    memcpy(into, a, sizeof a);
}

/* in_pieces_f64(x, y, n, merge) and so on: cuts the rows anywhere, sums each piece by any instruction
 * set, and merges any two until one is left. */
#define IN_PIECES(name, type)                                                                      \
    static results in_pieces_##name(const type *x, const type *y, size_t n,                        \
                                    void (*merge)(sums * into, const sums *next))                  \
    {                                                                                              \
        static sums part[PIECES];                                                                  \
        size_t count = 1 + below(PIECES), start = 0;                                               \
        memset(part, 0, sizeof part);                                                              \
        for (size_t i = 0; i < count; i++) {                                                       \
            size_t end = i == count - 1 ? n : start + below(2 * (n - start) / (count - i) + 1);    \
            end = end < n ? end : n;                                                               \
            const nf_exact_rows *rows = variants[below(variants_that_run())].rows;                 \
            rows->sum_##name(&part[i].sum, x + start, end - start);                                \
            rows->sumsq_##name(&part[i].squares, x + start, end - start);                          \
            rows->dot_##name(&part[i].dot, x + start, y + start, end - start);                     \
            start = end;                                                                           \
        }                                                                                          \
        for (; count > 1; count--) {                                                               \
            size_t into = below(count), from = below(count - 1);                                   \
            from += from >= into;                                                                  \
            merge(&part[into], &part[from]);                                                       \
            part[from] = part[count - 1];                                                          \
        }                                                                                          \
        return results_of(&part[0], n);                                                            \
    }
NF_EXACT_TYPES(IN_PIECES)

static results whole_f64(const double *x, const double *y, size_t n)
{
    sums s;
    memset(&s, 0, sizeof s);
    for (size_t i = 0; i < n; i++)
        nf_exact_add(&s.sum, x[i]);
    variants[0].rows->sumsq_f64(&s.squares, x, n);
    variants[0].rows->dot_f64(&s.dot, x, y, n);
    return results_of(&s, n);
}

/* Thousands of cuts and orders, by fold and member by member; floats and integers as their doubles. */
static void any_partition_gives_the_same_bits(void)
{
    static double x[PARTITIONED], y[PARTITIONED];
    static float f[PARTITIONED], g[PARTITIONED];
    static uint8_t u[PARTITIONED];
    static uint16_t w[PARTITIONED];
    for (kind what = UNIFORM; what < KINDS; what++) {
        fill(x, PARTITIONED, what);
        fill(y, PARTITIONED, what);
        results expected = whole_f64(x, y, PARTITIONED);
        for (int round = 0; round < 400; round++) {
            results r = in_pieces_f64(x, y, PARTITIONED, round % 2 == 0 ? fold : add_members);
            CU_ASSERT_FATAL(memcmp(&r, &expected, sizeof r) == 0);
        }
        fill_floats(f, PARTITIONED, what);
        fill_floats(g, PARTITIONED, what);
        for (size_t i = 0; i < PARTITIONED; i++) {
            x[i] = (double)f[i];
            y[i] = (double)g[i];
        }
        expected = whole_f64(x, y, PARTITIONED);
        for (int round = 0; round < 200; round++) {
            results r = in_pieces_f32(f, g, PARTITIONED, round % 2 == 0 ? fold : add_members);
            CU_ASSERT_FATAL(memcmp(&r, &expected, sizeof r) == 0);
        }
    }
    for (size_t i = 0; i < PARTITIONED; i++)
        x[i] = y[i] = u[i] = (uint8_t)(w[i] = (uint8_t)random_bits());
    results expected = whole_f64(x, y, PARTITIONED);
    for (int round = 0; round < 200; round++) {
        results r = in_pieces_u8(u, u, PARTITIONED, round % 2 == 0 ? fold : add_members);
        CU_ASSERT_FATAL(memcmp(&r, &expected, sizeof r) == 0);
        r = in_pieces_u16(w, w, PARTITIONED, round % 2 == 0 ? fold : add_members);
        CU_ASSERT_FATAL(memcmp(&r, &expected, sizeof r) == 0);
    }
}

/* 2^20 accumulators, all limbs of which are as far from carrying as they ever get. */
static void a_million_accumulators_add_member_by_member(void)
{
    enum { MANY = 1 << 20 };
    static nf_exact part, total;
    memset(&part, 0, sizeof part);
    for (int e = -NF_EXACT_BIAS; e + 64 < 2047; e += 32)
        while (part.limb[(e + NF_EXACT_BIAS) / 32] < (int64_t)1 << 40)
            nf_exact_add_scaled(&part, INT64_MAX, e);
    memset(&total, 0, sizeof total);
    big one = big_of_exact(&part), expected = {{0}};
    for (int i = 0; i < MANY; i++)
        for (int j = 0; j < NF_EXACT_LIMBS; j++)
            total.limb[j] += part.limb[j];
    for (int i = 0; i < WORDS; i++) {
        big_add(&expected, one.word[i] & UINT32_MAX, UNIT + 64 * i + 20, false);
        if (UNIT + 64 * i + 52 < UNIT + 64 * (WORDS - 1))
            big_add(&expected, one.word[i] >> 32, UNIT + 64 * i + 52, false);
    }
    CU_ASSERT(holds(&total, &expected));
    nf_exact_normalise(&total);
    CU_ASSERT(holds(&total, &expected));
    CU_ASSERT(is_nearest(expected, 1, nf_exact_round(&total)));
}

static void carries_never_overflow(void)
{
    nf_exact sum = {{0}, 0, 0, 0};
    const int64_t most = INT64_MAX;
    big expected = {{0}};
    for (int i = 0; i < 100000; i++)
        nf_exact_add_scaled(&sum, i % 3 == 0 ? -most : most, 31 - 2176);
    for (int i = 0; i < 100000; i++)
        big_add(&expected, (uint64_t)most, 31 - 2176, i % 3 == 0);
    CU_ASSERT(holds(&sum, &expected));
    for (int i = 0; i < NF_EXACT_LIMBS; i++)
        CU_ASSERT(llabs(sum.limb[i]) <= (int64_t)1 << 42);
    nf_exact_normalise(&sum);
    for (int i = 0; i < NF_EXACT_LIMBS - 1; i++)
        CU_ASSERT(sum.limb[i] >= 0 && sum.limb[i] < (int64_t)1 << 32);
    CU_ASSERT(holds(&sum, &expected));
}

/* ---- rounding ---- */

typedef struct term {
    int64_t k;
    int exponent;
} term;

static bool rounds_to(term a, term b, term c, double expected)
{
    bool same = true;
    for (int sign = 1; sign >= -1; sign -= 2) {
        nf_exact sum = {{0}, 0, 0, 0};
        nf_exact_add_scaled(&sum, sign * a.k, a.exponent);
        nf_exact_add_scaled(&sum, sign * b.k, b.exponent);
        nf_exact_add_scaled(&sum, sign * c.k, c.exponent);
        double found = nf_exact_round(&sum), signed_expected = sign * expected;
        same = same && memcmp(&found, &signed_expected, sizeof found) == 0;
    }
    return same;
}

static void known_values_round_correctly(void)
{
    const term none = {0, 0}, least = {1, -2176};
    const int64_t full = ((int64_t)1 << 53) - 1;
    CU_ASSERT(rounds_to((term){1, 53}, (term){1, 0}, none, 0x1p53));
    CU_ASSERT(rounds_to((term){1, 53}, (term){3, 0}, none, 0x1p53 + 4));
    CU_ASSERT(rounds_to((term){1, 53}, (term){1, 0}, least, 0x1p53 + 2));
    CU_ASSERT(rounds_to((term){1, 53}, (term){3, 0}, (term){-1, -2176}, 0x1p53 + 2));
    CU_ASSERT(rounds_to((term){full, 0}, (term){1, -1}, none, 0x1p53));
    CU_ASSERT(rounds_to((term){full, 971}, none, none, DBL_MAX));
    CU_ASSERT(rounds_to((term){full, 971}, (term){1, 970}, none, INFINITY));
    CU_ASSERT(rounds_to((term){full, 971}, (term){1, 970}, (term){-1, -2176}, DBL_MAX));
    CU_ASSERT(rounds_to((term){1, 2047}, (term){1, 2047}, none, INFINITY));
    CU_ASSERT(rounds_to((term){1, 2047}, (term){-1, 2047}, (term){5, -2}, 1.25));
    CU_ASSERT(rounds_to((term){1, -1074}, none, none, 0x1p-1074));
    CU_ASSERT(rounds_to((term){1, -1075}, none, none, 0.0));
    CU_ASSERT(rounds_to((term){1, -1075}, least, none, 0x1p-1074));
    CU_ASSERT(rounds_to((term){3, -1075}, none, none, 0x1p-1073));
    CU_ASSERT(rounds_to((term){3, -1075}, (term){-1, -2176}, none, 0x1p-1074));
    CU_ASSERT(rounds_to((term){full, -1075}, none, none, 0x1p-1022));
    CU_ASSERT(rounds_to(least, none, none, 0.0));
    const int64_t odd = ((int64_t)1 << 51) + 1; /* rounded twice, it would come out even */
    CU_ASSERT(rounds_to((term){odd, -1074}, (term){1, -1075}, (term){-1, -2176},
                        ldexp((double)odd, -1074)));
}

static void means_divide_exactly(void)
{
    nf_exact sum = {{0}, 0, 0, 0};
    nf_exact_add(&sum, -0x1p-1074);
    double mean = nf_exact_mean(&sum, 3);
    CU_ASSERT(mean == 0.0 && signbit(mean));
    memset(&sum, 0, sizeof sum);
    const int64_t many = ((int64_t)1 << 40) + 1;
    nf_exact_add_scaled(&sum, many, 53);
    nf_exact_add_scaled(&sum, many, 0);
    CU_ASSERT(nf_exact_mean(&sum, (uint64_t)many) == 0x1p53); /* a tie */
    nf_exact_add_scaled(&sum, 1, -2176); /* less than a limb can show, when divided */
    CU_ASSERT(nf_exact_mean(&sum, (uint64_t)many) == 0x1p53 + 2);
    for (int i = 0; i < 3000; i++) {
        big expected = {{0}};
        uint64_t n = random_bits() >> below(64);
        n = n == 0 ? 1 : n;
        memset(&sum, 0, sizeof sum);
        for (int j = 0; j < 3; j++) {
            double x = spread(i % 3 == 0 ? -1074 : -60, i % 3 == 1 ? 1023 : 60);
            nf_exact_add(&sum, x);
            big_add_double(&expected, x);
        }
        CU_ASSERT(is_nearest(expected, n, nf_exact_mean(&sum, n)));
    }
}

static double root_of(term a, term b)
{
    nf_exact squares = {{0}, 0, 0, 0};
    nf_exact_add_scaled(&squares, a.k, a.exponent);
    nf_exact_add_scaled(&squares, b.k, b.exponent);
    return nf_exact_norm2(&squares);
}

/* (2 m + 1)^2 / 4 for an even and an odd m, and what is a little more or less: the ties of roots. */
static void check_tied_root(int64_t m, int e)
{
    const int64_t twice = 2 * m + 1, half = (int64_t)1 << 27;
    nf_exact tie = {{0}, 0, 0, 0};
    nf_exact_add_scaled(&tie, (twice / half) * (twice / half), 2 * e + 54 - 2);
    nf_exact_add_scaled(&tie, (twice / half) * (twice % half), 2 * e + 28 - 2);
    nf_exact_add_scaled(&tie, (twice % half) * (twice % half), 2 * e - 2);
    nf_exact more = tie, less = tie;
    nf_exact_add_scaled(&more, 1, -2176);
    nf_exact_add_scaled(&less, -1, -2176);
    CU_ASSERT(nf_exact_norm2(&tie) == ldexp((double)(m + m % 2), e));
    CU_ASSERT(nf_exact_norm2(&more) == ldexp((double)(m + 1), e));
    CU_ASSERT(nf_exact_norm2(&less) == ldexp((double)m, e));
}

static void roots_round_correctly(void)
{
    const term none = {0, 0};
    nf_exact empty = {{0}, 0, 0, 0};
    CU_ASSERT(nf_exact_norm2(&empty) == 0.0 && !signbit(nf_exact_norm2(&empty)));
    CU_ASSERT(root_of((term){9, 0}, (term){16, 0}) == 5.0);
    CU_ASSERT(root_of((term){2, 0}, none) == 0x1.6a09e667f3bcdp0);
    CU_ASSERT(root_of((term){1, -2148}, none) == 0x1p-1074);
    CU_ASSERT(root_of((term){1, -2150}, none) == 0.0); /* half the smallest subnormal: to even */
    CU_ASSERT(root_of((term){1, -2150}, (term){1, -2208}) == 0x1p-1074);
    CU_ASSERT(root_of((term){2, -2148}, none) == 0x1p-1074);
    CU_ASSERT(root_of((term){1, 2046}, (term){1, 2046}) == 0x1.6a09e667f3bcdp1023);
    CU_ASSERT(root_of((term){1, 2047}, (term){1, 2047}) == INFINITY);
    CU_ASSERT(isnan(root_of((term){-1, 0}, none)));
    for (int i = 0; i < 3000; i++) {
        int64_t m = (int64_t)((random_bits() | (uint64_t)1 << 63) >> 11);
        check_tied_root(m, (int)below(1900) - 1000);
    }
    check_tied_root(((int64_t)1 << 53) - 1, 970);
}

static void integers_are_added(void)
{
    nf_exact sum = {{0}, 0, 0, 0};
    big expected = {{0}};
    for (int i = 0; i < 1000; i++) {
        uint64_t high = random_bits(), low = random_bits();
        nf_exact_add_integer(&sum, high, low);
        big_add(&expected, high, 64, false);
        big_add(&expected, low, 0, false);
    }
    CU_ASSERT(holds(&sum, &expected));
}

/* ---- special values ---- */

static void check_special(const double *special, size_t count, double sum, double squares)
{
    enum { N = 1300 };
    static double x[N];
    static float f[N];
    fill(x, N, UNIFORM);
    for (size_t i = 0; i < count; i++)
        x[below(N / count) + i * (N / count)] = special[i];
    for (size_t i = 0; i < N; i++)
        f[i] = (float)x[i];
    for (size_t k = 0; k < variants_that_run(); k++) {
        nf_exact total[4] = {{{0}, 0, 0, 0}};
        variants[k].rows->sum_f64(&total[0], x, N);
        variants[k].rows->sumsq_f64(&total[1], x, N);
        variants[k].rows->sum_f32(&total[2], f, N);
        variants[k].rows->sumsq_f32(&total[3], f, N);
        for (int i = 0; i < 4; i++) {
            double expected = i % 2 == 0 ? sum : squares, found = nf_exact_round(&total[i]);
            CU_ASSERT(found == expected || (found != found && expected != expected));
            found = nf_exact_mean(&total[i], N);
            CU_ASSERT(found == expected || (found != found && expected != expected));
        }
        CU_ASSERT(isnan(nf_exact_variance(&total[0], &total[1], N)));
        CU_ASSERT(isnan(nf_exact_variance(&total[2], &total[3], N)));
    }
}

static void special_values_follow_the_policy(void)
{
    for (int round = 0; round < 50; round++) {
        check_special((double[]){INFINITY}, 1, INFINITY, INFINITY);
        check_special((double[]){-INFINITY}, 1, -INFINITY, INFINITY);
        check_special((double[]){-INFINITY, -INFINITY}, 2, -INFINITY, INFINITY);
        check_special((double[]){INFINITY, -INFINITY}, 2, NAN, INFINITY);
        check_special((double[]){NAN}, 1, NAN, NAN);
        check_special((double[]){INFINITY, NAN, 1}, 3, NAN, NAN);
    }
}

static void check_special_factor(double x, double y, double expected)
{
    enum { N = 2500 };
    static double a[N], b[N];
    static float f[N], g[N];
    fill(a, N, UNIFORM);
    fill(b, N, UNIFORM);
    size_t at = below(N);
    a[at] = x;
    b[at] = y;
    for (size_t i = 0; i < N; i++) {
        f[i] = (float)a[i];
        g[i] = (float)b[i];
    }
    for (size_t k = 0; k < variants_that_run(); k++) {
        nf_exact total[2] = {{{0}, 0, 0, 0}};
        variants[k].rows->dot_f64(&total[0], a, b, N);
        variants[k].rows->dot_f32(&total[1], f, g, N);
        for (int i = 0; i < 2; i++) {
            double found = nf_exact_round(&total[i]);
            CU_ASSERT(found == expected || (found != found && expected != expected));
        }
    }
}

static void special_factors_follow_the_policy(void)
{
    const double inf = INFINITY;
    const double known[][3] = {{inf, 2, inf}, {-3, inf, -inf},     {-inf, -inf, inf},
                               {inf, 0, NAN}, {-0.0, inf, NAN},    {NAN, 0, NAN},
                               {1, NAN, NAN}, {inf, 0x1p-149, inf}};
    for (int round = 0; round < 10; round++)
        for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
            check_special_factor(known[i][0], known[i][1], known[i][2]);
}

static void check_large_and_small(const nf_exact_rows *rows, double x, double squares, double norm)
{
    const double four[] = {x, -x, x, -x};
    nf_exact total[3] = {{{0}, 0, 0, 0}};
    rows->sum_f64(&total[0], four, 4);
    rows->sumsq_f64(&total[1], four, 4);
    rows->dot_f64(&total[2], four, four, 4);
    CU_ASSERT(nf_exact_round(&total[0]) == 0.0);
    CU_ASSERT(nf_exact_round(&total[1]) == squares);
    CU_ASSERT(nf_exact_round(&total[2]) == squares);
    CU_ASSERT(nf_exact_norm2(&total[1]) == norm);
}

static void nothing_overflows_on_the_way(void)
{
    static double x[4096];
    for (size_t k = 0; k < variants_that_run(); k++) {
        const nf_exact_rows *rows = variants[k].rows;
        check_large_and_small(rows, 3, 36, 6);
        check_large_and_small(rows, 0x1p1000, INFINITY, 0x1p1001);
        check_large_and_small(rows, DBL_MAX, INFINITY, INFINITY);
        check_large_and_small(rows, 0x1p-600, 0, 0x1p-599);
        check_large_and_small(rows, 0x1p-1074, 0, 0x1p-1073);
        nf_exact sum = {{0}, 0, 0, 0};
        for (size_t i = 0; i < 4096; i++)
            x[i] = i % 2 == 0 || i == 4095 ? DBL_MAX : -DBL_MAX;
        x[4094] = 1;
        rows->sum_f64(&sum, x, 4096);
        CU_ASSERT(nf_exact_round(&sum) == DBL_MAX);
    }
}

static void specials_survive_folding(void)
{
    nf_exact a = {{0}, 0, 0, 0}, b = a;
    nf_exact_add(&a, INFINITY);
    nf_exact_add(&b, 1);
    nf_exact_fold(&b, &a);
    CU_ASSERT(nf_exact_round(&b) == INFINITY);
    nf_exact_add(&a, -INFINITY);
    nf_exact_fold(&b, &a);
    CU_ASSERT(isnan(nf_exact_round(&b)));
}

static void zeros_give_positive_zero(void)
{
    static double x[2000];
    static float f[2000];
    for (size_t k = 0; k < variants_that_run(); k++)
        for (size_t n = 0; n <= 2000; n += 400)
            for (int sign = 0; sign < 2; sign++) {
                nf_exact total[4] = {{{0}, 0, 0, 0}};
                for (size_t i = 0; i < n; i++)
                    f[i] = (float)(x[i] = sign ? -0.0 : 0.0);
                variants[k].rows->sum_f64(&total[0], x, n);
                variants[k].rows->sumsq_f64(&total[1], x, n);
                variants[k].rows->sum_f32(&total[2], f, n);
                variants[k].rows->sumsq_f32(&total[3], f, n);
                for (int i = 0; i < 4; i++) {
                    double found = nf_exact_round(&total[i]);
                    CU_ASSERT(found == 0.0 && !signbit(found));
                }
            }
}

int main(void)
{
    CU_TestInfo tests[] = {
        {"known values round correctly", known_values_round_correctly},
        {"means divide exactly", means_divide_exactly},
        {"roots round correctly", roots_round_correctly},
        {"integers are added", integers_are_added},
        {"carries never overflow", carries_never_overflow},
        {"doubles are summed exactly", doubles_are_summed_exactly},
        {"floats are summed exactly", floats_are_summed_exactly},
        {"every distance of exponents", every_distance_of_exponents},
        {"floats at every distance", floats_at_every_distance},
        {"strained grids", strained_grids},
        {"any bits", any_bits},
        {"long rows of any exponent", long_rows_of_any_exponent},
        {"integers are summed exactly", integers_are_summed_exactly},
        {"any partition gives the same bits", any_partition_gives_the_same_bits},
        {"a million accumulators add member by member",
         a_million_accumulators_add_member_by_member},
        {"special values follow the policy", special_values_follow_the_policy},
        {"special factors follow the policy", special_factors_follow_the_policy},
        {"nothing overflows on the way", nothing_overflows_on_the_way},
        {"specials survive folding", specials_survive_folding},
        {"zeros give positive zero", zeros_give_positive_zero},
        CU_TEST_INFO_NULL,
    };
    return nf_suite_run("exact", tests, 0);
}
