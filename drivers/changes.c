#include "drivers/changes.h"

#include "io/metadata.h"

unsigned nf_changes_of(const nf_chain *chain)
{
    unsigned changes = chain != NULL ? NF_CHANGED_VALUES : 0;
    for (size_t i = 0; chain != NULL && i < chain->count; i++) {
        const nf_kernel *kernel = chain->stages[i].kernel;
        changes |= kernel->kind == NF_RESAMPLE ? NF_CHANGED_GRID : 0;
        changes |= kernel->turns ? NF_CHANGED_ORDER : 0;
    }
    return changes;
}
