#include "io/metadata.h"

#include <stdlib.h>
#include <string.h>

const char *const nf_text_names[NF_TEXTS] = {"Title", "Author", "Description", "Copyright",
                                             "Comment"};

void nf_metadata_free(nf_metadata *metadata)
{
    free(metadata->icc);
    free(metadata->exif);
    for (int i = 0; i < NF_TEXTS; i++)
        free(metadata->text[i]);
    *metadata = (nf_metadata){0};
}

static nf_status keep(uint8_t **to, size_t *to_bytes, const void *from, size_t bytes)
{
    if (*to != NULL || bytes == 0)
        return NF_OK;
    *to = malloc(bytes);
    if (*to == NULL)
        return nf_fail(NF_ERR_MEMORY, "no memory for %zu bytes of metadata", bytes);
    memcpy(*to, from, bytes);
    *to_bytes = bytes;
    return NF_OK;
}

nf_status nf_metadata_set_icc(nf_metadata *metadata, const void *profile, size_t bytes)
{
    return keep(&metadata->icc, &metadata->icc_bytes, profile, bytes);
}

/* ---- EXIF: a TIFF structure (Exif 2.32, section 4.6.2) ---- */

enum {
    TAG_WIDTH = 0x0100,
    TAG_HEIGHT = 0x0101,
    TAG_ORIENTATION = 0x0112,
    TAG_RESOLUTION_UNIT = 0x0128,
    TAG_EXIF = 0x8769,
    TAG_PIXEL_WIDTH = 0xa002,
    TAG_PIXEL_HEIGHT = 0xa003,
    TYPE_SHORT = 3,
    TYPE_LONG = 4,
    ENTRY = 12, /* bytes of a directory's entry */
    NO_UNIT = 1
};

typedef struct block {
    uint8_t *at;
    size_t bytes;
    bool big; /* big-endian */
} block;

/* An integer of `size` bytes; 0 beyond the end. */
static uint32_t get(const block *b, size_t offset, size_t size)
{
    uint32_t value = 0;
    if (offset > b->bytes || size > b->bytes - offset)
        return 0;
    for (size_t i = 0; i < size; i++)
        value = value << 8 | b->at[offset + (b->big ? i : size - 1 - i)];
    return value;
}

static void put(const block *b, size_t offset, size_t size, uint32_t value)
{
    if (offset > b->bytes || size > b->bytes - offset)
        return;
    for (size_t i = 0; i < size; i++)
        b->at[offset + (b->big ? size - 1 - i : i)] = (uint8_t)(value >> 8 * i);
}

/* The offset of a directory's entry; 0: there is none. */
static size_t find(const block *b, size_t directory, uint32_t tag)
{
    size_t count = directory == 0 ? 0 : get(b, directory, 2);
    for (size_t i = 0; i < count; i++) {
        size_t entry = directory + 2 + i * ENTRY;
        if (entry + ENTRY > b->bytes)
            return 0;
        if (get(b, entry, 2) == tag)
            return entry;
    }
    return 0;
}

/* The value of a single SHORT or LONG; 0: there is none. */
static uint32_t value_of(const block *b, size_t directory, uint32_t tag)
{
    size_t entry = find(b, directory, tag);
    if (entry == 0 || get(b, entry + 4, 4) != 1)
        return 0;
    uint32_t type = get(b, entry + 2, 2);
    if (type == TYPE_SHORT)
        return get(b, entry + 8, 2);
    return type == TYPE_LONG ? get(b, entry + 8, 4) : 0;
}

/* Changes a single SHORT or LONG if it is there; a value that is too large for it becomes a LONG. */
static void change(const block *b, size_t directory, uint32_t tag, uint32_t value)
{
    size_t entry = find(b, directory, tag);
    if (entry == 0 || get(b, entry + 4, 4) != 1)
        return;
    bool is_short = get(b, entry + 2, 2) == TYPE_SHORT && value <= UINT16_MAX;
    put(b, entry + 2, 2, is_short ? TYPE_SHORT : TYPE_LONG);
    put(b, entry + 8, 4, 0);
    put(b, entry + 8, is_short ? 2 : 4, value);
}

/* false: no TIFF structure. */
static bool open_block(uint8_t *bytes, size_t count, block *b)
{
    if (count < 8 || (memcmp(bytes, "II*\0", 4) != 0 && memcmp(bytes, "MM\0*", 4) != 0))
        return false;
    *b = (block){bytes, count, bytes[0] == 'M'};
    return true;
}

static size_t first_directory(const block *b)
{
    return get(b, 4, 4);
}

nf_status nf_metadata_set_exif(nf_metadata *metadata, const void *bytes, size_t count)
{
    block b;
    if (metadata->exif != NULL)
        return NF_OK;
    nf_status status = keep(&metadata->exif, &metadata->exif_bytes, bytes, count);
    if (status != NF_OK || metadata->exif == NULL)
        return status;
    if (!open_block(metadata->exif, count, &b)) {
        free(metadata->exif);
        metadata->exif = NULL;
        metadata->exif_bytes = 0;
        return NF_OK;
    }
    uint32_t orientation = value_of(&b, first_directory(&b), TAG_ORIENTATION);
    if (orientation >= 1 && orientation <= 8)
        metadata->orientation = (int)orientation;
    return NF_OK;
}

/* A block that tells an orientation and nothing else. */
static nf_status make_exif(nf_metadata *metadata)
{
    uint8_t bytes[] = {'M',
                       'M',
                       0,
                       '*',
                       0,
                       0,
                       0,
                       8,
                       0,
                       1,
                       TAG_ORIENTATION >> 8,
                       TAG_ORIENTATION & 255,
                       0,
                       TYPE_SHORT,
                       0,
                       0,
                       0,
                       1,
                       0,
                       (uint8_t)metadata->orientation,
                       0,
                       0,
                       0,
                       0,
                       0,
                       0};
    return keep(&metadata->exif, &metadata->exif_bytes, bytes, sizeof bytes);
}

/* The directory that follows the first describes the thumbnail. */
static void drop_thumbnail(const block *b)
{
    size_t directory = first_directory(b);
    put(b, directory + 2 + (size_t)get(b, directory, 2) * ENTRY, 4, 0);
}

static void adapt_exif(nf_metadata *metadata, unsigned changes, const nf_shape *shape)
{
    block b;
    if (!open_block(metadata->exif, metadata->exif_bytes, &b))
        return;
    size_t main = first_directory(&b), sub = value_of(&b, main, TAG_EXIF);
    uint32_t height = (uint32_t)shape->dim[1], width = (uint32_t)shape->dim[2];
    change(&b, main, TAG_WIDTH, width);
    change(&b, main, TAG_HEIGHT, height);
    change(&b, sub, TAG_PIXEL_WIDTH, width);
    change(&b, sub, TAG_PIXEL_HEIGHT, height);
    if (metadata->orientation != 0)
        change(&b, main, TAG_ORIENTATION, (uint32_t)metadata->orientation);
    if (changes & NF_CHANGED_GRID)
        change(&b, main, TAG_RESOLUTION_UNIT, NO_UNIT);
    if (changes != 0)
        drop_thumbnail(&b);
}

/* ---- text ---- */

/* The bytes of the UTF-8 character at `s`, of which there are n > 0 bytes; 0: it is none. */
static size_t utf8_length(const uint8_t *s, size_t n)
{
    size_t length = s[0] < 0x80 ? 1 : s[0] < 0xc2 ? 0 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
    if (length == 0 || length > n || s[0] > 0xf4)
        return 0;
    for (size_t i = 1; i < length; i++)
        if ((s[i] & 0xc0) != 0x80)
            return 0;
    bool overlong = (s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xf0 && s[1] < 0x90);
    bool outside = (s[0] == 0xed && s[1] > 0x9f) || (s[0] == 0xf4 && s[1] > 0x8f);
    return overlong || outside ? 0 : length;
}

static bool is_utf8(const uint8_t *s, size_t n)
{
    size_t length;
    for (size_t i = 0; i < n; i += length)
        if ((length = utf8_length(s + i, n - i)) == 0)
            return false;
    return true;
}

nf_status nf_metadata_set_text(nf_metadata *metadata, nf_text which, const char *text, size_t bytes,
                               bool latin1)
{
    const uint8_t *from = (const uint8_t *)text;
    bytes = strnlen(text, bytes);
    if (metadata->text[which] != NULL || bytes == 0)
        return NF_OK;
    char *to = malloc(2 * bytes + 1);
    metadata->text[which] = to;
    if (to == NULL)
        return nf_fail(NF_ERR_MEMORY, "no memory for %zu bytes of metadata", bytes);
    bool as_is = !latin1 && is_utf8(from, bytes);
    for (size_t i = 0; i < bytes; i++) {
        if (as_is || from[i] < 0x80) {
            *to++ = (char)from[i];
        } else {
            *to++ = (char)(0xc0 | from[i] >> 6);
            *to++ = (char)(0x80 | (from[i] & 0x3f));
        }
    }
    *to = '\0';
    return NF_OK;
}

/* ---- what an output may say ---- */

static bool profile_suits(const nf_metadata *metadata, const nf_shape *shape)
{
    enum { COLOUR_SPACE = 16 /* offset in a profile's header (ICC.1, section 7.2) */ };
    const char *space = shape->channels >= 3 ? "RGB " : "GRAY";
    return metadata->icc_bytes >= COLOUR_SPACE + 4 &&
           memcmp(metadata->icc + COLOUR_SPACE, space, 4) == 0;
}

static nf_status copy_members(const nf_metadata *from, bool profile, nf_metadata *to)
{
    nf_status status = NF_OK;
    if (profile)
        status = nf_metadata_set_icc(to, from->icc, from->icc_bytes);
    if (status == NF_OK)
        status = nf_metadata_set_exif(to, from->exif, from->exif_bytes);
    for (int i = 0; i < NF_TEXTS && status == NF_OK; i++)
        if (from->text[i] != NULL)
            status =
                nf_metadata_set_text(to, (nf_text)i, from->text[i], strlen(from->text[i]), false);
    return status;
}

nf_status nf_metadata_output(const nf_metadata *from, unsigned changes, const nf_shape *shape,
                             nf_metadata *to)
{
    *to = (nf_metadata){0};
    if (from == NULL)
        return NF_OK;
    nf_status status = copy_members(from, profile_suits(from, shape), to);
    to->orientation = from->orientation;
    if ((changes & NF_CHANGED_ORDER) && to->orientation != 0)
        to->orientation = 1;
    if (!(changes & NF_CHANGED_GRID)) {
        memcpy(to->resolution, from->resolution, sizeof to->resolution);
        to->unit = from->unit;
    }
    if (status == NF_OK && to->exif != NULL)
        adapt_exif(to, changes, shape);
    else if (status == NF_OK && to->orientation > 1)
        status = make_exif(to);
    if (status != NF_OK)
        nf_metadata_free(to);
    return status;
}

bool nf_metadata_resolution(const nf_metadata *metadata, nf_unit unit, double resolution[2])
{
    static const double metres[] = {
        [NF_UNIT_INCH] = 0.0254, [NF_UNIT_CM] = 0.01, [NF_UNIT_METRE] = 1};
    if (metadata->unit == NF_UNIT_NONE ||
        !(metadata->resolution[0] > 0 && metadata->resolution[1] > 0))
        return false;
    for (int i = 0; i < 2; i++)
        resolution[i] = metadata->resolution[i] * (metres[unit] / metres[metadata->unit]);
    return true;
}
