/* chain.h - kernels as typed: `gaussian:sigma=2 | sobel | stats`, parsed, checked and set up.
 *
 * Grammar: stage { `|` stage }; stage: name [ `:` parameter { `,` parameter } ]; parameter:
 * key `=` value. A comma that is not followed by `key=` belongs to the value, so lists are written
 * `mask=0,-1,0,-1,5,-1,0,-1,0`. White space around names, keys and values is ignored. Any number of
 * maps comes first, at most one reduction last; an index range stands alone. The name of an alias
 * stands for a chain, whose stages take its place: stages and texts are what it became. */
#ifndef NF_CHAIN_H
#define NF_CHAIN_H

#include "drivers/engine/status.h"

typedef struct nf_stage {
    const nf_kernel *kernel;
    nf_value *values; /* one a parameter */
    char *text;       /* name and every parameter, as it could be typed */
    char *within;     /* the alias that it is part of, as typed; NULL: none */
    size_t origin;    /* there: the first stage of the innermost alias's chain */

    /* Set by nf_chain_prepare. */
    nf_setup setup;
    nf_border border; /* how the input goes on beyond its edges */
    double border_value;
    bool
        fills; /* it has a halo and does not wrap: cells beyond the edges must be filled in before it */
} nf_stage;

typedef struct nf_chain {
    nf_stage *stages;
    size_t count;
    char *typed; /* as given */
    char *text;  /* the stages' texts, joined by ` | ` */
} nf_chain;

/* Errors (NF_ERR_PARAM): empty stage, unknown kernel (names the nearest), unknown, repeated,
 * missing or malformed parameter, value out of range, a reduction before the end, a map of two inputs
 * outside an alias. What goes wrong within an alias has before it what was typed. Caller frees the
 * chain, also after an error. */
nf_status nf_chain_parse(const char *typed, nf_chain *chain);
void nf_chain_free(nf_chain *chain);

/* Sets up each stage for the output of the one before, the first for *in (ranges: in is not used
 * and may be NULL). May be called again for another shape. Errors: NF_ERR_SHAPE where a kernel does
 * not take the type or the number of dimensions, and whatever its prepare says. */
nf_status nf_chain_prepare(nf_chain *chain, const nf_shape *in);

/* Whether the kernel gives an array, not numbers. */
bool nf_kernel_maps(const nf_kernel *kernel);
/* The number of leading stages that give arrays; stages[maps] is the reduction or range, if maps <
 * count. */
size_t nf_chain_maps(const nf_chain *chain);
bool nf_chain_is_range(const nf_chain *chain);
bool nf_chain_waits(const nf_chain *chain); /* a range whose kernel waits rather than computes */

/* Whether a prepared stage is a map that surveys its input; whether it does so after `done` steps;
 * whether it is a reduction that may look more than once. */
bool nf_stage_surveys(const nf_stage *stage);
bool nf_stage_surveys_after(const nf_stage *stage, int64_t done);
bool nf_stage_relooks(const nf_stage *stage);

/* Calls its kernel's learn on its configuration. */
bool nf_stage_learn(const nf_stage *stage, const void *partial);

#endif
