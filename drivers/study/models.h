/* models.h - models of the time over the number of workers: fitted, compared, and followed a little
 * beyond what was measured. Pure functions.
 *
 * T is the time with p workers, of the same work (strong scaling) or of p / p0 times that of the fewest
 * workers, p0 (weak; measured times are brought to exactly that, in proportion). All coefficients are at least 0. What
 * is made small is the sum of the squares of the relative errors, T(p)/t - 1 (Park & Stefanski,
 * Statistics & Probability Letters 40, 1998): the noise of times grows with them, and they lie orders
 * of magnitude apart.
 *
 *   Amdahl       strong  T = a + b/p
 *   Gustafson    weak    p/T = a + b p: scaled speed-up p - s(p - 1) with s = a/(a + b)
 *   logarithm    strong  T = a + b/p + c log2 p; weak: T = a + c log2 p (a tree of messages)
 *   USL          strong  T = A/p + B(p-1)/p + C(p-1); weak: p times that. Gunther's X(p) = g p/(1 +
 *                        alpha(p-1) + beta p(p-1)) with alpha = B/A, beta = C/A (Guerrilla Capacity
 *                        Planning, 2007)
 *   PMNF         both    T = c0 + c1 p^i log2(p)^j, (i, j) of Extra-P's default pairs (Calotoiu et
 *                        al., SC'13), for strong scaling also its negative i with j = 0; those with
 *                        negative j are infinite at p = 1 and left out
 */
#ifndef NF_MODELS_H
#define NF_MODELS_H

#include <stdint.h>

#include "drivers/study/series.h"

/* In order of preference: of two that foretell alike, the earlier one is simpler. */
typedef enum nf_model_kind {
    NF_AMDAHL,
    NF_GUSTAFSON,
    NF_LOGARITHM,
    NF_USL,
    NF_PMNF,
    NF_MODELS
} nf_model_kind;

/* Fits with fewer points than this are shown with a warning (USL), or not made (PMNF). */
enum { NF_USL_POINTS = 6, NF_PMNF_POINTS = 5 };

typedef struct nf_model {
    nf_model_kind kind;
    nf_scaling scaling;
    double i, j; /* PMNF's exponents */
    double c[3]; /* in the order of the formulas above */
} nf_model;

double nf_model_seconds(const nf_model *model, double p);
/* "Amdahl", "USL", ...; "T = 0.1 + 2/p" with numbers. */
const char *nf_model_name(nf_model_kind kind);
enum { NF_MODEL_TEXT = 160 };
const char *nf_model_text(const nf_model *model, char text[NF_MODEL_TEXT]);

/* The workers beyond which a model's time rises again (strong) or its rate falls (weak), from its
 * formula: USL's sqrt((1 - alpha)/beta), the logarithm's b ln(2)/c. INFINITY: none; at least 1. */
double nf_model_peak(const nf_model *model);

typedef struct nf_fitted {
    bool known;       /* it was fitted */
    const char *note; /* why not, or what to mind; NULL: nothing */
    nf_model model;   /* to all points */
    double error; /* how well it foretells a point from the others: the mean over the points, each
                         left out in turn, of 2|f - t|/(f + t), the symmetric relative error that
                         Extra-P reports; of PMNF the pair is chosen anew each time */
} nf_fitted;

typedef struct nf_fits {
    nf_fitted of[NF_MODELS];
    int best; /* the model to use; -1: there is none */
} nf_fits;

/* Fits all models. One with k parameters needs k + 2 points (PMNF 5). The best is the first, in order
 * of preference, whose error is within one standard error (of the paired differences) of the least
 * (Breiman et al., Classification and Regression Trees, 1984, 3.4.3). At most NF_FIT_ROWS points. */
void nf_models_fit(const nf_series *series, nf_fits *fits);

/* The coefficients of a model whose kind, scaling and exponents are given. False: its terms cannot be
 * told apart at these points, or there are fewer points than coefficients. */
bool nf_model_fit(const nf_series *series, nf_model *model);

/* `n` copies of a fitted model, each fitted to medians of samples drawn anew (launches are drawn where
 * a point has several, then samples of those drawn); PMNF's pair stays. Equal seeds, equal copies.
 * false: a point has fewer than 6 samples, or there is no memory. */
bool nf_model_bootstrap(const nf_series *series, const nf_model *model, uint64_t seed,
                        nf_model *copies, size_t n);

/* How far beyond the largest point a model is followed. */
enum { NF_EXTRAPOLATION = 4 };

typedef struct nf_prediction {
    bool known;        /* false: further than NF_EXTRAPOLATION times the largest point, not asked */
    bool extrapolated; /* beyond the largest point */
    double seconds;
    nf_interval band; /* percentiles of the copies (Efron & Tibshirani 1993, ch. 13) */
} nf_prediction;

/* The time with p workers and the band of `level`. copies NULL: no band. */
nf_prediction nf_model_predict(const nf_model *model, const nf_series *series,
                               const nf_model *copies, size_t ncopies, double p, double level,
                               bool far);

#endif
