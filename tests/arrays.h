/* arrays.h - arrays made up for the tests: deterministic, with structure, the same on every rank.
 */
#ifndef NF_TEST_ARRAYS_H
#define NF_TEST_ARRAYS_H

#include "drivers/engine/shape.h"

/* The value of element i of an array of this type: integers over their whole range, floats of both
 * signs over some orders of magnitude. */
double nf_test_value(nf_dtype dtype, int64_t i);
void nf_test_store(nf_dtype dtype, void *element, double value);

/* A dense array; the caller frees it. NULL when memory is exhausted. */
void *nf_test_array(const nf_shape *shape);

nf_shape nf_test_shape(int64_t planes, int64_t rows, int64_t columns, int channels, nf_dtype dtype);

#endif
