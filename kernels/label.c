/* label.c - the connected components of an array, numbered from 1 in raster order of their first cells,
 * 0 where there is background, as scipy.ndimage.label numbers them with the structuring element
 * generate_binary_structure(ndim, connectivity); or how many cells each has. Background is where all of a
 * cell's elements are 0. same=yes: cells join only where their elements are equal, as in
 * skimage.measure.label (NaN equals nothing). */
#ifndef NF_T

#include "kernels/components.h"

enum { BY_NUMBER, BY_SIZE };

typedef struct label_config {
    bool same;
    int64_t value;
} label_config;

#define NF_BODY "kernels/label.c"
#include "kernels/each_dtype.h"

static const nf_dtype types[] = {NF_U16, NF_F32, NF_F64};

static nf_status prepare(nf_setup *setup)
{
    static const int64_t most[NF_DTYPES] = {
        [NF_U16] = 65535, [NF_F32] = 1 << 24, [NF_F64] = INT64_C(1) << 53};
    label_config *config = setup->alloc(setup, sizeof *config);
    if (config == NULL)
        return NF_ERR_MEMORY;
    config->same = setup->values[1].integer == 1;
    config->value = setup->values[3].integer;
    setup->config = config;
    setup->connectivity = (int)setup->values[0].integer;
    if (setup->connectivity > setup->in.ndim) {
        setup->param = "connectivity";
        setup->problem = "an image has neighbours in 2 directions at most: 1 or 2";
        return NF_ERR_PARAM;
    }
    setup->selective = config->same;
    setup->sizes = config->value == BY_SIZE;
    setup->out.channels = 1;
    setup->out.dtype = types[setup->values[2].integer];
    setup->most = most[setup->out.dtype];
    if (config->same)
        for (int d = NF_DIMS - setup->in.ndim; d < NF_DIMS; d++)
            setup->halo.lo[d] = setup->halo.hi[d] = 1;
    setup->flops_per_cell = 4;
    return NF_OK;
}

static double value(const nf_component *component, const void *config)
{
    const label_config *conf = config;
    return (double)(conf->value == BY_SIZE ? component->size : component->number);
}

static void finish(const void *partial, const void *config, nf_sink *out)
{
    (void)config;
    out->integer(out, "components", 0, (uint64_t) * (const int64_t *)partial);
}

static double reference_cell(const nf_cells *in, const void *config, int64_t z, int64_t y,
                             int64_t x, int c)
{
    bool any = false;
    (void)config, (void)c;
    for (int i = 0; i < in->shape.channels; i++)
        any = any || in->at(in, z, y, x, i) != 0;
    return any ? NF_MEMBER : 0;
}

static const char *const yes_no[] = {"no", "yes", NULL};
static const char *const type_names[] = {"u16", "f32", "f64", NULL};
static const char *const value_names[] = {"number", "size", NULL};

static const nf_param params[] = {
    {"connectivity", NF_PARAM_INTEGER, "indices", "1", 1, 3, NULL,
     "neighbours differ in at most so many indices"},
    {"same", NF_PARAM_CHOICE, "", "no", 0, 0, yes_no, "join cells of equal values only"},
    {"type", NF_PARAM_CHOICE, "", "f32", 0, 0, type_names,
     "element type of the output; f32 tells 2^24 components apart"},
    {"value", NF_PARAM_CHOICE, "", "number", 0, 0, value_names,
     "what a cell gets: its component's number, or how many cells that has"},
    {0}};

static const nf_joining joining = {
    .joins = {[NF_U8] = joins_u8, [NF_U16] = joins_u16, [NF_F32] = joins_f32, [NF_F64] = joins_f64},
    .value = value,
    .loops = &NF_RUN_LOOPS};

const nf_kernel NF_ISA_NAME(nf_kernel_label) = {
    .name = "label",
    .summary = "connected components of what is not 0, numbered",
    .kind = NF_COMPONENTS,
    .ndims = NF_2D | NF_3D,
    .params = params,
    .prepare = prepare,
    .apply = NF_APPLY(apply),
    .joining = &joining,
    .finish = finish,
    .reference_cell = reference_cell,
    .tolerance = 0,
};

#else

static bool NF_NAME(joins)(const void *a, const void *b, int channels)
{
    for (int c = 0; c < channels; c++)
        if (((const NF_T *)a)[c] != ((const NF_T *)b)[c])
            return false;
    return true;
}

static void NF_NAME(classify)(const NF_T *restrict in, ptrdiff_t cells, int channels,
                              uint8_t *restrict out)
{
    for (ptrdiff_t x = 0; x < cells && channels == 1; x++)
        out[x] = in[x] != 0;
    for (ptrdiff_t x = 0; x < cells && channels > 1; x++) {
        out[x] = 0;
        for (int c = 0; c < channels; c++)
            out[x] |= in[x * channels + c] != 0;
    }
}

static void NF_NAME(mark_apart)(const NF_T *restrict in, ptrdiff_t cells, int channels,
                                uint8_t *restrict out)
{
    for (ptrdiff_t x = 1; x < cells && channels == 1; x++)
        out[x] |= in[x] != in[x - 1] ? NF_APART : 0;
    for (ptrdiff_t x = 1; x < cells && channels > 1; x++)
        if (!NF_NAME(joins)(in + x * channels, in + (x - 1) * channels, channels))
            out[x] |= NF_APART;
}

static void NF_NAME(apply)(const nf_tile *tile, const void *config, void *partial)
{
    const label_config *conf = config;
    (void)partial;
    for (int64_t z = 0; z < tile->size[0]; z++) {
        for (int64_t y = 0; y < tile->size[1]; y++) {
            const NF_T *in = NF_ROW_IN(tile, z, y);
            uint8_t *out = (uint8_t *)tile->out + z * tile->out_stride[0] + y * tile->out_stride[1];
            NF_NAME(classify)(in, tile->size[2], tile->channels, out);
            if (conf->same)
                NF_NAME(mark_apart)(in, tile->size[2], tile->channels, out);
        }
    }
}

#endif
