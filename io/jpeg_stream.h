/* jpeg_stream.h - files as libjpeg reads and writes them, in pieces of many times its own 4 KiB: it decodes by
 * its fast path only where some KiB of the file are in memory.
 *
 * Both are freed with the decoder or encoder; the file stays the caller's, and open. Failures are libjpeg's:
 * its error manager is called with JERR_INPUT_EMPTY, JERR_FILE_WRITE (errno tells why) or JERR_OUT_OF_MEMORY,
 * and, where a file ends too early, with the warning JWRN_JPEG_EOF. */
#ifndef NF_JPEG_STREAM_H
#define NF_JPEG_STREAM_H

#include <stdbool.h>
#include <stdio.h>

#include <jpeglib.h>

void nf_jpeg_read_from(j_decompress_ptr info, FILE *file);
void nf_jpeg_write_to(j_compress_ptr info, FILE *file);

#endif
