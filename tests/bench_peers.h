/* bench_peers.h - other libraries as a benchmark's subjects: what bench_peers.c asks of each, in C so that
 * each may be written in its own language. */
#ifndef NF_BENCH_PEERS_H
#define NF_BENCH_PEERS_H

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The operations; what each is stands beside it in bench_peers.c. */
typedef enum peer_op {
    PEER_COPY,
    PEER_SHARPEN,    /* the 3x3 mask -2 around 32, over 16 */
    PEER_CONVOLVE_5, /* peer_mask_5, over its sum */
    PEER_GAUSSIAN,   /* sigma and radius */
    PEER_BOX_5,
    PEER_SOBEL, /* the magnitude */
    PEER_MEDIAN_3,
    PEER_MEDIAN_5,
    PEER_ERODE_5,
    PEER_BILATERAL_9, /* d 9, sigma_color 30, sigma_space 3 */
    PEER_HISTOGRAM,   /* of 256 bins */
    PEER_MEAN_STD,
    PEER_MIN_MAX,
    PEER_LANCZOS, /* to 800x600, antialiased */
    PEER_AREA,    /* to 800x600 */
    PEER_NLM      /* h 10, patches of 7, a window of 21 */
} peer_op;

enum { PEER_SMALL_COLUMNS = 800, PEER_SMALL_ROWS = 600 };

extern const int peer_mask_5[25];
enum { PEER_MASK_5_SUM = 28 };

/* One operation on one dense array; whoever asks owns in and out. */
typedef struct peer_job {
    peer_op op;
    int rows, columns, channels; /* of the input */
    bool is_f32;                 /* u8 otherwise */
    double sigma;                /* of PEER_GAUSSIAN */
    int radius;
    int threads;
    void *in, *out; /* out: as the input, or PEER_SMALL_ROWS x PEER_SMALL_COLUMNS */
    void *own;      /* the peer's */
} peer_job;

/* prepare: false where the library has no such operation. run does it once. */
typedef struct bench_peer {
    const char *name;
    const char *(*version)(void);
    bool (*prepare)(peer_job *job);
    void (*run)(void *job);
    void (*release)(peer_job *job);
} bench_peer;

extern const bench_peer bench_peer_opencv, bench_peer_vips, bench_peer_halide;

#ifdef __cplusplus
}
#endif
#endif
