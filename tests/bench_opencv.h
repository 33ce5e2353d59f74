/* bench_opencv.h - the same filters by OpenCV, behind C functions. Built where OpenCV is found. */
#ifndef NF_BENCH_OPENCV_H
#define NF_BENCH_OPENCV_H

#ifdef __cplusplus
extern "C" {
#endif

/* gaussian: sigma 1, 5 taps; convolve: peer_mask; sobel: the magnitude. Borders reflect. canny: 50 and
 * 150. components of 4 and of 8 neighbours: the output has int elements; both last, and of u8. */
typedef enum peer_filter {
    PEER_GAUSSIAN,
    PEER_SHARPEN,
    PEER_CONVOLVE,
    PEER_SOBEL,
    PEER_CANNY,
    PEER_COMPONENTS_4,
    PEER_COMPONENTS_8
} peer_filter;

enum { PEER_MAX_FILTERS = 4 };

/* Filters one after the other over an image, whose buffers are made once. */
typedef struct peer_chain {
    struct peer_images *images;
    peer_filter filters[PEER_MAX_FILTERS];
    int count;
} peer_chain;

/* Dense images of f32 or u8. NULL when memory is exhausted. */
struct peer_images *peer_create(int rows, int columns, int is_f32);
void peer_free(struct peer_images *images);
void *peer_input(struct peer_images *images);
const void *peer_output(const struct peer_images *images);
void peer_threads(int threads);
void peer_run(void *context); /* a peer_chain */
const char *peer_version(void);
/* The 5x5 mask, row by row. */
extern const float peer_mask[25];

#ifdef __cplusplus
}
#endif

#endif
