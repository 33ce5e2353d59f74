/* points.csv (RFC 4180). */
#include <inttypes.h>
#include <math.h>

#include "io/report_parts.h"

void nf_csv_string(FILE *out, const char *text)
{
    putc('"', out);
    for (; *text != '\0'; text++) {
        if (*text == '"')
            putc('"', out);
        putc(*text, out);
    }
    putc('"', out);
}

void nf_csv_number(FILE *out, bool known, double value)
{
    if (known && isfinite(value))
        fprintf(out, ",%.12g", value);
    else
        putc(',', out);
}

/* ",low,high". */
static void csv_interval(FILE *out, bool known, const nf_interval *interval)
{
    nf_csv_number(out, known && interval->known, interval->low);
    nf_csv_number(out, known && interval->known, interval->high);
}

static void csv_identity(FILE *out, const nf_point *point)
{
    const nf_sample *of = point->of;
    char size[NF_SHAPE_TEXT];
    nf_csv_string(out, of->label);
    putc(',', out);
    nf_csv_string(out, of->kernel);
    fprintf(out, ",%s,%s,%d,%d,%d,%d,", of->scaling == NF_STRONG ? "strong" : "weak",
            nf_point_way(point), of->nodes, of->ranks, of->threads, nf_point_workers(point));
    nf_csv_string(out, nf_size_text(&of->shape, size));
    fprintf(out, ",%" PRId64, of->work);
}

static void csv_times(FILE *out, const nf_row *row)
{
    const nf_point *point = row->point;
    const nf_phases *phases = &point->phases;
    bool speedup = nf_point_compared(point);
    fprintf(out, ",%zu,%zu,%s", point->n, row->detail->launches, nf_end_words(row->detail->end));
    nf_csv_number(out, true, point->seconds);
    csv_interval(out, true, &point->interval);
    nf_csv_number(out, point->valid, (double)point->of->work / point->seconds);
    nf_csv_number(out, speedup, speedup ? nf_point_workers(point->base) : 0);
    nf_csv_number(out, speedup, point->speedup);
    csv_interval(out, speedup, &point->speedup_interval);
    nf_csv_number(out, speedup, point->efficiency);
    csv_interval(out, speedup, &row->detail->efficiency);
    nf_csv_number(out, speedup, row->detail->serial);
    csv_interval(out, speedup, &row->detail->serial_interval);
    const double times[] = {phases->compute, phases->halo,    phases->fold, phases->wait,
                            phases->idle,    phases->runtime, phases->io};
    for (size_t i = 0; i < sizeof times / sizeof *times; i++)
        nf_csv_number(out, true, times[i]);
}

static void csv_details(FILE *out, const nf_row *row)
{
    const nf_detail *detail = row->detail;
    bool valid = row->point->valid, pop = valid && detail->pop.known;
    for (int k = 0; k < NF_EFFICIENCIES; k++)
        nf_csv_number(out, pop, detail->pop.of[k]);
    nf_csv_number(out, valid, detail->pop.io);
    nf_csv_number(out, pop, detail->pop.slowest);
    nf_csv_number(out, valid && detail->bandwidth > 0, detail->bandwidth);
    nf_csv_number(out, valid && detail->flops > 0, detail->flops);
    double roof = fmax(detail->memory_share, detail->flops_share);
    nf_csv_number(out, valid && roof > 0, roof);
    nf_csv_number(out, true, detail->core_hours);
}

nf_status nf_report_csv(const nf_report *report, FILE *out)
{
    fputs("label,kernel,scaling,way,nodes,ranks,threads,workers,size,work,n,launches,ended_by,"
          "median_s,low_s,high_s,work_per_s,base_workers,speedup,speedup_low,speedup_high,"
          "efficiency,efficiency_low,efficiency_high,serial,serial_low,serial_high,compute_s,"
          "halo_s,fold_s,wait_s,idle_s,runtime_s,io_s,pop_global,pop_parallel,pop_balance,"
          "pop_balance_ranks,pop_balance_threads,pop_serialisation,pop_transfer,pop_computation,"
          "io_share,slowest_rank,bytes_per_s,flop_per_s,roof_share,core_hours,valid,"
          "oversubscribed,counts\r\n",
          out);
    for (size_t g = 0; g < report->ngroups; g++)
        for (size_t i = 0; i < report->groups[g].n; i++) {
            nf_row row = nf_report_row(report, report->groups[g].points[i]);
            csv_identity(out, row.point);
            csv_times(out, &row);
            csv_details(out, &row);
            fprintf(out, ",%d,%d,%d\r\n", row.point->valid, row.point->oversubscribed,
                    nf_point_counts(row.point));
        }
    return NF_OK;
}
