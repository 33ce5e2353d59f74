/* runs.c - rows of cells as bits and runs: packed, joined, painted. */
#include <string.h>

#include "kernels/components.h"

/* ---- bytes to bits ---- */

/* Bit `shift` of each of 8 bytes, the first lowest: the product brings bit 8 k to 56 + k, and no two
 * of its terms meet. */
static inline uint64_t gather_bits(const uint8_t *bytes, int shift)
{
    uint64_t eight;
    memcpy(&eight, bytes, sizeof eight);
    return ((eight >> shift & UINT64_C(0x0101010101010101)) * UINT64_C(0x0102040810204080)) >> 56;
}

static inline uint64_t pack_word(const uint8_t *bytes, int shift)
{
    uint64_t word = 0;
    for (int k = 0; k < 8; k++)
        word |= gather_bits(bytes + 8 * k, shift) << (8 * k);
    return word;
}

static uint32_t pack(const uint8_t *bytes, int64_t cells, bool selective, uint64_t *members,
                     uint64_t *starts, uint64_t *seeds)
{
    uint64_t before = 0; /* the cell before the word is a member */
    uint32_t runs = 0;
    for (int64_t x = 0; x < cells; x += 64) {
        uint8_t last[64] = {0};
        const uint8_t *from = bytes + x;
        if (cells - x < 64)
            from = memcpy(last, from, (size_t)(cells - x));
        uint64_t word = pack_word(from, 0), apart = selective ? pack_word(from, 2) : 0;
        *members++ = word;
        *starts = word & (~(word << 1 | before) | apart);
        runs += (uint32_t)__builtin_popcountll(*starts++);
        before = word >> 63;
        if (seeds != NULL)
            *seeds++ = pack_word(from, 1);
    }
    return runs;
}

/* ---- the forest ---- */

/* Rem's algorithm, as Patwary, Blair and Manne give it (SEA 2010), with splicing. */
static inline void join(uint32_t *parent, uint32_t a, uint32_t b)
{
    uint32_t up_a = parent[a], up_b = parent[b];
    while (up_a != up_b) {
        if (up_a < up_b) {
            uint32_t t = a;
            a = b, b = t;
            t = up_a, up_a = up_b, up_b = t;
        }
        parent[a] = up_b;
        if (a == up_a)
            return;
        a = up_a;
        up_a = parent[a];
    }
}

typedef struct word_pair {
    uint64_t starts, starts_before; /* of the row and of the one before it */
    uint32_t run, run_before;       /* numbers of their first runs in this word, or after it */
} word_pair;

/* The run, in a word, of the last cell before bit `end` that has one. */
static inline uint32_t run_below(uint64_t starts, uint32_t first, uint64_t below)
{
    return first + (uint32_t)__builtin_popcountll(starts & below) - 1;
}

/* One link for each bit: of the run at it, in each row, or at the cell before it. */
static inline void join_bits(uint64_t links, const word_pair *w, bool left, bool left_before,
                             uint32_t *parent)
{
    for (; links != 0; links &= links - 1) {
        uint64_t below = (links & -links) - 1, upto = below << 1 | 1;
        join(parent, run_below(w->starts, w->run, left ? below : upto),
             run_below(w->starts_before, w->run_before, left_before ? below : upto));
    }
}

/* Of the links of a word (first cell x), those whose cells join. */
static uint64_t choose(uint64_t links, int64_t x, const nf_run_row *before, const nf_run_row *row,
                       const nf_row_link *link, bool left, bool left_before)
{
    uint64_t chosen = 0;
    for (uint64_t rest = links; rest != 0; rest &= rest - 1) {
        int64_t at = x + __builtin_ctzll(rest);
        const char *a = row->cells + (at - left) * (int64_t)link->cell_bytes;
        const char *b = before->cells + (at - left_before) * (int64_t)link->cell_bytes;
        if (link->joins(a, b, link->channels))
            chosen |= rest & -rest;
    }
    return chosen;
}

/* Links of the runs of one word. `last`, `last_before`: the members of the words before it. */
static inline void unite_word(const word_pair *w, uint64_t m, uint64_t m_before, uint64_t last,
                              uint64_t last_before, int64_t k, const nf_run_row *before,
                              const nf_run_row *row, const nf_row_link *link, uint32_t *parent)
{
    uint64_t on = m & ~w->starts, on_before = m_before & ~w->starts_before; /* runs go on */
    uint64_t both = m & m_before;
    uint64_t straight = both & ~((both << 1 | (last & last_before) >> 63) & on & on_before);
    uint64_t falling = w->starts & (m_before << 1 | last_before >> 63) & ~on_before;
    uint64_t rising = w->starts_before & (m << 1 | last >> 63) & ~on;
    if (!link->columns)
        falling = rising = 0;
    if (link->joins != NULL) {
        straight = choose(straight, 64 * k, before, row, link, false, false);
        falling = choose(falling, 64 * k, before, row, link, false, true);
        rising = choose(rising, 64 * k, before, row, link, true, false);
    }
    join_bits(straight, w, false, false, parent);
    join_bits(falling, w, false, true, parent);
    join_bits(rising, w, true, false, parent);
}

/* The same runs in both rows: each that begins in the word gets the parent of the one before it. */
static inline void take_parents(uint32_t *restrict to, const uint32_t *restrict from, int runs)
{
    for (int k = 0; k < runs; k++)
        to[k] = from[k];
}

/* Runs that share columns are linked at the first of these; those that touch at a corner at the start
 * of the right one. */
static void unite(const nf_run_row *before, const nf_run_row *row, int64_t words,
                  const nf_row_link *link, uint32_t *parent)
{
    word_pair w = {.run = row->first, .run_before = before->first};
    bool copies = link->fresh && link->joins == NULL;
    uint64_t last = 0, last_before = 0; /* the members of the word before */
    for (int64_t k = 0; k < words; k++) {
        uint64_t m = row->members[k], m_before = before->members[k];
        w.starts = row->starts[k], w.starts_before = before->starts[k];
        int runs = __builtin_popcountll(w.starts);
        if (copies && m == m_before && w.starts == w.starts_before)
            take_parents(parent + w.run, parent + w.run_before, runs);
        else
            unite_word(&w, m, m_before, last, last_before, k, before, row, link, parent);
        w.run += (uint32_t)runs;
        w.run_before += (uint32_t)__builtin_popcountll(w.starts_before);
        last = m, last_before = m_before;
    }
}

static uint32_t count(const uint32_t *parent, uint32_t lo, uint32_t hi)
{
    uint32_t roots = 0;
    for (uint32_t i = lo; i < hi; i++)
        roots += parent[i] == i;
    return roots;
}

/* Nothing is branched over: where the roots are cannot be guessed. */
static uint32_t number(uint32_t *parent, uint32_t begin, uint32_t lo, uint32_t hi,
                       uint32_t component)
{
    for (uint32_t i = lo; i < hi; i++) {
        uint32_t up = parent[i], inside = parent[up >= begin ? up : i];
        bool root = up == i;
        parent[i] = root ? NF_ROOT | component : inside;
        component += root;
    }
    return component;
}

/* ---- painting ---- */

/* Elements from x on get `value`, some beyond `end` too if they are in the row: what comes after them
 * is painted later. */
#define PAINT(T, WIDE)                                                                             \
    static inline void fill_##T(T *out, int64_t x, int64_t end, int64_t cells, T value)            \
    {                                                                                              \
        for (; x < end && x + WIDE <= cells; x += WIDE)                                            \
            for (int i = 0; i < WIDE; i++)                                                         \
                out[x + i] = value;                                                                \
        for (; x < end; x++)                                                                       \
            out[x] = value;                                                                        \
    }                                                                                              \
    static void paint_##T(const nf_run_row *row, int64_t cells, const uint32_t *parent,            \
                          const T *values, T *out)                                                 \
    {                                                                                              \
        T value = 0;                                                                               \
        int64_t from = 0;                                                                          \
        uint32_t run = row->first;                                                                 \
        uint64_t last = 0;                                                                         \
        for (int64_t k = 0; 64 * k < cells; k++) {                                                 \
            uint64_t m = row->members[k], starts = row->starts[k];                                 \
            uint64_t changes = starts | (~m & (m << 1 | last >> 63));                              \
            for (; changes != 0; changes &= changes - 1) {                                         \
                int64_t x = 64 * k + __builtin_ctzll(changes);                                     \
                fill_##T(out, from, x, cells, value);                                              \
                bool begins = (starts & changes & -changes) != 0;                                  \
                value = begins ? values[nf_run_component(parent, run)] : 0;                        \
                run += begins;                                                                     \
                from = x;                                                                          \
            }                                                                                      \
            last = m;                                                                              \
        }                                                                                          \
        fill_##T(out, from, cells, cells, value);                                                  \
    }

PAINT(uint8_t, 16)
PAINT(uint16_t, 16)
PAINT(uint32_t, 16)
PAINT(uint64_t, 8)

static void paint(const nf_run_row *row, int64_t cells, const uint32_t *parent, size_t size,
                  const void *values, void *out)
{
    switch (size) {
    case 1:
        paint_uint8_t(row, cells, parent, values, out);
        break;
    case 2:
        paint_uint16_t(row, cells, parent, values, out);
        break;
    case 4:
        paint_uint32_t(row, cells, parent, values, out);
        break;
    default:
        paint_uint64_t(row, cells, parent, values, out);
        break;
    }
}

const nf_run_loops NF_RUN_LOOPS = {
    .pack = pack, .unite = unite, .count = count, .number = number, .paint = paint};
