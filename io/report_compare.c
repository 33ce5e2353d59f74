#include "io/report_compare.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "io/report_parts.h"

static const char *const verdicts[] = {
    [NF_NOT_SHOWN] = "no difference shown", [NF_FASTER] = "faster", [NF_SLOWER] = "slower"};
static const char *const evidence[] = {[NF_BY_NOTHING] = "nothing",
                                       [NF_BY_LAUNCHES] = "launches",
                                       [NF_BY_PAIRS] = "pairs",
                                       [NF_BY_NOISE] = "noise"};

static size_t count(const nf_comparison *comparison, nf_verdict verdict)
{
    size_t n = 0;
    for (size_t i = 0; i < comparison->n; i++)
        n += comparison->list[i].verdict == verdict;
    return n;
}

size_t nf_compare_failures(const nf_comparison *comparison)
{
    size_t n = 0;
    for (size_t i = 0; i < comparison->n; i++)
        n += comparison->list[i].fails;
    return n;
}

/* ---- the table ---- */

/* A title, in a line of its own however long, wherever the kernel, the scaling or (strong) the size changes. */
static void table_title(const nf_difference *d, const nf_difference *before, FILE *out)
{
    const nf_point *one[] = {d->a}, *other[] = {before == NULL ? NULL : before->a};
    nf_group group = {one, 1}, last = {other, 1};
    char *title = nf_group_text(&group), *above = before == NULL ? NULL : nf_group_text(&last);
    if (title != NULL && (above == NULL || strcmp(title, above) != 0)) {
        fprintf(out, "%s\n", title);
    }
    free(title);
    free(above);
}

static void table_row(const nf_difference *d, FILE *out)
{
    char text[NF_CELL], size[NF_SHAPE_TEXT];
    fputs("  ", out);
    nf_table_field(out, nf_point_way(d->a), -7);
    putc(' ', out);
    nf_table_field(out, nf_layout_text(d->a, text), -6);
    nf_table_field(out, nf_size_text(&d->a->of->shape, size), 17);
    putc(' ', out);
    nf_table_field(out, nf_seconds_text(d->a->seconds, 4, text), 9);
    putc(' ', out);
    nf_table_field(out, nf_seconds_text(d->b->seconds, 4, text), 9);
    fprintf(out, " %6.3f ", d->ratio);
    if (d->interval.known)
        snprintf(text, sizeof text, "%.3f-%.3f", d->interval.low, d->interval.high);
    else
        snprintf(text, sizeof text, "\u2013");
    nf_table_field(out, text, 13);
    snprintf(text, sizeof text, d->by == NF_BY_NOTHING ? "\u2013" : "%.2g", d->p);
    putc(' ', out);
    nf_table_field(out, text, 7);
    fprintf(out, "  %s\n", d->verdict == NF_NOT_SHOWN ? "not shown" : verdicts[d->verdict]);
}

/* ---- sentences ---- */

static const char *plural(size_t n)
{
    return n == 1 ? "" : "s";
}

static void say_counts(const nf_compared *c, FILE *out)
{
    const nf_comparison *all = c->comparison;
    size_t faster = count(all, NF_FASTER), slower = count(all, NF_SLOWER);
    fprintf(
        out,
        "%zu point%s compared, second study beside the first, at the %g%% level over all of them "
        "together (Holm):\n%zu slower, %zu faster, %zu no difference shown.\n",
        all->n, plural(all->n), 100 * c->options->level, slower, faster, count(all, NF_NOT_SHOWN));
    if (all->only_a + all->only_b + all->left_out == 0)
        return;
    fprintf(out,
            "Not compared: %zu point%s of the first study alone, %zu of the second alone, %zu "
            "invalid or oversubscribed.\n",
            all->only_a, plural(all->only_a), all->only_b, all->left_out);
}

static void say_point(const nf_difference *d, double level, FILE *out)
{
    char layout[NF_CELL];
    const nf_point *one[] = {d->a};
    nf_group group = {one, 1};
    char *title = nf_group_text(&group);
    fprintf(out, "%s, %s (%s): %.3g times the time", title != NULL ? title : d->a->of->label,
            nf_point_way(d->a), nf_layout_text(d->a, layout), d->ratio);
    if (d->interval.known)
        fprintf(out, ", %g%% interval %.3g to %.3g", 100 * level, d->interval.low,
                d->interval.high);
    fprintf(out, ", p = %.2g: %s%s.\n", d->p, verdicts[d->verdict],
            d->fails ? ", by more than is allowed" : "");
    free(title);
}

/* The evidence that points share, and what it would take to show more. */
static void say_evidence(const nf_compared *c, FILE *out)
{
    const nf_difference *d = &c->comparison->list[0];
    if (d->by == NF_BY_NOTHING && (d->launches_a < 2 || d->launches_b < 2))
        fputs("One launch of a study does not show how far launches of one build differ, so no "
              "difference can be shown.\n",
              out);
    else if (d->by == NF_BY_NOTHING)
        fprintf(out,
                "The %zu and %zu launches did not take turns (or their times are not known): what "
                "changed on the\nmachine meanwhile cannot be told from a difference.\n",
                d->launches_a, d->launches_b);
    else if (d->by == NF_BY_NOISE)
        fprintf(out, "Launches are taken to differ by %g%% (--launch-noise).\n",
                100 * c->options->launch_noise);
    else if (d->by == NF_BY_PAIRS)
        fprintf(out, "By %zu pairs of launches: the sign test.\n", d->launches_a);
    else
        fprintf(out, "By %zu and %zu launches: Mann and Whitney's test.\n", d->launches_a,
                d->launches_b);
    if (!c->comparison->able)
        fprintf(
            out,
            "With %zu point%s it takes %zu launches of each study, in turns: report --compare "
            "A1 A2 ... : B1 B2 ...\n(or --launch-noise 3%%, if that is known of the machine).\n",
            c->comparison->n, plural(c->comparison->n), c->comparison->needed);
}

static void say_facts(const nf_compared *c, FILE *out)
{
    static const char *const names[] = {"host", "processor", "cores that may be used", "MPI"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *a = nf_study_find(c->a, names[i]), *b = nf_study_find(c->b, names[i]);
        if (a != NULL && b != NULL && strcmp(a, b) != 0)
            fprintf(out, "The studies differ in more than the build: %s, %s and %s.\n", names[i], a,
                    b);
    }
}

void nf_compare_text(const nf_compared *c, FILE *out)
{
    const nf_comparison *all = c->comparison;
    fprintf(out, "first:  %s\nsecond: %s\n\n", c->name_a, c->name_b);
    fprintf(out, "  %-7s %-7s%17s %9s %9s %6s %13s %7s\n", "way", "r\u00d7t", "size", "first",
            "second", "ratio", "interval", "p");
    for (size_t i = 0; i < all->n; i++) {
        table_title(&all->list[i], i > 0 ? &all->list[i - 1] : NULL, out);
        table_row(&all->list[i], out);
    }
    putc('\n', out);
    say_counts(c, out);
    for (size_t i = 0; i < all->n; i++)
        if (all->list[i].verdict != NF_NOT_SHOWN)
            say_point(&all->list[i], c->options->level, out);
    say_evidence(c, out);
    say_facts(c, out);
}

/* ---- JSON ---- */

static json_t *pack_point(const nf_difference *d)
{
    const nf_sample *of = d->a->of;
    char size[NF_SHAPE_TEXT];
    json_t *interval =
        d->interval.known ? json_pack("[f, f]", d->interval.low, d->interval.high) : json_null();
    return json_pack("{s:s, s:s, s:i, s:i, s:s, s:[f, f], s:[I, I], s:s, s:f, s:o, s:f, s:f, s:s, "
                     "s:b}",
                     "kernel", of->kernel, "scaling", of->scaling == NF_STRONG ? "strong" : "weak",
                     "ranks", of->ranks, "threads", of->threads, "size",
                     nf_size_text(&of->shape, size), "seconds", d->a->seconds, d->b->seconds,
                     "launches", (json_int_t)d->launches_a, (json_int_t)d->launches_b, "by",
                     evidence[d->by], "ratio", d->ratio, "interval", interval, "p", d->p,
                     "p_tolerance", d->p_tolerance, "verdict", verdicts[d->verdict], "fails",
                     d->fails);
}

static json_t *pack_all(const nf_compared *c)
{
    const nf_comparison *all = c->comparison;
    json_t *points = json_array();
    for (size_t i = 0; i < all->n; i++)
        if (json_array_append_new(points, pack_point(&all->list[i])) != 0) {
            json_decref(points);
            return NULL;
        }
    return json_pack("{s:s, s:i, s:s, s:s, s:f, s:f, s:s, s:b, s:I, s:I, s:I, s:b, s:o}", "record",
                     "comparison", "schema", 1, "first", c->name_a, "second", c->name_b, "level",
                     c->options->level, "tolerance", c->options->tolerance, "correction", "Holm",
                     "able", all->able, "faster", (json_int_t)count(all, NF_FASTER), "slower",
                     (json_int_t)count(all, NF_SLOWER), "not_shown",
                     (json_int_t)count(all, NF_NOT_SHOWN), "failed", nf_compare_failures(all) > 0,
                     "points", points);
}

nf_status nf_compare_json(const nf_compared *compared, FILE *out)
{
    json_t *record = pack_all(compared);
    if (record == NULL)
        return nf_fail(NF_ERR_FORMAT, "the comparison cannot be written as JSON: a name is no "
                                      "UTF-8 text, or there is no memory");
    int result = json_dumpf(record, out, JSON_COMPACT | JSON_REAL_PRECISION(17));
    json_decref(record);
    putc('\n', out);
    return result == 0 ? NF_OK : nf_fail(NF_ERR_FILE, "the comparison cannot be written");
}
