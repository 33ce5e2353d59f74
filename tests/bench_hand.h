/* bench_hand.h - programs without nfold: one kernel over an array in slabs of rows, on the ranks of
 * a communicator and the threads of each, with OpenMP and MPI written out. */
#ifndef NF_BENCH_HAND_H
#define NF_BENCH_HAND_H

#include <mpi.h>
#include <stdbool.h>

#include "tests/bench_rows.h"

typedef struct hand_program {
    MPI_Comm comm; /* MPI_COMM_NULL: this process alone */
    int rank, size, threads;
    int64_t rows, columns; /* of the whole array */
    size_t element;        /* bytes */
    int64_t steps;         /* maps */
    hand_map *map;         /* one of the two */
    hand_sum *sum;
    int64_t first, mine; /* rows of this rank */
    hand_rows layout;
    void *memory[3];
    char *in, *out, *spare; /* row 0 of this rank; a ghost row before and after */
    double total;           /* the last sum, on rank 0 */
} hand_program;

/* Puts the elements of one row, [0, columns), at `to`. */
typedef void hand_fill(int64_t row, int64_t columns, void *to);

/* comm, rank, size, threads, rows, columns, element, steps, map or sum are given. Not collective;
 * false where memory is exhausted. Each thread touches its rows first. */
bool hand_create(hand_program *program, hand_fill *fill);
void hand_free(hand_program *program);

/* Collective over comm. Context: a hand_program. */
void hand_run(void *context);

/* Collective. Row `y` of the output into `to` on rank 0. */
void hand_output_row(const hand_program *program, int64_t y, void *to);

#endif
