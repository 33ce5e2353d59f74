/* pnm.h - what the formats of netpbm's family share. Included by pnm*.c alone. */
#ifndef NF_PNM_H
#define NF_PNM_H

#include <stdio.h>

#include "drivers/engine/shape.h"
#include "drivers/engine/status.h"

typedef struct nf_pnm {
    int kind; /* '1' to '7' */
    int64_t width, height, channels, maxval;
    int64_t offset; /* of the samples */
} nf_pnm;

/* Whether a file begins as one of these kinds of PNM. */
bool nf_pnm_magic(const unsigned char *head, size_t bytes, const char *kinds);

/* The next character that is no part of a comment, which ends with its line; EOF at the end. */
int nf_pnm_next(FILE *file);

/* The next whole number of a header, or of an image in text, and one character behind it; comments
 * are passed over. -1: there is none, or it is above `most`. */
int64_t nf_pnm_number(FILE *file, int64_t most);

/* Reads and checks a header. */
nf_status nf_pnm_header(FILE *file, const char *name, nf_pnm *pnm, nf_shape *shape);

/* Samples of 0 to maxval to the whole range of their type, in place. */
void nf_pnm_scale(int64_t maxval, nf_dtype dtype, int64_t count, void *samples);

#endif
