/* storage_args.h - the options that say how an output is stored in chunks. */
#ifndef NF_STORAGE_ARGS_H
#define NF_STORAGE_ARGS_H

#include <argp.h>

#include "io/array.h"

enum { NF_KEY_COMPRESS = 0x31001, NF_KEY_CHUNK, NF_KEY_SHUFFLE, NF_KEY_FLETCHER32 };

/* Rows of an argp option table. */
#define NF_STORAGE_OPTIONS                                                                         \
    {"compress",                                                                                   \
     NF_KEY_COMPRESS,                                                                              \
     "HOW",                                                                                        \
     0,                                                                                            \
     "HDF5, TIFF: deflate:1 (to 9), zstd:3 (1 to 19), HDF5: lz4, or none; readers of HDF5 "        \
     "elsewhere "                                                                                  \
     "need a plugin for zstd and lz4 (default none)",                                              \
     0},                                                                                           \
        {"chunk",                                                                                  \
         NF_KEY_CHUNK,                                                                             \
         "EXTENTS",                                                                                \
         0,                                                                                        \
         "HDF5: store in chunks of so many cells, 256x256, or auto: about 1 MiB in the array's "   \
         "shape (default: contiguous, or auto where --compress or --fletcher32 needs chunks)",     \
         0},                                                                                       \
        {"shuffle",                                                                                \
         NF_KEY_SHUFFLE,                                                                           \
         "on|off",                                                                                 \
         0,                                                                                        \
         "HDF5: put bytes of like significance side by side before they are compressed (default "  \
         "on for elements of more than one byte)",                                                 \
         0},                                                                                       \
    {                                                                                              \
        "fletcher32", NF_KEY_FLETCHER32, NULL, 0,                                                  \
            "HDF5: a checksum in every chunk, which every reader verifies", 0                      \
    }

typedef struct nf_storage_args {
    nf_codec compression;
    bool unshuffled, shuffle_given, fletcher32;
    int64_t chunk[NF_DIMS];
} nf_storage_args;

/* One of these options, as argp's parsers do; ARGP_ERR_UNKNOWN for another key. */
error_t nf_storage_option(nf_storage_args *args, int key, const char *text);
/* After all options. Error: NF_ERR_USAGE, options that contradict each other. */
nf_status nf_storage_check(const nf_storage_args *args);
void nf_storage_apply(const nf_storage_args *args, nf_output *output);

#endif
