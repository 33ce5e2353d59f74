/* png_filter.h - the five filters of PNG's rows (PNG specification, 3rd edition, section 9).
 * Internal to io/.
 *
 * `bpp` is the bytes of a pixel: 1, 2, 3, 4, 6 or 8. A row has `bytes` bytes, a multiple of bpp, as
 * they stand in the file: 16-bit samples big-endian. */
#ifndef NF_PNG_FILTER_H
#define NF_PNG_FILTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { NF_PNG_SLACK = 8 /* bytes that may be read, not used, beyond the end of a row */ };

/* Takes the filter off in place. `up` is the row above, zeros for the first. Both rows have
 * NF_PNG_SLACK readable bytes behind them. false: there is no such filter. */
bool nf_png_unfilter(int filter, int bpp, uint8_t *row, const uint8_t *up, size_t bytes);

/* Writes the filter's number and the filtered row to out[1 + bytes]: Sub or Up, whose sum of
 * magnitudes is the lesser. Others would save a few hundredths of the file and cost most of a
 * decoder's speed. `up` NULL: the image's first row. `spare`: room for a row. */
void nf_png_filter(int bpp, const uint8_t *row, const uint8_t *up, size_t bytes, uint8_t *out,
                   uint8_t *spare);

#endif
