/* survey.c - looking at a whole field before a kernel goes on: a sweep that reduces, its partial folded
 * over threads and ranks so that all of them learn the same. */
#include <stdlib.h>

#include "drivers/engine/fold.h"
#include "drivers/engine/sweep.h"
#include "drivers/engine/team.h"

nf_status nf_survey_make(nf_pass *pass)
{
    const nf_stage *stage = pass->learns;
    nf_pass *survey = pass->survey = calloc(1, sizeof *survey);
    nf_partials *end = calloc(1, sizeof *end);
    if (survey == NULL || end == NULL) {
        free(end);
        return nf_fail(NF_ERR_MEMORY, "no memory for a survey");
    }
    *end = (nf_partials){.stage = stage, .surveys = true};
    *survey = (nf_pass){.cut = pass->cut,
                        .in = pass->in,
                        .out = pass->in,
                        .sweeps = stage->setup.looks,
                        .halo = stage->setup.halo,
                        .border = stage->border,
                        .border_value = stage->border_value,
                        .reduces = true,
                        .ends = end,
                        .nends = 1};
    if (pass->survey_every > 0)
        survey->sweeps = pass->sweeps / pass->survey_every;
    return NF_OK;
}

void nf_survey_free(nf_pass *survey)
{
    if (survey == NULL)
        return;
    nf_exchange_free(survey->exchange);
    free(survey->tiles);
    if (survey->ends != NULL) {
        free(survey->ends->memory);
        free(survey->ends->spare);
    }
    free(survey->ends);
    free(survey);
}

void nf_survey_begin(const nf_pass *pass)
{
    nf_stage_learn(pass->ends->stage, NULL);
}

bool nf_survey_learn(const nf_plan *plan, const nf_pass *pass)
{
    const nf_partials *end = pass->ends;
    nf_fold_threads(end);
    nf_fold_everywhere(&plan->world, end->stage, end->memory, end->spare);
    return nf_stage_learn(end->stage, end->memory);
}

bool nf_survey_look(nf_plan *plan, const nf_pass *pass, nf_field *from, const nf_field *with,
                    nf_times *times)
{
    nf_sweep s = {.plan = plan, .pass = pass, .from = from, .with = with};
    s.number = ++plan->sweeps;
    nf_start_partials(pass->ends);
    nf_run_sweep(&s, from, times);
    double start = nf_seconds();
    bool more = nf_survey_learn(plan, pass);
    times->fold += nf_seconds() - start;
    nf_steps_note(times->steps, NF_MEET_ALL, 0, 0);
    return more;
}
