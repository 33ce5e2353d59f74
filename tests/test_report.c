/* Reports: what is in the files, and what must not be. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "drivers/engine/status.h"
#include "io/report.h"
#include "tests/suite.h"

static char folder[] = "/tmp/nfold-test-report-XXXXXX";

/* ---- studies ---- */

static void add_point(nf_study *study, const char *kernel, nf_scaling scaling, int ranks,
                      int threads, double seconds, int n, bool valid, bool oversubscribed)
{
    int workers = scaling == NF_WEAK ? ranks * threads : 1;
    nf_sample sample = {
        .kernel = (char *)(uintptr_t)kernel,
        .label = (char *)(uintptr_t)kernel,
        .scaling = scaling,
        .ranks = ranks,
        .threads = threads,
        .nodes = 1,
        .shape = {{1, 100 * workers, 50}, 2, 3, NF_U8},
        .work = 5000 * workers,
        .valid = valid,
        .oversubscribed = oversubscribed,
    };
    for (sample.rep = 0; sample.rep < n; sample.rep++) {
        sample.seconds = seconds * (1 + 0.001 * sample.rep);
        sample.phases = (nf_phases){
            0.75 * sample.seconds, 0, 0.0625 * sample.seconds, 0.1875 * sample.seconds, 0.5, 0, 0};
        CU_ASSERT(nf_study_add(study, &sample) == NF_OK);
    }
}

static const char nasty[] = "<b>|\"x\", 'y'&`rm`\\";

/* Times that can be told apart in the files: no two begin alike. */
static void fill(nf_study *study)
{
    CU_ASSERT(nf_study_fact(study, "processor", "Model <1> | & 2") == NF_OK);
    CU_ASSERT(nf_study_fact(study, "Slurm job", "4711") == NF_OK);
    add_point(study, nasty, NF_STRONG, 1, 1, 0.8, 7, true, false);
    add_point(study, nasty, NF_STRONG, 1, 2, 0.41, 7, true, false);
    add_point(study, nasty, NF_STRONG, 2, 1, 0.0123, 7, false, false); /* would be the fastest */
    add_point(study, nasty, NF_STRONG, 2, 2, 0.0456, 7, true, true);   /* then this one */
    add_point(study, "sumsq", NF_WEAK, 1, 1, 0.3, 3, true, false);
    add_point(study, "sumsq", NF_WEAK, 2, 1, 0.375, 3, true, false);
    add_point(study, "sumsq", NF_WEAK, 4, 1, 0.0789, 3, true, true);
}

/* ---- files ---- */

static char *read_text(const char *name)
{
    char path[256], *text = NULL;
    size_t room = 0;
    snprintf(path, sizeof path, "%s/out/%s", folder, name);
    FILE *file = fopen(path, "r");
    if (file == NULL)
        return NULL;
    if (getdelim(&text, &room, '\0', file) < 0) {
        free(text);
        text = NULL;
    }
    fclose(file);
    return text;
}

static char *need_text(const char *name)
{
    char *text = read_text(name);
    CU_ASSERT_PTR_NOT_NULL_FATAL(text);
    return text;
}

static bool holds(const char *text, const char *part)
{
    return strstr(text, part) != NULL;
}

/* How often `part` occurs. */
static size_t count(const char *text, const char *part)
{
    size_t n = 0;
    for (const char *at = strstr(text, part); at != NULL; at = strstr(at + 1, part))
        n++;
    return n;
}

static void write_report(const nf_study *study)
{
    char dir[256];
    snprintf(dir, sizeof dir, "%s/out", folder);
    nf_status status = nf_report_write(study, dir, 0);
    CU_ASSERT(status == NF_OK);
    if (status != NF_OK)
        fprintf(stderr, "%s\n", nf_message(status));
}

static void clear_out(void)
{
    char command[512], path[256];
    snprintf(command, sizeof command,
             "cd %s/out && rm -f points.csv report.md report.html simulated.csv figures/*.dat "
             "figures/*.gp *.svg *.pdf",
             folder);
    CU_ASSERT(system(command) == 0);
    snprintf(path, sizeof path, "%s/out/figures", folder);
    rmdir(path);
    snprintf(path, sizeof path, "%s/out", folder);
    CU_ASSERT(rmdir(path) == 0); /* nothing else was left there, no temporary file either */
}

static bool have_gnuplot(void)
{
    return system("gnuplot --version >/dev/null 2>&1") == 0;
}

/* ---- tests ---- */

static void check_markdown(void)
{
    char *text = need_text("report.md");
    CU_ASSERT(holds(text, "7 points of 2 kernels, 37 samples. 4 count."));
    CU_ASSERT(holds(text, "2 ask for more workers than there are cores (oversubscribed)"));
    CU_ASSERT(holds(text, "1 gave another result than the serial kernel (invalid)"));
    CU_ASSERT(
        holds(text, "Best with 2 threads: 411 ms against 802 ms with one worker, 1.95 times"));
    CU_ASSERT(holds(text, "(n&lt;6: no interval)"));
    CU_ASSERT(holds(text, "With 2 ranks and as much work a worker: 375 ms against 300 ms, 1.60 "
                          "times the rate"));
    CU_ASSERT(holds(text, "Largest share not spent computing: wait, 19% of the time"));
    CU_ASSERT(holds(text, "| INVALID |"));
    CU_ASSERT(holds(text, "| oversubscribed |"));
    CU_ASSERT(holds(text, "100x50x3 u8"));
    CU_ASSERT(holds(text, "Slurm job | 4711"));
    CU_ASSERT(holds(text, "&lt;b>\\|\"x\", 'y'&amp;\\`rm\\`\\\\"));
    free(text);
}

/* What the report states at its head stands on the points that count alone. */
static void check_conclusions(void)
{
    char *text = need_text("report.md");
    char *end = strstr(text, "\n## ");
    CU_ASSERT_PTR_NOT_NULL_FATAL(end);
    *end = '\0';
    CU_ASSERT(!holds(text, "12.3") && !holds(text, "45.7") && !holds(text, "79.0"));
    CU_ASSERT(!holds(text, "2\u00d72") && !holds(text, "4 ranks") && !holds(text, "hybrid"));
    free(text);
}

static void check_html(void)
{
    char *text = need_text("report.html");
    CU_ASSERT(strncmp(text, "<!DOCTYPE html>", 15) == 0);
    CU_ASSERT(holds(text, "&lt;b&gt;|&quot;x&quot;, 'y'&amp;`rm`\\"));
    CU_ASSERT(!holds(text, "<b>|"));
    CU_ASSERT(holds(text, "Model &lt;1&gt; | &amp; 2"));
    CU_ASSERT(count(text, "<tr class=\"invalid\">") == 2);
    CU_ASSERT(count(text, "<tr class=\"over\">") == 4);
    CU_ASSERT(count(text, "<table") == count(text, "</table>"));
    CU_ASSERT(count(text, "<script>") == 1 && !holds(text, "src=") && !holds(text, "@import"));
    CU_ASSERT(!holds(text, "href=\"http") && !holds(text, "url(http"));
    free(text);
}

/* Fields of a line, by RFC 4180; sets *at behind the line's end. */
static size_t csv_fields(const char **at)
{
    size_t fields = 1;
    bool quoted = false;
    for (; **at != '\0' && (quoted || **at != '\n'); (*at)++) {
        quoted ^= **at == '"';
        fields += !quoted && **at == ',';
    }
    *at += **at == '\n';
    return fields;
}

static void check_csv(void)
{
    char *text = need_text("points.csv");
    const char *at = text;
    size_t columns = csv_fields(&at), rows = 0;
    CU_ASSERT(columns == 51);
    for (; *at != '\0'; rows++)
        CU_ASSERT(csv_fields(&at) == columns);
    CU_ASSERT(rows == 7);
    CU_ASSERT(count(text, "\"<b>|\"\"x\"\", 'y'&`rm`\\\"") == 8); /* label and kernel, 4 points */
    CU_ASSERT(count(text, ",0,0,0\r\n") == 1);                    /* invalid */
    CU_ASSERT(count(text, ",1,1,0\r\n") == 2);                    /* oversubscribed */
    CU_ASSERT(count(text, ",1,0,1\r\n") == 4);
    free(text);
}

/* An invalid point is in no figure; an oversubscribed one is in a block of its own. */
static void check_data(void)
{
    char *text = need_text("figures/points.dat");
    CU_ASSERT(!holds(text, " 0.012"));
    CU_ASSERT(count(text, "\n4 0.0457") == 1);
    CU_ASSERT(holds(text, ": oversubscribed (not counted)\n4 0.0457"));
    CU_ASSERT(count(text, "\n2 0.41123") == 1);
    CU_ASSERT(holds(text, ": ideal\n1 0.8024 "));
    CU_ASSERT(holds(text, "\n2 0.4012 ") && holds(text, "\n4 0.2006 ")); /* T(1)/p */
    free(text);
    text = need_text("figures/phases.dat");
    CU_ASSERT(holds(text, "\"1\u00d72\" 75 0 6.25 18.75 0 0 \"I/O 500 ms\""));
    CU_ASSERT(holds(text, "\"2\u00d72*\"") && count(text, "\"2\u00d71\"") == 1);
    free(text);
    text = need_text("figures/time.gp");
    CU_ASSERT(holds(text, "'<b>|\"x\", ''y''&`rm`\\'"));
    free(text);
}

static void check_figures(void)
{
    static const char *const names[] = {"time", "efficiency", "phases",
                                        "map",  "samples",    "convergence"};
    char *html = need_text("report.html"), name[32];
    for (size_t i = 0; i < 6; i++) {
        snprintf(name, sizeof name, "%s.svg", names[i]);
        char *svg = need_text(name);
        CU_ASSERT(holds(svg, "<svg") && holds(svg, "</svg>") && holds(svg, "<text"));
        free(svg);
        snprintf(name, sizeof name, "id='%s-gpPt0'", names[i]);
        CU_ASSERT(count(html, name) == 1);
    }
    CU_ASSERT(count(html, "<svg") == 6 && !holds(html, "<?xml") && !holds(html, "id='gpPt0'"));
    CU_ASSERT(!holds(html, "figures left out"));
    free(html);
}

static void test_report(void)
{
    nf_study study = {0};
    fill(&study);
    write_report(&study);
    check_markdown();
    check_conclusions();
    check_html();
    check_csv();
    check_data();
    if (have_gnuplot())
        check_figures();
    clear_out();
    nf_study_free(&study);
}

/* The same study gives the same bytes, over an older report too. */
static void test_again(void)
{
    nf_study study = {0};
    fill(&study);
    write_report(&study);
    char *first = need_text("report.html");
    write_report(&study);
    char *second = need_text("report.html");
    CU_ASSERT_STRING_EQUAL(first, second);
    free(first);
    free(second);
    clear_out();
    nf_study_free(&study);
}

static void test_no_gnuplot(void)
{
    nf_study study = {0};
    char *path = strdup(getenv("PATH") != NULL ? getenv("PATH") : "");
    CU_ASSERT_PTR_NOT_NULL_FATAL(path);
    fill(&study);
    write_report(&study);
    setenv("PATH", "", 1);
    write_report(&study);
    setenv("PATH", path, 1);
    free(path);
    char *html = need_text("report.html"), *markdown = need_text("report.md");
    CU_ASSERT(holds(html, "figures left out: gnuplot cannot be run"));
    CU_ASSERT(holds(markdown, "figures left out: gnuplot cannot be run"));
    CU_ASSERT(holds(html, "<tr class=\"invalid\">") && !holds(html, "<svg"));
    CU_ASSERT_PTR_NULL(read_text("time.svg")); /* none of the report before */
    free(html);
    free(markdown);
    check_csv();
    check_data();
    clear_out();
    nf_study_free(&study);
}

/* A gnuplot that fails is named with its last words. */
static void test_failing_gnuplot(void)
{
    nf_study study = {0};
    char bin[300], path[64];
    snprintf(bin, sizeof bin, "%s/gnuplot", folder);
    FILE *file = fopen(bin, "w");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    fputs("#!/bin/sh\necho 'no <terminal>' >&2\nexit 3\n", file);
    fclose(file);
    CU_ASSERT(chmod(bin, 0700) == 0);
    char *kept = strdup(getenv("PATH") != NULL ? getenv("PATH") : "");
    snprintf(path, sizeof path, "%s", folder);
    setenv("PATH", path, 1);
    fill(&study);
    write_report(&study);
    setenv("PATH", kept != NULL ? kept : "", 1);
    free(kept);
    char *html = need_text("report.html");
    CU_ASSERT(holds(html, "figures left out: gnuplot failed on time.gp: no &lt;terminal&gt;"));
    free(html);
    unlink(bin);
    clear_out();
    nf_study_free(&study);
}

/* No base, nothing valid, one sample: there is less to say, and still a report. */
static void test_little(void)
{
    nf_study none = {0}, no_base = {0}, wrong = {0};
    char dir[256];
    snprintf(dir, sizeof dir, "%s/out", folder);
    CU_ASSERT(nf_report_write(&none, dir, 0) == NF_ERR_FORMAT);
    add_point(&no_base, "k", NF_STRONG, 1, 2, 0.5, 1, true, false);
    write_report(&no_base);
    char *text = need_text("report.md");
    CU_ASSERT(holds(text, "With 2 threads: 500 ms; no point with more workers counts."));
    CU_ASSERT(holds(text, "1 point of 1 kernel, 1 sample."));
    free(text);
    add_point(&wrong, "k", NF_STRONG, 1, 1, 0.5, 6, false, false);
    write_report(&wrong);
    text = need_text("report.md");
    CU_ASSERT(holds(text, "INVALID") && !holds(text, ".svg)"));
    free(text);
    clear_out();
    nf_study_free(&no_base);
    nf_study_free(&wrong);
}

/* Two ways whose intervals overlap are not told apart; a speed-up around 1 is none. */
static void test_no_difference(void)
{
    nf_study study = {0};
    add_point(&study, "k", NF_STRONG, 1, 1, 1, 7, true, false);
    add_point(&study, "k", NF_STRONG, 1, 2, 0.999, 7, true, false);
    write_report(&study);
    char *text = need_text("report.md");
    CU_ASSERT(holds(text, "their intervals overlap, no difference is shown"));
    CU_ASSERT(holds(text, "the interval includes 1, no speed-up is shown"));
    free(text);
    clear_out();
    nf_study_free(&study);
}

static size_t longest_line(const char *text)
{
    size_t longest = 0, length = 0;
    for (; *text != '\0'; text++) {
        length += ((unsigned char)*text & 0xc0) != 0x80;
        if (*text == '\n') {
            longest = length - 1 > longest ? length - 1 : longest;
            length = 0;
        }
    }
    return longest;
}

/* ---- simulated points ---- */

/* Efficiencies 1, 0.8, 0.1 at 1, 16, 64 ranks; by the formula, which says half the time, 0.6 at 32. */
static void add_simulated(nf_study *study)
{
    static const struct {
        int ranks;
        double efficiency;
        bool simulated;
    } at[] = {{1, 1, true}, {16, 0.8, true}, {32, 0.6, false}, {64, 0.1, true}};
    nf_sample sample = {.kernel = (char[]){"heat"},
                        .label = (char[]){"heat"},
                        .threads = 1,
                        .shape = {{1, 700, 900}, 2, 1, NF_F32},
                        .work = 630000,
                        .valid = true,
                        .simulated = true};
    for (size_t i = 0; i < sizeof at / sizeof *at; i++) {
        sample.ranks = sample.nodes = at[i].ranks;
        sample.seconds = 777.125 / at[i].ranks / at[i].efficiency;
        sample.phases = (nf_phases){.compute = sample.seconds};
        if (at[i].simulated)
            CU_ASSERT(nf_study_add(study, &sample) == NF_OK);
        sample.seconds /= 2;
        CU_ASSERT(nf_study_predict(study, &sample) == NF_OK);
    }
}

/* The part of the text from one heading to the next of the same level; the rest goes on as it was. */
static char *section(const char *text, const char *heading, const char *next)
{
    const char *from = strstr(text, heading);
    CU_ASSERT_PTR_NOT_NULL_FATAL(from);
    const char *to = strstr(from + 1, next);
    return strndup(from, to != NULL ? (size_t)(to - from) : strlen(from));
}

static void test_simulated(void)
{
    nf_study study = {0}, measured = {0};
    fill(&study);
    add_simulated(&study);
    fill(&measured);
    write_report(&measured);
    char *points = need_text("points.csv"), *before = need_text("report.md");
    write_report(&study);
    char *again = need_text("points.csv"), *after = need_text("report.md");
    CU_ASSERT_STRING_EQUAL(points, again); /* nothing measured has changed by it */
    char *head = section(before, "# Scaling report", "\n## Kernels");
    CU_ASSERT(strncmp(head, after, strlen(head)) == 0);
    char *part = section(after, "\n## Simulated scaling", "\n## ");
    CU_ASSERT(holds(part, "simulated, not measured"));
    CU_ASSERT(holds(part, "### simulated: heat, strong, 700x900 f32"));
    CU_ASSERT(count(part, "same bits") == 3);
    /* 32 * 2^(ln 1.2 / ln 6) = 34.3; the least of 777, 60.7, 40.5 (32 ranks), 121 seconds. */
    CU_ASSERT(holds(part,
                    "efficiency falls under 50% beyond about 34 ranks; time is least at about "
                    "32 ranks."));
    CU_ASSERT(holds(part, "| 60.71 s | 30.36 s | 2.000 | 12.8 | 80% |"));
    char *csv = need_text("simulated.csv");
    CU_ASSERT(count(csv, "\nsimulated,\"heat\",\"heat\",strong,") == 3);
    CU_ASSERT(holds(csv, ",64,64,\"700x900 f32\",630000,121.42578125,60.712890625,2,6.4,0.1,"));
    char *html = need_text("report.html");
    CU_ASSERT(holds(html, "<h2>Simulated scaling</h2>") && holds(html, "<em>simulated</em> heat"));
    CU_ASSERT(!have_gnuplot() || count(html, "<svg") == 8);
    char *const all[] = {points, before, again, after, head, part, csv, html};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        free(all[i]);
    clear_out();
    nf_study_free(&study);
    nf_study_free(&measured);
}

/* A study of simulated points alone says that nothing was measured. */
static void test_only_simulated(void)
{
    nf_study study = {0};
    add_simulated(&study);
    write_report(&study);
    char *text = need_text("report.md"), *table = NULL;
    size_t length = 0;
    CU_ASSERT(holds(text, "Nothing was measured: all points are simulated"));
    CU_ASSERT(!holds(text, "## Strong scaling") && !holds(text, "Best with"));
    FILE *out = open_memstream(&table, &length);
    nf_report_table(&study, out);
    fclose(out);
    CU_ASSERT(strncmp(table, "simulated, not measured\n", 24) == 0);
    CU_ASSERT(longest_line(table) <= 100);
    CU_ASSERT(holds(table, "efficiency falls under 50% beyond about 34 ranks\n"));
    free(text);
    free(table);
    clear_out();
    nf_study_free(&study);
}

/* Where nothing falls under a half, that is said, and that the minimum lies beyond. */
static void test_beyond_simulated(void)
{
    nf_study study = {0};
    add_simulated(&study);
    free(study.samples[2].kernel); /* the point of 64 ranks */
    free(study.samples[2].label);
    study.nsamples = 2;
    write_report(&study);
    char *text = need_text("report.md");
    CU_ASSERT(holds(text,
                    "efficiency stays over 50% up to 16 ranks, the most simulated; time still "
                    "falls at 16 ranks"));
    free(text);
    clear_out();
    nf_study_free(&study);
}

static void test_unwritable(void)
{
    nf_study study = {0};
    fill(&study);
    CU_ASSERT(nf_report_write(&study, "/proc/nfold/out", 0) == NF_ERR_FILE);
    CU_ASSERT(holds(nf_message(NF_ERR_FILE), "/proc/nfold"));
    nf_study_free(&study);
}

/* ---- the terminal's table ---- */

static void test_table(void)
{
    nf_study study = {0};
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    CU_ASSERT_PTR_NOT_NULL_FATAL(out);
    fill(&study);
    add_point(&study,
              "a chain with many stages | a chain with many stages | a chain with many stages | a "
              "chain with many stages",
              NF_STRONG, 1, 1, 1234.5, 6, true, false);
    nf_report_table(&study, out);
    fclose(out);
    CU_ASSERT(longest_line(text) <= 100);
    CU_ASSERT(holds(text, nasty) && holds(text, "INVALID") && holds(text, "oversubscribed"));
    CU_ASSERT(holds(text, "411.2 ms") && holds(text, "1.95") && holds(text, "98%"));
    CU_ASSERT(holds(text, "\u00b10.3%") && holds(text, "n<6") && holds(text, "wait 19%"));
    CU_ASSERT(holds(text, "1\u00d72") && holds(text, "100x50x3 u8") && holds(text, "sumsq, weak"));
    free(text);
    nf_study_free(&study);
}

static void test_index_ranges(void)
{
    static const struct {
        int64_t n;
        const char *text;
    } sizes[] = {{1000000000, " n=1e9 "},
                 {25000000, " n=2.5e7 "},
                 {1234567, " n=1234567 "},
                 {100, " n=100 "},
                 {1000, " n=1e3 "}};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        nf_study study = {0};
        char *text = NULL;
        size_t length = 0;
        FILE *out = open_memstream(&text, &length);
        CU_ASSERT_PTR_NOT_NULL_FATAL(out);
        add_point(&study, "k", NF_STRONG, 1, 1, 2e-7, 1, true, false);
        study.samples[0].shape = (nf_shape){{1, 1, sizes[i].n}, 1, 1, NF_NONE};
        nf_report_table(&study, out);
        fclose(out);
        CU_ASSERT(holds(text, sizes[i].text) && holds(text, "200.0 ns"));
        free(text);
        nf_study_free(&study);
    }
}

int main(void)
{
    CU_TestInfo tests[] = {
        {"files and what they hold", test_report},
        {"the same bytes again", test_again},
        {"no gnuplot", test_no_gnuplot},
        {"gnuplot fails", test_failing_gnuplot},
        {"little to say", test_little},
        {"no difference shown", test_no_difference},
        {"folder that cannot be made", test_unwritable},
        {"table", test_table},
        {"index ranges", test_index_ranges},
        {"simulated points", test_simulated},
        {"nothing but simulated points", test_only_simulated},
        {"beyond what was simulated", test_beyond_simulated},
        CU_TEST_INFO_NULL,
    };
    if (mkdtemp(folder) == NULL)
        return EXIT_FAILURE;
    int result = nf_suite_run("report", tests, 0);
    rmdir(folder);
    return result;
}
