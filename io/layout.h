/* layout.h - where the elements of an array lie in a file, as a format tells it. A format owns what
 * describes an array; where the bytes themselves lie plainly, one engine moves them for all formats,
 * by the ranks and threads that need them: raw.c dense arrays, chunks.c chunked ones. Internal to
 * io/. */
#ifndef NF_LAYOUT_H
#define NF_LAYOUT_H

#include "drivers/engine/shape.h"
#include "io/element.h"

typedef enum nf_layout_kind {
    NF_LAYOUT_NONE,  /* only the format's own read and write_rows know; `chunk`, unless 0: what read
                       * decodes at once */
    NF_LAYOUT_DENSE, /* in C order from `offset` on */
    NF_LAYOUT_CHUNKS, /* in boxes of equal extents, each at a place of its own */
} nf_layout_kind;

/* What a chunk's bytes went through, by the numbers under which HDF5 registers filters. */
typedef enum nf_codec_id {
    NF_CODEC_NONE = 0,
    NF_CODEC_DEFLATE = 1,
    NF_CODEC_SHUFFLE = 2,
    NF_CODEC_FLETCHER32 = 3,
    NF_CODEC_LZF = 32000,
    NF_CODEC_LZ4 = 32004,
    NF_CODEC_ZSTD = 32015,
} nf_codec_id;

enum { NF_MAX_CODECS = 4 };

typedef struct nf_codec {
    nf_codec_id id;
    int level; /* of compression, when encoding */
} nf_codec;

typedef struct nf_layout {
    nf_layout_kind kind;
    nf_element element;
    int64_t offset; /* dense: position in the file of the first element of what is there */
    bool bottom_up; /* dense: the rows of a plane are stored last to first */
    int64_t
        chunk[NF_DIMS]; /* chunks: extents in cells, each of all channels. Those at the array's far
                               edges are stored in full, too */
    nf_codec codec[NF_MAX_CODECS]; /* in the order in which a chunk was encoded */
    size_t ncodecs;
    double fill; /* of chunks that are not stored */
} nf_layout;

/* A chunk's place in the file. */
typedef struct nf_chunk {
    int64_t address; /* -1: not stored */
    int64_t bytes;
    unsigned skipped; /* bit i: codec[i] was left out for this chunk */
} nf_chunk;

#endif
