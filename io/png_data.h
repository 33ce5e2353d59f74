/* png_data.h - the bytes of a PNG's rows, from the zlib stream that its IDAT chunks hold, in order
 * and in bounded memory. Checks every chunk's CRC and length, and the stream's checksum. Internal
 * to io/. */
#ifndef NF_PNG_DATA_H
#define NF_PNG_DATA_H

#include <stdint.h>
#include <stdio.h>

#include "drivers/engine/status.h"

enum {
    NF_PNG_LENGTH = 4, /* bytes of a chunk's length, of its type and of its CRC */
    NF_PNG_FRAME = 3 * NF_PNG_LENGTH,
    NF_PNG_MOST = 0x7fffffff /* bytes in a chunk */
};

typedef struct nf_png_data nf_png_data;

/* `file` stands at the first IDAT chunk; it stays the caller's, and so does the path, which
 * messages name. */
nf_status nf_png_data_open(FILE *file, const char *path, nf_png_data **data);
/* The next `bytes` of the stream. Errors: damage, an early end. */
nf_status nf_png_data_read(nf_png_data *data, uint8_t *to, size_t bytes);
/* After the last row: the stream ends here and its checksum is right, and so are the chunks up to
 * IEND. Bytes that follow the stream in its chunks are passed over, as libpng does. */
nf_status nf_png_data_end(nf_png_data *data);
void nf_png_data_close(nf_png_data *data); /* NULL is allowed */

uint32_t nf_png_get32(const uint8_t *from); /* big-endian */
void nf_png_put32(uint8_t *to, uint32_t value);

/* Frames a chunk's content: chunk[0 .. 8) becomes its length and type, and its CRC follows the
 * content, which stands at chunk + 8. Returns the bytes of all. */
size_t nf_png_frame(uint8_t *chunk, const char *type, size_t bytes);

#endif
