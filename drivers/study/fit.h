/* fit.h - linear least squares of a few columns. Pure functions. */
#ifndef NF_FIT_H
#define NF_FIT_H

#include <stdbool.h>
#include <stddef.h>

enum { NF_FIT_COLUMNS = 3, NF_FIT_ROWS = 256 };

typedef enum nf_sign { NF_ANY_SIGN, NF_NON_NEGATIVE } nf_sign;

/* Minimises the sum over r of (sum over k of a[r][k] c[k] - y[r])^2, by modified Gram-Schmidt with
 * y as a last column (Bjorck, BIT 7, 1967: backward stable). a: rows x columns, row by row; rows up
 * to NF_FIT_ROWS, columns up to NF_FIT_COLUMNS. NF_NON_NEGATIVE: with all c >= 0, the least of all
 * subsets of the columns whose own solution is positive (so few are tried one by one; what Lawson &
 * Hanson's NNLS, Solving Least Squares Problems, ch. 23, finds). False: the columns depend on one
 * another, or there are fewer rows than columns; c is then not set. */
bool nf_fit(const double *a, const double *y, size_t rows, size_t columns, nf_sign sign, double *c);

#endif
