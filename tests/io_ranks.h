/* io_ranks.h - what tests of io/ under mpirun share: checks that count on all ranks together, so that
 * no rank leaves the common way alone, and known arrays written and read by all. */
#ifndef NF_IO_RANKS_H
#define NF_IO_RANKS_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "io/array.h"
#include "tests/folder.h"
#include "tests/io_cells.h"

static nf_world world;

#define CHECK_ALL(fine) CU_ASSERT_EQUAL(nf_sum_u64(&world, (fine) ? 0 : 1), 0)

/* Whether all ranks agree that this status is a failure and keep a message with these words. */
static inline bool all_say(nf_status status, const char *words)
{
    return nf_sum_u64(&world, says(status, words) ? 0 : 1) == 0;
}

/* Collective over `by`. */
static inline nf_status write_field(const nf_world *by, const char *typed, const nf_field *field,
                                    const nf_output *output)
{
    nf_array_writer *writer;
    nf_status status = nf_array_create(by, typed, NULL, &field->cut.shape, output, &writer);
    if (status != NF_OK)
        return status;
    status = nf_array_write(by, writer, field);
    if (status == NF_OK)
        return nf_array_commit(by, writer);
    nf_array_abort(by, writer);
    return status;
}

/* io_field's values, from fields with so many ghost cells on each side. */
static inline nf_status write_known(const nf_world *by, const char *typed, const nf_cut *cut,
                                    int ghost, const nf_output *output)
{
    nf_field field;
    nf_halo halo = {{ghost, ghost, ghost}, {ghost, ghost, ghost}};
    nf_status status = nf_agree(by, nf_field_create(&field, cut, by->rank, &halo));
    if (status == NF_OK) {
        io_field(&field, true);
        status = write_field(by, typed, &field, output);
    }
    nf_field_free(&field);
    return status;
}

/* Cells on all ranks that are not io_field's, read twice; ~0: could not be read. */
static inline uint64_t wrong_cells(const char *typed, const nf_cut *cut, int ghost)
{
    nf_array_reader *reader;
    nf_shape shape;
    nf_field field;
    nf_halo halo = {{ghost, ghost, ghost}, {ghost, ghost, ghost}};
    if (nf_array_open(&world, typed, NULL, &reader, &shape) != NF_OK)
        return ~UINT64_C(0);
    nf_status status = nf_field_create(&field, cut, world.rank, &halo);
    if (status == NF_OK && !nf_shape_equal(&shape, &cut->shape))
        status = nf_fail(NF_ERR_SHAPE, "another shape");
    status = nf_agree(&world, status);
    uint64_t wrong = ~UINT64_C(0);
    for (int round = 0; round < 2 && status == NF_OK; round++) {
        status = nf_array_read(&world, reader, &field);
        wrong = status == NF_OK ? nf_sum_u64(&world, io_field(&field, false)) : ~UINT64_C(0);
    }
    nf_field_free(&field);
    nf_array_close(reader);
    return wrong;
}

/* Main of such a test. */
static inline int run_ranks(int argc, char **argv, const char *name, CU_TestInfo *tests)
{
    if (nf_world_start(&argc, &argv, &world) != NF_OK)
        return EXIT_FAILURE;
    int result = nf_folder_run(&world, name, tests);
    nf_world_stop(&world);
    return result;
}

#endif
