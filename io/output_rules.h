/* output_rules.h - which outputs there can be. Internal to io/. */
#ifndef NF_OUTPUT_RULES_H
#define NF_OUTPUT_RULES_H

#include "io/format.h"

/* Not collective: before any work, the format of an output, if it can hold the array and do what is
 * asked of it, is not the input, and may be written. Errors: NF_ERR_USAGE for what the format cannot do,
 * NF_ERR_SHAPE for arrays that it cannot hold, NF_ERR_FILE for places. */
nf_status nf_output_check(const nf_path *path, const char *typed, const char *input_typed,
                          const nf_shape *shape, const nf_output *output, const nf_format **format);

#endif
