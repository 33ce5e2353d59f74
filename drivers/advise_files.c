#include "drivers/advise_files.h"

#include <limits.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "drivers/engine/team.h"
#include "io/part.h"

/* Bytes that are read as they are; of more, a part is. */
static const double whole_bytes = 0x1p26;
/* What takes longer than this is done but once. */
static const double long_seconds = 0.4;

/* ---- reading ---- */

/* Rows in order, by rank 0 alone, as many as make up the part. */
static nf_status read_first_rows(nf_array_reader *reader, const nf_shape *shape, double *part)
{
    nf_shape rows = *shape;
    rows.dim[1] = (int64_t)fmax(1, (double)shape->dim[1] * *part);
    *part = (double)rows.dim[1] / (double)shape->dim[1];
    ptrdiff_t stride[NF_DIMS];
    nf_box box = nf_box_whole(&rows);
    box.hi[0] = 1;
    nf_dense_strides(rows.dim, rows.channels, stride);
    void *cells = malloc(nf_shape_bytes(&rows));
    nf_status status = cells ? nf_array_read_box(reader, &box, cells, stride)
                             : nf_fail(NF_ERR_MEMORY, "no memory");
    *part /= (double)shape->dim[0];
    free(cells);
    return status;
}

/* This rank's block, or its first rows (planes). */
static nf_status make_field(const nf_world *world, const nf_shape *shape, double part,
                            nf_field *field)
{
    const nf_halo none = {{0}, {0}};
    nf_cut cut = nf_cut_choose(shape, world->size, &none, NULL);
    if (part == 1)
        return nf_agree(world, nf_field_create(field, &cut, world->rank, &none));
    nf_box own = nf_cut_block(&cut, world->rank);
    int d = NF_DIMS - shape->ndim;
    int64_t rows = (int64_t)ceil((double)nf_box_extent(&own, d) * part);
    own.hi[d] = own.lo[d] + rows;
    return nf_agree(world, nf_field_create_box(field, shape, &own, &none));
}

/* One reading, opening the file included; *seconds for the whole array. */
static nf_status read_once(const nf_world *world, const char *input, nf_field *field,
                           double *seconds)
{
    nf_array_reader *reader = NULL;
    nf_shape shape;
    double start = nf_seconds(), part = 1;
    nf_status status = nf_array_open(world, input, NULL, &reader, &shape);
    if (status != NF_OK)
        return status;
    double bytes = (double)nf_shape_bytes(&shape);
    int random = nf_array_random(reader);
    nf_broadcast(world, &random, sizeof random, 0);
    if (bytes > whole_bytes)
        part = whole_bytes / bytes;
    if (random || part == 1) {
        if (field->memory == NULL)
            status = make_field(world, &shape, part, field);
        if (status == NF_OK)
            status = nf_array_read(world, reader, field);
    } else {
        status = nf_agree(world, world->rank == 0 ? read_first_rows(reader, &shape, &part) : NF_OK);
    }
    *seconds = (nf_seconds() - start) / part;
    nf_array_close(reader);
    return status;
}

/* ---- writing ---- */

/* A file beside the output that is nobody's, of its kind. The caller frees it. */
static char *name_beside(const char *output, char **file)
{
    nf_path path;
    char *name = NULL;
    *file = NULL;
    if (nf_path_parse(output, &path) != NF_OK)
        return NULL;
    const char *slash = strrchr(path.file, '/');
    int folder = slash == NULL ? 0 : (int)(slash - path.file + 1);
    if (asprintf(file, "%.*sadvise-%d-%s", folder, path.file, (int)getpid(), path.file + folder) <
        0)
        *file = NULL;
    if (*file != NULL && asprintf(&name, "%s%s%s", *file, path.dataset != NULL ? ":" : "",
                                  path.dataset != NULL ? path.dataset : "") < 0)
        name = NULL;
    nf_path_free(&path);
    return name;
}

/* The file that is being tried, for signals to remove. */
static char trial[PATH_MAX];

static void remove_trial(int number)
{
    nf_part_remove_all();
    unlink(trial);
    raise(number); /* its default action is in place again: SA_RESETHAND */
}

static void keep_trial(const char *file)
{
    static const int ends[] = {SIGINT, SIGTERM, SIGHUP, SIGALRM};
    const struct sigaction ours = {.sa_handler = remove_trial, .sa_flags = (int)SA_RESETHAND};
    if (snprintf(trial, sizeof trial, "%s", file) >= (int)sizeof trial)
        trial[0] = '\0';
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
        sigaction(ends[i], &ours, NULL);
}

static nf_status write_once(const nf_world *world, const char *name, const char *input,
                            nf_bench *bench, double *seconds)
{
    nf_array_writer *writer = NULL;
    const nf_provenance provenance = {.command = "advise", .input = input};
    const nf_output output = {.quality = 90, .provenance = &provenance};
    double start = nf_seconds();
    nf_status status =
        nf_array_create(world, name, input, nf_plan_output(bench->plan), &output, &writer);
    if (status != NF_OK)
        return status;
    status = nf_array_write(world, writer, &bench->fields.out);
    if (status == NF_OK)
        status = nf_array_commit(world, writer);
    else
        nf_array_abort(world, writer);
    *seconds = nf_seconds() - start;
    return status;
}

static nf_status write_twice(const nf_world *world, const advise_args *args, nf_bench *bench,
                             double piece, double *least)
{
    char name[FILENAME_MAX] = "", *file = NULL;
    char *beside = world->rank == 0 ? name_beside(args->output, &file) : NULL;
    bool fine = world->rank > 0 || beside != NULL;
    if (beside != NULL)
        snprintf(name, sizeof name, "%s", beside);
    nf_status status =
        nf_agree(world, fine ? NF_OK : nf_fail(NF_ERR_MEMORY, "no memory for a name"));
    nf_broadcast(world, name, sizeof name, 0);
    double seconds = 0;
    if (file != NULL)
        keep_trial(file);
    for (int i = 0; i < 2 && status == NF_OK && (i == 0 || seconds < long_seconds); i++) {
        status = write_once(world, name, args->input, bench, &seconds);
        *least = fmin(*least, seconds / piece);
        if (file != NULL)
            unlink(file);
        nf_broadcast(world, &seconds, sizeof seconds, 0);
    }
    free(beside);
    free(file);
    return status;
}

nf_status advise_files_time(const advise_args *args, const nf_world *part, nf_bench *bench,
                            double piece, nf_way_times *times)
{
    nf_field field = {.memory = NULL};
    double least = INFINITY, seconds = 0;
    nf_status status = NF_OK;
    for (int i = 0; i < 2 && status == NF_OK && (i == 0 || seconds < long_seconds); i++) {
        status = read_once(part, args->input, &field, &seconds);
        least = fmin(least, seconds);
        nf_broadcast(part, &seconds, sizeof seconds, 0);
    }
    nf_field_free(&field);
    times->read += least;
    least = INFINITY;
    if (status == NF_OK && args->output != NULL && bench->maps)
        status = write_twice(part, args, bench, piece, &least);
    times->write = isfinite(least) ? least : 0;
    return status;
}

nf_status advise_files_check(const advise_args *args, const nf_shape *output)
{
    const nf_world alone = {.size = 1, .threads = 1};
    nf_array_writer *writer = NULL;
    const nf_provenance provenance = {.command = "advise", .input = args->input};
    const nf_output as = {.quality = 90, .provenance = &provenance};
    nf_status status = nf_array_create(&alone, args->output, args->input, output, &as, &writer);
    nf_array_abort(&alone, writer);
    return status;
}
