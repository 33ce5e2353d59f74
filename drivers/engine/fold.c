#include "drivers/engine/fold.h"

void nf_fold_ranks(const nf_world *world, const nf_stage *stage, void *partial, void *spare)
{
    size_t bytes = stage->setup.partial_bytes;
    if (stage->kernel->adds) {
        nf_sum_i64(world, partial, bytes / sizeof(int64_t));
        return;
    }
    for (int step = 1; step < world->size; step *= 2) {
        if (world->rank % (2 * step) != 0) {
            nf_send(world, partial, bytes, world->rank - step);
            return;
        }
        if (world->rank + step < world->size) {
            nf_receive(world, spare, bytes, world->rank + step);
            stage->kernel->fold(partial, spare, stage->setup.config);
        }
    }
}

void nf_fold_everywhere(const nf_world *world, const nf_stage *stage, void *partial, void *spare)
{
    nf_fold_ranks(world, stage, partial, spare);
    nf_broadcast(world, partial, stage->setup.partial_bytes, 0);
}
