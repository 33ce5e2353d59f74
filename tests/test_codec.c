/* The steps that chunks go through: beside HDF5's own filters, beside definitions written down the
 * obvious way, and given what is damaged. */
#include <hdf5.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "io/codec.h"
#include "tests/suite.h"

enum { MOST = 70000, GUARD = 64 };

static uint64_t state = 88172645463325252u;

static uint64_t next_random(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    return state ^= state << 17;
}

/* Bytes that compress somewhat: slowly rising elements with some noise; or none at all. */
static void fill(unsigned char *to, size_t bytes, bool noise)
{
    for (size_t i = 0; i < bytes; i++)
        to[i] = (unsigned char)(noise        ? next_random() >> 32
                                : i % 4 == 0 ? next_random() % 3
                                             : (i >> (i % 4 * 3)) & 255);
}

/* ---- beside definitions ---- */

static uint32_t plain_fletcher32(const unsigned char *from, size_t count)
{
    uint64_t a = 0, b = 0;
    for (size_t i = 0; i < count; i += 2) {
        a += (uint64_t)from[i] << 8 | (i + 1 < count ? from[i + 1] : 0);
        a = a > 65535 ? a - 65535 : a;
        b += a;
        b = b > 65535 ? b - 65535 : b;
    }
    return (uint32_t)(b << 16 | a);
}

static void test_fletcher32(void)
{
    static unsigned char data[MOST];
    for (size_t n = 0; n < 1200; n++) {
        fill(data, n, true);
        CU_ASSERT_EQUAL(nf_fletcher32(data, n), plain_fletcher32(data, n));
    }
    memset(data, 0xff, MOST);
    CU_ASSERT_EQUAL(nf_fletcher32(data, MOST), plain_fletcher32(data, MOST));
    memset(data, 0, MOST);
    CU_ASSERT_EQUAL(nf_fletcher32(data, MOST), 0);
    fill(data, MOST, true);
    CU_ASSERT_EQUAL(nf_fletcher32(data, MOST), plain_fletcher32(data, MOST));
}

static void test_shuffle(void)
{
    static unsigned char data[2048], is[2048], back[2048];
    for (size_t element = 1; element <= 9; element++)
        for (size_t n = 0; n < 600; n += 1 + n % 7) {
            size_t whole = n / element;
            bool right = true;
            fill(data, n, true);
            nf_shuffle(element, n, data, is);
            for (size_t i = 0; i < n; i++)
                right =
                    right && (i < whole * element ? is[i % element * whole + i / element] == data[i]
                                                  : is[i] == data[i]);
            nf_unshuffle(element, n, is, back);
            CU_ASSERT(right);
            CU_ASSERT(memcmp(back, data, n) == 0);
        }
}

/* ---- beside HDF5's filters ---- */

typedef struct steps {
    const char *name;
    size_t count;
    nf_codec step[NF_MAX_CODECS];
} steps;

static const steps chains[] = {
    {"shuffle", 1, {{NF_CODEC_SHUFFLE, 0}}},
    {"deflate", 1, {{NF_CODEC_DEFLATE, 6}}},
    {"fletcher32", 1, {{NF_CODEC_FLETCHER32, 0}}},
    {"shuffle, deflate", 2, {{NF_CODEC_SHUFFLE, 0}, {NF_CODEC_DEFLATE, 1}}},
    {"shuffle, deflate, fletcher32",
     3,
     {{NF_CODEC_SHUFFLE, 0}, {NF_CODEC_DEFLATE, 1}, {NF_CODEC_FLETCHER32, 0}}},
    {"fletcher32, shuffle, deflate, fletcher32",
     4,
     {{NF_CODEC_FLETCHER32, 0},
      {NF_CODEC_SHUFFLE, 0},
      {NF_CODEC_DEFLATE, 9},
      {NF_CODEC_FLETCHER32, 0}}},
};

enum { CHAINS = sizeof chains / sizeof *chains };

static hid_t file_in_memory(void)
{
    hid_t access = H5Pcreate(H5P_FILE_ACCESS);
    H5Pset_fapl_core(access, 1 << 20, false);
    hid_t file = H5Fcreate("codec.h5", H5F_ACC_TRUNC, H5P_DEFAULT, access);
    H5Pclose(access);
    return file;
}

static hid_t one_chunk(hid_t file, const char *name, const steps *s, hid_t type, hsize_t n)
{
    hid_t plist = H5Pcreate(H5P_DATASET_CREATE), space = H5Screate_simple(1, &n, NULL);
    H5Pset_chunk(plist, 1, &n);
    for (size_t i = 0; i < s->count; i++) {
        if (s->step[i].id == NF_CODEC_SHUFFLE)
            H5Pset_shuffle(plist);
        else if (s->step[i].id == NF_CODEC_DEFLATE)
            H5Pset_deflate(plist, (unsigned)s->step[i].level);
        else
            H5Pset_filter(plist, H5Z_FILTER_FLETCHER32, H5Z_FLAG_MANDATORY, 0, NULL);
    }
    hid_t dataset = H5Dcreate2(file, name, type, space, H5P_DEFAULT, plist, H5P_DEFAULT);
    H5Sclose(space);
    H5Pclose(plist);
    return dataset;
}

/* HDF5 encodes, the coder decodes. Closes the dataset. */
static void decode_theirs(hid_t dataset, hid_t type, nf_coder *coder, const unsigned char *data,
                          size_t bytes)
{
    static unsigned char stored[2 * MOST], back[MOST + GUARD];
    hsize_t offset = 0, length = 0;
    uint32_t mask = 0;
    CU_ASSERT(H5Dwrite(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, data) >= 0);
    CU_ASSERT(H5Dflush(dataset) >= 0);
    CU_ASSERT(H5Dget_chunk_storage_size(dataset, &offset, &length) >= 0);
    CU_ASSERT(H5Dread_chunk(dataset, H5P_DEFAULT, &offset, &mask, stored) >= 0);
    memset(back, 0x5a, sizeof back);
    CU_ASSERT_EQUAL(nf_coder_decode(coder, stored, (size_t)length, mask, back, bytes), NF_OK);
    CU_ASSERT(memcmp(back, data, bytes) == 0);
    CU_ASSERT(back[bytes] == 0x5a);
    H5Dclose(dataset);
}

/* The coder encodes, HDF5 decodes. Closes the dataset. */
static void encode_ours(hid_t dataset, hid_t type, nf_coder *coder, const unsigned char *data,
                        size_t bytes)
{
    static unsigned char back[MOST];
    hsize_t offset = 0;
    const void *made;
    size_t length;
    unsigned skipped;
    CU_ASSERT_EQUAL(nf_coder_encode(coder, data, bytes, &made, &length, &skipped), NF_OK);
    CU_ASSERT(length <= nf_coder_room(coder));
    CU_ASSERT(H5Dwrite_chunk(dataset, H5P_DEFAULT, skipped, &offset, length, made) >= 0);
    hid_t file =
        H5Iget_file_id(dataset); /* a handle remembers the mask that the chunk had before */
    char name[32];
    H5Iget_name(dataset, name, sizeof name);
    H5Dclose(dataset);
    dataset = H5Dopen2(file, name, H5P_DEFAULT);
    CU_ASSERT(H5Dread(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, back) >= 0);
    CU_ASSERT(memcmp(back, data, bytes) == 0);
    H5Dclose(dataset);
    H5Fclose(file);
}

static void test_hdf5(void)
{
    static const hsize_t counts[] = {1, 7, 16, 1000, 4099};
    static unsigned char data[MOST];
    hid_t types[] = {H5T_NATIVE_UINT8, H5T_NATIVE_UINT16, H5T_NATIVE_FLOAT, H5T_NATIVE_DOUBLE};
    hid_t file = file_in_memory();
    char name[32];
    int number = 0;
    for (size_t c = 0; c < CHAINS; c++)
        for (size_t t = 0; t < 4; t++)
            for (size_t n = 0; n < 5; n++)
                for (int noise = 0; noise < 2; noise++) {
                    size_t bytes = (size_t)counts[n] << t;
                    nf_coder *coder;
                    fill(data, bytes, noise == 1);
                    CU_ASSERT_EQUAL(nf_coder_create(chains[c].step, chains[c].count, (size_t)1 << t,
                                                    bytes, &coder),
                                    NF_OK);
                    for (int way = 0; way < 2; way++) {
                        snprintf(name, sizeof name, "%d", number++);
                        hid_t dataset = one_chunk(file, name, &chains[c], types[t], counts[n]);
                        (way == 0 ? decode_theirs : encode_ours)(dataset, types[t], coder, data,
                                                                 bytes);
                    }
                    nf_coder_free(coder);
                }
    H5Fclose(file);
}

/* ---- the other compressions ---- */

static void test_zstd(void)
{
    static unsigned char data[MOST], back[MOST];
    const nf_codec step = {NF_CODEC_ZSTD, 3};
    nf_coder *coder;
    const void *made;
    size_t length;
    unsigned skipped;
    fill(data, MOST, false);
    CU_ASSERT_EQUAL(nf_coder_create(&step, 1, 1, MOST, &coder), NF_OK);
    CU_ASSERT_EQUAL(nf_coder_encode(coder, data, MOST, &made, &length, &skipped), NF_OK);
    CU_ASSERT(skipped == 0 && length < MOST);
    CU_ASSERT_EQUAL(ZSTD_decompress(back, MOST, made, length), MOST);
    CU_ASSERT(memcmp(back, data, MOST) == 0);
    nf_coder_free(coder);
}

/* Blocks of three bytes, the second stored as it is, behind the header of the filter's description. */
static void test_lz4_blocks(void)
{
    static const unsigned char stored[] = {0, 0,   0,   0,   0, 0,   0,   7,   0,  0, 0,
                                           3, 0,   0,   0,   3, 'a', 'b', 'c', 0,  0, 0,
                                           3, 'd', 'e', 'f', 0, 0,   0,   1,   'g'};
    const nf_codec step = {NF_CODEC_LZ4, 0};
    char back[7];
    nf_coder *coder;
    CU_ASSERT_EQUAL(nf_coder_create(&step, 1, 1, 7, &coder), NF_OK);
    CU_ASSERT_EQUAL(nf_coder_decode(coder, stored, sizeof stored, 0, back, 7), NF_OK);
    CU_ASSERT(memcmp(back, "abcdefg", 7) == 0);
    nf_coder_free(coder);
}

/* "abc", six bytes from three back, and the same by a long copy of 9 + 1. */
static void test_lzf(void)
{
    static const unsigned char stored[] = {2, 'a', 'b', 'c', 4 << 5, 2, 7 << 5, 1, 2};
    const nf_codec step = {NF_CODEC_LZF, 0};
    char back[19];
    nf_coder *coder;
    CU_ASSERT_EQUAL(nf_coder_create(&step, 1, 1, 19, &coder), NF_OK);
    CU_ASSERT_EQUAL(nf_coder_decode(coder, stored, sizeof stored, 0, back, 19), NF_OK);
    CU_ASSERT(memcmp(back, "abcabcabcabcabcabca", 19) == 0);
    CU_ASSERT_NOT_EQUAL(nf_coder_decode(coder, stored, sizeof stored, 0, back, 18), NF_OK);
    CU_ASSERT_NOT_EQUAL(nf_coder_decode(coder, stored, sizeof stored - 1, 0, back, 19), NF_OK);
    CU_ASSERT_NOT_EQUAL(nf_coder_decode(coder, "\x20\x00", 2, 0, back, 3), NF_OK); /* before all */
    nf_coder_free(coder);
}

static void test_round_trips(void)
{
    static const nf_codec_id ids[] = {NF_CODEC_DEFLATE, NF_CODEC_ZSTD, NF_CODEC_LZ4};
    static unsigned char data[MOST], back[MOST + GUARD];
    for (size_t c = 0; c < 3; c++)
        for (size_t bytes = 1; bytes <= MOST; bytes = bytes * 3 + 1)
            for (int noise = 0; noise < 2; noise++) {
                const nf_codec step[] = {
                    {NF_CODEC_SHUFFLE, 0}, {ids[c], 1}, {NF_CODEC_FLETCHER32, 0}};
                nf_coder *coder;
                const void *made;
                size_t length;
                unsigned skipped;
                fill(data, bytes, noise == 1);
                CU_ASSERT_EQUAL(nf_coder_create(step, 3, 4, MOST, &coder), NF_OK);
                CU_ASSERT_EQUAL(nf_coder_encode(coder, data, bytes, &made, &length, &skipped),
                                NF_OK);
                CU_ASSERT(length <= bytes + 4);
                CU_ASSERT(noise == 0 || skipped == 2);
                memset(back, 0x5a, sizeof back);
                unsigned char *copy = malloc(length);
                memcpy(copy, made, length);
                CU_ASSERT_EQUAL(nf_coder_decode(coder, copy, length, skipped, back, bytes), NF_OK);
                CU_ASSERT(memcmp(back, data, bytes) == 0 && back[bytes] == 0x5a);
                free(copy);
                nf_coder_free(coder);
            }
}

/* ---- what is damaged ---- */

/* Decodes a changed copy into memory that ends where it must; whether it failed. */
static bool fails(nf_coder *coder, const unsigned char *stored, size_t length, size_t bytes,
                  const unsigned char *expected, bool *wrong)
{
    unsigned char *copy = malloc(length > 0 ? length : 1), *back = malloc(bytes);
    memcpy(copy, stored, length); /* of their exact sizes: the sanitizer sees what goes beyond */
    nf_status status = nf_coder_decode(coder, copy, length, 0, back, bytes);
    *wrong = status == NF_OK && memcmp(back, expected, bytes) != 0;
    free(copy);
    free(back);
    return status != NF_OK;
}

static void test_damage(void)
{
    static const nf_codec_id ids[] = {NF_CODEC_DEFLATE, NF_CODEC_ZSTD, NF_CODEC_LZ4};
    enum { BYTES = 5000 };
    static unsigned char data[BYTES], stored[2 * BYTES];
    fill(data, BYTES, false);
    for (size_t c = 0; c < 3; c++)
        for (size_t sum = 0; sum < 2; sum++) {
            const nf_codec step[] = {{NF_CODEC_SHUFFLE, 0}, {ids[c], 1}, {NF_CODEC_FLETCHER32, 0}};
            nf_coder *coder;
            const void *made;
            size_t length;
            unsigned skipped;
            bool wrong;
            CU_ASSERT_EQUAL(nf_coder_create(step, 2 + sum, 4, BYTES, &coder), NF_OK);
            nf_coder_encode(coder, data, BYTES, &made, &length, &skipped);
            CU_ASSERT_EQUAL(skipped, 0);
            memcpy(stored, made, length);
            for (size_t end = 0; end < length; end++) {
                CU_ASSERT(fails(coder, stored, end, BYTES, data, &wrong));
                const char *said = nf_message(NF_ERR_FORMAT); /* four zeros are a right sum */
                CU_ASSERT(strstr(said, nf_codec_name(ids[c])) != NULL ||
                          (sum == 1 && strstr(said, "fletcher32") != NULL));
            }
            for (int flip = 0; flip < 2000; flip++) {
                size_t at = next_random() % length;
                unsigned char bit = (unsigned char)(1 << next_random() % 8);
                stored[at] ^= bit;
                fails(coder, stored, length, BYTES, data, &wrong);
                CU_ASSERT(sum == 0 || !wrong); /* Adler's sum in zlib's format misses some */
                stored[at] ^= bit;
            }
            CU_ASSERT(!fails(coder, stored, length, BYTES, data, &wrong) && !wrong);
            CU_ASSERT(fails(coder, stored, length, BYTES - 4, data, &wrong));
            nf_coder_free(coder);
        }
}

static void test_names(void)
{
    static const struct {
        const char *text;
        nf_codec_id id; /* -1: refused */
        int level;
    } given[] = {{"none", NF_CODEC_NONE, 0},
                 {"deflate", NF_CODEC_DEFLATE, 1},
                 {"deflate:9", NF_CODEC_DEFLATE, 9},
                 {"zstd", NF_CODEC_ZSTD, 3},
                 {"zstd:19", NF_CODEC_ZSTD, 19},
                 {"lz4", NF_CODEC_LZ4, 0},
                 {"lz4:1", (nf_codec_id)-1, 0},
                 {"deflate:0", (nf_codec_id)-1, 0},
                 {"deflate:10", (nf_codec_id)-1, 0},
                 {"zstd:", (nf_codec_id)-1, 0},
                 {"zstd:3x", (nf_codec_id)-1, 0},
                 {"zstd: 3", (nf_codec_id)-1, 0},
                 {"lzf", (nf_codec_id)-1, 0},
                 {"gzip", (nf_codec_id)-1, 0},
                 {"", (nf_codec_id)-1, 0}};
    for (size_t i = 0; i < sizeof given / sizeof *given; i++) {
        nf_codec codec;
        nf_status status = nf_codec_parse("--compress", given[i].text, &codec);
        if (given[i].id == (nf_codec_id)-1)
            CU_ASSERT_EQUAL(status, NF_ERR_USAGE)
        else
            CU_ASSERT(status == NF_OK && codec.id == given[i].id && codec.level == given[i].level)
    }
}

int main(void)
{
    CU_TestInfo tests[] = {{"Fletcher's checksum", test_fletcher32},
                           {"shuffle", test_shuffle},
                           {"beside HDF5's filters", test_hdf5},
                           {"zstd", test_zstd},
                           {"LZ4 in blocks", test_lz4_blocks},
                           {"LZF", test_lzf},
                           {"round trips", test_round_trips},
                           {"damage", test_damage},
                           {"names", test_names},
                           CU_TEST_INFO_NULL};
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    return nf_suite_run("codec", tests, 0);
}
