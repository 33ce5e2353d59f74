/* NumPy's, raw and netpbm's files, one process: round trips, files of other programs, files that lie. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/io_files.h"

/* ---- round trips ---- */

static void test_npy_round_trips(void)
{
    static const int64_t sizes[][NF_DIMS] = {
        {1, 1, 1}, {5, 1, 4}, {3, 5, 7}, {2, 3, 2}, {13, 31, 29}};
    for (int dtype = NF_U8; dtype < NF_DTYPES; dtype++)
        for (int channels = 1; channels <= NF_MAX_CHANNELS; channels++)
            for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++)
                for (int ndim = 1; ndim <= NF_DIMS; ndim++) {
                    nf_shape shape =
                        io_shape(ndim, ndim > 2 ? sizes[s][0] : 1, ndim > 1 ? sizes[s][1] : 1,
                                 sizes[s][2], channels, (nf_dtype)dtype);
                    CU_ASSERT_EQUAL(io_write_known("round.npy", shape, 0), NF_OK);
                    if (ndim == 1 && channels > 1) /* as one row of an image */
                        shape.ndim = 2;
                    CU_ASSERT(io_loads_known("round.npy", shape));
                }
}

static void test_pnm_round_trips(void)
{
    static const int64_t sizes[][2] = {{1, 1}, {1, 333}, {517, 1}, {89, 117}};
    static const char *const names[] = {"", "r.pgm", "r.pam", "r.ppm", "r.pam"};
    for (int dtype = NF_U8; dtype <= NF_U16; dtype++)
        for (int channels = 1; channels <= NF_MAX_CHANNELS; channels++)
            for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
                nf_shape shape =
                    io_shape(2, 1, sizes[s][0], sizes[s][1], channels, (nf_dtype)dtype);
                CU_ASSERT_EQUAL(io_write_known(names[channels], shape, 0), NF_OK);
                CU_ASSERT(io_loads_known(names[channels], shape));
                CU_ASSERT_EQUAL(io_write_known("r.pam", shape, 0), NF_OK);
                CU_ASSERT(io_loads_known("r.pam", shape));
            }
    for (int channels = 1; channels <= 3; channels += 2) {
        nf_shape shape = io_shape(2, 1, 89, 117, channels, NF_F32);
        CU_ASSERT_EQUAL(io_write_known("r.pfm", shape, 0), NF_OK);
        CU_ASSERT(io_loads_known("r.pfm", shape));
    }
}

static void test_refused_outputs(void)
{
    nf_shape rgb = io_shape(2, 1, 9, 7, 3, NF_U8), gray = io_shape(2, 1, 9, 7, 1, NF_U8);
    nf_shape two = io_shape(2, 1, 9, 7, 2, NF_U8), real = io_shape(2, 1, 9, 7, 1, NF_F32);
    CU_ASSERT(says(io_write_known("a.pgm", rgb, 0), "name it .ppm"));
    CU_ASSERT(says(io_write_known("a.ppm", gray, 0), "name it .pgm"));
    CU_ASSERT(says(io_write_known("a.pnm", two, 0), "name it .pam"));
    CU_ASSERT(says(io_write_known("a.pgm", real, 0), "cast:to=u8"));
    CU_ASSERT(says(io_write_known("a.pfm", gray, 0), "PFM cannot hold"));
    CU_ASSERT(says(io_write_known("a.pgm", gray, NF_EL_I16), "not as i16"));
}

/* ---- bare arrays ---- */

static bool described_loads(const char *name, const char *shape_text, const char *dtype,
                            int64_t offset, const nf_shape *expected)
{
    nf_described as;
    nf_array_reader *reader;
    nf_shape shape;
    ptrdiff_t stride[NF_DIMS];
    if (nf_described_parse(shape_text, dtype, offset, &as) != NF_OK ||
        nf_array_open(&alone, in_folder(name), &as, &reader, &shape) != NF_OK)
        return false;
    char *cells = malloc(nf_shape_bytes(&shape));
    nf_box all = nf_box_whole(&shape);
    nf_dense_strides(shape.dim, shape.channels, stride);
    bool fine = cells != NULL && nf_shape_equal(&shape, expected) &&
                nf_array_read_box(reader, &all, cells, stride) == NF_OK &&
                io_all_known(&shape, cells);
    free(cells);
    nf_array_close(reader);
    return fine;
}

static nf_status described_status(const char *name, const char *shape_text, const char *dtype,
                                  int64_t offset)
{
    nf_described as;
    nf_array_reader *reader;
    nf_shape shape;
    nf_status status = nf_described_parse(shape_text, dtype, offset, &as);
    if (status == NF_OK)
        status = nf_array_open(&alone, in_folder(name), &as, &reader, &shape);
    if (status == NF_OK)
        nf_array_close(reader);
    return status;
}

static void test_bare_arrays(void)
{
    nf_shape image = io_shape(2, 1, 19, 23, 3, NF_U16), volume = io_shape(3, 5, 6, 7, 1, NF_F32);
    CU_ASSERT_EQUAL(io_write_known("a.raw", image, 0), NF_OK);
    CU_ASSERT(described_loads("a.raw", "19x23x3", "u16", -1, &image));
    CU_ASSERT(described_loads("a.raw", "19x23x3", "uint16", 0, &image));
    CU_ASSERT_EQUAL(io_write_known("v.npy", volume, 0), NF_OK); /* any content, where described */
    CU_ASSERT(described_loads("v.npy", "5x6x7", "f32", 128, &volume));
    CU_ASSERT(says(described_status("v.npy", "5x6x7", "f32", -1), "--offset BYTES"));
    CU_ASSERT(says(described_status("a.raw", "20x23x3", "u16", 0), "cut short"));
    CU_ASSERT(says(described_status("a.raw", "20x23x3", "u16", -1), "2760"));
    CU_ASSERT(says(described_status("a.raw", "19x23x3", NULL, -1), "must be given"));
    CU_ASSERT(says(described_status("a.raw", "19x", "u8", -1), "as 512x389x3"));
    CU_ASSERT(says(described_status("a.raw", "19x0", "u8", -1), "expected at least 1"));
    CU_ASSERT(says(described_status("a.raw", "1x2x3x4x5", "u8", -1), "as 512x389x3"));
    CU_ASSERT(says(described_status("a.raw", "99999999999x99999999999", "u8", -1), "--shape"));
    CU_ASSERT(says(described_status("a.raw", "19x23", "u64", -1), "u32"));
    CU_ASSERT(says(io_load_status("a.raw"), "--shape and --dtype"));
}

/* The bytes of a u16 array in the other order. */
static void test_byte_orders(void)
{
    static const uint8_t big[] = {0x12, 0x34, 0xab, 0xcd};
    static const char *const names[] = {"u16be", ">u16", "u16le", "<u16"};
    CU_ASSERT(io_spill("b.raw", big, sizeof big));
    for (size_t i = 0; i < 4; i++) {
        nf_described as;
        nf_array_reader *reader;
        nf_shape shape;
        uint16_t cells[2] = {0};
        CU_ASSERT_EQUAL_FATAL(nf_described_parse("2", names[i], -1, &as), NF_OK);
        CU_ASSERT_EQUAL_FATAL(nf_array_open(&alone, in_folder("b.raw"), &as, &reader, &shape),
                              NF_OK);
        nf_box all = nf_box_whole(&shape);
        CU_ASSERT_EQUAL(nf_array_read_box(reader, &all, cells, (ptrdiff_t[]){2, 2, 1}), NF_OK);
        CU_ASSERT_EQUAL(cells[0], i < 2 ? 0x1234 : 0x3412);
        CU_ASSERT_EQUAL(cells[1], i < 2 ? 0xabcd : 0xcdab);
        nf_array_close(reader);
    }
}

/* ---- netpbm's files, written by hand ---- */

typedef struct by_hand {
    const char *bytes;
    size_t length;
    int channels;
    nf_dtype dtype;
    uint16_t cells[8]; /* of 2 rows of 2 pixels, or as many as there are */
} by_hand;

static void test_pnm_by_hand(void)
{
#define BYTES(text) text, sizeof(text) - 1
    static const by_hand files[] = {
        {BYTES("P5\n# a comment\n2 2\n255\n\1\2\3\4"), 1, NF_U8, {1, 2, 3, 4}},
        {BYTES("P5 2#x\n2 255\n\1\2\3\4after"), 1, NF_U8, {1, 2, 3, 4}},
        {BYTES("P5 2 2 100\n\0\62\144\377"), 1, NF_U8, {0, 128, 255, 255}},
        {BYTES("P5 2 2 65535\n\0\1\1\0\377\377\0\0"), 1, NF_U16, {1, 256, 65535, 0}},
        {BYTES("P5 2 2 1023\n\0\0\1\0\3\377\7\0"), 1, NF_U16, {0, 16400, 65535, 65535}},
        {BYTES("P4 2 2\n\100\200"), 1, NF_U8, {255, 0, 0, 255}},
        {BYTES("P1\n2 2\n01\n# c\n1 0\n"), 1, NF_U8, {255, 0, 0, 255}},
        {BYTES("P2 2 2 15 # c\n0 15\n7\t8\n"), 1, NF_U8, {0, 255, 119, 136}},
        {BYTES("P2 2 2 65535 0 1 2 65535"), 1, NF_U16, {0, 1, 2, 65535}},
        {BYTES("P3 2 1 255\n1 2 3  4 5 6\n"), 3, NF_U8, {1, 2, 3, 4, 5, 6}},
        {BYTES("P7\nWIDTH 2\n# c\nHEIGHT 2\nDEPTH 2\nMAXVAL 255\nTUPLTYPE GRAYSCALE_ALPHA\nENDHDR\n"
               "\1\2\3\4\5\6\7\10"),
         2,
         NF_U8,
         {1, 2, 3, 4, 5, 6, 7, 8}},
    };
#undef BYTES
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        const by_hand *f = &files[i];
        nf_shape shape;
        void *cells = NULL;
        CU_ASSERT(io_spill("hand.pnm", f->bytes, f->length));
        nf_status status = nf_array_load(in_folder("hand.pnm"), &shape, &cells);
        CU_ASSERT_EQUAL(status, NF_OK);
        if (status != NF_OK) {
            printf("\n    file %zu: %s\n", i, nf_message(status));
            continue;
        }
        CU_ASSERT_EQUAL(shape.channels, f->channels);
        CU_ASSERT_EQUAL(shape.dtype, f->dtype);
        for (int64_t e = 0; e < nf_shape_elements(&shape); e++)
            CU_ASSERT_EQUAL(f->dtype == NF_U8 ? ((uint8_t *)cells)[e] : ((uint16_t *)cells)[e],
                            f->cells[e]);
        free(cells);
    }
}

static void test_pfm_by_hand(void)
{
    static const char file[] = "Pf\n1 2\n1.0\n\x3f\x80\0\0\x40\0\0\0"; /* 1 below, 2 above */
    nf_shape shape;
    float *cells;
    CU_ASSERT(io_spill("hand.pfm", file, sizeof file - 1));
    CU_ASSERT_EQUAL_FATAL(nf_array_load(in_folder("hand.pfm"), &shape, (void **)&cells), NF_OK);
    CU_ASSERT(shape.dim[1] == 2 && shape.dim[2] == 1 && shape.dtype == NF_F32);
    CU_ASSERT_EQUAL(cells[0], 2);
    CU_ASSERT_EQUAL(cells[1], 1);
    free(cells);
}

static void test_files_that_lie(void)
{
    static const struct {
        const char *bytes, *words;
    } files[] = {
        {"P5 3 3 255\n1234567", "ends before its image does"},
        {"P5 3 255\n", "damaged or cut short"},
        {"P5 -3 3 255\n", "hand"},
        {"P5 3 3 70000\n", "damaged or cut short"},
        {"P5 3 3 0\n", "damaged or cut short"},
        {"P6 2147483647 2147483647 255\nx", "larger than 2^62 bytes"},
        {"P5 99999999999999999999 3 255\n", "hand"},
        {"P2 3 1 9\n1 2 10\n", "row 0: expected numbers of 0 to 9"},
        {"P2 3 1 9\n1 2", "row 0: expected numbers"},
        {"P3 99999 99999 255\n1 2 3", "the limit for images"},
        {"P7\nWIDTH 3\nHEIGHT 3\nDEPTH 5\nMAXVAL 255\nENDHDR\n", "5 samples"},
        {"P7\nWIDTH 3\nHEIGHT 9223372036854775807\nDEPTH 1\nMAXVAL 255\nENDHDR\n", "hand"},
        {"P7\nWIDTH 3\nHEIGHT 3\nDEPTH 1\nMAXVAL 255\n", "damaged or cut short"},
        {"Pf\n3 3\n0\n", "damaged or cut short"},
        {"PF\n3 -3\n-1\n", "hand"},
        {"PF\n30 30\n-1\nabc", "cut short"},
    };
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        CU_ASSERT(io_spill("hand", files[i].bytes, strlen(files[i].bytes)));
        CU_ASSERT(says(io_load_status("hand"), files[i].words));
    }
}

/* A .npy file with this dictionary; version 1. */
static bool spill_npy(const char *dictionary, size_t cells)
{
    char bytes[512] = "\x93NUMPY\x01";
    size_t length = strlen(dictionary);
    bytes[8] = (char)(length & 255);
    bytes[9] = (char)(length >> 8);
    memcpy(bytes + 10, dictionary, length);
    return io_spill("hand.npy", bytes, 10 + length + cells);
}

static void test_npy_that_lie(void)
{
    static const struct {
        const char *dictionary, *words;
    } files[] = {
        {"{'descr': '<f8', 'fortran_order': False, 'shape': (3, 4), }\n", "cut short"},
        {"{'descr': '<i8', 'fortran_order': False, 'shape': (3,), }\n", "astype('f8')"},
        {"{'descr': [('a', '<f8')], 'fortran_order': False, 'shape': (3,), }\n", "records"},
        {"{'descr': '|u1', 'fortran_order': True, 'shape': (3, 4), }\n", "ascontiguousarray"},
        {"{'descr': '|u1', 'fortran_order': False, 'shape': (), }\n", "has 0 dimensions"},
        {"{'descr': '|u1', 'fortran_order': False, 'shape': (0, 3), }\n", "expected at least 1"},
        {"{'descr': '|u1', 'fortran_order': False, 'shape': (2, 3, 4, 5), }\n", "4 dimensions"},
        {"{'descr': '|u1', 'fortran_order': False, 'shape': (9223372036854775807, 3), }\n", "hand"},
        {"{'descr': '|u1', 'fortran_order': False, 'shape': (99999999999999999999, 3), }\n",
         "cannot be read"},
        {"{'descr': '|u1', 'fortran_order': False, 'shape': (-2, 3), }\n", "cannot be read"},
        {"{'descr': '|u1', 'fortran_order': Maybe, 'shape': (2, 3), }\n", "cannot be read"},
        {"{'descr': '|u1', 'shape': (2, 3), }\n", "cannot be read"},
        {"{'descr': '|u1", "cannot be read"},
    };
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        CU_ASSERT(spill_npy(files[i].dictionary, 8));
        CU_ASSERT(says(io_load_status("hand.npy"), files[i].words));
    }
    CU_ASSERT(io_spill("hand.npy", "\x93NUMPY\x04\0\1\0\0\0\0\0\0", 14));
    CU_ASSERT(says(io_load_status("hand.npy"), "format 4.0"));
    CU_ASSERT(io_spill("hand.npy", "\x93NUMPY\x02\0\377\377\377\377\0\0", 14));
    CU_ASSERT(says(io_load_status("hand.npy"), "is it damaged"));
    CU_ASSERT(io_spill("hand.npy", "\x93NUMPY\x01\0\377\0\0\0\0\0", 14));
    CU_ASSERT(says(io_load_status("hand.npy"), "cut short"));
}

/* ---- beside NumPy ---- */

/* Element i of the arrays that numpy makes here. */
static double numpy_value(const char *type, int64_t i)
{
    double value = (double)((i * 37 + 11) % 120);
    if (type[0] == 'b')
        return fmod(value, 2);
    return type[0] == 'u' ? value : type[0] == 'i' ? value - 60 : (value - 60) / 4;
}

static const char numpy_makes[] =
    "import numpy as n, sys\n"
    "from numpy.lib import format as f\n"
    "for t in 'b1 u1 i1 u2 i2 u4 i4 f2 f4 f8'.split():\n"
    "  v = (n.arange(7 * 9 * 3) * 37 + 11) % 120\n"
    "  v = v % 2 if t == 'b1' else v if t[0] == 'u' else v - 60 if t[0] == 'i' else (v - 60) / 4\n"
    "  for o in '<>':\n"
    "    a = v.astype(o + t).reshape(7, 9, 3)\n"
    "    for version in (1, 0), (2, 0), (3, 0):\n"
    "      with open('%s/%s%s%d.npy' % (sys.argv[1], 'le'[o == '>'], t, version[0]), 'wb') as w:\n"
    "        f.write_array(w, a, version)\n";

static void check_numpy(const char *type, char order, int version)
{
    char name[64];
    nf_shape shape;
    void *cells;
    snprintf(name, sizeof name, "%c%s%d.npy", order, type, version);
    nf_status status = nf_array_load(in_folder(name), &shape, &cells);
    CU_ASSERT_EQUAL(status, NF_OK);
    if (status != NF_OK)
        return;
    CU_ASSERT(shape.dim[1] == 7 && shape.dim[2] == 9 && shape.channels == 3);
    int64_t wrong = 0;
    for (int64_t i = 0; i < nf_shape_elements(&shape); i++) {
        double value = shape.dtype == NF_U8    ? ((uint8_t *)cells)[i]
                       : shape.dtype == NF_U16 ? ((uint16_t *)cells)[i]
                       : shape.dtype == NF_F32 ? (double)((float *)cells)[i]
                                               : ((double *)cells)[i];
        wrong += value != numpy_value(type, i);
    }
    CU_ASSERT_EQUAL(wrong, 0);
    free(cells);
}

static void test_numpy_writes(void)
{
    static const char *const types[] = {"b1", "u1", "i1", "u2", "i2", "u4", "i4", "f2", "f4", "f8"};
    if (!io_python("numpy", numpy_makes))
        return;
    for (size_t t = 0; t < sizeof types / sizeof *types; t++)
        for (int version = 1; version <= 3; version++) {
            check_numpy(types[t], 'l', version);
            check_numpy(types[t], 'e', version);
        }
}

static const char numpy_reads[] =
    "import numpy as n, sys\n"
    "for t in 'u1 i1 u2 i2 u4 i4 f4 f8'.split():\n"
    "  a = n.load('%s/out_%s.npy' % (sys.argv[1], t))\n"
    "  assert a.dtype == n.dtype(t) and a.shape == (5, 7, 2), (t, a.dtype, a.shape)\n"
    "  b = n.fromfile(sys.argv[1] + '/out.raw', 'f4').reshape(5, 7, 2)\n"
    "  i = n.iinfo(t) if t[0] != 'f' else None\n"
    "  b = b if i is None else n.clip(n.rint(b.astype('f8')), i.min, i.max)\n"
    "  assert (a == b.astype(t)).all(), t\n"
    "for s in (9,), (3, 9), (4, 3, 9), (4, 9, 3, 1), (3, 9, 2), (4, 3, 9, 4):\n"
    "  a = n.load('%s/s%s.npy' % (sys.argv[1], 'x'.join(map(str, s))))\n"
    "  assert a.shape == s, (s, a.shape)\n";

static void test_numpy_reads(void)
{
    static const struct {
        const char *name;
        nf_element_type type;
    } types[] = {{"out_u1.npy", NF_EL_U8},  {"out_i1.npy", NF_EL_I8},  {"out_u2.npy", NF_EL_U16},
                 {"out_i2.npy", NF_EL_I16}, {"out_u4.npy", NF_EL_U32}, {"out_i4.npy", NF_EL_I32},
                 {"out_f4.npy", NF_EL_F32}, {"out_f8.npy", NF_EL_F64}, {"out.raw", NF_EL_NONE}};
    nf_shape shape = io_shape(2, 1, 5, 7, 2, NF_F32);
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        CU_ASSERT_EQUAL(io_write_known(types[i].name, shape, types[i].type), NF_OK);
    CU_ASSERT_EQUAL(io_write_known("s9.npy", io_shape(1, 1, 1, 9, 1, NF_U8), 0), NF_OK);
    CU_ASSERT_EQUAL(io_write_known("s3x9.npy", io_shape(2, 1, 3, 9, 1, NF_U8), 0), NF_OK);
    CU_ASSERT_EQUAL(io_write_known("s4x3x9.npy", io_shape(3, 4, 3, 9, 1, NF_U8), 0), NF_OK);
    CU_ASSERT_EQUAL(io_write_known("s4x9x3x1.npy", io_shape(3, 4, 9, 3, 1, NF_U8), 0), NF_OK);
    CU_ASSERT_EQUAL(io_write_known("s3x9x2.npy", io_shape(2, 1, 3, 9, 2, NF_U8), 0), NF_OK);
    CU_ASSERT_EQUAL(io_write_known("s4x3x9x4.npy", io_shape(3, 4, 3, 9, 4, NF_U8), 0), NF_OK);
    io_python("numpy", numpy_reads);
}

int main(void)
{
    CU_TestInfo tests[] = {
        {"npy round trips", test_npy_round_trips},
        {"PNM round trips", test_pnm_round_trips},
        {"outputs refused", test_refused_outputs},
        {"bare arrays", test_bare_arrays},
        {"byte orders", test_byte_orders},
        {"PNM by hand", test_pnm_by_hand},
        {"PFM by hand", test_pfm_by_hand},
        {"PNM and PFM that lie", test_files_that_lie},
        {"npy that lie", test_npy_that_lie},
        {"arrays that numpy writes", test_numpy_writes},
        {"arrays that numpy reads", test_numpy_reads},
        CU_TEST_INFO_NULL,
    };
    return nf_folder_run(&alone, "formats", tests);
}
