#include "io/advice.h"

#include <math.h>

#include "drivers/engine/status.h"
#include "drivers/study/sample.h"
#include "io/json_text.h"

/* ---- for people ---- */

static void print_choice(const nf_advised *a, size_t i, FILE *out)
{
    const nf_choice *c = &a->advice->choices[i];
    char how[96], start[NF_AMOUNT], run[NF_AMOUNT], files[NF_AMOUNT] = "", all[NF_AMOUNT];
    fprintf(out, "%c %-34s %9s %9s", i == a->advice->chosen && !a->advice->impossible ? '>' : ' ',
            nf_choice_text(c, how), nf_seconds_text(c->start, 3, start),
            nf_seconds_text(c->run, 3, run));
    if (a->work->command)
        fprintf(out, " %9s", nf_seconds_text(c->read + c->write, 3, files));
    if (a->work->command || a->work->runs > 0)
        fprintf(out, " %9s", nf_seconds_text(c->seconds, 3, all));
    fprintf(out, "  %8.2f  %9.0f%%%s\n", c->speedup, 100 * c->efficiency,
            c->fits ? "" : "  does not fit into memory");
}

/* What the commands below are worth by themselves, where that is another choice. */
static void print_alone(const nf_advice *a, FILE *out)
{
    const nf_choice *c = &a->choices[a->alone];
    char how[96], all[NF_AMOUNT];
    if (a->alone != a->chosen && !a->impossible)
        fprintf(out, "For one run by itself, with its start: %s (%s in all).\n",
                nf_choice_text(c, how), nf_seconds_text(c->start + c->run, 3, all));
}

void nf_advice_text(const nf_advised *a, FILE *out)
{
    bool whole = a->work->command || a->work->runs > 0;
    fprintf(out, "%s.\n", a->advice->sentence);
    print_alone(a->advice, out);
    fprintf(out, "\n  %-34s %9s %9s%s%s  %8s  %10s\n", "choice", "start", "a run",
            a->work->command ? "     files" : "", whole ? "       all" : "", "speed-up",
            "efficiency");
    for (size_t i = 0; i < a->advice->count; i++)
        print_choice(a, i, out);
    fputs("\nWhy:\n", out);
    for (size_t i = 0; i < a->advice->nturns; i++)
        fprintf(out, "  %zu. %s\n", i + 1, a->advice->turns[i].text);
    if (a->command != NULL)
        fprintf(out, "\nHow:\n  %s\n  %s\n", a->command, a->sbatch);
    fputc('\n', out);
    fprintf(out, "The chain was measured on %s", a->work->sample < 1 ? "a part of" : "all of");
    if (a->work->sample < 1)
        fprintf(out, " its work, %.2g%%; the machine's numbers: %s.\n", 100 * a->work->sample,
                a->origin);
    else
        fprintf(out, " its work; the machine's numbers: %s.\n", a->origin);
}

/* ---- for programs ---- */

/* JSON has no infinity. */
static json_t *number_of(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

static json_t *choice_of(const nf_choice *c)
{
    return json_pack("{s:s, s:i, s:i, s:i, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:b}", "way",
                     nf_way(c->ranks, c->threads), "nodes", c->nodes, "ranks", c->ranks, "threads",
                     c->threads, "start", c->start, "run", c->run, "read", c->read, "write",
                     c->write, "seconds", c->seconds, "speedup", c->speedup, "efficiency",
                     c->efficiency, "fits", c->fits);
}

/* One that is advised. */
static json_t *advised_of(const nf_advised *a, size_t i)
{
    return a->advice->impossible ? json_null() : choice_of(&a->advice->choices[i]);
}

static json_t *choices_of(const nf_advice *a)
{
    json_t *list = json_array();
    for (size_t i = 0; i < a->count; i++)
        json_array_append_new(list, choice_of(&a->choices[i]));
    return list;
}

static json_t *reasons_of(const nf_advice *a)
{
    json_t *list = json_array();
    for (size_t i = 0; i < a->nturns; i++)
        json_array_append_new(list, json_pack("{s:s, s:o}", "turn", a->turns[i].name, "text",
                                              nf_json_text(a->turns[i].text)));
    return list;
}

static json_t *machine_of(const nf_advised *a)
{
    const nf_calibration *m = a->machine;
    json_t *workers = json_array();
    for (size_t i = 0; i < m->steps; i++)
        json_array_append_new(workers,
                              json_pack("{s:i, s:f, s:f, s:f}", "workers", m->workers[i], "read",
                                        m->read[i], "flops", m->flops[i], "team", m->team[i]));
    return json_pack("{s:b, s:o, s:b, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:o}",
                     "measured", m->measured, "origin", nf_json_text(a->origin), "busy",
                     nf_calibration_busy(m), "load", m->load, "first_team", m->first_team,
                     "process", m->process, "launch", m->launch, "launch_rank", m->launch_rank,
                     "latency", m->latency, "bandwidth", m->bandwidth, "far_latency",
                     m->far_latency, "far_bandwidth", m->far_bandwidth, "workers", workers);
}

static json_t *limits_of(const nf_limits *l)
{
    return json_pack("{s:i, s:i, s:i, s:i, s:o, s:i, s:f, s:b, s:o}", "there", l->there,
                     "processors", l->processors, "allocated", l->allocated, "cores", l->cores,
                     "quota", number_of(l->quota), "nodes", l->nodes, "memory", l->memory, "mpirun",
                     l->launcher, "why_not",
                     l->why_not[0] != '\0' ? nf_json_text(l->why_not) : json_null());
}

static json_t *work_of(const nf_workload *w)
{
    return json_pack("{s:s, s:f, s:f, s:f, s:b, s:f, s:f}", "unit", w->unit, "amount", w->amount,
                     "bytes", w->bytes, "moved", w->moved, "command", w->command, "runs", w->runs,
                     "measured", w->sample);
}

nf_status nf_advice_json(const nf_advised *a, FILE *out)
{
    json_t *root = json_pack(
        "{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "chain",
        nf_json_text(a->chain), "size", nf_json_text(a->size), "input", nf_json_text(a->input),
        "output", nf_json_text(a->output), "advice", nf_json_text(a->advice->sentence), "choice",
        advised_of(a, a->advice->chosen), "alone", advised_of(a, a->advice->alone), "choices",
        choices_of(a->advice), "reasons", reasons_of(a->advice), "command",
        nf_json_text(a->command), "sbatch", nf_json_text(a->sbatch), "machine", machine_of(a),
        "limits", limits_of(a->limits), "work", work_of(a->work));
    if (root == NULL)
        return nf_fail(NF_ERR_MEMORY, "no memory for JSON");
    bool fine = json_dumpf(root, out, JSON_REAL_PRECISION(9)) == 0 && fputc('\n', out) != EOF;
    json_decref(root);
    return fine && !ferror(out) ? NF_OK : nf_fail(NF_ERR_FILE, "the advice cannot be written");
}
