/* HDF5 files of other programs, by any number of ranks: every type, shape and link, and the
 * conventions of netCDF and NeXus. Run under mpirun. */
#include <hdf5.h>
#include <hdf5_hl.h>
#include <math.h>

#include "tests/io_ranks.h"

/* ---- helpers ---- */

typedef enum storage { PLAIN, CHUNKS, DEFLATED } storage;

/* Element i of a dense array; every type of one byte and more holds these. */
static double value_of(hsize_t i, bool sign)
{
    double value = (double)(i * 37 % 101);
    return sign ? value - 50 : value;
}

static bool has_sign(hid_t type)
{
    return H5Tget_class(type) == H5T_FLOAT || H5Tget_sign(type) == H5T_SGN_2;
}

static hsize_t product(int rank, const hsize_t *extent)
{
    hsize_t count = 1;
    for (int d = 0; d < rank; d++)
        count *= extent[d];
    return count;
}

/* HDF5 converts from double. */
static hid_t put(hid_t file, const char *name, hid_t type, int rank, const hsize_t *extent,
                 storage how)
{
    hsize_t chunk[H5S_MAX_RANK], count = product(rank, extent);
    hid_t plist = H5Pcreate(H5P_DATASET_CREATE), links = H5Pcreate(H5P_LINK_CREATE);
    hid_t space = H5Screate_simple(rank, extent, NULL);
    double *values = malloc((size_t)count * sizeof *values);
    for (int d = 0; d < rank; d++)
        chunk[d] = extent[d] / 2 + 1;
    for (hsize_t i = 0; values != NULL && i < count; i++)
        values[i] = value_of(i, has_sign(type));
    H5Pset_create_intermediate_group(links, 1);
    if (how != PLAIN)
        H5Pset_chunk(plist, rank, chunk);
    if (how == DEFLATED)
        H5Pset_deflate(plist, 1);
    hid_t set = H5Dcreate2(file, name, type, space, links, plist, H5P_DEFAULT);
    CU_ASSERT(set >= 0);
    if (H5Tget_class(type) == H5T_INTEGER || H5Tget_class(type) == H5T_FLOAT)
        CU_ASSERT(H5Dwrite(set, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) >= 0);
    free(values);
    H5Sclose(space);
    H5Pclose(links);
    H5Pclose(plist);
    return set;
}

static void put_closed(hid_t file, const char *name, hid_t type, int rank, const hsize_t *extent,
                       storage how)
{
    H5Dclose(put(file, name, type, rank, extent, how));
}

static hid_t new_file(const char *name)
{
    return H5Fcreate(in_folder(name), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
}

static void put_text(hid_t object, const char *name, const char *text)
{
    CU_ASSERT(H5LTset_attribute_string(object, ".", name, text) >= 0);
}

/* Reads the own cells of each rank; `at` gives the value of element i of the dense array. *shape is
 * what was found. */
static nf_status read_wrong(const char *typed, double (*at)(hsize_t), nf_shape *shape,
                            uint64_t *wrong)
{
    nf_array_reader *reader;
    nf_field field = {.memory = NULL};
    nf_halo halo = {{1, 1, 1}, {1, 1, 1}};
    *wrong = 0;
    nf_status status = nf_array_open(&world, typed, NULL, &reader, shape);
    if (status != NF_OK)
        return status;
    nf_cut cut = nf_cut_choose(shape, world.size, &halo, NULL);
    status = nf_agree(&world, nf_field_create(&field, &cut, world.rank, &halo));
    if (status == NF_OK)
        status = nf_array_read(&world, reader, &field);
    const nf_box *own = &field.own;
    for (int64_t z = own->lo[0]; z < own->hi[0] && status == NF_OK; z++)
        for (int64_t y = own->lo[1]; y < own->hi[1]; y++)
            for (int64_t x = own->lo[2]; x < own->hi[2]; x++)
                for (int c = 0; c < shape->channels; c++) {
                    const void *cell = nf_field_at(&field, (const int64_t[]){z, y, x});
                    int64_t i = ((z * shape->dim[1] + y) * shape->dim[2] + x) * shape->channels + c;
                    double got = shape->dtype == NF_U8    ? ((const uint8_t *)cell)[c]
                                 : shape->dtype == NF_U16 ? ((const uint16_t *)cell)[c]
                                 : shape->dtype == NF_F32 ? (double)((const float *)cell)[c]
                                                          : ((const double *)cell)[c];
                    double expected = at((hsize_t)i);
                    *wrong += (isnan(expected) ? !isnan(got) : got != expected) ? 1 : 0;
                }
    nf_field_free(&field);
    nf_array_close(reader);
    *wrong = nf_sum_u64(&world, *wrong);
    return status;
}

static nf_status open_only(const char *typed)
{
    nf_shape shape;
    nf_array_reader *reader;
    nf_status status = nf_array_open(&world, typed, NULL, &reader, &shape);
    if (status == NF_OK)
        nf_array_close(reader);
    return status;
}

static hsize_t first; /* index of an item's first element in its dataset */

static double with_sign(hsize_t i)
{
    return value_of(first + i, true);
}

static double without_sign(hsize_t i)
{
    return value_of(first + i, false);
}

static nf_shape shape_of(int ndim, int64_t planes, int64_t rows, int64_t columns, int channels,
                         nf_dtype dtype)
{
    return (nf_shape){{planes, rows, columns}, ndim, channels, dtype};
}

static bool reads(const char *typed, nf_shape expected, double (*at)(hsize_t))
{
    nf_shape shape;
    uint64_t wrong;
    char text[NF_SHAPE_TEXT];
    if (read_wrong(typed, at, &shape, &wrong) != NF_OK) {
        printf("\n    %s: %s\n", typed, nf_message(NF_ERR_FORMAT));
        return false;
    }
    bool fine = nf_shape_equal(&shape, &expected) && wrong == 0;
    if (!fine)
        printf("\n    %s: %s, %llu wrong\n", typed, nf_shape_text(&shape, text),
               (unsigned long long)wrong);
    return fine;
}

/* ---- types ---- */

static hid_t half_type(bool big)
{
    hid_t type = H5Tcopy(big ? H5T_IEEE_F32BE : H5T_IEEE_F32LE);
    H5Tset_fields(type, 15, 10, 5, 0, 10);
    H5Tset_size(type, 2);
    H5Tset_ebias(type, 15);
    return type;
}

static void test_types(void)
{
    static const hsize_t extent[] = {13, 29};
    const struct {
        hid_t little, big;
        nf_dtype dtype;
    } types[] = {
        {H5T_STD_I8LE, H5T_STD_I8BE, NF_F32},        {H5T_STD_U8LE, H5T_STD_U8BE, NF_U8},
        {H5T_STD_I16LE, H5T_STD_I16BE, NF_F32},      {H5T_STD_U16LE, H5T_STD_U16BE, NF_U16},
        {H5T_STD_I32LE, H5T_STD_I32BE, NF_F64},      {H5T_STD_U32LE, H5T_STD_U32BE, NF_F64},
        {half_type(false), half_type(true), NF_F32}, {H5T_IEEE_F32LE, H5T_IEEE_F32BE, NF_F32},
        {H5T_IEEE_F64LE, H5T_IEEE_F64BE, NF_F64}};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        for (storage how = PLAIN; how <= DEFLATED; how++)
            for (int big = 0; big < 2; big++) {
                hid_t type = big ? types[i].big : types[i].little;
                if (world.rank == 0) {
                    hid_t file = new_file("type.h5");
                    put_closed(file, "x", type, 2, extent, how);
                    H5Fclose(file);
                }
                nf_barrier(&world);
                first = 0;
                CHECK_ALL(reads(in_folder("type.h5"), shape_of(2, 1, 13, 29, 1, types[i].dtype),
                                has_sign(type) ? with_sign : without_sign));
            }
}

/* Extremes, which a detour through another type would not keep. */
static const int32_t edges[] = {INT32_MIN, INT32_MAX, -1, 16777217, 0};

static double edge_at(hsize_t i)
{
    return edges[i];
}

static double parity(hsize_t i)
{
    return (double)(i % 2);
}

static void test_extremes(void)
{
    static const hsize_t five = 5;
    static const unsigned char truth[] = {0, 1, 0, 1, 0};
    if (world.rank == 0) {
        hid_t file = new_file("edges.h5"), space = H5Screate_simple(1, &five, NULL);
        hid_t set = put(file, "edges", H5T_STD_I32BE, 1, &five, PLAIN);
        CU_ASSERT(H5Dwrite(set, H5T_NATIVE_INT32, H5S_ALL, H5S_ALL, H5P_DEFAULT, edges) >= 0);
        H5Dclose(set);
        hid_t boolean = H5Tenum_create(H5T_NATIVE_INT8);
        H5Tenum_insert(boolean, "FALSE", &truth[0]);
        H5Tenum_insert(boolean, "TRUE", &truth[1]);
        set = H5Dcreate2(file, "mask", boolean, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
        CU_ASSERT(H5Dwrite(set, boolean, H5S_ALL, H5S_ALL, H5P_DEFAULT, truth) >= 0);
        H5Dclose(set);
        H5Tclose(boolean);
        H5Sclose(space);
        H5Fclose(file);
    }
    nf_barrier(&world);
    CHECK_ALL(reads(in_folder("edges.h5:/edges"), shape_of(1, 1, 1, 5, 1, NF_F64), edge_at));
    CHECK_ALL(reads(in_folder("edges.h5:/mask"), shape_of(1, 1, 1, 5, 1, NF_U8), parity));
}

static hid_t odd_type(int which)
{
    static const int red = 0, green = 7;
    hid_t type = -1;
    switch (which) {
    case 0:
        return H5Tcopy(H5T_STD_I64LE);
    case 1:
        return H5Tcopy(H5T_STD_U64BE);
    case 2:
        return H5Tcopy(H5T_STD_B16LE);
    case 3:
        type = H5Tcopy(H5T_STD_U16LE);
        H5Tset_precision(type, 12);
        return type;
    case 4:
        return H5Tcopy(H5T_NATIVE_LDOUBLE);
    case 5: /* bfloat16 */
        type = H5Tcopy(H5T_IEEE_F32LE);
        H5Tset_fields(type, 15, 7, 8, 0, 7);
        H5Tset_size(type, 2);
        return type;
    case 6:
        type = H5Tenum_create(H5T_NATIVE_INT);
        H5Tenum_insert(type, "RED", &red);
        H5Tenum_insert(type, "GREEN", &green);
        return type;
    case 7:
        type = H5Tcreate(H5T_COMPOUND, 16);
        H5Tinsert(type, "r", 0, H5T_NATIVE_DOUBLE);
        H5Tinsert(type, "i", 8, H5T_NATIVE_DOUBLE);
        return type;
    case 8:
        return H5Tcopy(H5T_STD_REF_OBJ);
    default:
        return H5Tvlen_create(H5T_NATIVE_INT);
    }
}

static void test_refused_types(void)
{
    static const struct {
        const char *words;
        const char *more;
    } said[] = {{"int64", "integers of 64 bits"},
                {"uint64", "integers of 64 bits"},
                {"bitfield", "nfold takes"},
                {"uint12", "padding"},
                {"float", "IEEE 754"},
                {"float16", "IEEE 754"},
                {"enumeration", "booleans alone"},
                {"compound", "complex number"},
                {"reference", "nfold takes"},
                {"variable-length", "nfold takes"}};
    static const hsize_t extent[] = {3, 4};
    for (int i = 0; i < (int)(sizeof said / sizeof *said); i++) {
        if (world.rank == 0) {
            hid_t file = new_file("odd.h5"), type = odd_type(i);
            hid_t space = H5Screate_simple(2, extent, NULL);
            H5Dclose(H5Dcreate2(file, "x", type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
            H5Sclose(space);
            H5Tclose(type);
            H5Fclose(file);
        }
        nf_barrier(&world);
        CHECK_ALL(all_say(open_only(in_folder("odd.h5:/x")), said[i].words));
        CHECK_ALL(all_say(open_only(in_folder("odd.h5:/x")), said[i].more));
    }
}

/* ---- shapes ---- */

static void put_shapes(void)
{
    static const hsize_t movie[] = {4, 3, 5, 6, 7}, frames[] = {4, 5, 6}, ones[] = {1, 1, 5, 6};
    static const hsize_t colours[] = {4, 2, 5, 6, 3}, mixed[] = {1, 4, 1, 5, 6};
    static const hsize_t none[] = {0, 6}, long_one[] = {1, 1, 1, 1, 1, 1, 3};
    hid_t file = new_file("shapes.h5");
    for (storage how = PLAIN; how <= CHUNKS; how++) {
        put_closed(file, how == PLAIN ? "movie" : "zmovie", H5T_STD_I16BE, 5, movie, how);
        put_closed(file, how == PLAIN ? "colours" : "zcolours", H5T_IEEE_F32LE, 5, colours, how);
    }
    put_closed(file, "frames", H5T_IEEE_F64LE, 3, frames, PLAIN);
    put_closed(file, "frames[1]", H5T_STD_U8LE, 1, frames, PLAIN);
    put_closed(file, "ones", H5T_IEEE_F32LE, 4, ones, PLAIN);
    put_closed(file, "mixed", H5T_IEEE_F32LE, 5, mixed, PLAIN);
    put_closed(file, "long", H5T_IEEE_F32LE, 7, long_one, PLAIN);
    put_closed(file, "none", H5T_IEEE_F32LE, 2, none, PLAIN);
    hid_t space = H5Screate(H5S_SCALAR), null = H5Screate(H5S_NULL);
    H5Dclose(
        H5Dcreate2(file, "scalar", H5T_IEEE_F32LE, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
    H5Dclose(H5Dcreate2(file, "null", H5T_IEEE_F32LE, null, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
    H5Sclose(space);
    H5Sclose(null);
    H5Fclose(file);
}

static void test_items(void)
{
    if (world.rank == 0)
        put_shapes();
    nf_barrier(&world);
    nf_shape image = shape_of(2, 1, 6, 7, 1, NF_F32), volume = shape_of(3, 5, 6, 7, 1, NF_F32);
    nf_shape colours = shape_of(2, 1, 5, 6, 3, NF_F32);
    for (int z = 0; z < 2; z++) {
        first = (2 * 3 + 1) * 210;
        CHECK_ALL(reads(in_folder(z ? "shapes.h5:/zmovie[2,1]" : "shapes.h5:/movie[2,1]"), volume,
                        with_sign));
        CHECK_ALL(reads(in_folder(z ? "shapes.h5:/zmovie[-2,-2]" : "shapes.h5:/movie[-2,-2]"),
                        volume, with_sign));
        first += 4 * 42;
        CHECK_ALL(reads(in_folder(z ? "shapes.h5:/zmovie[2,1,-1]" : "shapes.h5:/movie[2,1,-1]"),
                        image, with_sign));
        first = (3 * 2 + 1) * 90;
        CHECK_ALL(reads(in_folder(z ? "shapes.h5:/zcolours[3,1]" : "shapes.h5:/colours[3,1]"),
                        colours, with_sign));
        first = 3 * 180;
        CHECK_ALL(reads(in_folder(z ? "shapes.h5:/zcolours[3]" : "shapes.h5:/colours[3]"),
                        shape_of(3, 2, 5, 6, 3, NF_F32), with_sign));
    }
    first = 30;
    CHECK_ALL(
        reads(in_folder("shapes.h5:/frames[ 1]"), shape_of(2, 1, 5, 6, 1, NF_F64), with_sign));
    first = 0;
    CHECK_ALL(
        reads(in_folder("shapes.h5:/frames[1]"), shape_of(1, 1, 1, 4, 1, NF_U8), without_sign));
    CHECK_ALL(reads(in_folder("shapes.h5:/ones"), shape_of(2, 1, 5, 6, 1, NF_F32), with_sign));
    CHECK_ALL(reads(in_folder("shapes.h5:/long"), shape_of(1, 1, 1, 1, 3, NF_F32), with_sign));
    first = 90;
    CHECK_ALL(
        reads(in_folder("shapes.h5:/mixed[0,3]"), shape_of(3, 1, 5, 6, 1, NF_F32), with_sign));
}

static bool refuses(const char *dataset, const char *words)
{
    char typed[NAME_ROOM];
    snprintf(typed, sizeof typed, "%s%s", in_folder("shapes.h5"), dataset);
    return all_say(open_only(typed), words);
}

static void test_refused_shapes(void)
{
    CHECK_ALL(refuses(":/movie", "one of its 12 items by 2 indices, as [0,0]"));
    CHECK_ALL(refuses(":/movie", "filter --stack"));
    CHECK_ALL(refuses(":/movie[0]", "one of its 3 items"));
    CHECK_ALL(refuses(":/movie[4,0]", "index 0 goes from 0 to 3, or from -1 back to -4"));
    CHECK_ALL(refuses(":/movie[0,-4]", "has no item -4: index 1 goes from 0 to 2"));
    CHECK_ALL(refuses(":/frames[0,0,0]", "leave nothing of its 3 dimensions"));
    CHECK_ALL(refuses(":/frames[x]", "expected whole numbers in the brackets"));
    CHECK_ALL(refuses(":/frames[1,]", "expected whole numbers in the brackets"));
    CHECK_ALL(refuses(":/frames[]", "expected whole numbers in the brackets"));
    CHECK_ALL(refuses(":/movie[0,0,0,0,0]", "at most 4"));
    CHECK_ALL(refuses(":/mixed", "one of its 4 items"));
    CHECK_ALL(refuses(":/none", "it is empty: extent 0 is 0"));
    CHECK_ALL(refuses(":/scalar", "one number (a scalar)"));
    CHECK_ALL(refuses(":/null", "a null dataspace"));
    CHECK_ALL(refuses(":/nowhere[3]", "/nowhere is not there"));
}

static bool stack_is(const char *name, int dims, int want, const int64_t *extent, const char *last)
{
    nf_stack stack;
    char *item = NULL;
    if (nf_array_stack(&world, in_folder(name), dims, &stack) != NF_OK)
        return false;
    bool fine = stack.dims == want &&
                nf_stack_name(&stack, in_folder(name), nf_stack_items(&stack) - 1, &item) == NF_OK;
    for (int d = 0; d < want; d++)
        fine = fine && stack.extent[d] == extent[d];
    fine = fine && strcmp(item + strlen(folder) + 1, last) == 0;
    free(item);
    return fine;
}

static void test_stacks(void)
{
    static const int64_t two[] = {4, 3}, three[] = {4, 3, 5}, five = 5;
    nf_stack stack;
    CHECK_ALL(stack_is("shapes.h5:/movie", 0, 2, two, "shapes.h5:/movie[3,2]"));
    CHECK_ALL(stack_is("shapes.h5:/movie", 3, 3, three, "shapes.h5:/movie[3,2,4]"));
    CHECK_ALL(stack_is("shapes.h5:/movie[1]", 0, 1, two + 1, "shapes.h5:/movie[1,2]"));
    CHECK_ALL(stack_is("shapes.h5:/movie[1,2,cf]", 1, 1, &five, "shapes.h5:/movie[1,2,cf,4]"));
    CHECK_ALL(stack_is("shapes.h5:/frames", 0, 1, two, "shapes.h5:/frames[3]"));
    const char *movie = in_folder("shapes.h5:/movie");
    CHECK_ALL(all_say(nf_array_stack(&world, movie, 1, &stack), "no stack of arrays over 1"));
    CHECK_ALL(all_say(nf_array_stack(&world, in_folder("shapes.h5:/frames"), 3, &stack),
                      "no stack of arrays over 3"));
    CHECK_ALL(
        all_say(nf_array_stack(&world, in_folder("shapes.h5:/scalar"), 0, &stack), "a scalar"));
}

/* ---- links ---- */

static void put_links(void)
{
    static const hsize_t extent[] = {5, 7}, long_extent[] = {3000};
    hid_t other = new_file("other.h5"), file = new_file("links.h5");
    put_closed(other, "before", H5T_IEEE_F64LE, 1, long_extent, PLAIN);
    put_closed(other, "x", H5T_IEEE_F32LE, 2, extent, PLAIN);
    put_closed(other, "z", H5T_STD_I16BE, 2, extent, DEFLATED);
    H5Fclose(other);
    put_closed(file, "g/own", H5T_IEEE_F32LE, 1, long_extent, PLAIN);
    H5Lcreate_soft("/g/own", file, "soft", H5P_DEFAULT, H5P_DEFAULT);
    H5Lcreate_soft("/gone", file, "dangling", H5P_DEFAULT, H5P_DEFAULT);
    H5Lcreate_soft("/cycle", file, "cycle", H5P_DEFAULT, H5P_DEFAULT);
    H5Lcreate_hard(file, "/", file, "g/up", H5P_DEFAULT, H5P_DEFAULT);
    H5Lcreate_external("other.h5", "/x", file, "far", H5P_DEFAULT, H5P_DEFAULT);
    H5Lcreate_external("other.h5", "/z", file, "farz", H5P_DEFAULT, H5P_DEFAULT);
    H5Lcreate_external("none.h5", "/x", file, "lost", H5P_DEFAULT, H5P_DEFAULT);
    hid_t space = H5Screate_simple(2, extent, NULL);
    for (int lost = 0; lost < 2; lost++) {
        hid_t plist = H5Pcreate(H5P_DATASET_CREATE);
        H5Pset_virtual(plist, space, lost ? "none.h5" : "other.h5", "/x", space);
        H5Dclose(H5Dcreate2(file, lost ? "half" : "virtual", H5T_IEEE_F32LE, space, H5P_DEFAULT,
                            plist, H5P_DEFAULT));
        H5Pclose(plist);
    }
    H5Sclose(space);
    H5Fclose(file);
}

static void test_links(void)
{
    nf_shape line = shape_of(1, 1, 1, 3000, 1, NF_F32), image = shape_of(2, 1, 5, 7, 1, NF_F32);
    if (world.rank == 0)
        put_links();
    nf_barrier(&world);
    first = 0;
    CHECK_ALL(reads(in_folder("links.h5:/soft"), line, with_sign));
    CHECK_ALL(reads(in_folder("links.h5:/g/up/g/up/g/own"), line, with_sign));
    CHECK_ALL(reads(in_folder("links.h5:/far"), image, with_sign));
    CHECK_ALL(reads(in_folder("links.h5:/farz"), image, with_sign));
    CHECK_ALL(reads(in_folder("links.h5:/virtual"), image, with_sign));
    CHECK_ALL(all_say(open_only(in_folder("links.h5:/dangling")), "a link to /gone"));
    CHECK_ALL(all_say(open_only(in_folder("links.h5:/cycle")), "a link to /cycle"));
    CHECK_ALL(all_say(open_only(in_folder("links.h5:/lost")), "a link to none.h5:/x"));
    CHECK_ALL(all_say(open_only(in_folder("links.h5:/half")), "none.h5 is not there"));
    CHECK_ALL(all_say(open_only(in_folder("links.h5:/g/up")), "is no dataset"));
}

/* ---- which dataset ---- */

static char *listed(const char *name)
{
    char *text = NULL;
    size_t bytes;
    FILE *out = open_memstream(&text, &bytes);
    CU_ASSERT_EQUAL(nf_array_list(in_folder(name), out), NF_OK);
    fclose(out);
    return text;
}

static void test_choice(void)
{
    static const hsize_t image[] = {5, 7}, line[] = {9}, stack[] = {2, 3, 4, 5, 6};
    hid_t file = -1;
    if (world.rank == 0) {
        file = new_file("choice.h5");
        put_closed(file, "a/line", H5T_IEEE_F32LE, 1, line, PLAIN);
        put_closed(file, "b/image", H5T_STD_I8LE, 2, image, DEFLATED);
        hid_t scale = put(file, "scale", H5T_IEEE_F32LE, 2, image, PLAIN);
        H5DSset_scale(scale, "scale");
        H5Dclose(scale);
        H5Fclose(file);
        char *text = listed("choice.h5:");
        CU_ASSERT(strstr(text, " 9 float32 ") != NULL);
        CU_ASSERT(strstr(text, " 5x7 int8 ") != NULL);
        CU_ASSERT(strstr(text, " chunks 3x4, deflate\n") != NULL);
        CU_ASSERT(strstr(text, "contiguous; a dimension scale") != NULL);
        CU_ASSERT(strstr(text, "where none is named: /b/image\n") != NULL);
        free(text);
    }
    nf_barrier(&world);
    first = 0;
    nf_shape expected = shape_of(2, 1, 5, 7, 1, NF_F32);
    CHECK_ALL(reads(in_folder("choice.h5"), expected, with_sign));
    CHECK_ALL(reads(in_folder("choice.h5:"), expected, with_sign));
    first = 7;
    CHECK_ALL(reads(in_folder("choice.h5:[1]"), shape_of(1, 1, 1, 7, 1, NF_F32), with_sign));
    if (world.rank == 0) { /* another one of two dimensions or more, which NeXus then names */
        file = H5Fopen(in_folder("choice.h5"), H5F_ACC_RDWR, H5P_DEFAULT);
        put_closed(file, "c/d/movie", H5T_IEEE_F32LE, 5, stack, PLAIN);
        H5Fclose(file);
    }
    nf_barrier(&world);
    CHECK_ALL(all_say(open_only(in_folder("choice.h5")), "which dataset?"));
    CHECK_ALL(
        all_say(open_only(in_folder("choice.h5")), "/c/d/movie (2x3x4x5x6 float32, a stack)"));
    CHECK_ALL(all_say(open_only(in_folder("choice.h5")), "/scale (5x7 float32, a scale"));
    if (world.rank == 0) {
        file = H5Fopen(in_folder("choice.h5"), H5F_ACC_RDWR, H5P_DEFAULT);
        H5LTset_attribute_string(file, "/", "default", "c");
        H5LTset_attribute_string(file, "/c", "default", "d");
        H5LTset_attribute_string(file, "/c/d", "signal", "movie");
        H5Fclose(file);
    }
    nf_barrier(&world);
    CHECK_ALL(all_say(open_only(in_folder("choice.h5")), "/c/d/movie (2x3x4x5x6 float32) cannot"));
    first = 5 * 120;
    CHECK_ALL(reads(in_folder("choice.h5:[1,-1]"), shape_of(3, 4, 5, 6, 1, NF_F32), with_sign));
}

/* A chain of defaults that goes round, or ends nowhere, is passed over. */
static void test_nexus_cycles(void)
{
    static const hsize_t image[] = {5, 7};
    const char *const ends[] = {"/", "nowhere", "a/../b", ""};
    first = 0;
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        if (world.rank == 0) {
            hid_t file = new_file("round.h5");
            put_closed(file, "a/x", H5T_IEEE_F32LE, 2, image, PLAIN);
            H5LTset_attribute_string(file, "/", "default", "a");
            H5LTset_attribute_string(file, "/a", "default", ends[i]);
            H5Fclose(file);
        }
        nf_barrier(&world);
        CHECK_ALL(reads(in_folder("round.h5"), shape_of(2, 1, 5, 7, 1, NF_F32), with_sign));
    }
}

/* ---- conventions ---- */

static double packed(hsize_t i)
{
    double stored = value_of(first + i, true);
    return stored == -50 || stored == 7 || stored == 8
               ? NAN
               : (double)(float)(stored * (double)0.25F + (double)10.0F);
}

static double packed_double(hsize_t i)
{
    double stored = value_of(first + i, true);
    return stored == -50 ? NAN : stored * 0.1;
}

static double reinterpreted(hsize_t i)
{
    double stored = value_of(i, true);
    return stored == -2 ? NAN : stored < 0 ? stored + 256 : stored;
}

static void put_packed(void)
{
    static const hsize_t extent[] = {3, 11, 13};
    const float scale = 0.25F, offset = 10;
    const double tenth = 0.1;
    const short fill = -50, missing[] = {7, 8};
    const signed char two = -2;
    hid_t file = new_file("cf.nc");
    for (storage how = PLAIN; how <= DEFLATED; how++) {
        static const char *const names[] = {"plain", "chunks", "deflated"};
        put_closed(file, names[how], H5T_STD_I16BE, 3, extent, how);
        H5LTset_attribute_short(file, names[how], "_FillValue", &fill, 1);
        H5LTset_attribute_short(file, names[how], "missing_value", missing, 2);
        H5LTset_attribute_float(file, names[how], "scale_factor", &scale, 1);
        H5LTset_attribute_float(file, names[how], "add_offset", &offset, 1);
    }
    put_closed(file, "double", H5T_STD_I8LE, 3, extent, PLAIN);
    H5LTset_attribute_double(file, "double", "scale_factor", &tenth, 1);
    H5LTset_attribute_short(file, "double", "_FillValue", &fill, 1);
    put_closed(file, "unsigned", H5T_STD_I8LE, 3, extent, CHUNKS);
    put_closed(file, "wrong", H5T_STD_I8LE, 3, extent, CHUNKS);
    H5LTset_attribute_string(file, "unsigned", "_Unsigned", "true");
    H5LTset_attribute_char(file, "unsigned", "_FillValue", (const char *)&two, 1);
    H5LTset_attribute_string(file, "wrong", "scale_factor", "ten");
    put_closed(file, "bare", H5T_STD_U8LE, 3, extent, PLAIN);
    H5Fclose(file);
}

static void test_conventions(void)
{
    nf_shape volume = shape_of(3, 3, 11, 13, 1, NF_F32);
    if (world.rank == 0)
        put_packed();
    nf_barrier(&world);
    first = 0;
    CHECK_ALL(reads(in_folder("cf.nc:/plain"), volume, with_sign));
    CHECK_ALL(reads(in_folder("cf.nc:/plain[cf]"), volume, packed));
    CHECK_ALL(reads(in_folder("cf.nc:/chunks[cf]"), volume, packed));
    CHECK_ALL(reads(in_folder("cf.nc:/deflated[cf]"), volume, packed));
    CHECK_ALL(
        reads(in_folder("cf.nc:/double[cf]"), shape_of(3, 3, 11, 13, 1, NF_F64), packed_double));
    CHECK_ALL(reads(in_folder("cf.nc:/unsigned[cf]"), volume, reinterpreted));
    CHECK_ALL(reads(in_folder("cf.nc:/bare[cf]"), shape_of(3, 3, 11, 13, 1, NF_U8), without_sign));
    CHECK_ALL(all_say(open_only(in_folder("cf.nc:/wrong[cf]")), "scale_factor is no number"));
    first = 2 * 143;
    CHECK_ALL(reads(in_folder("cf.nc:/plain[cf,2]"), shape_of(2, 1, 11, 13, 1, NF_F32), packed));
}

/* A file of Debian's that netCDF wrote: gmt-gshhg-low. */
static void test_real_netcdf(void)
{
    static const char real[] = "/usr/share/gmt-gshhg/binned_GSHHS_c.nc";
    nf_shape shape;
    void *cells;
    char typed[NAME_ROOM];
    if (access(real, R_OK) != 0) {
        printf(" (%s is not there: skipped)", real);
        return;
    }
    snprintf(typed, sizeof typed, "%s:/Relative_longitude_from_SW_corner_of_bin", real);
    CU_ASSERT_EQUAL_FATAL(nf_array_load(typed, &shape, &cells), NF_OK);
    CU_ASSERT(shape.ndim == 1 && shape.dtype == NF_F32 && shape.dim[2] > 1000);
    hid_t file = H5Fopen(real, H5F_ACC_RDONLY, H5P_DEFAULT);
    float *expected = malloc(nf_shape_bytes(&shape));
    CU_ASSERT(H5LTread_dataset_float(file, strrchr(typed, '/'), expected) >= 0);
    CU_ASSERT(memcmp(cells, expected, nf_shape_bytes(&shape)) == 0);
    free(expected);
    free(cells);
    H5Fclose(file);
    CHECK_ALL(all_say(open_only(real), "which dataset?"));
}

static void test_remarks(void)
{
    static const hsize_t image[] = {5, 7}, planes[] = {3, 5, 7};
    nf_array_reader *reader;
    nf_shape shape;
    if (world.rank == 0) {
        hid_t file = new_file("palette.h5");
        put_closed(file, "indexed", H5T_STD_U8LE, 2, image, PLAIN);
        H5LTset_attribute_string(file, "indexed", "CLASS", "IMAGE");
        H5LTset_attribute_string(file, "indexed", "IMAGE_SUBCLASS", "IMAGE_INDEXED");
        put_closed(file, "planes", H5T_STD_U8LE, 3, planes, PLAIN);
        H5LTset_attribute_string(file, "planes", "INTERLACE_MODE", "INTERLACE_PLANE");
        hid_t palette = put(file, "palette", H5T_STD_U8LE, 2, image, PLAIN);
        put_text(palette, "CLASS", "PALETTE");
        H5Dclose(palette);
        H5Fclose(file);
    }
    nf_barrier(&world);
    first = 0;
    CHECK_ALL(
        reads(in_folder("palette.h5:/indexed"), shape_of(2, 1, 5, 7, 1, NF_U8), without_sign));
    static const char *const names[] = {"palette.h5:/indexed", "palette.h5:/planes",
                                        "palette.h5:/palette"};
    static const char *const words[] = {"indices into the palette", "colour by colour", NULL};
    for (size_t i = 0; i < 3; i++) {
        CU_ASSERT_EQUAL_FATAL(nf_array_open(&world, in_folder(names[i]), NULL, &reader, &shape),
                              NF_OK);
        const char *remark = nf_array_remark(reader);
        CHECK_ALL(world.rank != 0 ||
                  (words[i] == NULL ? remark == NULL
                                    : remark != NULL && strstr(remark, words[i]) != NULL));
        nf_array_close(reader);
    }
}

int main(int argc, char **argv)
{
    CU_TestInfo tests[] = {
        {"every type", test_types},
        {"extremes and booleans", test_extremes},
        {"types that are refused", test_refused_types},
        {"items of stacks", test_items},
        {"shapes that are refused", test_refused_shapes},
        {"stacks", test_stacks},
        {"links", test_links},
        {"the dataset that is meant", test_choice},
        {"NeXus defaults that lead nowhere", test_nexus_cycles},
        {"netCDF's conventions", test_conventions},
        {"a real netCDF file", test_real_netcdf},
        {"remarks", test_remarks},
        CU_TEST_INFO_NULL,
    };
    return run_ranks(argc, argv, "hdf5", tests);
}
