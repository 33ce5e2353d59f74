/* bench_batch_vips.c OUT WIDTH HEIGHT whole|smaller FILE... - what bench_batch.py has libvips do with each
 * file: decoded, resized by Lanczos, sharpened, written as JPEG of quality 85. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <vips/vips.h>

static int convert(const char *out, int width, int height, int smaller, const char *path)
{
    char target[4096];
    const char *slash = strrchr(path, '/');
    VipsImage *in = NULL, *resized = NULL, *sharp = NULL;
    VipsImage *mask =
        vips_image_new_matrixv(3, 3, -2.0, -2.0, -2.0, -2.0, 32.0, -2.0, -2.0, -2.0, -2.0);
    vips_image_set_double(mask, "scale", 16);
    snprintf(target, sizeof target, "%s/%s", out, slash != NULL ? slash + 1 : path);
    int failed = 0;
    if (smaller) {
        failed =
            vips_thumbnail(path, &resized, width, "height", height, "size", VIPS_SIZE_FORCE, NULL);
    } else {
        in = vips_image_new_from_file(path, "access", VIPS_ACCESS_SEQUENTIAL, NULL);
        failed =
            in == NULL || vips_resize(in, &resized, (double)width / vips_image_get_width(in),
                                      "vscale", (double)height / vips_image_get_height(in), NULL);
    }
    failed = failed ||
             vips_conv(resized, &sharp, mask, "precision", VIPS_PRECISION_INTEGER, NULL) ||
             vips_jpegsave(sharp, target, "Q", 85, NULL);
    if (failed)
        fprintf(stderr, "%s: %s\n", path, vips_error_buffer());
    VIPS_UNREF(sharp);
    VIPS_UNREF(resized);
    VIPS_UNREF(in);
    g_object_unref(mask);
    return failed;
}

int main(int argc, char **argv)
{
    int failed = argc < 6 || VIPS_INIT(argv[0]);
    for (int i = 5; i < argc && !failed; i++)
        failed = convert(argv[1], atoi(argv[2]), atoi(argv[3]), strcmp(argv[4], "smaller") == 0,
                         argv[i]);
    return failed;
}
