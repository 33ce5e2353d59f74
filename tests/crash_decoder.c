/* crash_decoder.c - preloaded into batch by test_batch.sh: a JPEG decoder that kills its process on images
 * 113 cells wide, as a faulty one would on some file. */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

#include <jpeglib.h>

boolean jpeg_start_decompress(j_decompress_ptr info)
{
    boolean (*real)(j_decompress_ptr);
    *(void **)&real = dlsym(RTLD_NEXT, "jpeg_start_decompress");
    if (info->image_width == 113)
        abort();
    return real(info);
}
