/* report_export.h - a report's points in the formats of other tools. Internal to io/. */
#ifndef NF_REPORT_EXPORT_H
#define NF_REPORT_EXPORT_H

#include "io/report_parts.h"

/* Extra-P's JSON Lines (its docs/file-formats.md, "JSON Lines format"): one object a number of workers,
 * {"params": {"p"}, "callpath", "metric": "time", "value": [seconds of each sample]}, of the fastest points
 * that count, as the report's own models see them. */
nf_report_writer nf_extrap_strong, nf_extrap_weak;

/* Google Benchmark's JSON (its docs/user_guide.md and src/json_reporter.cc): "context" and "benchmarks", an
 * iteration a sample and an aggregate "median" a point, times in nanoseconds. "iterations": runs timed together;
 * "cpu_time": useful time of all threads of all ranks, the real time where that is not known. Points that are
 * invalid say "error_occurred". */
nf_report_writer nf_gbench;

/* A folder that TALP-Pages reads (DLB 3.5's JSON: bsc-pm/dlb, src/talp/talp_output.c and perf_metrics.c): DIR/
 * KERNEL/RANKSxTHREADS.json of each valid point with a balance, by the sample of the median time. MPI is what
 * ranks spend in halos, folds and waiting; OpenMP's load imbalance is idle time, its serialisation the
 * runtime's. */
nf_status nf_talp_write(const nf_report *report, const char *dir);

#endif
