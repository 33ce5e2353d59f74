/* chain_parts.h - what parsing a chain is made of: values, and the chains that names stand for. */
#ifndef NF_CHAIN_PARTS_H
#define NF_CHAIN_PARTS_H

#include <stdio.h>

#include "drivers/engine/chain.h"

/* ---- chain_value.c: one parameter's value ---- */

size_t nf_params_count(const nf_kernel *kernel);

/* Sets the value of the stage's parameter number `index` to what `text` says. Errors (NF_ERR_PARAM):
 * no number, none of the choices, out of range; NF_ERR_MEMORY. */
nf_status nf_value_parse(const nf_stage *stage, size_t index, const char *text);
/* As it could be typed. */
void nf_value_write(FILE *out, const nf_param *param, const nf_value *value);

/* Cuts white space off both ends of text, in place; returns where it begins. */
char *nf_trim(char *text);

/* ---- chain_expand.c: aliases ---- */

/* The chain that an alias's stage stands for, its own values put in; the caller frees it. Errors:
 * NF_ERR_PARAM where the expansion names a parameter that there is not, NF_ERR_MEMORY. */
nf_status nf_alias_expand(const nf_stage *stage, char **text);

/* Whether stage number `first` is the first of an alias's chain with a map of two inputs in it. */
bool nf_alias_begins(const nf_chain *chain, size_t first);
/* Whether stage i stands from there to such a map, both included. */
bool nf_alias_spans(const nf_chain *chain, size_t i);

/* Puts what was typed before the message, where the stage is part of an alias. Returns status. */
nf_status nf_alias_blame(const nf_stage *stage, nf_status status);

/* Maps of two inputs stand in aliases alone, and not first. Errors: NF_ERR_PARAM. */
nf_status nf_alias_check_place(const nf_chain *chain, size_t i);
/* Once stage i is prepared: what a map of two inputs reads is of one shape and type. Errors:
 * NF_ERR_SHAPE. */
nf_status nf_alias_check_inputs(const nf_chain *chain, size_t i);

#endif
