/* codec.h - what the bytes of a chunk, a strip or a tile go through on their way into a file: a list
 * of steps, each as HDF5's filter of the same number leaves them. Internal to io/, but for names. */
#ifndef NF_CODEC_H
#define NF_CODEC_H

#include "drivers/engine/status.h"
#include "io/layout.h"

/* "deflate", "fletcher32"; "none" for NF_CODEC_NONE. */
const char *nf_codec_name(nf_codec_id id);
/* "none", "deflate", "deflate:1" to 9, "zstd:3" to 19, "lz4": a compression and its level. */
nf_status nf_codec_parse(const char *option, const char *text, nf_codec *codec);
int nf_codec_level(nf_codec_id id); /* that which is taken where none is typed */
/* Whether these steps can be undone here: known ones, one compression among them at most. */
bool nf_codecs_known(const nf_codec *steps, size_t count);

/* The memory and the libraries' state that steps need; for one thread at a time. */
typedef struct nf_coder nf_coder;

/* Steps for pieces of at most `most` bytes, of elements of `element` bytes each (for shuffle).
 * `steps` is copied. Error: NF_ERR_MEMORY. */
nf_status nf_coder_create(const nf_codec *steps, size_t count, size_t element, size_t most,
                          nf_coder **coder);
/* From now on compressions are made also where they make nothing shorter. */
void nf_coder_insist(nf_coder *coder);
void nf_coder_free(nf_coder *coder);         /* NULL is allowed */
size_t nf_coder_room(const nf_coder *coder); /* bytes of what encoding gives at most */

/* Bytes that go through the steps in their order. The result is the coder's until its next call, or
 * `from` itself where no step did anything. A compression that would not make them shorter is left
 * out, unless the coder insists: bit i of *skipped tells that step i was, as HDF5's filter masks do. */
nf_status nf_coder_encode(nf_coder *coder, const void *from, size_t bytes, const void **to,
                          size_t *to_bytes, unsigned *skipped);

/* Undoes the steps, last to first, without those skipped: exactly `bytes` bytes into `to`. Whatever
 * stands in `from`, nothing beyond either end is touched; what is not such a result is an error that
 * says which step found what. */
nf_status nf_coder_decode(nf_coder *coder, const void *from, size_t from_bytes, unsigned skipped,
                          void *to, size_t bytes);

/* Fletcher's checksum of the 16-bit big-endian words of some bytes, a last odd one being the high
 * half of a word; the sums modulo 65535, in 1..65535 unless all words are zero. */
uint32_t nf_fletcher32(const void *bytes, size_t count);

/* Elements' first bytes, then their second bytes ...; and back. Bytes after the last whole element
 * stay at the end. */
void nf_shuffle(size_t element, size_t bytes, const void *from, void *to);
void nf_unshuffle(size_t element, size_t bytes, const void *from, void *to);

#endif
