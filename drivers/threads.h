/* threads.h - how many threads a run has where the user has not said it: as many of the cores that it
 * may use as are worth their start, by the machine's numbers that advise keeps, or by nominal ones.
 * Nothing is measured, and no bit of a result hangs on it. */
#ifndef NF_THREADS_H
#define NF_THREADS_H

#include "drivers/cli.h"

/* Collective. Sets cli->world.threads for these chains over one array from a file (ranges: in NULL), by
 * their nominal work, that of reading and writing among it. --explain says which number it is, and why.
 * A chain that does not suit the array changes nothing: the plan says what is wrong with it. */
void nf_threads_for_chains(nf_cli *cli, const nf_shape *in, nf_chain *chains, size_t count);

/* Collective. For so many items, of all ranks, each by one thread: no more than there are items. */
void nf_threads_for_items(nf_cli *cli, size_t items);

#endif
