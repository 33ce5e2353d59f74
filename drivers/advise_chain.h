/* advise_chain.h - how fast each way of this node runs a chain: measured in one launch of as many
 * ranks as there are cores, of which the others sleep. */
#ifndef NF_ADVISE_CHAIN_H
#define NF_ADVISE_CHAIN_H

#include "drivers/advise_args.h"
#include "drivers/study/advice.h"

/* Collective over the ranks of one node. Measures all ways of nf_advice_ways, in turn, and tells them on
 * standard output for advise_chain_take. */
nf_status advise_probe_chain(const nf_cli *cli, const advise_args *args);

/* Fills in work->way, ->ways and ->sample from what a process told; false: it is not whole. What went
 * wrong there, if it said so, is kept for nf_message. */
bool advise_chain_take(const char *text, nf_workload *work);

#endif
