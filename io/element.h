/* element.h - the types that elements have in files, and the way between them and nfold's. Internal
 * to io/, but for nf_element_type, which users may ask for. */
#ifndef NF_ELEMENT_H
#define NF_ELEMENT_H

#include "kernels/kernel.h"

typedef enum nf_element_type {
    NF_EL_NONE,
    NF_EL_U8,
    NF_EL_I8,
    NF_EL_U16,
    NF_EL_I16,
    NF_EL_U32,
    NF_EL_I32,
    NF_EL_F16,
    NF_EL_F32,
    NF_EL_F64,
    NF_EL_TYPES
} nf_element_type;

typedef struct nf_element {
    nf_element_type type;
    bool swapped; /* the bytes are in the other order than this machine's */
} nf_element;

size_t nf_element_size(nf_element_type type);       /* bytes; 0 for NF_EL_NONE */
const char *nf_element_name(nf_element_type type);  /* "i16" */
nf_element_type nf_element_named(const char *name); /* also "int16", "uint8", "float32"; or NONE */

/* The element type of nfold's own arrays, and the nfold type that elements are read as: the smallest
 * that holds every value exactly (i8 i16 f16 as f32, u32 i32 as f64). */
nf_element nf_element_native(nf_dtype dtype);
nf_dtype nf_element_dtype(nf_element_type type);

/* Whether elements are, byte for byte, what nfold holds in memory. */
bool nf_element_is_native(nf_element element);

/* From a file's bytes, at any address, to elements of nf_element_dtype, exactly. `to` may be the same
 * place if the sizes are equal; otherwise they do not overlap. */
void nf_element_decode(nf_element element, int64_t count, const void *from, void *to);

/* From nfold's type to a file's: integers rounded half to even and clipped to their range, NaN as 0;
 * floats rounded half to even. Places as above. */
void nf_element_encode(nf_element element, nf_dtype dtype, int64_t count, const void *from,
                       void *to);

#endif
