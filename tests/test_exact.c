/* test_exact.c - exact accumulators against plain big-number arithmetic.
 *
 * The reference is one two's complement number of 7168 bits to which values are added bit by bit's
 * place, with every carry at once. What the accumulators hold must equal it; and a rounded result
 * is checked by comparing it with the midpoints to its neighbours, without rounding anything. Each
 * test runs with the rows of every instruction set that the processor has. */
#include <float.h>
#include <math.h>
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

static void big_add_square(big *b, double x)
{
    uint64_t m;
    int e;
    decode(x, &m, &e);
    uint64_t high = m >> 27, low = m & ((1u << 27) - 1);
    big_add(b, high * high, 2 * e + 54, false);
    big_add(b, high * low, 2 * e + 28, false);
    big_add(b, low * low, 2 * e, false);
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

/* Lengths to be tested: all short ones, and some about the edges of blocks. */
static size_t length_of(size_t i)
{
    const size_t more[] = {63, 64, 127, 511, 1023, 1024, 1025, 1039, 2047, 3001, 4096, 4999, 5000};
    return i < 36 ? i : more[i - 36];
}

enum { LENGTHS = 36 + 13, LONGEST = 5000 };

/* ---- tests of rows ---- */

static bool holds(const nf_exact *sum, const big *expected)
{
    big held = big_of_exact(sum);
    return big_compare(&held, expected) == 0 && sum->nans == 0 && sum->positive_infinities == 0 &&
           sum->negative_infinities == 0;
}

static void check_sums(const nf_exact *sum, const nf_exact *squares, const big *s, const big *q,
                       size_t n)
{
    CU_ASSERT_FATAL(holds(sum, s));
    CU_ASSERT_FATAL(holds(squares, q));
    CU_ASSERT(is_nearest(*s, 1, nf_exact_round(sum)));
    CU_ASSERT(is_nearest(*q, 1, nf_exact_round(squares)));
    if (n == 0)
        return;
    CU_ASSERT(is_nearest(*s, n, nf_exact_mean(sum, n)));
    CU_ASSERT(is_nearest(*q, n, nf_exact_mean(squares, n)));
    CU_ASSERT(is_variance(s, q, n, nf_exact_variance(sum, squares, n)));
}

static void check_doubles(const variant *v, const double *x, size_t n)
{
    nf_exact sum = {{0}, 0, 0, 0}, squares = sum, each = sum, each_squared = sum;
    big s = {{0}}, q = {{0}};
    v->sum_f64(&sum, x, n);
    v->sumsq_f64(&squares, x, n);
    nf_exact_add_each(&each, x, n);
    nf_exact_add_each_squared(&each_squared, x, n);
    for (size_t i = 0; i < n; i++) {
        big_add_double(&s, x[i]);
        big_add_square(&q, x[i]);
    }
    check_sums(&sum, &squares, &s, &q, n);
    CU_ASSERT(holds(&each, &s));
    CU_ASSERT(holds(&each_squared, &q));
}

static void check_floats(const variant *v, const float *x, size_t n)
{
    nf_exact sum = {{0}, 0, 0, 0}, squares = sum;
    big s = {{0}}, q = {{0}};
    v->sum_f32(&sum, x, n);
    v->sumsq_f32(&squares, x, n);
    for (size_t i = 0; i < n; i++) {
        big_add_double(&s, (double)x[i]);
        big_add_square(&q, (double)x[i]);
    }
    check_sums(&sum, &squares, &s, &q, n);
}

static void doubles_are_summed_exactly(void)
{
    static double x[LONGEST + 1];
    for (kind what = UNIFORM; what < KINDS; what++)
        for (size_t i = 0; i < LENGTHS; i++) {
            size_t n = length_of(i), offset = i % 2;
            fill(x, LONGEST + 1, what);
            for (size_t k = 0; k < variants_that_run(); k++)
                check_doubles(&variants[k], x + offset, n);
        }
}

static void floats_are_summed_exactly(void)
{
    static float x[LONGEST + 3];
    for (kind what = UNIFORM; what < KINDS; what++)
        for (size_t i = 0; i < LENGTHS; i++) {
            size_t n = length_of(i), offset = i % 4 < 3 ? i % 4 : 0;
            fill_floats(x, LONGEST + 3, what);
            for (size_t k = 0; k < variants_that_run(); k++)
                check_floats(&variants[k], x + offset, n);
        }
}

/* One value beside others that are `binades` smaller, at every distance: the edge of every grid. */
static void every_distance_of_exponents(void)
{
    static double x[1100];
    for (int binades = 0; binades < 200; binades++)
        for (int high = -60; high <= 300; high += 90) {
            for (size_t i = 0; i < 1100; i++)
                x[i] = ldexp(1 + fabs(uniform()), high - (i % 37 == 5 ? 0 : binades));
            x[3] = -ldexp(1, high + 1);
            x[4] = nextafter(x[3], 0);
            x[6] = nextafter(ldexp(1, high - binades + 1), 0);
            for (size_t k = 0; k < variants_that_run(); k++)
                check_doubles(&variants[k], x, 1100);
        }
}

static void floats_at_every_distance(void)
{
    static float x[1100];
    for (int binades = 0; binades < 200; binades++) {
        for (size_t i = 0; i < 1100; i++)
            x[i] = (float)ldexp(1 + fabs(uniform()), 100 - (i % 37 == 5 ? 0 : binades));
        x[3] = -0x1p101f;
        for (size_t k = 0; k < variants_that_run(); k++)
            check_floats(&variants[k], x, 1100);
    }
}

static void any_bits(void)
{
    static double x[600];
    for (int round = 0; round < 40; round++) {
        for (size_t i = 0; i < 600; i++) {
            uint64_t bits = random_bits();
            memcpy(&x[i], &bits, sizeof bits);
            if (!isfinite(x[i]))
                x[i] = DBL_MAX;
        }
        for (size_t k = 0; k < variants_that_run(); k++)
            check_doubles(&variants[k], x, 600);
    }
}

static void check_integers(const variant *v, const uint8_t *bytes, const uint16_t *x, size_t n)
{
    nf_exact sum[2] = {{{0}, 0, 0, 0}}, squares[2] = {{{0}, 0, 0, 0}};
    uint64_t total[4] = {0}; /* of a million squares: far below 2^64 */
    v->sum_u8(&sum[0], bytes, n);
    v->sumsq_u8(&squares[0], bytes, n);
    v->sum_u16(&sum[1], x, n);
    v->sumsq_u16(&squares[1], x, n);
    for (size_t i = 0; i < n; i++) {
        total[0] += bytes[i];
        total[1] += (uint64_t)bytes[i] * bytes[i];
        total[2] += x[i];
        total[3] += (uint64_t)x[i] * x[i];
    }
    for (int i = 0; i < 2; i++) {
        big s = {{0}}, q = {{0}};
        big_add(&s, total[2 * i], 0, false);
        big_add(&q, total[2 * i + 1], 0, false);
        check_sums(&sum[i], &squares[i], &s, &q, n);
    }
}

static void integers_are_summed_exactly(void)
{
    enum { MOST = 1100001 }; /* the narrowest sums overflow below that, were they not carried */
    static uint8_t bytes[MOST];
    static uint16_t x[MOST];
    const size_t length[] = {0, 1, 2, 3, 31, 33, 255, 4097, 32767, 32768, 32769, 65537, MOST - 1};
    for (int largest = 0; largest < 2; largest++) {
        for (size_t i = 0; i < MOST; i++) {
            bytes[i] = (uint8_t)(largest ? 255 : random_bits());
            x[i] = (uint16_t)(largest ? 65535 : random_bits());
        }
        for (size_t i = 0; i < sizeof length / sizeof length[0]; i++)
            for (size_t k = 0; k < variants_that_run(); k++)
                check_integers(&variants[k], bytes + 1, x + 1, length[i]);
    }
}

/* ---- partitions ---- */

enum { PIECES = 40, PARTITIONED = 1500 };

/* What a reduction would report, as bits to be compared. */
typedef struct results {
    double sum, squares, mean, variance;
} results;

static results results_of(const nf_exact total[2], size_t n)
{
    return (results){nf_exact_round(&total[0]), nf_exact_round(&total[1]),
                     nf_exact_mean(&total[0], n), nf_exact_variance(&total[0], &total[1], n)};
}

/* Cuts x anywhere, sums each piece by any variant, and merges any two until one is left. */
static results in_pieces(const double *x, size_t n)
{
    static nf_exact part[PIECES][2];
    size_t count = 1 + below(PIECES), start = 0;
    memset(part, 0, sizeof part);
    for (size_t i = 0; i < count; i++) {
        size_t end = i == count - 1 ? n : start + below(2 * (n - start) / (count - i) + 1);
        end = end < n ? end : n;
        const variant *v = &variants[below(variants_that_run())];
        v->sum_f64(&part[i][0], x + start, end - start);
        v->sumsq_f64(&part[i][1], x + start, end - start);
        start = end;
    }
    for (; count > 1; count--) {
        size_t into = below(count - 1);
        for (int i = 0; i < 2; i++) {
            nf_exact_fold(&part[into][i], &part[count - 1][i]);
            nf_exact swap = part[into][i];
            part[into][i] = part[count > 2 ? count - 2 : 0][i];
            part[count > 2 ? count - 2 : 0][i] = swap;
        }
    }
    return results_of(part[0], n);
}

static void any_partition_gives_the_same_bits(void)
{
    static double x[PARTITIONED];
    for (kind what = UNIFORM; what < KINDS; what++) {
        fill(x, PARTITIONED, what);
        nf_exact whole[2] = {{{0}, 0, 0, 0}};
        variants[0].sum_f64(&whole[0], x, PARTITIONED);
        variants[0].sumsq_f64(&whole[1], x, PARTITIONED);
        results expected = results_of(whole, PARTITIONED);
        for (int round = 0; round < 300; round++) {
            results found = in_pieces(x, PARTITIONED);
            CU_ASSERT_FATAL(memcmp(&found, &expected, sizeof found) == 0);
        }
    }
}

/* As MPI_SUM does: no carries between the additions. */
static void accumulators_add_member_by_member(void)
{
    enum { RANKS = 1000 };
    static double x[64];
    int64_t total[sizeof(nf_exact) / sizeof(int64_t)] = {0};
    big expected = {{0}};
    fill(x, 64, BINADES_2000);
    for (int rank = 0; rank < RANKS; rank++) {
        nf_exact part = {{0}, 0, 0, 0};
        int64_t member[sizeof part / sizeof(int64_t)];
        x[below(64)] = spread(-1000, 1000);
        for (int i = 0; i < 64; i++) {
            nf_exact_add(&part, x[i]);
            big_add_double(&expected, x[i]);
        }
        memcpy(member, &part, sizeof part);
        for (size_t i = 0; i < sizeof total / sizeof total[0]; i++)
            total[i] += member[i];
    }
    nf_exact sum;
    memcpy(&sum, total, sizeof sum);
    CU_ASSERT(is_nearest(expected, 1, nf_exact_round(&sum)));
    nf_exact_normalise(&sum);
    CU_ASSERT(holds(&sum, &expected));
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
        CU_ASSERT(llabs(sum.limb[i]) < (int64_t)1 << 42);
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
        variants[k].sum_f64(&total[0], x, N);
        variants[k].sumsq_f64(&total[1], x, N);
        variants[k].sum_f32(&total[2], f, N);
        variants[k].sumsq_f32(&total[3], f, N);
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
                variants[k].sum_f64(&total[0], x, n);
                variants[k].sumsq_f64(&total[1], x, n);
                variants[k].sum_f32(&total[2], f, n);
                variants[k].sumsq_f32(&total[3], f, n);
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
        {"integers are added", integers_are_added},
        {"carries never overflow", carries_never_overflow},
        {"doubles are summed exactly", doubles_are_summed_exactly},
        {"floats are summed exactly", floats_are_summed_exactly},
        {"every distance of exponents", every_distance_of_exponents},
        {"floats at every distance", floats_at_every_distance},
        {"any bits", any_bits},
        {"integers are summed exactly", integers_are_summed_exactly},
        {"any partition gives the same bits", any_partition_gives_the_same_bits},
        {"accumulators add member by member", accumulators_add_member_by_member},
        {"special values follow the policy", special_values_follow_the_policy},
        {"specials survive folding", specials_survive_folding},
        {"zeros give positive zero", zeros_give_positive_zero},
        CU_TEST_INFO_NULL,
    };
    return nf_suite_run("exact", tests, 0);
}
