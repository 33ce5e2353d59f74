/* montecarlo.c - two expectations by random sampling, without an array: pi, as four times the part
 * of points of the unit square within the quarter of the unit circle; and the price of a European
 * call option, as its discounted mean payoff under geometric Brownian motion.
 *
 * Sample i is a function of the seed and i alone (philox.h); two samples share a block of random
 * bits. Of pi, points have integer coordinates, the midpoints of 2^32 intervals, and are counted: a
 * point (x + 1/2, y + 1/2) is within the circle of radius 2^32 if and only if x (x + 1) + y (y + 1)
 * < 2^64, that is, if this sum of two 64-bit integers does not overflow. Of the option, a pair of
 * samples is a pair of normal variates by Box and Muller (Annals of Mathematical Statistics 29,
 * 1958), by functions that have the same bits everywhere (elementary.h), and payoffs and their
 * squares are summed exactly: in any order. Beside the estimate stand its standard error, and the
 * closed form: pi, or the price by Black and Scholes (Journal of Political Economy 81, 1973). */
#include <math.h>

#include "kernels/elementary.h"
#include "kernels/exact.h"
#include "kernels/isa.h"
#include "kernels/kernel.h"
#include "kernels/philox.h"

enum { PI, OPTION };

enum { BLOCKS = 2048 }; /* of random bits, at a time */

typedef struct montecarlo_config {
    uint64_t n, seed;
    bool option;
    double spot, strike, rate, volatility, years;
    double drift, spread; /* the logarithm of the final price's factor is drift + spread * normal */
} montecarlo_config;

typedef struct montecarlo_partial {
    int64_t inside;
    nf_exact payoffs, squares; /* option only, not discounted */
} montecarlo_partial;

static nf_status prepare(nf_setup *setup)
{
    const nf_value *v = setup->values;
    montecarlo_config *c = setup->alloc(setup, sizeof *c);
    if (c == NULL)
        return NF_ERR_MEMORY;
    *c = (montecarlo_config){.n = (uint64_t)v[0].integer,
                             .option = v[1].integer == OPTION,
                             .seed = (uint64_t)v[2].integer,
                             .spot = v[3].real,
                             .strike = v[4].real,
                             .rate = v[5].real,
                             .volatility = v[6].real,
                             .years = v[7].real};
    c->drift = (c->rate - c->volatility * c->volatility / 2) * c->years;
    c->spread = c->volatility * sqrt(c->years);
    setup->config = c;
    setup->indices = v[0].integer;
    setup->partial_bytes =
        c->option ? sizeof(montecarlo_partial) : offsetof(montecarlo_partial, payoffs);
    setup->flops_per_cell = c->option ? 90 : 25;
    setup->bytes_per_cell = 0;
    return NF_OK;
}

/* ---- samples ---- */

/* Whether the point whose coordinates are the halves of `word` is within the circle. */
static inline uint64_t is_inside(uint64_t word)
{
    uint64_t x = (uint32_t)word, y = word >> 32, square = x * (x + 1);
    return square + y * (y + 1) >= square;
}

static int64_t count_inside(const uint64_t *word, size_t n)
{
    uint64_t count = 0;
    for (size_t i = 0; i < n; i++)
        count += is_inside(word[i]);
    return (int64_t)count;
}

/* The payoff after a normal step. */
static inline double payoff(const montecarlo_config *c, double normal)
{
    double gain = c->spot * nf_exp(c->drift + c->spread * normal) - c->strike;
    return gain > 0 ? gain : 0;
}

/* The payoffs of samples of n blocks: `even` and `odd` hold random words. The first word says how
 * far out a point of the normal distribution of the plane lies; the second, in which direction: the
 * upper two bits the quarter, around an axis, the others where within it. */
static void find_payoffs(const montecarlo_config *conf, size_t n, const uint64_t *restrict even,
                         const uint64_t *restrict odd, double *restrict pays)
{
    const montecarlo_config c = *conf;
    for (size_t i = 0; i < n; i++) {
        double radius = sqrt(-2 * nf_log(nf_uniform(even[i])));
        nf_direction d = nf_direction_of(nf_uniform(odd[i] << 2) - 0.5);
        double along = odd[i] >> 63 ? -d.cosine : d.cosine;
        bool swap = odd[i] >> 62 & 1;
        pays[2 * i] = payoff(&c, radius * (swap ? d.sine : along));
        pays[2 * i + 1] = payoff(&c, radius * (swap ? along : d.sine));
    }
}

/* Samples [first, first + n), all of these blocks but the first or last one. */
static void add_samples(const montecarlo_config *c, uint64_t first, size_t n,
                        montecarlo_partial *partial)
{
    uint64_t even[BLOCKS], odd[BLOCKS];
    size_t skip = first % 2, blocks = (skip + n + 1) / 2, evens = blocks - skip;
    nf_philox_fill(c->seed, 0, first / 2, blocks, even, odd);
    if (c->option) {
        double pays[2 * BLOCKS];
        find_payoffs(c, blocks, even, odd, pays);
        nf_exact_sum_f64(&partial->payoffs, pays + skip, n);
        nf_exact_sumsq_f64(&partial->squares, pays + skip, n);
    } else {
        partial->inside += count_inside(even + skip, evens) + count_inside(odd, n - evens);
    }
}

static void apply(const nf_tile *tile, const void *config, void *partial)
{
    uint64_t end = (uint64_t)(tile->lo[2] + tile->size[2]);
    for (uint64_t i = (uint64_t)tile->lo[2]; i < end;) {
        uint64_t room = 2 * BLOCKS - i % 2, n = end - i < room ? end - i : room;
        add_samples(config, i, (size_t)n, partial);
        i += n;
    }
}

static void fold(void *into, const void *next, const void *config)
{
    const montecarlo_config *c = config;
    montecarlo_partial *a = into;
    const montecarlo_partial *b = next;
    a->inside += b->inside;
    if (!c->option)
        return;
    nf_exact_fold(&a->payoffs, &b->payoffs);
    nf_exact_fold(&a->squares, &b->squares);
}

/* ---- results ---- */

/* The probability of a normal variate below x. */
static double normal_below(double x)
{
    return erfc(-x * sqrt(0.5)) / 2;
}

static double black_scholes(const montecarlo_config *c)
{
    double ratio = log(c->spot / c->strike) + c->rate * c->years;
    double d1 = ratio / c->spread + c->spread / 2, d2 = d1 - c->spread;
    return c->spot * normal_below(d1) - c->strike * exp(-c->rate * c->years) * normal_below(d2);
}

/* `mean` and `variance` (of the population) are those of one sample. */
static void send(const montecarlo_config *c, double mean, double variance, nf_sink *out)
{
    double scale = c->option ? nf_exp(-c->rate * c->years) : 4;
    out->real(out, "estimate", scale * mean);
    out->real(out, "std_error", scale * sqrt(variance / (double)(c->n - 1)));
    out->integer(out, "count", 0, c->n);
    out->real(out, "exact", c->option ? black_scholes(c) : acos(-1.0));
}

static void send_inside(const montecarlo_config *c, uint64_t inside, nf_sink *out)
{
    double p = (double)inside / (double)c->n;
    send(c, p, p * (1 - p), out);
}

static void finish(const void *partial, const void *config, nf_sink *out)
{
    const montecarlo_config *c = config;
    const montecarlo_partial *p = partial;
    if (c->option)
        send(c, nf_exact_mean(&p->payoffs, c->n), nf_exact_variance(&p->payoffs, &p->squares, c->n),
             out);
    else
        send_inside(c, (uint64_t)p->inside, out);
}

/* ---- the reference: one sample after the other, by the functions of the C library ---- */

static uint64_t naive_inside(const montecarlo_config *c)
{
    uint64_t inside = 0;
    for (uint64_t i = 0; i < c->n; i++) {
        nf_philox counter = {{(uint32_t)(i / 2), (uint32_t)(i / 2 >> 32), 0, 0}};
        nf_philox r = nf_philox_block(counter, (uint32_t)c->seed, (uint32_t)(c->seed >> 32));
        double x = r.word[i % 2 * 2] + 0.5, y = r.word[i % 2 * 2 + 1] + 0.5;
        inside += hypotl(x, y) < 0x1p32L;
    }
    return inside;
}

static double naive_payoff(const montecarlo_config *c, uint64_t i)
{
    nf_philox counter = {{(uint32_t)(i / 2), (uint32_t)(i / 2 >> 32), 0, 0}};
    nf_philox r = nf_philox_block(counter, (uint32_t)c->seed, (uint32_t)(c->seed >> 32));
    uint64_t far = r.word[0] | (uint64_t)r.word[1] << 32;
    uint64_t where = r.word[2] | (uint64_t)r.word[3] << 32;
    int quarter = (int)(where >> 62); /* around the right, upper, left, lower half of an axis */
    double u = ((double)(far >> 12) + 0.5) * 0x1p-52;
    double turns = ((double)(where << 2 >> 12) + 0.5) * 0x1p-52 - 0.5;
    static const double axis[] = {0, 1, 2, 3}, sense[] = {1, -1, -1, 1};
    double angle = acos(-1.0) / 2 * (axis[quarter] + sense[quarter] * turns);
    double normal = sqrt(-2 * log(u)) * (i % 2 == 0 ? cos(angle) : sin(angle));
    return fmax(c->spot * exp(c->drift + c->spread * normal) - c->strike, 0);
}

static void reference(const nf_cells *in, const void *config, nf_sink *out)
{
    (void)in;
    const montecarlo_config *c = config;
    if (!c->option) {
        send_inside(c, naive_inside(c), out);
        return;
    }
    long double mean = 0, squares = 0;
    for (uint64_t i = 0; i < c->n; i++)
        mean += naive_payoff(c, i) / (long double)c->n;
    for (uint64_t i = 0; i < c->n; i++) {
        long double off = naive_payoff(c, i) - mean;
        squares += off * off;
    }
    send(c, (double)mean, (double)(squares / (long double)c->n), out);
}

static const char *const whats[] = {"pi", "option", NULL};

static const nf_param params[] = {
    {"n", NF_PARAM_INTEGER, "samples", "1e7", 2, 0x1p40, NULL, "how many samples are drawn"},
    {"what", NF_PARAM_CHOICE, "", "pi", 0, 0, whats, "pi, or the price of a European call option"},
    {"seed", NF_PARAM_INTEGER, "", "1", 0, 0x1p53, NULL, "other seeds draw other samples"},
    {"spot", NF_PARAM_REAL, "money", "100", 1e-6, 1e9, NULL, "option: the price today"},
    {"strike", NF_PARAM_REAL, "money", "100", 1e-6, 1e9, NULL, "option: the price agreed upon"},
    {"rate", NF_PARAM_REAL, "1/year", "0.05", -1, 1, NULL, "option: continuous interest"},
    {"volatility", NF_PARAM_REAL, "year^-1/2", "0.2", 1e-6, 10, NULL,
     "option: the deviation of a year's logarithmic return"},
    {"years", NF_PARAM_REAL, "years", "1", 1e-6, 100, NULL, "option: the time until it expires"},
    {0}};

const nf_kernel NF_ISA_NAME(nf_kernel_montecarlo) = {
    .name = "montecarlo",
    .summary = "pi, or an option's price, by random sampling, without an array",
    .kind = NF_RANGE,
    .params = params,
    .prepare = prepare,
    .apply = {[NF_NONE] = apply},
    .fold = fold,
    .any_order = true,
    .adds = true,
    .finish = finish,
    .reference = reference,
    .tolerance = 1e-11,
    .grows = "n",
};
