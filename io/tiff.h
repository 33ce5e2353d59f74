/* tiff.h - what the tiff*.c files share. Included by them alone.
 *
 * libtiff reads and writes directories, and codes strips and tiles; it does so through functions of
 * nfold's, so that its messages end up in nfold's and a writer decides where things lie. A handle is one
 * thread's at a time; several may read one file side by side. */
#ifndef NF_TIFF_H
#define NF_TIFF_H

#include <tiffio.h>

#include "io/format.h"
#include "io/metadata.h"

/* The largest strip or tile that is decoded, in bytes. */
#define NF_TIFF_BLOCK ((int64_t)4 << 30)

typedef struct nf_tiff {
    TIFF *tif;
    const char *name; /* for messages; not owned */
    int fd;           /* not owned */
    int64_t at;       /* where libtiff reads or writes next */
    int64_t hole[2];  /* writing: bytes from hole[0] to hole[1] are others' to write */
    int64_t place;    /* writing: where libtiff puts the next strip; -1: at the end of the file */
    int64_t end;      /* writing: of the file */
    const char *text; /* writing: one whose place is to be known; NULL: none. Not owned */
    int64_t text_at;  /* where it was written, last; -1: not yet */
    int errors, warnings;
    char message[256]; /* the first error since nf_tiff_forget; a warning if there is none */
} nf_tiff;

/* Mode "r", "w" or "w8" (BigTIFF). *tiff is filled in but for fd, name, hole and place. */
nf_status nf_tiff_open(nf_tiff *tiff, const char *mode);
void nf_tiff_close(nf_tiff *tiff); /* writes what libtiff still has; harmless on an empty one */
void nf_tiff_forget(nf_tiff *tiff);
/* Fails with NF_ERR_FORMAT and libtiff's reason. */
nf_status nf_tiff_fail(const nf_tiff *tiff, const char *what);

/* One directory that holds an image. */
typedef struct nf_tiff_page {
    int number;           /* counted from 0, all directories */
    uint64_t directory;   /* its position */
    nf_shape shape;       /* 2-D, as nfold sees it */
    nf_element_type type; /* of samples as libtiff gives them; NF_EL_U8 for fewer bits */
    int bits, samples;    /* of a sample; of a pixel, in the file */
    int compression;
    bool palette, inverted; /* inverted: 0 is white */
    bool separate;          /* a plane a sample */
    bool tiled, swapped;
    int64_t rows, columns; /* of a strip or tile */
    int64_t down, across;  /* strips or tiles of a plane */
    int64_t bytes;         /* of a strip or tile, decoded */
    int64_t dense; /* where its pixels lie, one behind the other, as they are; -1: they do not */
} nf_tiff_page;

/* Whether the directory that the handle is at is a small copy of another page, or a mask: none of the
 * stack. */
bool nf_tiff_is_helper(const nf_tiff *tiff);
/* The directory that the handle is at; fails for what nfold does not take. */
nf_status nf_tiff_describe(nf_tiff *tiff, nf_tiff_page *page);
/* Turns the handle to a page. */
nf_status nf_tiff_turn(nf_tiff *tiff, const nf_tiff_page *page);

/* What the directory that the handle is at says beside its pixels, and the way back; false: libtiff
 * refuses it. */
nf_status nf_tiff_keep_metadata(const nf_tiff *tiff, nf_metadata *metadata);
bool nf_tiff_set_metadata(TIFF *tif, const nf_metadata *metadata);

/* Reading and writing: methods of nf_format_tiff; see io/format.h. */
nf_status nf_tiff_open_reader(const char *file, const char *dataset, void **reader,
                              nf_shape *shape);
void nf_tiff_layout(void *reader, nf_layout *layout);
void nf_tiff_share(void *reader, int threads);
nf_status nf_tiff_read(void *reader, const nf_box *box, void *cells,
                       const ptrdiff_t stride[NF_DIMS]);
const nf_metadata *nf_tiff_metadata(void *reader);
bool nf_tiff_checksum(void *reader, uint64_t *sum);
void nf_tiff_close_reader(void *reader);
nf_status nf_tiff_list(const char *file, FILE *out);

bool nf_tiff_can_hold(const nf_shape *shape);
nf_status nf_tiff_create(const char *part, const char *target, const char *dataset,
                         const nf_shape *shape, const nf_output *output, void **writer,
                         nf_layout *layout);
void nf_tiff_write_threads(void *writer, int threads);
nf_status nf_tiff_write_rows(void *writer, int64_t y0, int64_t y1, const void *rows);
void nf_tiff_seal(void *writer, const uint64_t *checksum);
nf_status nf_tiff_finish(void *writer);
void nf_tiff_abandon(void *writer);

#endif
