/* The sentences that a report opens with, and the rules behind them. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "drivers/engine/status.h"
#include "drivers/study/bottleneck.h"
#include "io/report_parts.h"
#include "tests/suite.h"

/* ---- studies ---- */

/* Where a point's seconds go beside computing. */
typedef struct shares {
    double halo, fold, wait, idle, runtime;
} shares;

/* Seven samples of a point, 0.1% apart; returns the first of them. */
static nf_sample *add(nf_study *study, const char *kernel, nf_scaling scaling, int ranks,
                      int threads, double seconds, shares of)
{
    const int work = scaling == NF_WEAK ? ranks * threads : 1;
    size_t first = study->nsamples;
    nf_sample sample = {.kernel = (char *)(uintptr_t)kernel,
                        .label = (char *)(uintptr_t)kernel,
                        .scaling = scaling,
                        .ranks = ranks,
                        .threads = threads,
                        .nodes = 1,
                        .shape = {{1, 100 * work, 50}, 2, 1, NF_F32},
                        .work = 5000 * work,
                        .valid = true};
    for (sample.rep = 0; sample.rep < 7; sample.rep++) {
        const double s = sample.seconds = seconds * (1 + 0.001 * sample.rep);
        const double beside = of.halo + of.fold + of.wait + of.idle + of.runtime;
        sample.phases = (nf_phases){.compute = s * (1 - beside),
                                    .halo = s * of.halo,
                                    .fold = s * of.fold,
                                    .wait = s * of.wait,
                                    .idle = s * of.idle,
                                    .runtime = s * of.runtime};
        CU_ASSERT(nf_study_add(study, &sample) == NF_OK);
    }
    return &study->samples[first];
}

static const shares none = {0};

static char *conclude(const nf_study *study)
{
    nf_report report;
    CU_ASSERT_FATAL(nf_report_make(study, &report) == NF_OK);
    char *text = strdup(report.findings[0].text);
    CU_ASSERT_PTR_NULL(report.findings[0].about);
    nf_report_free(&report);
    if (getenv("NF_VERBOSE") != NULL)
        printf("%s\n\n", text);
    return text;
}

static bool holds(const char *text, const char *part)
{
    return strstr(text, part) != NULL;
}

/* Full stops that end a sentence. */
static size_t sentences(const char *text)
{
    size_t n = 0;
    for (const char *at = strchr(text, '.'); at != NULL; at = strchr(at + 1, '.'))
        n += at[1] == '\0' || at[1] == ' ';
    return n;
}

static nf_bottleneck bottleneck(const nf_study *study)
{
    nf_point *points = NULL;
    size_t n = 0;
    CU_ASSERT_FATAL(nf_points(study, &points, &n) == NF_OK && n == 2);
    nf_bottleneck b = nf_bottleneck_of(study, &points[1], &points[0]);
    free(points);
    return b;
}

/* ---- what limits ---- */

static void test_losses(void)
{
    static const struct {
        shares of;
        nf_loss loss;
        const char *words, *advice;
    } cases[] = {
        {{.halo = 0.3}, NF_LOSS_HALO, "exchanging halos", "--halo-depth"},
        {{.fold = 0.3}, NF_LOSS_FOLD, "folding partial results", "threads in the place of ranks"},
        {{.wait = 0.3}, NF_LOSS_WAIT, "waiting for the slowest rank", "blocks of equal cost"},
        {{.idle = 0.3}, NF_LOSS_IDLE, "threads that wait", "--tile-size"},
        {{.runtime = 0.3},
         NF_LOSS_RUNTIME,
         "starting and joining",
         "ranks in the place of threads"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        nf_study study = {0};
        add(&study, "k", NF_STRONG, 1, 1, 8, none);
        add(&study, "k", NF_STRONG, 4, 1, 2 / 0.7, cases[i].of);
        nf_bottleneck b = bottleneck(&study);
        CU_ASSERT(b.known && b.limited && b.largest == cases[i].loss);
        CU_ASSERT(fabs(b.share - 0.3) < 1e-9 && fabs(b.efficiency - 0.7) < 1e-9);
        char *text = conclude(&study);
        CU_ASSERT(holds(text, "k is limited by ") && holds(text, cases[i].words));
        CU_ASSERT(holds(text, "(30% of the time with 4 ranks, efficiency 70%)"));
        CU_ASSERT(holds(text, cases[i].advice) && holds(text, "more than 4 workers"));
        free(text);
        nf_study_free(&study);
    }
}

/* Tiles that take half as long again side by side: cores slow one another; by memory, if the traffic comes
 * near the ceiling of as many workers. */
static void test_memory(void)
{
    nf_study study = {0};
    nf_ceiling copy = {.what = (char[]){"copy"},
                       .unit = (char[]){"B/s"},
                       .ranks = 2,
                       .threads = 1,
                       .factor = 1.5,
                       .best = 1e9},
               other = copy;
    add(&study, "k", NF_STRONG, 1, 1, 8, none);
    nf_sample *two = add(&study, "k", NF_STRONG, 2, 1, 6, none);
    nf_bottleneck b = bottleneck(&study);
    CU_ASSERT(b.limited && b.largest == NF_LOSS_SLOWER && fabs(b.share - 1.0 / 3) < 1e-9);
    CU_ASSERT(b.bandwidth <= 0 && !nf_bound_by_memory(&b));
    for (int i = 0; i < 7; i++)
        two[i].moved = 0.8 * 6.018 * 1.5e9; /* 80% of 1.5 GB/s of traffic, at the median */
    other.threads = 2;                      /* a ceiling of other workers says nothing */
    CU_ASSERT(nf_study_ceiling(&study, &other) == NF_OK);
    b = bottleneck(&study);
    CU_ASSERT(b.bandwidth <= 0);
    char *text = conclude(&study);
    CU_ASSERT(holds(text,
                    "k is limited by tiles that take longer than those of one worker (33% of the "
                    "time with 2 ranks, efficiency 67%)"));
    CU_ASSERT(holds(text, "what else runs on the cores"));
    free(text);
    CU_ASSERT(nf_study_ceiling(&study, &copy) == NF_OK);
    b = bottleneck(&study);
    CU_ASSERT(fabs(b.bandwidth - 0.8) < 1e-3 && nf_bound_by_memory(&b));
    text = conclude(&study);
    CU_ASSERT(holds(text, "k is limited by memory (80% of the bandwidth that was measured with 2 "
                          "ranks, efficiency 67%)"));
    CU_ASSERT(holds(text, "a longer chain on each tile") && !holds(text, "what else runs"));
    free(text);
    for (int i = 0; i < 7; i++)
        two[i].moved /= 4; /* 20% of it: memory is not it */
    text = conclude(&study);
    CU_ASSERT(holds(text, "with 2 ranks, at 20% of the bandwidth, efficiency 67%)"));
    free(text);
    nf_study_free(&study);
}

/* Nothing is called a limit at 95%, nor where the interval reaches 90%. */
static void test_unlimited(void)
{
    nf_study study = {0};
    add(&study, "k", NF_STRONG, 1, 1, 8, none);
    nf_sample *two = add(&study, "k", NF_STRONG, 2, 1, 4 / 0.95, (shares){.wait = 0.05});
    char *text = conclude(&study);
    CU_ASSERT(holds(text, "No limit shows in k (efficiency 95% with 2 ranks)."));
    CU_ASSERT(holds(text, "It is worth going to 2 workers, the most that count, for k (efficiency "
                          "95%)."));
    CU_ASSERT(holds(text, "To try next: more than 2 workers (1 of 1 kernel still gains)"));
    CU_ASSERT(!holds(text, "intervals"));
    free(text);
    for (int i = 0; i < 7; i++) /* 80%, give or take 20% */
        two[i].seconds = 5 * (0.7 + 0.1 * i);
    text = conclude(&study);
    CU_ASSERT(
        holds(text, "No limit shows in k (efficiency 80% with 2 ranks, too uncertain to tell)"));
    CU_ASSERT(holds(text, "(1 of 2 intervals is wider than \u00b110% or not known)"));
    free(text);
    nf_study_free(&study);
}

/* ---- how many ---- */

/* USL with alpha 0.03 and beta 0.002: fastest with sqrt(0.97 / 0.002) = 22; half its workers' worth at
 * 1 + 0.03 (p-1) + 0.002 p (p-1) = 2, p = 16.8. */
static double usl(double p)
{
    return 8 / p * (1 + 0.03 * (p - 1) + 0.002 * p * (p - 1));
}

static void test_models_said(void)
{
    nf_study study = {0};
    for (int p = 1; p <= 8; p++)
        add(&study, "k", NF_STRONG, p, 1, usl(p), none);
    char *text = conclude(&study);
    CU_ASSERT(holds(text, "It is worth going to 8 workers, the most that count, for k (efficiency "
                          "76%)."));
    CU_ASSERT(holds(text, "By the model that foretells its points best, the efficiency of k (USL) "
                          "falls under 50% beyond about 17 workers and is fastest with about 22."));
    CU_ASSERT(sentences(text) >= 3 && sentences(text) <= 5);
    free(text);
    for (int p = 12; p <= 32; p += 4)
        add(&study, "k", NF_STRONG, p, 1, usl(p), none);
    text = conclude(&study);
    CU_ASSERT(holds(text, "It is worth going to 16 workers for k (efficiency 52%; with the most "
                          "workers 26%)."));
    CU_ASSERT(holds(text, "is under 50% from 32 workers on at the latest"));
    CU_ASSERT(!holds(text, "more than 32 workers"));
    free(text);
    nf_study_free(&study);
}

/* Ideal scaling: as far as the model may be followed, and no further. */
static void test_models_end(void)
{
    nf_study study = {0};
    for (int p = 1; p <= 8; p *= 2)
        add(&study, "k", NF_WEAK, p, 1, 2, none);
    char *text = conclude(&study);
    CU_ASSERT(holds(text, "stays over 50% up to 32 workers, 4 times what was measured"));
    CU_ASSERT(holds(text, "(Gustafson)")); /* the simplest of those that fit */
    free(text);
    nf_study_free(&study);
}

/* Kernels that come out alike are said together; the most limited first. */
static void test_many(void)
{
    nf_study study = {0};
    static const char *const names[] = {"a", "b", "c", "d", "e", "f", "g", "h"};
    for (int i = 0; i < 8; i++) {
        add(&study, names[i], NF_STRONG, 1, 1, 8, none);
        add(&study, names[i], NF_STRONG, 1, 2, 4 / (0.6 + 0.02 * i),
            (shares){.runtime = 0.4 - 0.02 * i});
        add(&study, names[i], NF_WEAK, 1, 2, 99, none); /* has a strong group: not asked */
    }
    char *text = conclude(&study);
    CU_ASSERT(!holds(text, "none can be told"));
    CU_ASSERT(strncmp(text, "a is limited by starting", 24) == 0);
    CU_ASSERT(holds(text, "efficiency 70%); 2 more kernels show a limit"));
    CU_ASSERT(holds(text, "for a, b, c, d, e, f and 2 more (efficiency 60% to 74%)"));
    CU_ASSERT(holds(text, "for a, b, c and more, a larger array, or ranks"));
    CU_ASSERT(sentences(text) >= 3 && sentences(text) <= 5);
    free(text);
    nf_study_free(&study);
}

/* Two ranks whose tiles take 3 s more than 4 s: of those 1.2 s for what is computed twice beyond the base's 10%. */
static void test_repeated(void)
{
    nf_study study = {0};
    add(&study, "k", NF_STRONG, 1, 1, 8, none);
    nf_sample *two = add(&study, "k", NF_STRONG, 2, 1, 7, none), *one = study.samples;
    char *text = conclude(&study);
    CU_ASSERT(holds(text, "than those of one worker (43% of the time with 2 ranks, efficiency"));
    CU_ASSERT(!holds(text, "computed twice"));
    free(text);
    for (int i = 0; i < 7; i++) {
        one[i].repeated = 0.1;
        two[i].repeated = 0.43;
    }
    nf_bottleneck b = bottleneck(&study);
    CU_ASSERT(b.largest == NF_LOSS_SLOWER && fabs(b.repeated - 1.2 / 7) < 1e-9);
    text = conclude(&study);
    CU_ASSERT(holds(text, "(43% of the time with 2 ranks, 17% for cells computed twice so that "
                          "halos are exchanged less often, efficiency 57%)"));
    CU_ASSERT(holds(text, "shallower halos (--halo-depth)"));
    free(text);
    for (int i = 0; i < 7; i++)
        two[i].repeated = 9; /* no more than the tiles take longer */
    b = bottleneck(&study);
    CU_ASSERT(fabs(b.repeated - 3.0 / 7) < 1e-9);
    nf_study_free(&study);
}

/* Alike to a percent, though not to the last digit: one number. */
static void test_alike(void)
{
    nf_study study = {0};
    for (int i = 0; i < 2; i++) {
        const char *name = i == 0 ? "a" : "b";
        add(&study, name, NF_STRONG, 1, 1, 8, none);
        add(&study, name, NF_STRONG, 1, 2, 4 / (0.71 + 0.001 * i), (shares){.runtime = 0.29});
    }
    char *text = conclude(&study);
    CU_ASSERT(holds(text, "the most that count, for a, b (efficiency 71%). "));
    free(text);
    nf_study_free(&study);
}

/* ---- little data ---- */

static void test_little(void)
{
    nf_study study = {0};
    add(&study, "k", NF_STRONG, 1, 1, 8, none);
    char *text = conclude(&study);
    CU_ASSERT(holds(text, "No limit can be told") && holds(text, "a machine with more cores"));
    CU_ASSERT(!holds(text, "worth") && !holds(text, "nan"));
    free(text);
    nf_sample *two = add(&study, "k", NF_STRONG, 2, 1, 1, none);
    for (int i = 0; i < 7; i++)
        two[i].oversubscribed = true;
    text = conclude(&study);
    CU_ASSERT(holds(text, "No limit can be told") && !holds(text, "worth"));
    free(text);
    add(&study, "only two", NF_STRONG, 2, 1, 1, none);
    add(&study, "good", NF_STRONG, 1, 1, 1, none);
    add(&study, "good", NF_STRONG, 2, 1, 0.5, none);
    text = conclude(&study);
    CU_ASSERT(holds(text, "No limit shows in good (efficiency 100% with 2 ranks)"));
    CU_ASSERT(holds(text, "Of 2 kernels none can be told"));
    free(text);
    nf_study_free(&study);
}

/* Slower with every worker more: one is what is worth it. */
static void test_worse(void)
{
    nf_study study = {0};
    add(&study, "k", NF_STRONG, 1, 1, 8, none);
    add(&study, "k", NF_STRONG, 2, 1, 10, (shares){.fold = 0.6});
    char *text = conclude(&study);
    CU_ASSERT(holds(text, "It is not worth taking more than one worker for k (efficiency with the "
                          "most workers 40%)."));
    free(text);
    nf_study_free(&study);
}

/* ---- kernels that wait ---- */

static void add_waiting(nf_study *study, int ranks, int threads, double seconds)
{
    nf_sample *first = add(study, "files", NF_STRONG, ranks, threads, seconds, none);
    for (int i = 0; i < 7; i++) {
        first[i].waits = true;
        first[i].cores = 2;
        first[i].flops = first[i].moved = 1e12; /* which no ceiling is beside */
    }
}

/* Threads beyond the cores help: no loss, no ceiling, no share of workers is told. */
static void test_waiting(void)
{
    nf_study study = {0};
    nf_ceiling copy = {.what = (char[]){"copy"},
                       .unit = (char[]){"B/s"},
                       .ranks = 1,
                       .threads = 2,
                       .factor = 1.5,
                       .best = 1e9};
    CU_ASSERT(nf_study_ceiling(&study, &copy) == NF_OK);
    add_waiting(&study, 1, 1, 8);
    add_waiting(&study, 1, 2, 6);
    nf_bottleneck b = bottleneck(&study);
    CU_ASSERT(b.known && b.waits && !b.limited && b.bandwidth <= 0 && b.flops <= 0);
    CU_ASSERT(!nf_bound_by_memory(&b));
    char *text = conclude(&study);
    CU_ASSERT(holds(text, "files waits for files, not for processor or memory: no point with more "
                          "workers than cores counts beside one with fewer; fastest with 2 threads "
                          "on 2 cores, 1.33 times as fast as one worker."));
    CU_ASSERT(!holds(text, "No limit") && !holds(text, "worth") && !holds(text, "limited"));
    free(text);
    add_waiting(&study, 1, 8, 3);
    add_waiting(&study, 4, 1, 5);
    add_waiting(&study, 1, 16, 3.5);
    text = conclude(&study);
    CU_ASSERT(holds(text,
                    "memory: more workers than cores help; fastest with 8 threads on 2 cores, "
                    "2.67 times as fast as one worker, 2.00 times as fast as 2 threads."));
    CU_ASSERT(!holds(text, "By the model") && !holds(text, "more than 16 workers"));
    free(text);
    nf_study_free(&study);
}

/* They do not: the intervals overlap. Beside it a kernel that computes, of which all is said. */
static void test_waiting_in_vain(void)
{
    nf_study study = {0};
    add_waiting(&study, 1, 1, 8);
    add_waiting(&study, 1, 2, 4);
    add_waiting(&study, 1, 4, 3.998);
    add(&study, "k", NF_STRONG, 1, 1, 8, none);
    add(&study, "k", NF_STRONG, 2, 1, 4, none);
    char *text = conclude(&study);
    CU_ASSERT(holds(text, "more workers than cores are not shown to help; fastest with 4 threads"));
    CU_ASSERT(holds(text, "No limit shows in k (efficiency 100% with 2 ranks)."));
    CU_ASSERT(holds(text, "for k (efficiency 100%). files waits for files"));
    CU_ASSERT(holds(text, "(1 of 1 kernel still gains)"));
    free(text);
    nf_study_free(&study);
}

int main(void)
{
    CU_TestInfo tests[] = {
        {"losses", test_losses},
        {"memory", test_memory},
        {"no limit", test_unlimited},
        {"beyond what was measured", test_models_said},
        {"no further", test_models_end},
        {"many kernels", test_many},
        {"kernels of one efficiency", test_alike},
        {"cells computed twice", test_repeated},
        {"little data", test_little},
        {"worse with more", test_worse},
        {"waiting", test_waiting},
        {"waiting in vain", test_waiting_in_vain},
        CU_TEST_INFO_NULL,
    };
    return nf_suite_run("conclusions", tests, 0);
}
