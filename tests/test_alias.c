/* test_alias.c - names that stand for chains: what they become, what is said when something is wrong
 * in them, maps that also read what their chain began with; and the morphology that is made so, with
 * masks, against loops that are written here. CTest runs it once for each instruction set that the
 * processor has. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "drivers/engine/facts.h"
#include "drivers/engine/reference.h"
#include "tests/arrays.h"
#include "tests/drive.h"
#include "tests/suite.h"

static const nf_world alone = {.size = 1, .threads = 1};
static const nf_dtype dtypes[] = {NF_U8, NF_U16, NF_F32, NF_F64};
static const char *const borders[] = {"clamp", "reflect", "mirror", "wrap", "constant,value=7"};
enum { DTYPES = 4, BORDERS = 5 };

static nf_chain parsed(const char *typed)
{
    nf_chain chain;
    CU_ASSERT_EQUAL_FATAL(nf_chain_parse(typed, &chain), NF_OK);
    return chain;
}

/* Whether the chain fails with this status, at parsing or at planning, and a message with all of the
 * words in it; says so if not. */
static void check_fails(nf_chain *chain, nf_status status, const nf_shape *shape,
                        nf_status expected, const char *const words[])
{
    nf_plan *plan = NULL;
    if (status == NF_OK)
        status = nf_plan_create(&alone, shape, chain, 1, NULL, &plan);
    CU_ASSERT_EQUAL(status, expected);
    CU_ASSERT_PTR_NULL(plan);
    for (int i = 0; words[i] != NULL; i++) {
        CU_ASSERT_PTR_NOT_NULL(strstr(nf_message(status), words[i]));
        if (strstr(nf_message(status), words[i]) == NULL)
            printf("\n  '%s' is not in: %s\n", words[i], nf_message(status));
    }
    nf_plan_free(plan);
    nf_chain_free(chain);
}

/* ---- what a name becomes ---- */

static void test_expansion(void)
{
    static const char *const same[][2] = {
        {"open", "erode | dilate"},
        {"close:size=7,border=wrap", "dilate:size=7,border=wrap | erode:size=7,border=wrap"},
        {"open:mask=0,1,0,1,1,1,0,0,1,value=3",
         "erode:mask=0,1,0,1,1,1,0,0,1,value=3 | dilate:mask=0,1,0,1,1,1,0,0,1,value=3"},
        {"sobel | open:shape=disc,size=5 | close | stats",
         "sobel | erode:size=5,shape=disc | dilate:size=5,shape=disc | dilate | erode | stats"},
    };
    for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
        nf_chain one = parsed(same[i][0]), other = parsed(same[i][1]);
        CU_ASSERT_STRING_EQUAL(one.text, other.text);
        CU_ASSERT_STRING_EQUAL(one.typed, same[i][0]);
        CU_ASSERT_EQUAL(one.count, other.count);
        nf_chain_free(&one);
        nf_chain_free(&other);
    }
}

/* A name within a name: tophat has open in it. Each stage knows where its own chain begins. */
static void test_places(void)
{
    nf_chain chain = parsed("invert | tophat:size=5 | blackhat:size=3 | sobel");
    static const char *const names[] = {"invert", "erode", "dilate",   "subtract",
                                        "dilate", "erode", "subtract", "sobel"};
    CU_ASSERT_EQUAL_FATAL(chain.count, 8);
    for (size_t i = 0; i < chain.count; i++)
        CU_ASSERT_STRING_EQUAL(chain.stages[i].kernel->name, names[i]);
    CU_ASSERT_EQUAL(chain.stages[3].origin, 1);
    CU_ASSERT_EQUAL(chain.stages[6].origin, 4);
    CU_ASSERT_STRING_EQUAL(chain.stages[1].within, "tophat:size=5");
    CU_ASSERT_STRING_EQUAL(chain.stages[6].within, "blackhat:size=3");
    CU_ASSERT_PTR_NULL(chain.stages[0].within);
    CU_ASSERT_PTR_NULL(chain.stages[7].within);
    nf_chain_free(&chain);
}

/* ---- what is said ---- */

static void test_messages(void)
{
    static const struct {
        const char *typed;
        nf_status status;
        const char *words[4];
        nf_shape shape;
    } cases[] = {
        {"open:size=4", NF_ERR_PARAM, {"'open:size=4'", "'size'"}, {{1, 9, 9}, 2, 1, NF_U8}},
        {"sobel | tophat:size=4 | stats",
         NF_ERR_PARAM,
         {"'tophat:size=4'", "'erode'", "odd"},
         {{1, 9, 9}, 2, 1, NF_U8}},
        {"close:mask=1,1,0", NF_ERR_PARAM, {"'close:mask=1,1,0'", "square"}, {{1, 9, 9}, 2, 1, 1}},
        {"close:mask=1,size=5", NF_ERR_PARAM, {"leave this out"}, {{1, 9, 9}, 2, 1, NF_U8}},
        {"open:sze=3", NF_ERR_PARAM, {"'open'", "'sze'", "size"}, {{1, 9, 9}, 2, 1, NF_U8}},
        {"open:size=3,size=5", NF_ERR_PARAM, {"'open'", "twice"}, {{1, 9, 9}, 2, 1, NF_U8}},
        {"tophat:size=x", NF_ERR_PARAM, {"'tophat'", "size=x"}, {{1, 9, 9}, 2, 1, NF_U8}},
        {"opn", NF_ERR_PARAM, {"did you mean 'open'"}, {{1, 9, 9}, 2, 1, NF_U8}},
        {"erode | subtract:from=begun",
         NF_ERR_PARAM,
         {"'subtract'", "not typed"},
         {{1, 9, 9}, 2, 1, 1}},
        {"subtract:from=made", NF_ERR_PARAM, {"'subtract'", "not typed"}, {{1, 9, 9}, 2, 1, 1}},
        {"open", NF_ERR_SHAPE, {"'open'", "1 dimension"}, {{1, 1, 9}, 1, 1, NF_U8}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        nf_chain chain;
        nf_status status = nf_chain_parse(cases[i].typed, &chain);
        check_fails(&chain, status, &cases[i].shape, cases[i].status, cases[i].words);
    }
}

/* ---- chains that no name stands for yet: made by exchanging a stage of one that there is ---- */

/* What is typed by name and parameters changes places; the place in an alias does not. */
static void swap_stages(nf_stage *a, nf_stage *b)
{
    nf_stage first = *a;
    a->kernel = b->kernel, a->values = b->values, a->text = b->text;
    b->kernel = first.kernel, b->values = first.values, b->text = first.text;
}

/* tophat, with `typed` in the place of its stage number i. */
static nf_chain tophat_with(size_t i, const char *typed)
{
    nf_chain chain = parsed("tophat"), other = parsed(typed);
    swap_stages(&chain.stages[i], &other.stages[0]);
    nf_chain_free(&other);
    return chain;
}

/* Up to 16 steps go together with what reads their beginning; more do not, nor do some borders. */
static void test_one_pass(void)
{
    nf_shape shape = nf_test_shape(1, 40, 30, 1, NF_F32);
    void *cells = nf_test_array(&shape);
    static const char *const fit[] = {"heat:steps=5", "heat:steps=14", "invert"};
    for (size_t i = 0; i < 3; i++) {
        nf_chain chain = tophat_with(0, fit[i]);
        CU_ASSERT_EQUAL(nf_check_chain(&chain, &shape, cells, NULL), NF_OK);
        nf_chain_free(&chain);
    }
    static const char *const words[] = {"'tophat'", "'subtract'", "one sweep", NULL};
    static const char *const unfit[] = {"heat:steps=15", "heat:steps=100"};
    for (size_t i = 0; i < 2; i++) {
        nf_chain chain = tophat_with(0, unfit[i]);
        check_fails(&chain, NF_OK, &shape, NF_ERR_PARAM, words);
    }
    nf_chain chain = tophat_with(1, "dilate:border=wrap");
    check_fails(&chain, NF_OK, &shape, NF_ERR_PARAM, words);
    free(cells);
}

static void test_other_type(void)
{
    nf_shape shape = nf_test_shape(1, 40, 30, 1, NF_U8);
    static const char *const words[] = {"'tophat'", "'subtract'", "u8", "f32", NULL};
    nf_chain chain = tophat_with(1, "cast:to=f32");
    check_fails(&chain, NF_OK, &shape, NF_ERR_SHAPE, words);
}

/* ---- sharing of passes ---- */

static size_t passes_of(nf_chain *chains, size_t count, const nf_shape *shape)
{
    nf_plan *plan = NULL;
    nf_plan_facts facts = {.passes = 0};
    CU_ASSERT_EQUAL_FATAL(nf_plan_create(&alone, shape, chains, count, NULL, &plan), NF_OK);
    nf_plan_tell(plan, &facts);
    nf_plan_free(plan);
    return facts.passes;
}

/* Reductions of the same maps share them, by whatever names; those that differ only in what a map of
 * two inputs reads do not. */
static void test_groups(void)
{
    static const struct {
        const char *typed[2];
        size_t passes;
    } cases[] = {{{"open | stats", "open | histogram"}, 1},
                 {{"open | stats", "erode | dilate | max"}, 1},
                 {{"tophat | stats", "tophat | max"}, 1},
                 {{"sobel | tophat | stats", "sobel | tophat | max"}, 2},
                 {{"tophat | stats", "blackhat | max"}, 2}};
    nf_shape shape = nf_test_shape(1, 40, 30, 1, NF_U8);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        nf_chain chains[2] = {parsed(cases[i].typed[0]), parsed(cases[i].typed[1])};
        CU_ASSERT_EQUAL(passes_of(chains, 2, &shape), cases[i].passes);
        nf_chain_free(&chains[0]);
        nf_chain_free(&chains[1]);
    }
    nf_chain chains[2] = {parsed("tophat | stats"), parsed("tophat | max")};
    chains[1].stages[2].origin = 1; /* as of an alias `dilate | subtract` after a typed `erode` */
    CU_ASSERT_STRING_EQUAL(chains[0].stages[2].text, chains[1].stages[2].text);
    CU_ASSERT_EQUAL(passes_of(chains, 2, &shape), 3);
    void *cells = nf_test_array(&shape);
    CU_ASSERT_EQUAL(nf_check_chain(&chains[1], &shape, cells, NULL), NF_OK);
    free(cells);
    nf_chain_free(&chains[0]);
    nf_chain_free(&chains[1]);
}

/* A strip is as high as a kernel asks for, if whole rows of it stay in the cache. */
static void test_strips(void)
{
    static const struct {
        const char *typed;
        int64_t l2, least, most;
    } cases[] = {{"sobel", 1 << 20, 7, 9},
                 {"erode:size=5", 1 << 20, 7, 9},
                 {"erode:size=33", 1 << 20, 29, 37},   /* whole rows fit */
                 {"erode:size=33", 600 << 10, 14, 18}, /* of half that height alone */
                 {"erode:size=33", 1 << 18, 29, 37}};  /* they are cut anyhow */
    nf_shape shape = nf_test_shape(1, 640, 8192, 1, NF_U8);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        nf_plan_options options = {.caches = {.l2 = (size_t)cases[i].l2, .l3 = 1 << 24}};
        nf_chain chain = parsed(cases[i].typed);
        nf_plan *plan = NULL;
        nf_pass_facts pass = {.strip = 0};
        CU_ASSERT_EQUAL_FATAL(nf_plan_create(&alone, &shape, &chain, 1, &options, &plan), NF_OK);
        nf_plan_tell_pass(plan, 0, &pass);
        CU_ASSERT(pass.strip >= cases[i].least && pass.strip <= cases[i].most);
        if (pass.strip < cases[i].least || pass.strip > cases[i].most)
            printf("\n  %s, %lld: strips of %lld\n", cases[i].typed, (long long)cases[i].l2,
                   (long long)pass.strip);
        nf_plan_free(plan);
        nf_chain_free(&chain);
    }
}

/* ---- morphology, the plain way ---- */

typedef struct image {
    int rows, columns;
    double *cells;
} image;

typedef struct window {
    int size;
    const char *cells; /* '#' where it counts */
} window;

/* The element at (y, x); each border as its row in kernel.h shows it. */
static double look(const image *in, int border, int y, int x)
{
    int at[2] = {y, x}, extent[2] = {in->rows, in->columns};
    for (int d = 0; d < 2; d++) {
        int n = extent[d];
        while (at[d] < 0 || at[d] >= n) {
            if (border == NF_CONSTANT)
                return 7;
            if (border == NF_CLAMP || (border == NF_MIRROR && n == 1))
                at[d] = at[d] < 0 ? 0 : n - 1;
            else if (border == NF_WRAP)
                at[d] += at[d] < 0 ? n : -n;
            else if (border == NF_REFLECT)
                at[d] = at[d] < 0 ? -1 - at[d] : 2 * n - 1 - at[d];
            else
                at[d] = at[d] < 0 ? -at[d] : 2 * (n - 1) - at[d];
        }
    }
    return in->cells[at[0] * in->columns + at[1]];
}

/* scipy: erosion looks at x + f, dilation at x - f, for f in the footprint. */
static image morph(const image *in, const window *w, int border, bool dilates)
{
    image out = {in->rows, in->columns, malloc((size_t)(in->rows * in->columns) * sizeof(double))};
    int r = w->size / 2, side = dilates ? -1 : 1;
    CU_ASSERT_PTR_NOT_NULL_FATAL(out.cells);
    for (int y = 0; y < in->rows; y++) {
        for (int x = 0; x < in->columns; x++) {
            double best = dilates ? -INFINITY : INFINITY;
            for (int f = 0; f < w->size * w->size; f++) {
                if (w->cells[f] != '#')
                    continue;
                double v =
                    look(in, border, y + side * (f / w->size - r), x + side * (f % w->size - r));
                best = dilates ? fmax(best, v) : fmin(best, v);
            }
            out.cells[y * in->columns + x] = best;
        }
    }
    return out;
}

static image minus(const image *a, const image *b, nf_dtype dtype)
{
    image out = {a->rows, a->columns, malloc((size_t)(a->rows * a->columns) * sizeof(double))};
    CU_ASSERT_PTR_NOT_NULL_FATAL(out.cells);
    for (int i = 0; i < out.rows * out.columns; i++) {
        double v = a->cells[i] - b->cells[i];
        v = dtype == NF_F32 ? (double)(float)v : v;
        out.cells[i] = (dtype == NF_U8 || dtype == NF_U16) && v < 0 ? 0 : v;
    }
    return out;
}

enum { ERODE, DILATE, GRADIENT, OPEN, CLOSE, TOPHAT, BLACKHAT, MORPHOLOGIES };
static const char *const names[] = {"erode", "dilate", "gradient", "open",
                                    "close", "tophat", "blackhat"};

static image plain(int what, const image *in, const window *w, int border, nf_dtype dtype)
{
    image eroded = morph(in, w, border, false), dilated = morph(in, w, border, true);
    image opened = morph(&eroded, w, border, true), closed = morph(&dilated, w, border, false);
    image all[MORPHOLOGIES] = {[ERODE] = eroded,
                               [DILATE] = dilated,
                               [GRADIENT] = minus(&dilated, &eroded, dtype),
                               [OPEN] = opened,
                               [CLOSE] = closed,
                               [TOPHAT] = minus(in, &opened, dtype),
                               [BLACKHAT] = minus(&closed, in, dtype)};
    for (int i = 0; i < MORPHOLOGIES; i++)
        if (i != what)
            free(all[i].cells);
    return all[what];
}

static double element(nf_dtype dtype, const void *cells, int i)
{
    return dtype == NF_U8    ? ((const uint8_t *)cells)[i]
           : dtype == NF_U16 ? ((const uint16_t *)cells)[i]
           : dtype == NF_F32 ? (double)((const float *)cells)[i]
                             : ((const double *)cells)[i];
}

static nf_outcome driven(const char *typed, const nf_shape *shape, const void *cells)
{
    nf_chain chain = parsed(typed);
    nf_outcome o = nf_test_drive(&alone, &chain, shape, cells, NULL);
    CU_ASSERT_EQUAL_FATAL(o.status, NF_OK);
    nf_chain_free(&chain);
    return o;
}

static void mask_text(const window *w, char *text)
{
    for (int i = 0; i < w->size * w->size; i++)
        text += sprintf(text, "%s%d", i > 0 ? "," : "mask=", w->cells[i] == '#');
}

static void compare(int what, const image *in, const window *w, int border, nf_dtype dtype,
                    const void *cells)
{
    nf_shape shape = nf_test_shape(1, in->rows, in->columns, 1, dtype);
    char mask[128], typed[256];
    mask_text(w, mask);
    snprintf(typed, sizeof typed, "%s:%s,border=%s", names[what], mask, borders[border]);
    nf_outcome o = driven(typed, &shape, cells);
    image expected = plain(what, in, w, border, dtype);
    int wrong = 0;
    for (int i = 0; i < in->rows * in->columns; i++)
        wrong += element(dtype, o.cells, i) != expected.cells[i];
    CU_ASSERT_EQUAL(wrong, 0);
    if (wrong > 0)
        printf("\n  %s on %dx%d %s: %d cells are wrong\n", typed, in->rows, in->columns,
               nf_dtype_name(dtype), wrong);
    free(expected.cells);
    nf_outcome_free(&o);
}

/* Windows that are not symmetric, do not hold the centre, have gaps; one that is a square. */
static void test_masks(void)
{
    static const window windows[] = {{3, "##......#"},
                                     {3, "#########"},
                                     {5, "#.#.#"
                                         "....."
                                         "##..."
                                         "....#"
                                         ".###."},
                                     {5, "....."
                                         ".#..."
                                         "....."
                                         "....."
                                         "....."}};
    static const int sizes[][2] = {{1, 1}, {1, 7}, {3, 2}, {17, 23}};
    for (size_t d = 0; d < DTYPES; d++) {
        for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
            nf_shape shape = nf_test_shape(1, sizes[s][0], sizes[s][1], 1, dtypes[d]);
            void *cells = nf_test_array(&shape);
            image in = {sizes[s][0], sizes[s][1], calloc(nf_shape_bytes(&shape), 8)};
            CU_ASSERT_FATAL(cells != NULL && in.cells != NULL);
            for (int i = 0; i < in.rows * in.columns; i++)
                in.cells[i] = element(dtypes[d], cells, i);
            for (size_t w = 0; w < sizeof windows / sizeof *windows; w++)
                for (int border = 0; border < BORDERS; border++)
                    for (int what = 0; what < MORPHOLOGIES; what++)
                        compare(what, &in, &windows[w], border, dtypes[d], cells);
            free(in.cells);
            free(cells);
        }
    }
}

/* ---- by the references, in colour and in volumes ---- */

static void check(const char *typed, const nf_shape *shape)
{
    char text[NF_SHAPE_TEXT];
    nf_chain chain = parsed(typed);
    void *cells = nf_test_array(shape);
    nf_status status = nf_check_chain(&chain, shape, cells, NULL);
    CU_ASSERT_EQUAL(status, NF_OK);
    if (status != NF_OK)
        printf("\n  %s on %s: %s\n", typed, nf_shape_text(shape, text), nf_message(status));
    nf_chain_free(&chain);
    free(cells);
}

static void test_references(void)
{
    static const char *const windows[] = {"size=5", "size=5,shape=cross", "size=7,shape=disc"};
    for (size_t d = 0; d < DTYPES; d++) {
        nf_shape colours = nf_test_shape(1, 37, 23, 1 + (int)d, dtypes[d]);
        nf_shape volume = nf_test_shape(6, 9, 11, 1 + (int)d % 3, dtypes[d]);
        for (int what = OPEN; what < MORPHOLOGIES; what++) {
            for (int border = 0; border < BORDERS; border++) {
                char typed[128];
                snprintf(typed, sizeof typed, "%s:%s,border=%s", names[what], windows[border % 3],
                         borders[border]);
                check(typed, &colours);
                check(typed, &volume);
            }
        }
        check("gaussian:sigma=1 | tophat:size=5,border=wrap | sobel:border=wrap | blackhat",
              &colours);
        check("tophat | tophat:size=5 | stats", &colours);
    }
}

/* ---- what must hold ---- */

static void check_same(const char *one, const char *other, const nf_shape *shape, const void *cells)
{
    nf_outcome a = driven(one, shape, cells), b = driven(other, shape, cells);
    bool same = memcmp(a.cells, b.cells, a.bytes) == 0;
    CU_ASSERT(same);
    if (!same)
        printf("\n  %s and %s differ\n", one, other);
    nf_outcome_free(&a);
    nf_outcome_free(&b);
}

/* Opening and closing twice is opening and closing once; what is left over by an opening has none. */
static void test_idempotence(void)
{
    static const char *const windows[] = {"size=3", "size=5,shape=disc", "size=15",
                                          "mask=1,1,0,0,0,0,0,0,1"};
    for (size_t d = 0; d < DTYPES; d++) {
        nf_shape shape = nf_test_shape(1, 61, 47, 1, dtypes[d]);
        void *cells = nf_test_array(&shape);
        for (size_t w = 0; w < 4; w++) {
            /* A window that is not symmetric is another one beyond a mirror. */
            const char *border = w == 3 ? "wrap" : "reflect";
            char one[128], two[300];
            snprintf(one, sizeof one, "open:%s,border=%s", windows[w], border);
            snprintf(two, sizeof two, "%s | %s", one, one);
            check_same(one, two, &shape, cells);
            snprintf(one, sizeof one, "close:%s,border=%s", windows[w], border);
            snprintf(two, sizeof two, "%s | %s", one, one);
            check_same(one, two, &shape, cells);
        }
        free(cells);
    }
}

/* The top-hats' elements, from the opening's and the closing's. */
static void test_tophats(void)
{
    for (size_t d = 0; d < DTYPES; d++) {
        nf_shape shape = nf_test_shape(1, 45, 67, 3, dtypes[d]);
        void *cells = nf_test_array(&shape);
        int n = (int)nf_shape_elements(&shape), wrong = 0, some = 0;
        nf_outcome opened = driven("open:size=5", &shape, cells);
        nf_outcome closed = driven("close:size=5", &shape, cells);
        nf_outcome white = driven("tophat:size=5", &shape, cells);
        nf_outcome black = driven("blackhat:size=5", &shape, cells);
        for (int i = 0; i < n; i++) {
            double v = element(dtypes[d], cells, i);
            double w = v - element(dtypes[d], opened.cells, i);
            double b = element(dtypes[d], closed.cells, i) - v;
            bool single = dtypes[d] == NF_F32;
            wrong += element(dtypes[d], white.cells, i) != (single ? (double)(float)w : w);
            wrong += element(dtypes[d], black.cells, i) != (single ? (double)(float)b : b);
            some += w > 0 && b > 0;
        }
        CU_ASSERT_EQUAL(wrong, 0);
        CU_ASSERT(some > n / 2);
        nf_outcome_free(&opened);
        nf_outcome_free(&closed);
        nf_outcome_free(&white);
        nf_outcome_free(&black);
        free(cells);
    }
}

int main(void)
{
    CU_TestInfo tests[] = {{"expansion", test_expansion},   {"places", test_places},
                           {"messages", test_messages},     {"one pass", test_one_pass},
                           {"other type", test_other_type}, {"groups", test_groups},
                           {"strips", test_strips},         {"masks", test_masks},
                           {"references", test_references}, {"idempotence", test_idempotence},
                           {"top-hats", test_tophats},      CU_TEST_INFO_NULL};
    printf("instruction set: %s\n", nf_kernel_isa());
    return nf_suite_run("alias", tests, 0);
}
