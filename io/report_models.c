/* Models of each group's time, and how far they are followed. */
#include <math.h>
#include <stdlib.h>

#include "io/report_parts.h"

static nf_status follow(const nf_report *report, const nf_group *group, nf_trend *trend)
{
    nf_status status = nf_series_make(report->study, report->points, report->npoints,
                                      group->points[0]->of, NULL, &trend->series);
    if (status != NF_OK)
        return status;
    nf_models_fit(&trend->series, &trend->fits);
    int best = trend->fits.best;
    if (best >= 0 && nf_model_bootstrap(&trend->series, &trend->fits.of[best].model, 1,
                                        trend->copies, NF_COPIES))
        trend->ncopies = NF_COPIES;
    return NF_OK;
}

nf_status nf_report_follow(nf_report *report)
{
    report->trends = calloc(report->ngroups + 1, sizeof *report->trends);
    if (report->trends == NULL)
        return nf_fail(NF_ERR_MEMORY, "no memory for the report's models");
    nf_status status = NF_OK;
    for (size_t g = 0; g < report->ngroups && status == NF_OK; g++)
        status = follow(report, &report->groups[g], &report->trends[g]);
    return status;
}

void nf_trends_free(nf_report *report)
{
    for (size_t g = 0; g < report->ngroups && report->trends != NULL; g++)
        nf_series_free(&report->trends[g].series);
    free(report->trends);
    report->trends = NULL;
}

nf_prediction nf_trend_at(const nf_trend *trend, int model, double p)
{
    bool banded = model == trend->fits.best && trend->ncopies > 0;
    if (model < 0 || !trend->fits.of[model].known)
        return (nf_prediction){.known = false};
    return nf_model_predict(&trend->fits.of[model].model, &trend->series,
                            banded ? trend->copies : NULL, banded ? trend->ncopies : 0, p, 0.95,
                            false);
}

/* ---- the table ---- */

static const nf_head heads[] = {
    {"Kernel", false},
    {"Model", false},
    {"T in seconds", false},
    {"Error", true},
    {"Workers", true},
    {"T there", true},
    {"2\u00d7, extrapolated", true},
    {"4\u00d7, extrapolated", true},
    {"Note", false},
};

/* "12.1 ms (12.0 ms to 12.3 ms)". */
static void time_cell(nf_sheet *sheet, const nf_trend *trend, int model, double p)
{
    nf_prediction at = nf_trend_at(trend, model, p);
    char time[NF_CELL], low[NF_CELL], high[NF_CELL];
    if (!at.known)
        nf_sheet_cell(sheet, "%s", nf_none);
    else if (at.band.known)
        nf_sheet_cell(sheet, "%s (%s to %s)", nf_seconds_text(at.seconds, 3, time),
                      nf_seconds_text(at.band.low, 3, low), nf_seconds_text(at.band.high, 3, high));
    else
        nf_sheet_cell(sheet, "%s", nf_seconds_text(at.seconds, 3, time));
}

static void model_row(nf_sheet *sheet, const char *title, const nf_trend *trend, int model)
{
    const nf_fitted *fitted = &trend->fits.of[model];
    const double last = trend->series.at[trend->series.n - 1].p;
    char text[NF_MODEL_TEXT];
    bool chosen = model == trend->fits.best;
    nf_sheet_row(sheet, chosen ? "chosen" : NULL);
    nf_sheet_cell(sheet, "%s", title);
    nf_sheet_cell(sheet, "%s%s", nf_model_name((nf_model_kind)model), chosen ? " (chosen)" : "");
    nf_sheet_cell(sheet, "%s", nf_model_text(&fitted->model, text));
    nf_sheet_cell(sheet, "%.1f%%", 100 * fitted->error);
    nf_sheet_cell(sheet, "%.0f", last);
    for (int far = 1; far <= NF_EXTRAPOLATION; far *= 2)
        time_cell(sheet, trend, model, far * last);
    nf_sheet_cell(sheet, "%s", fitted->note != NULL ? fitted->note : "");
}

nf_sheet nf_models_sheet(const nf_report *report)
{
    nf_sheet sheet = nf_sheet_of(heads, sizeof heads / sizeof *heads);
    for (size_t g = 0; g < report->ngroups; g++) {
        const nf_trend *trend = &report->trends[g];
        char *title = nf_group_text(&report->groups[g]);
        for (int m = 0; m < NF_MODELS; m++)
            if (trend->fits.of[m].known)
                model_row(&sheet, title != NULL ? title : report->groups[g].points[0]->of->label,
                          trend, m);
        free(title);
    }
    return sheet;
}
