/* png.h - what reading and writing PNG images share. Internal to io/.
 *
 * libpng reads and writes what stands before the pixels. These go through io/png_data.h and
 * io/png_filter.h, but for what is rare: interlaced images, palettes, fewer than 8 bits and
 * transparent colours are decoded by libpng. */
#ifndef NF_PNG_H
#define NF_PNG_H

#include <png.h>
#include <stdio.h>

#include "io/format.h"

/* What libpng's callbacks need. */
typedef struct nf_png {
    png_structp png;
    png_infop info;
    FILE *file;
    char *path;
    nf_shape shape;
    char message[200]; /* of the error that libpng ended with */
} nf_png;

/* For png_create_*_struct: keeps the message and jumps back; says nothing. */
void nf_png_keep_error(png_structp png, png_const_charp text) __attribute__((noreturn));
void nf_png_drop_warning(png_structp png, png_const_charp text);

size_t nf_png_row_bytes(const nf_shape *shape);
/* Samples of 16 bits are big-endian in the file. */
bool nf_png_must_swap(const nf_shape *shape);
/* Copies samples of 16 bits with their bytes swapped. */
void nf_png_swap(void *to, const void *from, size_t bytes);

/* The writing half of the format's table. */
nf_status nf_png_create(const char *part, const char *target, const char *dataset,
                        const nf_shape *shape, const nf_output *output, void **state,
                        nf_layout *layout);
void nf_png_write_threads(void *writer, int threads);
nf_status nf_png_write_rows(void *writer, int64_t y0, int64_t y1, const void *rows);
void nf_png_seal(void *writer, const uint64_t *checksum);
nf_status nf_png_finish(void *writer);
void nf_png_abandon(void *writer);

#endif
