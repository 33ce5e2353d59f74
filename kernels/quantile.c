/* quantile.c - quantiles of all elements, all channels together; exact: elements of the array, or what
 * numpy.quantile's method makes of two that are neighbours in order. With n elements, h = q (n - 1),
 * counted from 0:
 *   linear    between the elements at floor(h) and at the next one, in double; the default
 *   lower, higher, nearest    the element at floor(h), ceil(h), or h rounded, half to even
 *   midpoint  half-way between those at floor(h) and ceil(h)
 * A NaN anywhere makes all of them NaN, as in numpy; -0 is shown as 0.
 *
 * Elements are ordered by integer keys (order.h), of which a sweep finds the next 11 bits: it counts, for
 * each beginning that a wanted element's key is known to have, how the keys that begin so go on. One
 * sweep for u8, 2 for u16, 3 for f32, 6 for f64; all quantiles share them. */
#ifndef NF_T

#include <math.h>
#include <string.h>

#include "kernels/isa.h"
#include "kernels/kernel.h"
#include "kernels/order.h"

enum { MOST = 16, RANKS = 2 * MOST, DIGIT = 11, BINS = 1 << DIGIT, NAME = 20 };
enum { PIECE = 1024, BLOCK = 64 }; /* elements; which all slots find in the first-level cache */
enum { LINEAR, LOWER, HIGHER, NEAREST, MIDPOINT };

/* Keys as unsigned numbers of as many bits as the elements. */
typedef uint8_t code_u8;
typedef uint16_t code_u16;
typedef uint32_t code_f32;
typedef uint64_t code_f64;

/* An element that is looked for. */
typedef struct wanted {
    uint64_t place; /* from 0, among those whose keys begin as its own */
    uint64_t begin; /* the bits known of its key */
    size_t slot;
} wanted;

typedef struct quantile_config {
    int64_t method;
    size_t count; /* of quantiles; of each the elements on both sides are wanted */
    char name[MOST][NAME];
    uint64_t place[RANKS]; /* of all elements */
    double part[MOST];     /* how far from the lower to the higher one */
    nf_dtype dtype;
    int bits; /* of a key */
    /* Learned. */
    int known; /* bits of every wanted key */
    wanted wanted[RANKS];
    uint64_t begin[RANKS]; /* what they begin with, each once: of each slot */
    size_t slots;
    bool nan;
} quantile_config;

/* For each slot, how often each digit follows. */
typedef struct quantile_partial {
    int64_t nans, bin[][BINS];
} quantile_partial;

static inline int digit_bits(const quantile_config *c)
{
    return c->bits - c->known < DIGIT ? c->bits - c->known : DIGIT;
}

/* 64 bytes that are 0 or 1 as bits: a multiplication moves the eight of a word to its top byte. */
static inline uint64_t bits_of(const uint8_t byte[BLOCK])
{
    uint64_t bits = 0;
    for (int k = 0; k < BLOCK; k += 8) {
        uint64_t word;
        memcpy(&word, byte + k, sizeof word);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
        word = __builtin_bswap64(word);
#endif
        bits |= (word * UINT64_C(0x0102040810204080) >> 56) << k;
    }
    return bits;
}

#define NF_BODY "kernels/quantile.c"
#include "kernels/each_dtype.h"

/* "q0.25", of up to 12 digits. */
static void write_name(double q, char name[NAME])
{
    uint64_t digits = (uint64_t)floor(q * 1e12 + 0.5), unit = UINT64_C(1000000000000);
    char *to = name;
    *to++ = 'q';
    *to++ = (char)('0' + (int)(digits / unit));
    digits %= unit;
    *to = '.';
    for (unit /= 10; digits > 0; digits %= unit, unit /= 10)
        *++to = (char)('0' + (int)(digits / unit));
    to[*to != '.'] = '\0';
}

/* The elements that quantile i lies at or between. */
static void place(quantile_config *c, size_t i, double q, uint64_t elements)
{
    double h = q * (double)(elements - 1), low = floor(h), high = low;
    if (c->method == HIGHER || c->method == MIDPOINT)
        high = ceil(h);
    else if (c->method == LINEAR && low < (double)(elements - 1))
        high = low + 1;
    low = c->method == HIGHER ? high : c->method == NEAREST ? rint(h) : low;
    high = high < low || c->method == NEAREST ? low : high;
    c->part[i] = c->method == LINEAR ? h - low : 0.5;
    c->place[2 * i] = (uint64_t)low;
    c->place[2 * i + 1] = (uint64_t)high;
}

static nf_status prepare(nf_setup *setup)
{
    const nf_shape *in = &setup->in;
    const nf_value *q = &setup->values[0];
    quantile_config *config = setup->alloc(setup, sizeof *config);
    if (config == NULL)
        return NF_ERR_MEMORY;
    if (q->count > MOST) {
        setup->param = "q";
        setup->problem = "more than 16 quantiles; ask for the others in a second one";
        return NF_ERR_PARAM;
    }
    config->method = setup->values[1].integer;
    config->count = q->count;
    config->dtype = in->dtype;
    config->bits = 8 * (int)nf_dtype_size(in->dtype);
    for (size_t i = 0; i < q->count; i++) {
        write_name(q->list[i], config->name[i]);
        place(config, i, q->list[i],
              (uint64_t)(in->dim[0] * in->dim[1] * in->dim[2] * in->channels));
    }
    setup->config = config;
    setup->looks = (config->bits + DIGIT - 1) / DIGIT;
    setup->partial_bytes = sizeof(quantile_partial) + 2 * q->count * sizeof(int64_t[BINS]);
    setup->flops_per_cell = 2;
    setup->bytes_per_cell = (double)nf_dtype_size(in->dtype);
    return NF_OK;
}

/* ---- learning ---- */

static void fold(void *into, const void *next, const void *config)
{
    const quantile_config *c = config;
    quantile_partial *a = into;
    const quantile_partial *b = next;
    a->nans += b->nans;
    for (size_t s = 0; s < c->slots; s++)
        for (int i = 0; i < 1 << digit_bits(c); i++)
            a->bin[s][i] += b->bin[s][i];
}

/* Another digit of a wanted key. */
static void narrow(wanted *w, const int64_t *bin, int bits)
{
    uint64_t digit = 0;
    while (w->place >= (uint64_t)bin[digit])
        w->place -= (uint64_t)bin[digit++];
    w->begin = w->begin << bits | digit;
}

/* One slot for all that begin alike. */
static void share_slots(quantile_config *c)
{
    c->slots = 0;
    for (size_t i = 0; i < 2 * c->count; i++) {
        wanted *w = &c->wanted[i];
        for (w->slot = 0; w->slot < c->slots && c->begin[w->slot] != w->begin;)
            w->slot++;
        if (w->slot == c->slots)
            c->begin[c->slots++] = w->begin;
    }
}

static bool learn(void *config, const void *partial)
{
    quantile_config *c = config;
    const quantile_partial *p = partial;
    int bits = digit_bits(c);
    if (partial == NULL) {
        c->known = 0;
        c->nan = false;
        for (size_t i = 0; i < 2 * c->count; i++)
            c->wanted[i] = (wanted){.place = c->place[i]};
        share_slots(c);
        return true;
    }
    for (size_t i = 0; i < 2 * c->count; i++)
        narrow(&c->wanted[i], p->bin[c->wanted[i].slot], bits);
    c->known += bits;
    c->nan = c->nan || p->nans > 0;
    share_slots(c);
    return c->known < c->bits && !c->nan;
}

static double element_of(nf_dtype dtype, uint64_t code)
{
    if (dtype == NF_F32)
        return (double)nf_element_f32((int32_t)((uint32_t)code ^ UINT32_C(1) << 31));
    return dtype == NF_F64 ? nf_element_f64((int64_t)(code ^ UINT64_C(1) << 63)) : (double)code;
}

/* As numpy, from the nearer end. */
static double between(double a, double b, double part)
{
    if (part == 0 || a == b)
        return a;
    return part < 0.5 ? a + (b - a) * part : b - (b - a) * (1 - part);
}

static void finish(const void *partial, const void *config, nf_sink *out)
{
    const quantile_config *c = config;
    (void)partial;
    for (size_t i = 0; i < c->count; i++) {
        double a = element_of(c->dtype, c->wanted[2 * i].begin);
        double b = element_of(c->dtype, c->wanted[2 * i + 1].begin);
        out->real(out, c->name[i], c->nan ? (double)NAN : between(a, b, c->part[i]) + 0.0);
    }
}

/* ---- the reference: of the elements that may be the one at a place, one is tried after another ---- */

typedef struct trial {
    double low, high; /* it lies strictly between these, */
    bool any_low, any_high;
    double middle;        /* one that does, */
    uint64_t less, equal; /* and how many are less, and equal to it */
} trial;

static void try_one(const nf_cells *in, trial *t, uint64_t turn)
{
    uint64_t candidates = 0;
    for (int count = 0; count < 2; count++) {
        for (int64_t z = 0; z < in->shape.dim[0]; z++)
            for (int64_t y = 0; y < in->shape.dim[1]; y++)
                for (int64_t x = 0; x < in->shape.dim[2]; x++)
                    for (int c = 0; c < in->shape.channels; c++) {
                        double v = in->at(in, z, y, x, c);
                        bool inside = (t->any_low || v > t->low) && (t->any_high || v < t->high);
                        if (count == 0 && inside && turn % ++candidates == 0)
                            t->middle = v;
                        t->less += count == 1 && v < t->middle;
                        t->equal += count == 1 && v == t->middle;
                    }
    }
}

static double find(const nf_cells *in, uint64_t wanted_place)
{
    trial t = {.any_low = true, .any_high = true};
    for (uint64_t turn = 720720;; turn = turn * 7 + 1) {
        t.less = t.equal = 0;
        try_one(in, &t, turn);
        if (wanted_place < t.less)
            t.high = t.middle, t.any_high = false;
        else if (wanted_place >= t.less + t.equal)
            t.low = t.middle, t.any_low = false;
        else
            return t.middle;
    }
}

static bool has_nan(const nf_cells *in)
{
    for (int64_t z = 0; z < in->shape.dim[0]; z++)
        for (int64_t y = 0; y < in->shape.dim[1]; y++)
            for (int64_t x = 0; x < in->shape.dim[2]; x++)
                for (int c = 0; c < in->shape.channels; c++)
                    if (isnan(in->at(in, z, y, x, c)))
                        return true;
    return false;
}

static void reference(const nf_cells *in, const void *config, nf_sink *out)
{
    const quantile_config *c = config;
    for (size_t i = 0; i < c->count; i++) {
        double value = NAN;
        if (!has_nan(in)) {
            double a = find(in, c->place[2 * i]), b = find(in, c->place[2 * i + 1]);
            value = a == b ? a + 0.0 : a + (b - a) * c->part[i];
        }
        out->real(out, c->name[i], value);
    }
}

static const char *const methods[] = {"linear", "lower", "higher", "nearest", "midpoint", NULL};

static const nf_param params[] = {
    {"q", NF_PARAM_LIST, "1", "0.5", 0, 1, NULL, "which quantiles, 0 to 1; at most 16"},
    {"method", NF_PARAM_CHOICE, "", "linear", 0, 0, methods,
     "what lies between two elements, as numpy.quantile"},
    {0}};

const nf_kernel NF_ISA_NAME(nf_kernel_quantile) = {
    .name = "quantile",
    .summary = "quantiles, exact",
    .kind = NF_REDUCE,
    .ndims = NF_1D | NF_2D | NF_3D,
    .params = params,
    .prepare = prepare,
    .apply = NF_APPLY(apply),
    .fold = fold,
    .any_order = true,
    .adds = true,
    .learn = learn,
    .finish = finish,
    .reference = reference,
    .tolerance = 1e-13,
};

#else

#define CODE NF_NAME(code)

static inline CODE NF_NAME(code_of)(NF_T v)
{
    CODE top = (CODE)((CODE)1 << (8 * sizeof(CODE) - 1));
    return (CODE)((CODE)NF_KEY_OF(v) ^ (sizeof(NF_T) >= 4 ? top : 0));
}

static int64_t NF_NAME(count_nans)(const NF_T *x, ptrdiff_t n)
{
    int64_t nans = 0;
    for (ptrdiff_t i = 0; i < n; i++)
        nans += x[i] != x[i];
    return nans;
}

/* The first digits of up to PIECE elements, in four tables so that equal neighbours do not wait for
 * each other. */
static void NF_NAME(count_piece)(const NF_T *restrict x, ptrdiff_t n, int shift,
                                 uint32_t table[4][BINS])
{
    uint16_t digit[PIECE];
    ptrdiff_t i = 0;
    for (ptrdiff_t k = 0; k < n; k++)
        digit[k] = (uint16_t)(NF_NAME(code_of)(x[k]) >> shift);
    for (; i + 4 <= n; i += 4)
        for (int t = 0; t < 4; t++)
            table[t][digit[i + t]]++;
    for (; i < n; i++)
        table[0][digit[i]]++;
}

static void NF_NAME(count_first)(const nf_tile *tile, int shift, int bins,
                                 quantile_partial *partial)
{
    uint32_t table[4][BINS];
    for (int t = 0; t < 4; t++)
        memset(table[t], 0, (size_t)bins * sizeof *table[t]);
    ptrdiff_t n = NF_ROW_LENGTH(tile);
    for (int64_t z = 0; z < tile->size[0]; z++) {
        for (int64_t y = 0; y < tile->size[1]; y++) {
            const NF_T *x = NF_ROW_IN(tile, z, y);
            for (ptrdiff_t i = 0; i < n; i += PIECE) {
                ptrdiff_t some = n - i < PIECE ? n - i : PIECE;
                partial->nans += sizeof(NF_T) >= 4 ? NF_NAME(count_nans)(x + i, some) : 0;
                NF_NAME(count_piece)(x + i, some, shift, table);
            }
        }
    }
    for (int i = 0; i < bins; i++)
        for (int t = 0; t < 4; t++)
            partial->bin[0][i] += table[t][i];
}

/* Bit j: whether x[j] begins as codes from `low` on do; a vector's comparisons are left as bytes. */
static uint64_t NF_NAME(find_hits)(const NF_T *x, CODE low, CODE span)
{
    uint8_t hit[BLOCK];
    for (int j = 0; j < BLOCK; j++)
        hit[j] = (CODE)(NF_NAME(code_of)(x[j]) - low) <= span;
    return bits_of(hit);
}

static bool NF_NAME(all_equal)(const NF_T x[BLOCK])
{
    CODE others = 0;
    for (int j = 0; j < BLOCK; j++)
        others |= NF_NAME(code_of)(x[j]) ^ NF_NAME(code_of)(x[0]);
    return others == 0;
}

/* The next digits of the elements that begin so: in blocks, most of which have few of them. */
static void NF_NAME(count_next)(const NF_T *x, ptrdiff_t n, CODE begin, int shift, int bits,
                                int64_t *bin)
{
    CODE mask = (CODE)(((CODE)1 << bits) - 1), span = (CODE)(((CODE)1 << (shift + bits)) - 1);
    CODE low = (CODE)(begin << (shift + bits));
    ptrdiff_t i = 0;
    for (; i + BLOCK <= n; i += BLOCK) {
        uint64_t hits = NF_NAME(find_hits)(x + i, low, span);
        if (hits == UINT64_MAX && NF_NAME(all_equal)(x + i)) { /* a plain background */
            bin[NF_NAME(code_of)(x[i]) >> shift & mask] += BLOCK;
            continue;
        }
        for (; hits != 0; hits &= hits - 1)
            bin[NF_NAME(code_of)(x[i + __builtin_ctzll(hits)]) >> shift & mask]++;
    }
    for (; i < n; i++)
        if ((CODE)(NF_NAME(code_of)(x[i]) - low) <= span)
            bin[NF_NAME(code_of)(x[i]) >> shift & mask]++;
}

static void NF_NAME(apply)(const nf_tile *tile, const void *config, void *partial)
{
    const quantile_config *c = config;
    quantile_partial *p = partial;
    int bits = digit_bits(c), shift = c->bits - c->known - bits;
    ptrdiff_t n = NF_ROW_LENGTH(tile);
    if (c->known == 0) {
        NF_NAME(count_first)(tile, shift, 1 << bits, partial);
        return;
    }
    for (int64_t z = 0; z < tile->size[0]; z++) {
        for (int64_t y = 0; y < tile->size[1]; y++) {
            const NF_T *x = NF_ROW_IN(tile, z, y);
            for (ptrdiff_t i = 0; i < n; i += PIECE)
                for (size_t s = 0; s < c->slots; s++)
                    NF_NAME(count_next)
            (x + i, n - i < PIECE ? n - i : PIECE, (CODE)c->begin[s], shift, bits, p->bin[s]);
        }
    }
}

#undef CODE

#endif
