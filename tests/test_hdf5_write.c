/* What nfold writes to HDF5 files beside the elements and in which form, by any number of ranks: types,
 * stacks, attributes and scales that are kept, NeXus's groups, hints. Run under mpirun. */
#include <hdf5.h>
#include <hdf5_hl.h>
#include <math.h>

#include "tests/io_cells.h"
#include "tests/io_ranks.h"

/* ---- helpers ---- */

/* Fills a field with a function of each element's index and writes it. */
static nf_status fill_field(nf_field *field, const nf_shape *shape, double (*at)(int64_t))
{
    nf_halo none = {{0}, {0}};
    nf_cut cut = nf_cut_choose(shape, world.size, &none, NULL);
    nf_status status = nf_agree(&world, nf_field_create(field, &cut, world.rank, &none));
    const nf_box *own = &field->own;
    for (int64_t z = own->lo[0]; z < own->hi[0] && status == NF_OK; z++)
        for (int64_t y = own->lo[1]; y < own->hi[1]; y++)
            for (int64_t x = own->lo[2]; x < own->hi[2]; x++) {
                void *cell = nf_field_at(field, (const int64_t[]){z, y, x});
                double value = at((z * shape->dim[1] + y) * shape->dim[2] + x);
                if (shape->dtype == NF_F32)
                    *(float *)cell = (float)value;
                else if (shape->dtype == NF_F64)
                    *(double *)cell = value;
                else
                    *(uint8_t *)cell = (uint8_t)value;
            }
    return status;
}

static double plain_at(int64_t i)
{
    return (double)(i % 100);
}

static nf_status write_as(const char *name, const char *input, nf_shape shape,
                          const nf_output *output, double (*at)(int64_t))
{
    nf_array_writer *writer;
    nf_field field = {.memory = NULL};
    nf_status status = nf_array_create(&world, in_folder(name), input, &shape, output, &writer);
    if (status != NF_OK)
        return status;
    status = fill_field(&field, &shape, at);
    for (int64_t i = 0; i < nf_stack_items(&output->stack) && status == NF_OK; i++) {
        nf_array_item(writer, i);
        status = nf_array_write(&world, writer, &field);
    }
    nf_field_free(&field);
    if (status == NF_OK)
        return nf_array_commit(&world, writer);
    nf_array_abort(&world, writer);
    return status;
}

/* A dataset of a file (its name may be an output's), opened by rank 0 alone; the caller closes both. */
static hid_t open_written(const char *name, const char *dataset, hid_t *file)
{
    char path[NAME_ROOM];
    snprintf(path, sizeof path, "%s", in_folder(name));
    char *colon = strstr(path, ":/");
    if (colon != NULL)
        *colon = '\0';
    *file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
    return H5Dopen2(*file, dataset, H5P_DEFAULT);
}

static bool has_text(hid_t file, const char *object, const char *attribute, const char *text)
{
    char value[256] = "";
    return H5Aexists_by_name(file, object, attribute, H5P_DEFAULT) > 0 &&
           H5LTget_attribute_string(file, object, attribute, value) >= 0 &&
           strcmp(value, text) == 0;
}

static bool has(hid_t file, const char *object, const char *attribute)
{
    return H5Aexists_by_name(file, object, attribute, H5P_DEFAULT) > 0;
}

/* ---- element types ---- */

/* Beyond every integer's range, halfway cases, NaN, and plain numbers. */
static const double hard[] = {-1e10, 1e10, 0.5, 1.5, 2.5, -0.5, -1.5, NAN, 3, 300, 70000, -200};
enum { HARD = sizeof hard / sizeof *hard };

static double hard_at(int64_t i)
{
    return hard[i % HARD];
}

/* By the rule, not by nfold's code. */
static double stored(double value, double least, double most)
{
    if (isnan(value))
        return 0;
    double down = floor(value), rest = value - down;
    double whole = rest > 0.5 || (rest == 0.5 && fmod(down, 2) != 0) ? down + 1 : down;
    return whole < least ? least : whole > most ? most : whole;
}

static bool stores(const char *name, hid_t type, double least, double most)
{
    hid_t file, set = open_written(name, "/data", &file), own = H5Dget_type(set);
    double got[HARD * 7];
    bool fine = H5Tequal(own, type) > 0 &&
                H5Dread(set, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, got) >= 0;
    for (int i = 0; i < HARD * 7 && fine; i++)
        fine = got[i] == stored(hard_at(i), least, most);
    H5Tclose(own);
    H5Dclose(set);
    H5Fclose(file);
    return fine;
}

static void test_store(void)
{
    const struct {
        nf_element_type type;
        hid_t written;
        double least, most;
    } types[] = {{NF_EL_U8, H5T_STD_U8LE, 0, 255},
                 {NF_EL_I8, H5T_STD_I8LE, -128, 127},
                 {NF_EL_U16, H5T_STD_U16LE, 0, 65535},
                 {NF_EL_I16, H5T_STD_I16LE, -32768, 32767},
                 {NF_EL_U32, H5T_STD_U32LE, 0, 4294967295.0},
                 {NF_EL_I32, H5T_STD_I32LE, -2147483648.0, 2147483647.0}};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        for (nf_dtype dtype = NF_F32; dtype <= NF_F64; dtype++) {
            nf_shape shape = {{1, 7, HARD}, 2, 1, dtype};
            nf_output output = {.store = types[i].type};
            CHECK_ALL(write_as("store.h5", NULL, shape, &output, hard_at) == NF_OK);
            CHECK_ALL(world.rank != 0 ||
                      stores("store.h5", types[i].written, types[i].least, types[i].most));
        }
}

static void test_stored_floats(void)
{
    nf_shape shape = {{1, 20, 30}, 2, 1, NF_F64};
    static const nf_element_type types[] = {NF_EL_F16, NF_EL_F32, NF_EL_F64};
    for (size_t i = 0; i < 3; i++) {
        nf_output output = {.store = types[i]};
        CHECK_ALL(write_as("float.h5", NULL, shape, &output, plain_at) == NF_OK);
        hid_t file, set = world.rank == 0 ? open_written("float.h5", "/data", &file) : -1;
        double got[600];
        bool fine = true;
        if (world.rank == 0) {
            fine = H5Dget_storage_size(set) == 600 * nf_element_size(types[i]) &&
                   H5Dread(set, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, got) >= 0;
            for (int j = 0; j < 600 && fine; j++)
                fine = got[j] == plain_at(j);
            H5Dclose(set);
            H5Fclose(file);
        }
        CHECK_ALL(fine);
    }
}

static void test_refused_wishes(void)
{
    nf_shape bytes = {{1, 20, 30}, 2, 1, NF_U8};
    nf_output as_i16 = {.store = NF_EL_I16}, as_u8 = {.store = NF_EL_U8};
    nf_output stack = {.stack = {.dims = 1, .extent = {3}}}, nexus = {.nexus = true};
    CHECK_ALL(all_say(write_as("a.png", NULL, bytes, &as_i16, plain_at), "not as i16"));
    CHECK_ALL(all_say(write_as("a.jpg", NULL, bytes, &as_i16, plain_at), "not as i16"));
    CHECK_ALL(write_as("a.png", NULL, bytes, &as_u8, plain_at) == NF_OK);
    CHECK_ALL(all_say(write_as("b.png", NULL, bytes, &stack, plain_at), "no stack to a PNG file"));
    CHECK_ALL(all_say(write_as("b.h5:/x[3]", NULL, bytes, &as_u8, plain_at), "a whole dataset"));
    CHECK_ALL(all_say(write_as("b.h5:/a/b", NULL, bytes, &nexus, plain_at), "in two groups"));
    CHECK_ALL(all_say(write_as("b.h5:/a/b/c/d", NULL, bytes, &nexus, plain_at), "in two groups"));
    CHECK_ALL(access(in_folder("b.h5"), F_OK) != 0);
}

/* ---- stacks ---- */

static void test_stack(void)
{
    nf_shape shape = {{1, 11, 13}, 2, 1, NF_F32};
    nf_output output = {.stack = {.dims = 2, .extent = {3, 2}}, .store = NF_EL_I16};
    char typed[NAME_ROOM];
    CHECK_ALL(write_as("stack.h5:/g/s", NULL, shape, &output, plain_at) == NF_OK);
    if (world.rank == 0) {
        hid_t file, set = open_written("stack.h5", "/g/s", &file), space = H5Dget_space(set);
        hsize_t extent[H5S_MAX_RANK];
        static double got[6 * 143];
        CU_ASSERT(H5Sget_simple_extent_dims(space, extent, NULL) == 4);
        CU_ASSERT(extent[0] == 3 && extent[1] == 2 && extent[2] == 11 && extent[3] == 13);
        CU_ASSERT(H5Dread(set, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, got) >= 0);
        int wrong = 0;
        for (int i = 0; i < 6 * 143; i++)
            wrong += got[i] != plain_at(i % 143);
        CU_ASSERT_EQUAL(wrong, 0);
        H5Sclose(space);
        H5Dclose(set);
        H5Fclose(file);
    }
    nf_barrier(&world);
    nf_array_reader *reader;
    nf_shape again;
    snprintf(typed, sizeof typed, "%s", in_folder("stack.h5:/g/s[2,1]"));
    CHECK_ALL(nf_array_open(&world, typed, NULL, &reader, &again) == NF_OK);
    CHECK_ALL(nf_shape_equal(&again, &shape));
    nf_array_close(reader);
    /* An item's own dataset is its input, too. */
    nf_output one = {.quality = 0};
    CHECK_ALL(all_say(write_as("stack.h5:/g/s", typed, shape, &one, plain_at), "is the input"));
}

/* ---- attributes and scales ---- */

typedef struct pair {
    int a;
    double b;
} pair;

static void put_variable(hid_t set, hid_t scale)
{
    static const hsize_t two = 2;
    const char *words[] = {"one", "a longer one"};
    const pair pairs[] = {{1, 2.5}, {-3, 1e300}};
    hid_t space = H5Screate_simple(1, &two, NULL), null = H5Screate(H5S_NULL);
    hid_t text = H5Tcopy(H5T_C_S1), compound = H5Tcreate(H5T_COMPOUND, sizeof(pair));
    H5Tset_size(text, H5T_VARIABLE);
    H5Tinsert(compound, "a", HOFFSET(pair, a), H5T_NATIVE_INT);
    H5Tinsert(compound, "b", HOFFSET(pair, b), H5T_NATIVE_DOUBLE);
    hid_t a = H5Acreate2(set, "words", text, space, H5P_DEFAULT, H5P_DEFAULT);
    CU_ASSERT(H5Awrite(a, text, words) >= 0);
    H5Aclose(a);
    a = H5Acreate2(set, "pairs", compound, space, H5P_DEFAULT, H5P_DEFAULT);
    CU_ASSERT(H5Awrite(a, compound, pairs) >= 0);
    H5Aclose(a);
    H5Aclose(H5Acreate2(set, "empty", compound, null, H5P_DEFAULT, H5P_DEFAULT));
    hid_t one = H5Screate(H5S_SCALAR);
    hobj_ref_t reference;
    H5Rcreate(&reference, scale, ".", H5R_OBJECT, -1);
    a = H5Acreate2(set, "other", H5T_STD_REF_OBJ, one, H5P_DEFAULT, H5P_DEFAULT);
    CU_ASSERT(H5Awrite(a, H5T_STD_REF_OBJ, &reference) >= 0);
    H5Aclose(a);
    H5Sclose(one);
    H5Tclose(compound);
    H5Tclose(text);
    H5Sclose(null);
    H5Sclose(space);
}

enum { ROWS = 11, COLUMNS = 13 };

/* sst(time, lat, lon), packed, with one scale of every dimension. */
static void put_source(const char *name)
{
    static const hsize_t extent[] = {3, ROWS, COLUMNS};
    static const char *const dims[] = {"time", "lat", "lon"};
    static short values[3 * ROWS * COLUMNS];
    const float quarter = 0.25F;
    const short fill = -50;
    hid_t file = H5Fcreate(in_folder(name), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    hid_t group = H5Gcreate2(file, "/g", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    hid_t space = H5Screate_simple(3, extent, NULL), scale = -1;
    hid_t set =
        H5Dcreate2(group, "sst", H5T_STD_I16LE, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    CU_ASSERT(H5Dwrite(set, H5T_NATIVE_SHORT, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) >= 0);
    for (unsigned d = 0; d < 3; d++) {
        double ticks[COLUMNS];
        for (int i = 0; i < COLUMNS; i++)
            ticks[i] = i * 10 + (int)d;
        H5LTmake_dataset_double(group, dims[d], 1, &extent[d], ticks);
        H5LTset_attribute_string(group, dims[d], "units", "degrees");
        scale = H5Dopen2(group, dims[d], H5P_DEFAULT);
        CU_ASSERT(H5DSset_scale(scale, dims[d]) >= 0 && H5DSattach_scale(set, scale, d) >= 0);
        if (d < 2)
            H5Dclose(scale);
    }
    put_variable(set, scale);
    H5Dclose(scale);
    H5LTset_attribute_string(group, "sst", "units", "degC");
    H5LTset_attribute_string(group, "sst", "coordinates", "lat lon");
    H5LTset_attribute_string(group, "sst", "CLASS", "IMAGE");
    H5LTset_attribute_string(group, "sst", "IMAGE_SUBCLASS", "IMAGE_INDEXED");
    H5LTset_attribute_string(group, "sst", "nfold_checksum", "0123");
    H5LTset_attribute_string(group, "sst", "nfold_chain", "sobel");
    H5LTset_attribute_float(group, "sst", "scale_factor", &quarter, 1);
    H5LTset_attribute_short(group, "sst", "_FillValue", &fill, 1);
    H5LTset_attribute_short(group, "sst", "valid_min", &fill, 1);
    H5Dclose(set);
    H5Sclose(space);
    H5Gclose(group);
    H5Fclose(file);
}

static bool same_attribute(hid_t a, hid_t b, const char *name)
{
    hid_t from = H5Aopen(a, name, H5P_DEFAULT), to = H5Aopen(b, name, H5P_DEFAULT);
    hid_t type = H5Aget_type(from), other = H5Aget_type(to);
    bool same = from >= 0 && to >= 0 && H5Tequal(type, other) > 0 &&
                H5Aget_storage_size(from) == H5Aget_storage_size(to);
    char *words[2][2];
    pair pairs[2][2] = {{{0, 0}}};
    if (same && strcmp(name, "words") == 0) {
        same = H5Aread(from, type, words[0]) >= 0 && H5Aread(to, other, words[1]) >= 0 &&
               strcmp(words[0][0], words[1][0]) == 0 && strcmp(words[1][1], "a longer one") == 0;
    } else if (same && strcmp(name, "pairs") == 0) {
        same = H5Aread(from, type, pairs[0]) >= 0 && H5Aread(to, other, pairs[1]) >= 0 &&
               pairs[0][1].a == pairs[1][1].a && pairs[1][1].a == -3 &&
               pairs[0][1].b == pairs[1][1].b;
    }
    H5Tclose(other);
    H5Tclose(type);
    H5Aclose(from);
    H5Aclose(to);
    return same;
}

static herr_t count_scale(hid_t set, unsigned dim, hid_t scale, void *data)
{
    char name[64] = "";
    (void)set, (void)dim;
    H5Iget_name(scale, name, sizeof name);
    snprintf(data, 64, "%s", name);
    return 0;
}

/* The scale of a dimension, by its path; "": none. */
static bool scale_is(hid_t set, unsigned dim, const char *path)
{
    char name[64] = "";
    if (H5DSget_num_scales(set, dim) > 0)
        H5DSiterate_scales(set, dim, NULL, count_scale, name);
    return strcmp(name, path) == 0;
}

static nf_output keeping(const char *source, bool chain)
{
    return (nf_output){.source = source, .changes = chain ? NF_CHANGED_VALUES : 0};
}

static void test_attributes(void)
{
    nf_shape volume = {{3, ROWS, COLUMNS}, 3, 1, NF_F32};
    char source[NAME_ROOM];
    if (world.rank == 0)
        put_source("source.h5");
    nf_barrier(&world);
    snprintf(source, sizeof source, "%s", in_folder("source.h5:/g/sst"));
    nf_output output = keeping(source, true);
    CHECK_ALL(write_as("kept.h5:/h/x", source, volume, &output, plain_at) == NF_OK);
    if (world.rank != 0)
        return;
    hid_t old_file, old = open_written("source.h5", "/g/sst", &old_file);
    hid_t file, set = open_written("kept.h5", "/h/x", &file);
    static const char *const kept[] = {"words", "pairs", "empty", "units"};
    static const char *const left[] = {"other",     "scale_factor",   "_FillValue",
                                       "valid_min", "nfold_checksum", "coordinates",
                                       "CLASS",     "IMAGE_SUBCLASS", "nfold_chain"};
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++)
        CU_ASSERT(same_attribute(old, set, kept[i]));
    for (size_t i = 0; i < sizeof left / sizeof *left; i++)
        CU_ASSERT(!has(file, "/h/x", left[i]));
    CU_ASSERT(scale_is(set, 0, "/h/time") && scale_is(set, 1, "/h/lat") &&
              scale_is(set, 2, "/h/lon"));
    CU_ASSERT(has_text(file, "/h/lat", "units", "degrees"));
    double ticks[COLUMNS];
    CU_ASSERT(H5LTread_dataset_double(file, "/h/lon", ticks) >= 0 && ticks[12] == 122);
    H5Dclose(set);
    H5Fclose(file);
    H5Dclose(old);
    H5Fclose(old_file);
}

/* What is kept only under conditions. */
static void check_kept(const char *name, const char *source, const nf_output *output,
                       nf_shape shape, const char *attribute, bool kept, const char *left)
{
    nf_array_writer *writer;
    CHECK_ALL(nf_array_create(&world, in_folder(name), source, &shape, output, &writer) == NF_OK);
    const char *told = nf_array_left(writer);
    CHECK_ALL(world.rank != 0 || (left == NULL ? told == NULL || strstr(told, attribute) == NULL
                                               : told != NULL && strstr(told, left) != NULL));
    nf_field field = {.memory = NULL};
    CHECK_ALL(fill_field(&field, &shape, plain_at) == NF_OK);
    CHECK_ALL(nf_array_write(&world, writer, &field) == NF_OK);
    CHECK_ALL(nf_array_commit(&world, writer) == NF_OK);
    nf_field_free(&field);
    bool there = false;
    if (world.rank == 0) {
        hid_t file, set = open_written(name, "/y", &file);
        there = H5Aexists(set, attribute) > 0;
        H5Dclose(set);
        H5Fclose(file);
    }
    CHECK_ALL(world.rank != 0 || there == kept);
}

static void test_conditions(void)
{
    nf_shape volume = {{3, ROWS, COLUMNS}, 3, 1, NF_F32};
    char source[NAME_ROOM], cf[NAME_ROOM];
    snprintf(source, sizeof source, "%s", in_folder("source.h5:/g/sst"));
    snprintf(cf, sizeof cf, "%s", in_folder("source.h5:/g/sst[cf]"));
    nf_output output = keeping(source, false); /* a conversion, to f32: other elements */
    check_kept("c.h5:/y", source, &output, volume, "scale_factor", false, "scale_factor");
    output.store = NF_EL_I16; /* the same elements */
    check_kept("c.h5:/y", source, &output, volume, "scale_factor", true, NULL);
    check_kept("c.h5:/y", source, &output, volume, "valid_min", true, NULL);
    output.changes = NF_CHANGED_VALUES;
    check_kept("c.h5:/y", source, &output, volume, "_FillValue", false, "_FillValue");
    output = keeping(cf, false); /* honoured, and so no more to be said */
    check_kept("c.h5:/y", cf, &output, volume, "scale_factor", false, NULL);
    output = keeping(source, true); /* the same file: names of other variables are good */
    check_kept("source.h5:/y", source, &output, volume, "coordinates", true, NULL);
    output.changes = NF_CHANGED_GRID;
    check_kept("c.h5:/y", source, &output, volume, "DIMENSION_LIST", false, "time, lat, lon");
}

static void test_scales(void)
{
    nf_shape image = {{1, ROWS, COLUMNS}, 2, 1, NF_F32};
    char source[NAME_ROOM];
    if (world.rank == 0)
        put_source("source.h5");
    nf_barrier(&world);
    /* An item, and a stack, beside each other: the scales are there once. */
    snprintf(source, sizeof source, "%s", in_folder("source.h5:/g/sst[1]"));
    nf_output output = keeping(source, true);
    CHECK_ALL(write_as("scales.h5:/item", source, image, &output, plain_at) == NF_OK);
    snprintf(source, sizeof source, "%s", in_folder("source.h5:/g/sst"));
    output.stack = (nf_stack){.dims = 1, .extent = {3}};
    CHECK_ALL(write_as("scales.h5:/all", source, image, &output, plain_at) == NF_OK);
    /* Extents that changed: the scale of the other dimension stays. */
    nf_shape half = {{3, ROWS, 6}, 3, 1, NF_F32};
    output.stack.dims = 0;
    CHECK_ALL(write_as("half.h5:/half", source, half, &output, plain_at) == NF_OK);
    if (world.rank != 0)
        return;
    hid_t file, half_file, item = open_written("scales.h5", "/item", &file);
    hid_t all = H5Dopen2(file, "/all", H5P_DEFAULT);
    hid_t other = open_written("half.h5", "/half", &half_file);
    CU_ASSERT(scale_is(item, 0, "/lat") && scale_is(item, 1, "/lon"));
    CU_ASSERT(scale_is(all, 0, "/time") && scale_is(all, 1, "/lat") && scale_is(all, 2, "/lon"));
    CU_ASSERT(scale_is(other, 1, "/lat") && scale_is(other, 2, ""));
    CU_ASSERT(H5Lexists(half_file, "/lon", H5P_DEFAULT) == 0);
    H5Dclose(other);
    H5Fclose(half_file);
    H5Dclose(all);
    H5Dclose(item);
    H5Fclose(file);
}

/* Equal work gives equal bytes, whatever is kept. */
static void test_same_bytes(void)
{
    nf_shape volume = {{3, ROWS, COLUMNS}, 3, 1, NF_F32};
    char source[NAME_ROOM], command[3 * NAME_ROOM];
    snprintf(source, sizeof source, "%s", in_folder("source.h5:/g/sst"));
    nf_output output = keeping(source, true);
    output.nexus = true;
    CHECK_ALL(write_as("one.h5", source, volume, &output, plain_at) == NF_OK);
    sleep(world.rank == 0 ? 1 : 0); /* times would differ */
    CHECK_ALL(write_as("two.h5", source, volume, &output, plain_at) == NF_OK);
    snprintf(command, sizeof command, "cmp %s %s", in_folder("one.h5"), in_folder("two.h5"));
    CHECK_ALL(world.rank != 0 || system(command) == 0);
}

/* ---- images and NeXus ---- */

static void test_images(void)
{
    nf_shape gray = {{1, 20, 30}, 2, 1, NF_U8}, wide = {{1, 20, 30}, 2, 1, NF_F32};
    nf_output output = {.quality = 0}, as_u8 = {.store = NF_EL_U8}, as_f32 = {.store = NF_EL_F32};
    CHECK_ALL(write_as("image.h5:/gray", NULL, gray, &output, plain_at) == NF_OK);
    CHECK_ALL(write_as("image.h5:/stored", NULL, wide, &as_u8, plain_at) == NF_OK);
    CHECK_ALL(write_as("image.h5:/float", NULL, gray, &as_f32, plain_at) == NF_OK);
    if (world.rank != 0)
        return;
    hid_t file = H5Fopen(in_folder("image.h5"), H5F_ACC_RDONLY, H5P_DEFAULT);
    static const char *const images[] = {"/gray", "/stored"};
    for (size_t i = 0; i < 2; i++) {
        unsigned char black = 1;
        CU_ASSERT(has_text(file, images[i], "CLASS", "IMAGE"));
        CU_ASSERT(has_text(file, images[i], "IMAGE_SUBCLASS", "IMAGE_GRAYSCALE"));
        CU_ASSERT(has_text(file, images[i], "IMAGE_VERSION", "1.2"));
        CU_ASSERT(H5LTget_attribute_uchar(file, images[i], "IMAGE_WHITE_IS_ZERO", &black) >= 0);
        CU_ASSERT_EQUAL(black, 0);
    }
    CU_ASSERT(!has(file, "/float", "CLASS"));
    H5Fclose(file);
}

static void test_nexus(void)
{
    nf_shape volume = {{3, ROWS, COLUMNS}, 3, 1, NF_F32};
    char source[NAME_ROOM];
    snprintf(source, sizeof source, "%s", in_folder("source.h5:/g/sst"));
    nf_output output = keeping(source, true);
    output.nexus = true;
    CHECK_ALL(write_as("nexus.h5", source, volume, &output, plain_at) == NF_OK);
    CHECK_ALL(write_as("nexus.h5:/scan/images/raw", NULL, volume, &output, plain_at) == NF_OK);
    CHECK_ALL(all_say(write_as("nexus.h5:/entry/data/lat/x", NULL, volume, &output, plain_at),
                      "no group"));
    CHECK_ALL(
        all_say(write_as("nexus.h5:/x/entry", NULL, volume, &output, plain_at), "two groups"));
    if (world.rank == 0) {
        hid_t file = H5Fopen(in_folder("nexus.h5"), H5F_ACC_RDONLY, H5P_DEFAULT);
        CU_ASSERT(has_text(file, "/", "NX_class", "NXroot"));
        CU_ASSERT(has_text(file, "/", "default", "scan"));
        CU_ASSERT(has_text(file, "/entry", "NX_class", "NXentry"));
        CU_ASSERT(has_text(file, "/entry", "default", "data"));
        CU_ASSERT(has_text(file, "/entry/data", "NX_class", "NXdata"));
        CU_ASSERT(has_text(file, "/entry/data", "signal", "data"));
        CU_ASSERT(has_text(file, "/scan/images", "signal", "raw"));
        int at = -1;
        CU_ASSERT(H5LTget_attribute_int(file, "/entry/data", "lat_indices", &at) >= 0 && at == 1);
        hid_t axes = H5Aopen_by_name(file, "/entry/data", "axes", H5P_DEFAULT, H5P_DEFAULT);
        hid_t type = H5Aget_type(axes);
        char *names[3] = {NULL, NULL, NULL};
        CU_ASSERT(H5Aread(axes, type, names) >= 0);
        CU_ASSERT(strcmp(names[0], "time") == 0 && strcmp(names[2], "lon") == 0);
        H5Tclose(type);
        H5Aclose(axes);
        H5Fclose(file);
    }
    nf_barrier(&world);
    nf_array_reader *reader;
    nf_shape shape;
    CHECK_ALL(nf_array_open(&world, in_folder("nexus.h5"), NULL, &reader, &shape) == NF_OK);
    nf_array_close(reader);
}

/* A group that NeXus knows as something else stays what it is. */
static void test_nexus_conflict(void)
{
    nf_shape image = {{1, 20, 30}, 2, 1, NF_F32};
    nf_output output = {.nexus = true};
    if (world.rank == 0) {
        hid_t file = H5Fcreate(in_folder("conflict.h5"), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
        H5Gclose(H5Gcreate2(file, "/entry", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
        H5LTset_attribute_string(file, "/entry", "NX_class", "NXinstrument");
        H5Fclose(file);
    }
    nf_barrier(&world);
    CHECK_ALL(all_say(write_as("conflict.h5", NULL, image, &output, plain_at), "NXinstrument"));
}

/* ---- hints ---- */

static void test_hints(void)
{
    static const struct {
        const char *text, *words; /* NULL: taken */
    } cases[] = {{"alignment=1M", NULL},
                 {"meta_block=64K", NULL},
                 {"page=4096", NULL},
                 {"libver=latest", NULL},
                 {"libver=earliest", NULL},
                 {"alignment=0", "from 1 to"},
                 {"alignment=2G", "from 1 to"},
                 {"alignment=1T", "from 1 to"},
                 {"alignment=", "from 1 to"},
                 {"alignment", "from 1 to"},
                 {"page=100", "from 512 to"},
                 {"libver=v9", "libver=earliest or libver=latest"},
                 {"cb_nodes=4", "alignment=BYTES, meta_block=BYTES"},
                 {"align=1M", "alignment=BYTES, meta_block=BYTES"},
                 {"", "alignment=BYTES"}};
    nf_hdf5_hints hints = {0};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        nf_status status = nf_hdf5_hint(cases[i].text, &hints);
        CHECK_ALL(cases[i].words == NULL ? status == NF_OK
                                         : status == NF_ERR_USAGE &&
                                               strstr(nf_message(status), cases[i].words) != NULL);
    }
    CHECK_ALL(hints.alignment == 1 << 20 && hints.meta_block == 1 << 16 && hints.page == 4096);
}

static void test_hints_work(void)
{
    nf_shape shape = {{1, 600, 700}, 2, 1, NF_F32};
    static const char *const names[] = {"plain.h5", "hint.h5"};
    haddr_t offset[2];
    unsigned super[2];
    H5F_fspace_strategy_t strategy[2];
    for (int i = 0; i < 2; i++) {
        nf_output output = {.quality = 0};
        if (i == 1)
            output.hints = (nf_hdf5_hints){.alignment = 1 << 20, .latest = true, .page = 8192};
        CHECK_ALL(write_as(names[i], NULL, shape, &output, plain_at) == NF_OK);
        if (world.rank != 0)
            continue;
        hid_t file, set = open_written(names[i], "/data", &file), plist = H5Fget_create_plist(file);
        H5F_info2_t info;
        hbool_t persist;
        hsize_t threshold;
        offset[i] = H5Dget_offset(set);
        H5Fget_info2(file, &info);
        super[i] = info.super.version;
        H5Pget_file_space_strategy(plist, &strategy[i], &persist, &threshold);
        H5Pclose(plist);
        H5Dclose(set);
        H5Fclose(file);
    }
    if (world.rank != 0)
        return;
    CU_ASSERT(offset[0] % 4096 == 0 && offset[0] < 1 << 20);
    CU_ASSERT(super[0] < 3 && super[1] == 3);
    CU_ASSERT(strategy[0] != H5F_FSPACE_STRATEGY_PAGE && strategy[1] == H5F_FSPACE_STRATEGY_PAGE);
}

static void test_alignment(void)
{
    nf_shape shape = {{1, 600, 700}, 2, 1, NF_F32};
    nf_output output = {.hints = {.alignment = 1 << 20}};
    CHECK_ALL(write_as("aligned.h5", NULL, shape, &output, plain_at) == NF_OK);
    if (world.rank != 0)
        return;
    hid_t file, set = open_written("aligned.h5", "/data", &file);
    CU_ASSERT(H5Dget_offset(set) % (1 << 20) == 0);
    H5Dclose(set);
    H5Fclose(file);
}

int main(int argc, char **argv)
{
    CU_TestInfo tests[] = {
        {"integers that are stored", test_store},
        {"floats that are stored", test_stored_floats},
        {"wishes that are refused", test_refused_wishes},
        {"a stack", test_stack},
        {"attributes", test_attributes},
        {"attributes that are kept at times", test_conditions},
        {"scales", test_scales},
        {"same bytes", test_same_bytes},
        {"images", test_images},
        {"NeXus", test_nexus},
        {"NeXus that is in the way", test_nexus_conflict},
        {"hints", test_hints},
        {"hints that work", test_hints_work},
        {"alignment", test_alignment},
        CU_TEST_INFO_NULL,
    };
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    return run_ranks(argc, argv, "hdf5-write", tests);
}
