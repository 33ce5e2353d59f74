/* sumsq_range.c - the sum of i * i for 0 <= i < n in 128-bit integers, without an array: the
 * example that needs the processor and nothing else. The reference is the closed form (n-1) n
 * (2n-1) / 6. */
#include "kernels/isa.h"
#include "kernels/kernel.h"

__extension__ typedef unsigned __int128 u128;

static nf_status prepare(nf_setup *setup)
{
    setup->indices = setup->values[0].integer;
    int64_t *n = setup->alloc(setup, sizeof *n);
    if (n == NULL)
        return NF_ERR_MEMORY;
    *n = setup->indices;
    setup->config = n;
    setup->partial_bytes = sizeof(u128);
    setup->flops_per_cell = 2;
    setup->bytes_per_cell = 0;
    return NF_OK;
}

/* Indices below 2^32: each square fits in 64 bits; its halves are summed apart, so that 2^32 terms
 * do not overflow, and that the loop vectorises. */
static u128 sum_small(uint64_t first, uint64_t n)
{
    uint64_t low = 0, high = 0;
    for (uint64_t k = 0; k < n; k++) {
        uint64_t i = (uint32_t)(first + k), square = i * i;
        low += (uint32_t)square;
        high += square >> 32;
    }
    return ((u128)high << 32) + low;
}

static u128 sum_large(uint64_t first, uint64_t n)
{
    u128 sum = 0;
    for (uint64_t i = first; i < first + n; i++)
        sum += (u128)i * i;
    return sum;
}

static void apply(const nf_tile *tile, const void *config, void *partial)
{
    (void)config;
    enum { PIECE = 1 << 20 };
    uint64_t end = (uint64_t)(tile->lo[2] + tile->size[2]);
    for (uint64_t i = (uint64_t)tile->lo[2]; i < end; i += PIECE) {
        uint64_t n = end - i < PIECE ? end - i : PIECE;
        *(u128 *)partial += i + n <= (uint64_t)1 << 32 ? sum_small(i, n) : sum_large(i, n);
    }
}

static void fold(void *into, const void *next, const void *config)
{
    (void)config;
    *(u128 *)into += *(const u128 *)next;
}

static void send(nf_sink *out, u128 sum)
{
    out->integer(out, "sum", (uint64_t)(sum >> 64), (uint64_t)sum);
}

static void finish(const void *partial, const void *config, nf_sink *out)
{
    (void)config;
    send(out, *(const u128 *)partial);
}

static void reference(const nf_cells *in, const void *config, nf_sink *out)
{
    (void)in;
    u128 n = (u128) * (const int64_t *)config;
    send(out, n == 0 ? 0 : (n - 1) * n * (2 * n - 1) / 6);
}

static const nf_param params[] = {
    {"n", NF_PARAM_INTEGER, "indices", "1e8", 1, 0x1p40, NULL, "how many squares are summed"}, {0}};

const nf_kernel NF_ISA_NAME(nf_kernel_sumsq_range) = {
    .name = "sumsq_range",
    .summary = "sum of i*i for i < n in integers, without an array",
    .kind = NF_RANGE,
    .params = params,
    .prepare = prepare,
    .apply = {[NF_NONE] = apply},
    .fold = fold,
    .any_order = true,
    .finish = finish,
    .reference = reference,
    .tolerance = 0,
    .grows = "n",
};
