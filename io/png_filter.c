#include "io/png_filter.h"

#include <string.h>

/* A pixel: in bytes, and widened so that differences of bytes fit. Lanes beyond bpp hold what
 * happens to follow, and are never stored. */
typedef uint8_t pixel __attribute__((vector_size(8)));
typedef int16_t wide __attribute__((vector_size(16)));

#define INLINE static inline __attribute__((always_inline))

INLINE pixel load(const uint8_t *at, int bpp)
{
    uint64_t bits = 0;
    if (bpp <= 2)
        memcpy(&bits, at, (size_t)bpp);
    else if (bpp <= 4) /* one move of 4 bytes, or 8: the rows have slack */
        memcpy(&bits, at, 4);
    else
        memcpy(&bits, at, 8);
    pixel p;
    memcpy(&p, &bits, sizeof p);
    return p;
}

INLINE void store(uint8_t *at, pixel p, int bpp)
{
    memcpy(at, &p, (size_t)bpp);
}

INLINE wide widen(pixel p)
{
    return __builtin_convertvector(p, wide);
}

INLINE pixel narrow(wide w)
{
    return __builtin_convertvector(w, pixel);
}

INLINE void unfilter_sub(uint8_t *row, size_t bytes, int bpp)
{
    pixel left = {0};
    for (size_t i = 0; i < bytes; i += (size_t)bpp) {
        left += load(row + i, bpp);
        store(row + i, left, bpp);
    }
}

static void unfilter_up(uint8_t *restrict row, const uint8_t *restrict up, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        row[i] = (uint8_t)(row[i] + up[i]);
}

/* A byte at a time: the bytes of a pixel are independent, and run beside each other. */
INLINE void unfilter_average(uint8_t *row, const uint8_t *up, size_t bytes, int bpp)
{
    unsigned left[8] = {0};
    for (size_t i = 0; i < bytes; i += (size_t)bpp)
        for (int c = 0; c < bpp; c++) {
            left[c] = (row[i + (size_t)c] + ((left[c] + up[i + (size_t)c]) >> 1)) & 255;
            row[i + (size_t)c] = (uint8_t)left[c];
        }
}

INLINE wide choose(wide mask, wide yes, wide no)
{
    return (mask & yes) | (~mask & no);
}

/* The predictor is, of left, above and corner, the one nearest to left + above - corner; ties go to
 * the one that is named first. Seen as a function of left: it is left itself outside the interval
 * between above and 3 corner - 2 above; within, one of above and corner, depending on which side of
 * (3 corner - above) / 2 left lies. So little is left to do once the pixel before is known: three
 * comparisons, and a choice among sums. */
INLINE void unfilter_paeth(uint8_t *row, const uint8_t *up, size_t bytes, int bpp)
{
    wide left = {0}, corner = {0};
    for (size_t i = 0; i < bytes; i += (size_t)bpp) {
        wide above = widen(load(up + i, bpp)), raw = widen(load(row + i, bpp));
        wide rising = above >= corner, far = 3 * corner - 2 * above;
        wide low = choose(rising, far, above), high = choose(rising, above, far);
        wide turn = (3 * corner - above + rising) >> 1;
        wide below = (choose(rising, corner, above) + raw) & 255;
        wide beyond = (choose(rising, above, corner) + raw) & 255;
        wide outside = (left >= high) | (left <= low);
        left = choose(outside, (left + raw) & 255, choose(left > turn, beyond, below));
        corner = above;
        store(row + i, narrow(left), bpp);
    }
}

/* bpp is a constant wherever this is called. */
INLINE bool unfilter(int filter, uint8_t *row, const uint8_t *up, size_t bytes, int bpp)
{
    switch (filter) {
    case 0:
        return true;
    case 1:
        unfilter_sub(row, bytes, bpp);
        return true;
    case 2:
        unfilter_up(row, up, bytes);
        return true;
    case 3:
        unfilter_average(row, up, bytes, bpp);
        return true;
    case 4:
        unfilter_paeth(row, up, bytes, bpp);
        return true;
    default:
        return false;
    }
}

bool nf_png_unfilter(int filter, int bpp, uint8_t *row, const uint8_t *up, size_t bytes)
{
    switch (bpp) {
    case 1:
        return unfilter(filter, row, up, bytes, 1);
    case 2:
        return unfilter(filter, row, up, bytes, 2);
    case 3:
        return unfilter(filter, row, up, bytes, 3);
    case 4:
        return unfilter(filter, row, up, bytes, 4);
    case 6:
        return unfilter(filter, row, up, bytes, 6);
    case 8:
        return unfilter(filter, row, up, bytes, 8);
    default:
        return false;
    }
}

/* out = row - before, byte by byte. The sum of the differences' magnitudes. */
static uint64_t subtract(const uint8_t *restrict row, const uint8_t *restrict before, size_t bytes,
                         uint8_t *restrict out)
{
    uint64_t total = 0;
    for (size_t block = 0; block < bytes; block += 1 << 16) { /* whose sum fits 32 bits */
        size_t end = bytes - block < 1 << 16 ? bytes : block + (1 << 16);
        uint32_t sum = 0;
        for (size_t i = block; i < end; i++) {
            uint8_t d = (uint8_t)(row[i] - before[i]), opposite = (uint8_t)-d;
            out[i] = d;
            sum += d < opposite ? d : opposite;
        }
        total += sum;
    }
    return total;
}

void nf_png_filter(int bpp, const uint8_t *row, const uint8_t *up, size_t bytes, uint8_t *out,
                   uint8_t *spare)
{
    static const uint8_t none[8];
    size_t first = (size_t)bpp;
    uint64_t sub = subtract(row, none, first, out + 1);
    sub += subtract(row + first, row, bytes - first, out + 1 + first);
    out[0] = 1;
    if (up == NULL || subtract(row, up, bytes, spare) >= sub)
        return;
    out[0] = 2;
    memcpy(out + 1, spare, bytes);
}
