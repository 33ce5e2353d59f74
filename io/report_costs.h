/* report_costs.h - what the tables of costs and the sentences on them share: of measured costs
 * (study/costs.h), not of engine/cost.h's nominal ones. Internal to io/. */
#ifndef NF_REPORT_COSTS_H
#define NF_REPORT_COSTS_H

#include "io/report_parts.h"

/* Before each table: sentences that explain it, from its numbers. */
nf_report_writer nf_start_words, nf_share_words, nf_send_words, nf_kernel_send_words,
    nf_break_even_words, nf_memory_words;

/* "2×1", "2×1, 2 nodes". */
const char *nf_cost_layout_text(const nf_cost *of, char text[NF_CELL]);
bool nf_cost_same_layout(const nf_cost *a, const nf_cost *b);

/* "42%", "1,140%"; "0.51", "6.1", "330": two digits, above 100 three. */
const char *nf_share_text(double share, char text[NF_CELL]);
const char *nf_times_text(double factor, char text[NF_CELL]);

/* "171 µs"; where it is not firm, with its range: "171 µs (uncertain: 3.3 µs to 40 ms)". */
const char *nf_cost_time_text(const nf_costing *cost, int digits, char text[NF_CELL]);

/* Those of a kind that decide, one after another: the first after NULL; NULL: there are no more. */
const nf_costing *nf_costing_next(const nf_report *report, nf_cost_kind kind,
                                  const nf_costing *last);

/* Break-even: more workers are shown to be faster from there on, and one worker at no size. */
bool nf_costing_at_once(const nf_costing *cost);
/* Break-even: one worker is shown to be faster at every size that was tried. */
bool nf_costing_nowhere(const nf_costing *cost);

/* Seconds in which one worker does the group's work; 0: there is no such point that counts. */
double nf_group_serial(const nf_group *group);
/* Bytes of the group's input; 0: it is a range of indices, or weak scaling's. */
double nf_group_bytes(const nf_group *group);
/* "contiguous", "contiguous, 2 nodes". */
const char *nf_way_text(const nf_cost *of, char text[NF_CELL]);
/* Whether bytes go from one place to another; else they are read where they lie. */
bool nf_cost_moves(const nf_cost *of);
/* Of this way and layout what was measured at the size that is nearest, by ratio, to so many bytes. */
const nf_costing *nf_send_nearest(const nf_report *report, const nf_costing *way, double bytes);
/* How long so many bytes would take by it: in proportion to the bytes where they are moved. */
double nf_send_seconds(const nf_costing *nearest, double bytes);

#endif
