#include "drivers/batch_item.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "drivers/changes.h"
#include "drivers/engine/team.h"

static const nf_world alone = {.size = 1, .threads = 1};

/* What turns an image the right way up; EXIF 2.32, section 4.6.4, tag 274. */
static const char *const turns[] = {
    [2] = "flip:axis=x",     [3] = "rotate90:turns=2", [4] = "flip:axis=y",
    [5] = "transpose",       [6] = "rotate90:turns=3", [7] = "transpose | rotate90:turns=2",
    [8] = "rotate90:turns=1"};

nf_status nf_batch_chain(const nf_batch_recipe *recipe, int orientation, nf_chain *chain,
                         bool *chained)
{
    const char *turn = orientation > 1 ? turns[orientation] : NULL;
    char *typed = NULL;
    *chain = (nf_chain){NULL, 0, NULL, NULL};
    *chained = turn != NULL || recipe->chain != NULL;
    if (turn == NULL || recipe->chain == NULL)
        return *chained ? nf_chain_parse(turn != NULL ? turn : recipe->chain, chain) : NF_OK;
    if (asprintf(&typed, "%s | %s", turn, recipe->chain) < 0)
        return nf_fail(NF_ERR_MEMORY, "no memory for a chain");
    nf_status status = nf_chain_parse(typed, chain);
    free(typed);
    return status;
}

/* ---- decoding smaller ---- */

/* The chain's first stage, after those that turn the image upright; NULL: it is no resize. */
static nf_stage *find_resize(const nf_chain *chain, int orientation)
{
    size_t i = orientation > 1 ? 1 + (orientation == 7) : 0;
    bool is_resize = i < chain->count && strcmp(chain->stages[i].kernel->name, "resize") == 0;
    return is_resize ? &chain->stages[i] : NULL;
}

static nf_value *value_named(const nf_stage *stage, const char *name)
{
    for (size_t i = 0; stage->kernel->params[i].name != NULL; i++)
        if (strcmp(stage->kernel->params[i].name, name) == 0)
            return &stage->values[i];
    return NULL;
}

static bool choice_is(const nf_stage *stage, const char *name, const char *choice)
{
    for (size_t i = 0; stage->kernel->params[i].name != NULL; i++)
        if (strcmp(stage->kernel->params[i].name, name) == 0)
            return strcmp(stage->kernel->params[i].choices[stage->values[i].integer], choice) == 0;
    return false;
}

/* The eighths to decode at: 4 where that comes as near to the resized picture as it was before it was
 * coded as decoding whole does, otherwise 8.
 *
 * Measured by PSNR on the photograph of the earth and parts of it, coded at qualities 70, 85 and 95
 * (bench_batch.py --quality): with cubic and Lanczos and three times the cells of the resized picture
 * left, 4 eighths are better in every case, by 0.14 dB or more; with twice, up to 1 dB worse. bilinear
 * and area are worse by up to 15 dB, and so are 2 and 1 eighths, even with eight times left, by 1 to 5. */
static int choose_eighths(const nf_stage *resize)
{
    enum { HALF = 4, LEFT = 3 };
    const nf_shape *in = &resize->setup.in, *out = &resize->setup.out;
    bool suits = (choice_is(resize, "method", "cubic") || choice_is(resize, "method", "lanczos")) &&
                 choice_is(resize, "antialias", "yes");
    bool leaves = in->dim[1] >= 2 * LEFT * out->dim[1] && in->dim[2] >= 2 * LEFT * out->dim[2];
    return suits && leaves ? HALF : 8;
}

/* A resize by a factor, or to one extent, is to give what it would have given of the whole image. */
static void fix_extents(nf_stage *resize)
{
    static const char *const names[NF_DIMS] = {"depth", "height", "width"};
    nf_shape out = resize->setup.out;
    for (int d = 1; d < NF_DIMS; d++) {
        nf_value *value = value_named(resize, names[d]);
        value->given = true;
        value->integer = out.dim[d];
        value->real = (double)out.dim[d];
    }
    value_named(resize, "scale")->given = false;
}

/* Finds how small the array may be decoded, and makes the chain fit that. */
static nf_status plan_shrinking(nf_batch_bench *bench)
{
    nf_stage *resize = find_resize(&bench->chain, bench->orientation);
    if (!bench->shrinks || resize == NULL || bench->whole.ndim != 2)
        return NF_OK;
    nf_status status = nf_chain_prepare(&bench->chain, &bench->whole);
    if (status != NF_OK)
        return status;
    bench->eighths = choose_eighths(resize);
    if (bench->eighths < 8)
        fix_extents(resize);
    return NF_OK;
}

/* ---- the bench ---- */

void nf_batch_bench_free(nf_batch_bench *bench)
{
    nf_fields_free(&bench->fields);
    nf_plan_free(bench->plan);
    nf_chain_free(&bench->chain);
    *bench = (nf_batch_bench){.plan = NULL};
}

static nf_status make_fields(nf_batch_bench *bench)
{
    const nf_halo none = {{0}, {0}};
    bench->out = bench->shape;
    if (bench->plan == NULL) {
        nf_cut cut = nf_cut_choose(&bench->shape, 1, &none, NULL);
        return nf_field_create(&bench->fields.in, &cut, 0, &none);
    }
    bench->out = *nf_plan_output(bench->plan);
    return nf_plan_fields(bench->plan, &bench->fields);
}

/* `bench` is empty but for what says which arrays it is for. */
static nf_status set_up(const nf_batch_recipe *recipe, nf_batch_bench *bench,
                        nf_array_reader *reader)
{
    nf_plan_options options = {.caches = recipe->caches};
    bool chained;
    nf_status status = nf_batch_chain(recipe, bench->orientation, &bench->chain, &chained);
    bench->eighths = 8;
    if (status == NF_OK && chained && recipe->fast)
        status = plan_shrinking(bench);
    bench->shape = bench->whole;
    if (status == NF_OK && bench->eighths < 8)
        nf_array_shrink(reader, bench->eighths, &bench->shape);
    if (status == NF_OK && chained)
        status = nf_plan_create(&alone, &bench->shape, &bench->chain, 1, &options, &bench->plan);
    return status == NF_OK ? make_fields(bench) : status;
}

/* Makes the bench fit the array; what it fits does not depend on what it was used for before. */
static nf_status suit(const nf_batch_recipe *recipe, nf_batch_bench *bench, nf_array_reader *reader,
                      const nf_shape *whole, int orientation)
{
    nf_shape shape;
    bool shrinks = recipe->fast && nf_array_shrink(reader, 8, &shape);
    if (bench->fields.in.memory != NULL && nf_shape_equal(whole, &bench->whole) &&
        orientation == bench->orientation && shrinks == bench->shrinks) {
        if (bench->eighths < 8)
            nf_array_shrink(reader, bench->eighths, &shape);
        return NF_OK;
    }
    nf_batch_bench_free(bench);
    bench->whole = *whole;
    bench->orientation = orientation;
    bench->shrinks = shrinks;
    nf_status status = set_up(recipe, bench, reader);
    if (status != NF_OK)
        nf_batch_bench_free(bench);
    return status;
}

/* ---- a file ---- */

/* A file that `filter` would have made of this input by this chain, to the byte. */
static nf_status create_output(const nf_batch_recipe *recipe, const nf_batch_bench *bench,
                               const nf_batch_file *file, const nf_array_reader *reader,
                               nf_array_writer **writer)
{
    const nf_chain *chain = bench->plan != NULL ? &bench->chain : NULL;
    nf_provenance provenance = {
        .command = "filter", .chain = chain != NULL ? chain->text : NULL, .input = file->input};
    nf_output output = {.quality = recipe->quality,
                        .provenance = &provenance,
                        .source = file->input,
                        .metadata = nf_array_metadata(reader),
                        .changes = nf_changes_of(chain)};
    return nf_array_create(&alone, file->output, file->input, &bench->out, &output, writer);
}

static int orientation_of(const nf_batch_recipe *recipe, const nf_array_reader *reader,
                          const nf_shape *shape)
{
    const nf_metadata *metadata = nf_array_metadata(reader);
    bool turned = recipe->turn && metadata != NULL && shape->ndim == 2;
    return turned && metadata->orientation > 1 ? metadata->orientation : 0;
}

static nf_status process(const nf_batch_recipe *recipe, nf_batch_bench *bench,
                         const nf_batch_file *file, nf_array_reader *reader,
                         nf_array_writer **writer)
{
    nf_times times = {0};
    nf_status status = nf_array_read(&alone, reader, &bench->fields.in);
    if (status == NF_OK && bench->plan != NULL)
        status = nf_plan_run(bench->plan, &bench->fields, NULL, &times);
    if (status == NF_OK)
        status = create_output(recipe, bench, file, reader, writer);
    if (status == NF_OK)
        status = nf_array_write(&alone, *writer,
                                bench->plan != NULL ? &bench->fields.out : &bench->fields.in);
    return status;
}

static nf_status read_and_write(const nf_batch_recipe *recipe, nf_batch_bench *bench,
                                const nf_batch_file *file, nf_batch_result *result)
{
    nf_array_reader *reader;
    nf_shape shape;
    nf_status status = nf_array_open(&alone, file->input, NULL, &reader, &shape);
    if (status != NF_OK)
        return status;
    status = suit(recipe, bench, reader, &shape, orientation_of(recipe, reader, &shape));
    if (status == NF_OK)
        status = process(recipe, bench, file, reader, &result->writer);
    if (status == NF_OK)
        result->shape = bench->out;
    nf_array_close(reader);
    return status;
}

static void fail(nf_batch_result *result, nf_status status)
{
    result->failed = 1;
    snprintf(result->message, sizeof result->message, "%s", nf_message(status));
}

void nf_batch_do(const nf_batch_recipe *recipe, nf_batch_bench *bench, const nf_batch_file *file,
                 nf_batch_result *result)
{
    double start = nf_seconds();
    nf_status status = read_and_write(recipe, bench, file, result);
    if (status != NF_OK) {
        fail(result, status);
        nf_array_abort(&alone, result->writer);
        result->writer = NULL;
    }
    result->seconds = nf_seconds() - start;
}

void nf_batch_finish(const nf_batch_file *file, nf_batch_result *result)
{
    double start = nf_seconds();
    struct stat info;
    if (result->writer == NULL)
        return;
    nf_status status = nf_array_commit(&alone, result->writer);
    result->writer = NULL;
    if (status == NF_OK && stat(file->output, &info) != 0)
        status = nf_fail(NF_ERR_FILE, "%s: is gone", file->output);
    if (status != NF_OK)
        fail(result, status);
    else
        result->bytes = info.st_size;
    result->seconds += nf_seconds() - start;
}
