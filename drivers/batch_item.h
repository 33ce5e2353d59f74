/* batch_item.h - one file of a batch, by one thread: read, through the chain, written. */
#ifndef NF_BATCH_ITEM_H
#define NF_BATCH_ITEM_H

#include "drivers/engine/chain.h"
#include "drivers/engine/plan.h"
#include "io/array.h"
#include "io/batch_log.h"

/* What is done to every file. */
typedef struct nf_batch_recipe {
    const char *chain; /* as typed; NULL: none, a conversion */
    int quality;       /* JPEG */
    bool turn;         /* images the right way up, as their EXIF orientation says */
    bool fast;         /* JPEG decoded smaller where the first kernel is a resize that allows it */
    nf_caches caches;  /* of a worker */
} nf_batch_recipe;

/* What a worker keeps from one file to the next of the same shape. All zero: nothing. */
typedef struct nf_batch_bench {
    nf_shape whole;  /* of the input, as it is in the file */
    nf_shape shape;  /* as it is decoded */
    int orientation; /* that is undone; 0: none */
    bool shrinks;    /* its format can be decoded smaller */
    int eighths;     /* and is at these */
    nf_chain chain;
    nf_plan *plan; /* NULL: a conversion */
    nf_fields fields;
    nf_shape out;
} nf_batch_bench;

enum { NF_BATCH_MESSAGE = 1024 };

/* What came of a file. */
typedef struct nf_batch_result {
    nf_array_writer *writer; /* between the two steps; then NULL */
    nf_shape shape;          /* of the output */
    int failed;
    double seconds;
    int64_t bytes;
    char message[NF_BATCH_MESSAGE];
} nf_batch_result;

/* The chain that applies to an image of an EXIF orientation (0: none); the caller frees it, also after
 * an error. *chained: it has a stage. */
nf_status nf_batch_chain(const nf_batch_recipe *recipe, int orientation, nf_chain *chain,
                         bool *chained);

/* Neither is collective; each by any thread, for any file, at any time. Do: everything but that
 * the output takes its place. Finish: that; harmless after a failure. */
void nf_batch_do(const nf_batch_recipe *recipe, nf_batch_bench *bench, const nf_batch_file *file,
                 nf_batch_result *result);
void nf_batch_finish(const nf_batch_file *file, nf_batch_result *result);
void nf_batch_bench_free(nf_batch_bench *bench);

#endif
