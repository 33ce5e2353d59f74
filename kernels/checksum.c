/* checksum.c - a 64-bit digest of all elements that depends on each one's value and place, and on
 * the array's shape and type; the same however the array is cut. Not cryptographic.
 *
 * An element is one word of 32 bits, its bits extended by zeros; an f64 is two, the low one first.
 * With w_i the words in C order (channels last) and all arithmetic modulo 2^64,
 *   S = sum over i of w_i * A(i mod 4096) * B(i div 4096),
 *   A(k) = fmix32(k + 1) mod 2^30,  B(k) = fmix64(k + 1) | 1,
 *   checksum = fmix64(S + H),  H = h(h(h(h(h(h(0, ndim), planes), rows), columns), channels), type)
 *   with h(a, b) = fmix64(a + b + 1) and the type 1, 2, 3, 4 for u8, u16, f32, f64,
 * where fmix32 and fmix64 are the finalisers of MurmurHash3 (Appleby), bijections that leave 0
 * alone. One word that differs changes S, as does swapping two of a block of 4096: A has distinct
 * values other than 0, differences times them stay below 2^64, and B is odd. More changes go unseen
 * only where they cancel: of a few words of one block with a probability of about 2^-32, of several
 * blocks 2^-64. */
#ifndef NF_T

#include <string.h>

#include "kernels/isa.h"
#include "kernels/kernel.h"

enum { BLOCK = 4096 };

typedef struct checksum_config {
    nf_shape shape;
    uint32_t weights[BLOCK];         /* A */
    int16_t low[BLOCK], high[BLOCK]; /* their lower and upper 15 bits */
} checksum_config;

static uint32_t fmix32(uint32_t h)
{
    h ^= h >> 16;
    h *= 0x85ebca6bu;
    h ^= h >> 13;
    h *= 0xc2b2ae35u;
    return h ^ h >> 16;
}

static uint64_t fmix64(uint64_t h)
{
    h ^= h >> 33;
    h *= 0xff51afd7ed558ccdu;
    h ^= h >> 33;
    h *= 0xc4ceb9fe1a85ec53u;
    return h ^ h >> 33;
}

static uint32_t word_weight(uint32_t k)
{
    return fmix32(k + 1) & 0x3fffffff;
}

static uint64_t block_weight(uint64_t block)
{
    return fmix64(block + 1) | 1;
}

#define NF_BODY "kernels/checksum.c"
#include "kernels/each_dtype.h"

static nf_status prepare(nf_setup *setup)
{
    checksum_config *config = setup->alloc(setup, sizeof *config);
    if (config == NULL)
        return NF_ERR_MEMORY;
    config->shape = setup->in;
    for (uint32_t k = 0; k < BLOCK; k++) {
        config->weights[k] = word_weight(k);
        config->low[k] = (int16_t)(config->weights[k] & 0x7fff);
        config->high[k] = (int16_t)(config->weights[k] >> 15);
    }
    setup->config = config;
    setup->partial_bytes = sizeof(int64_t);
    setup->flops_per_cell = 2;
    setup->bytes_per_cell = (double)nf_dtype_size(setup->in.dtype);
    return NF_OK;
}

static void fold(void *into, const void *next, const void *config)
{
    (void)config;
    *(uint64_t *)into += *(const uint64_t *)next;
}

static void send(const nf_shape *shape, uint64_t sum, nf_sink *out)
{
    uint64_t h = fmix64((uint64_t)shape->ndim + 1);
    for (int d = 0; d < NF_DIMS; d++)
        h = fmix64(h + (uint64_t)shape->dim[d] + 1);
    h = fmix64(h + (uint64_t)shape->channels + 1);
    h = fmix64(h + (uint64_t)shape->dtype + 1);
    out->integer(out, "checksum", 0, fmix64(sum + h));
}

static void finish(const void *partial, const void *config, nf_sink *out)
{
    const checksum_config *conf = config;
    send(&conf->shape, *(const uint64_t *)partial, out);
}

/* The bits of an element of this type. */
static uint64_t bits_of(nf_dtype dtype, double value)
{
    uint64_t wide;
    uint32_t narrow;
    float single = (float)value;
    memcpy(&wide, &value, sizeof wide);
    memcpy(&narrow, &single, sizeof narrow);
    return dtype == NF_F64 ? wide : dtype == NF_F32 ? narrow : (uint64_t)value;
}

/* The formula, word by word. */
static void reference(const nf_cells *in, const void *config, nf_sink *out)
{
    uint64_t sum = 0, i = 0;
    const nf_shape *shape = &in->shape;
    (void)config;
    for (int64_t z = 0; z < shape->dim[0]; z++)
        for (int64_t y = 0; y < shape->dim[1]; y++)
            for (int64_t x = 0; x < shape->dim[2]; x++)
                for (int c = 0; c < shape->channels; c++) {
                    uint64_t bits = bits_of(shape->dtype, in->at(in, z, y, x, c));
                    for (int word = 0; word <= (shape->dtype == NF_F64); word++, i++) {
                        uint64_t weight = word_weight((uint32_t)(i % BLOCK));
                        sum += (bits >> 32 * word & 0xffffffffu) * weight * block_weight(i / BLOCK);
                    }
                }
    send(shape, sum, out);
}

const nf_kernel NF_ISA_NAME(nf_kernel_checksum) = {
    .name = "checksum",
    .summary = "64-bit digest of all elements and their places",
    .kind = NF_REDUCE,
    .ndims = NF_1D | NF_2D | NF_3D,
    .prepare = prepare,
    .apply = NF_APPLY(apply),
    .fold = fold,
    .any_order = true,
    .adds = true,
    .finish = finish,
    .reference = reference,
    .tolerance = 0,
};

#else

/* n bytes times the halves of their weights, added up as far as 32 bits go: 256 * 255 * 32767. */
static uint64_t NF_NAME(weigh_bytes)(const NF_T *x, ptrdiff_t n, const int16_t *low,
                                     const int16_t *high)
{
    enum { PIECE = 256 };
    uint64_t sum = 0;
    for (ptrdiff_t first = 0; first < n; first += PIECE) {
        ptrdiff_t end = n - first < PIECE ? n : first + PIECE;
        int32_t lower = 0, upper = 0;
        for (ptrdiff_t i = first; i < end; i++) {
            lower += (int16_t)x[i] * low[i];
            upper += (int16_t)x[i] * high[i];
        }
        sum += (uint64_t)lower + ((uint64_t)upper << 15);
    }
    return sum;
}

/* n elements times the weights of their words, the first of which is this one of its block. */
static uint64_t NF_NAME(weigh)(const checksum_config *conf, const NF_T *x, ptrdiff_t n,
                               uint64_t word)
{
    const uint32_t *weights = conf->weights + word;
    uint64_t sum = 0, bits;
    uint32_t half;
    if (sizeof(NF_T) == 1)
        return NF_NAME(weigh_bytes)(x, n, conf->low + word, conf->high + word);
    for (ptrdiff_t i = 0; i < n; i++) {
        if (sizeof(NF_T) == 8) {
            memcpy(&bits, (const char *)x + i * 8, 8);
            sum += (bits & 0xffffffffu) * weights[2 * i] + (bits >> 32) * weights[2 * i + 1];
        } else if (sizeof(NF_T) == 4) {
            memcpy(&half, (const char *)x + i * 4, 4);
            sum += (uint64_t)half * weights[i];
        } else {
            sum += (uint64_t)(uint32_t)x[i] * weights[i];
        }
    }
    return sum;
}

static uint64_t NF_NAME(digest_row)(const checksum_config *conf, const NF_T *x, ptrdiff_t n,
                                    uint64_t element)
{
    const uint64_t words = sizeof(NF_T) == 8 ? 2 : 1, each = BLOCK / words;
    uint64_t sum = 0;
    for (ptrdiff_t i = 0; i < n;) {
        uint64_t at = element + (uint64_t)i, within = at % each;
        ptrdiff_t room = (ptrdiff_t)(each - within), count = n - i < room ? n - i : room;
        sum += NF_NAME(weigh)(conf, x + i, count, words * within) * block_weight(at / each);
        i += count;
    }
    return sum;
}

static void NF_NAME(apply)(const nf_tile *tile, const void *config, void *partial)
{
    const checksum_config *conf = config;
    const nf_shape *shape = &conf->shape;
    for (int64_t z = 0; z < tile->size[0]; z++) {
        for (int64_t y = 0; y < tile->size[1]; y++) {
            int64_t row = (tile->lo[0] + z) * shape->dim[1] + tile->lo[1] + y;
            int64_t element = (row * shape->dim[2] + tile->lo[2]) * tile->channels;
            *(uint64_t *)partial += NF_NAME(digest_row)(conf, NF_ROW_IN(tile, z, y),
                                                        NF_ROW_LENGTH(tile), (uint64_t)element);
        }
    }
}

#endif
