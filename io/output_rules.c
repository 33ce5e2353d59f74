/* output_rules.c - which outputs there can be: a format for the array and for what is asked of it, and a place
 * that may be written. */
#include "io/output_rules.h"

#include <string.h>
#include <sys/stat.h>

#include "io/content.h"
#include "io/part.h"

/* What would help where a format cannot hold an array. */
static nf_status cannot_hold(const nf_format *format, const char *typed, const nf_shape *shape)
{
    char text[NF_SHAPE_TEXT];
    nf_shape bytes = *shape, floats = *shape;
    bytes.dtype = NF_U8;
    floats.dtype = NF_F32;
    const char *help = format->can_hold(&bytes)
                           ? ", or end the chain by cast:to=u8 (where values go beyond 255, by "
                             "normalize:low=0,high=255 | cast:to=u8)"
                       : format->can_hold(&floats) ? ", or end the chain by cast:to=f32"
                                                   : "";
    return nf_fail(NF_ERR_SHAPE,
                   "%s: %s cannot hold an array of %s (it holds %s): write to a .h5 file%s", typed,
                   format->name, nf_shape_text(shape, text), format->holds, help);
}

static nf_status choose_format(const nf_path *path, const char *typed, const nf_shape *shape,
                               const nf_format **format)
{
    nf_status status = NF_OK;
    if (path->dataset != NULL && path->dataset[strlen(path->dataset) - 1] == ']')
        status =
            nf_fail(NF_ERR_USAGE,
                    "%s: brackets pick an item of an input; an output is a whole dataset", typed);
    else if (path->dataset != NULL && nf_suffix_format(path->file, format) == NF_OK &&
             *format != &nf_format_hdf5)
        status = nf_fail(NF_ERR_USAGE,
                         "%s: a %s file has no datasets; name a .h5 file, or leave out :%s", typed,
                         (*format)->name, path->dataset);
    else if (path->dataset != NULL)
        *format = &nf_format_hdf5;
    else
        status = nf_suffix_format(path->file, format);
    if (status == NF_OK && !(*format)->can_hold(shape))
        status = cannot_hold(*format, typed, shape);
    return status;
}

/* What the user asked for and not every format can do. */
static nf_status check_wishes(const nf_format *format, const char *typed, const nf_shape *shape,
                              const nf_output *output)
{
    nf_element_type own = nf_element_native(shape->dtype).type;
    if (output->store != NF_EL_NONE && output->store != own && !format->stores)
        return nf_fail(NF_ERR_USAGE,
                       "%s: a %s file stores elements as they were computed, %s, not as %s: end "
                       "the chain by cast:to=..., or write to a .h5, .tif or .npy file",
                       typed, format->name, nf_dtype_name(shape->dtype),
                       nf_element_name(output->store));
    bool chunks = output->fletcher32 || output->chunk[NF_DIMS - 1] != 0;
    if (chunks && !format->chunks)
        return nf_fail(NF_ERR_USAGE,
                       "%s: a %s file has no chunks or checksums of them: write to a .h5 file",
                       typed, format->name);
    if (output->compression.id != NF_CODEC_NONE && !format->chunks && !format->compresses)
        return nf_fail(NF_ERR_USAGE,
                       "%s: a %s file has no choice of compression: write to a .h5 or .tif file",
                       typed, format->name);
    const nf_hdf5_hints *hints = &output->hints;
    bool tuned = hints->alignment > 0 || hints->meta_block > 0 || hints->page > 0 || hints->latest;
    if ((output->nexus || tuned) && format != &nf_format_hdf5)
        return nf_fail(NF_ERR_USAGE, "%s: --nexus and --hint are for .h5 files, not for %s", typed,
                       format->name);
    if (output->stack.dims > 0 && !format->stacks)
        return nf_fail(NF_ERR_USAGE, "%s: nfold writes no stack to a %s file: write to a .h5 file",
                       typed, format->name);
    return NF_OK;
}

/* Whether an input's dataset, perhaps an item of it, is that of the output. */
static bool same_dataset(const char *input, const char *output)
{
    size_t length = strlen(input);
    const char *open = input[length - 1] == ']' ? strrchr(input, '[') : NULL;
    if (open != NULL)
        length = (size_t)(open - input);
    return length == 0 || (strlen(output) == length && strncmp(input, output, length) == 0);
}

/* The output must not be the input: reached through whatever links. Another dataset of the same
 * file is another array. */
static nf_status refuse_same(const nf_path *output, const char *typed, const char *input_typed)
{
    struct stat in, out;
    nf_path input;
    if (input_typed == NULL || stat(output->file, &out) != 0)
        return NF_OK;
    nf_status status = nf_path_parse(input_typed, &input);
    if (status != NF_OK)
        return status;
    bool same = stat(input.file, &in) == 0 && in.st_dev == out.st_dev && in.st_ino == out.st_ino;
    bool datasets = input.dataset != NULL && output->dataset != NULL;
    if (same && datasets)
        same = same_dataset(input.dataset, output->dataset);
    if (same)
        status = nf_fail(
            NF_ERR_FILE, "%s: is the input (%s) itself: write to another file%s", typed,
            input_typed,
            nf_content_is_hdf5(input.file, NULL) ? ", or name two different datasets of it" : "");
    nf_path_free(&input);
    return status;
}

static nf_status refuse_existing(const nf_path *path, const char *typed)
{
    struct stat info;
    nf_status status = NF_OK;
    bool there = lstat(path->file, &info) == 0, has = there;
    const nf_format *format;
    if (there && nf_content_is_hdf5(path->file, NULL) &&
        (path->dataset != NULL ||
         (nf_suffix_format(path->file, &format) == NF_OK && format == &nf_format_hdf5)))
        status = nf_h5_has(path->file, path->dataset, &has);
    if (status == NF_OK && has)
        status =
            nf_fail(NF_ERR_FILE, "%s: exists already, and --no-clobber says to keep it%s", typed,
                    path->dataset != NULL ? ": write to another dataset or file"
                                          : ": write to another file");
    return status;
}

static nf_status check_sums(const nf_format *format, const char *typed, const nf_shape *shape,
                            const nf_output *output)
{
    nf_element_type own = nf_element_native(shape->dtype).type;
    int64_t items = nf_stack_items(&output->stack);
    if (format->seal == NULL)
        return nf_fail(NF_ERR_USAGE,
                       "%s: --checksum: %s cannot keep a checksum of exactly these cells: write to "
                       "a .h5, .tif or .png file, or leave it out",
                       typed, format->name);
    if (output->store != NF_EL_NONE && output->store != own)
        return nf_fail(NF_ERR_USAGE,
                       "%s: --checksum: stored as %s the cells are not those that were computed: "
                       "append `| cast:to=...` instead of --store, or leave it out",
                       typed, nf_element_name(output->store));
    if (items > NF_SUMS)
        return nf_fail(NF_ERR_USAGE,
                       "%s: --checksum: there is room for %d checksums, and the stack has %lld "
                       "items: leave it out",
                       typed, NF_SUMS, (long long)items);
    return NF_OK;
}

static nf_status check_resume(const nf_format *format, const char *typed, const nf_output *output)
{
    if (!format->resumes || nf_output_chunked(output))
        return nf_fail(NF_ERR_USAGE,
                       "%s: --resume: only arrays that lie in one piece can be gone on with: write "
                       "to a .h5, .tif, .npy or .raw file without chunks and compression, and "
                       "convert that",
                       typed);
    if (output->stack.dims > 0 || output->checksum)
        return nf_fail(NF_ERR_USAGE, "%s: --resume goes with neither --stack nor --checksum",
                       typed);
    return NF_OK;
}

nf_status nf_output_check(const nf_path *path, const char *typed, const char *input_typed,
                          const nf_shape *shape, const nf_output *output, const nf_format **format)
{
    nf_status status = refuse_same(path, typed, input_typed);
    if (status == NF_OK && output->no_clobber)
        status = refuse_existing(path, typed);
    if (status == NF_OK)
        status = nf_part_check(path->file);
    if (status == NF_OK)
        status = choose_format(path, typed, shape, format);
    if (status == NF_OK)
        status = check_wishes(*format, typed, shape, output);
    if (status == NF_OK && output->checksum)
        status = check_sums(*format, typed, shape, output);
    if (status == NF_OK && output->resume != NULL)
        status = check_resume(*format, typed, output);
    return status;
}

nf_status nf_output_metadata(const nf_output *output, const nf_shape *shape, nf_metadata *kept)
{
    return nf_metadata_output(output->metadata, output->changes, shape, kept);
}
