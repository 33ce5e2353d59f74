/* hdf5_list.c - what a file holds: lists, and the dataset that is meant where none is named. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/codec.h"
#include "io/hdf5.h"

enum { LISTED = 10 /* datasets named in a message */, LIST_ROOM = 1200, NAME_ROOM = 1024 };

/* ---- filters ---- */

/* Filters of others, and where Debian has them. */
static const struct {
    H5Z_filter_t id;
    const char *name, *package;
} filters[] = {{H5Z_FILTER_DEFLATE, "deflate", NULL},
               {H5Z_FILTER_SHUFFLE, "shuffle", NULL},
               {H5Z_FILTER_FLETCHER32, "fletcher32", NULL},
               {H5Z_FILTER_SZIP, "szip", "an HDF5 library with libaec"},
               {H5Z_FILTER_NBIT, "nbit", NULL},
               {H5Z_FILTER_SCALEOFFSET, "scaleoffset", NULL},
               {307, "bzip2", "hdf5-filter-plugin"},
               {32000, "lzf", "bitshuffle"},
               {32001, "blosc", "hdf5-filter-plugin-blosc-serial"},
               {32004, "lz4", "hdf5-filter-plugin"},
               {32008, "bitshuffle", "bitshuffle"},
               {32013, "zfp", "hdf5-filter-plugin-zfp-serial"},
               {32015, "zstandard", "none; Python's hdf5plugin"},
               {32017, "sz", NULL},
               {32026, "blosc2", NULL}};

static size_t filter_at(H5Z_filter_t id)
{
    size_t i = 0;
    while (i < sizeof filters / sizeof *filters && filters[i].id != id)
        i++;
    return i;
}

static const char *filter_name(H5Z_filter_t id)
{
    size_t i = filter_at(id);
    return i < sizeof filters / sizeof *filters ? filters[i].name : "unknown to nfold";
}

static H5Z_filter_t filter_id(hid_t plist, int i)
{
    unsigned flags;
    size_t values = 0;
    char name[1];
    return H5Pget_filter2(plist, (unsigned)i, &flags, &values, NULL, sizeof name, name, NULL);
}

static nf_status filter_missing(const char *path, const char *dataset, H5Z_filter_t id)
{
    size_t i = filter_at(id);
    const char *package = i < sizeof filters / sizeof *filters ? filters[i].package : NULL;
    return nf_fail(NF_ERR_FORMAT,
                   "%s:%s: is stored with HDF5 filter %d (%s), whose plugin is not found: install "
                   "it%s%s%s and, where HDF5 does not look for it by itself, name its folder in "
                   "HDF5_PLUGIN_PATH, or rewrite the file with h5repack where it is",
                   path, dataset, (int)id, filter_name(id), package != NULL ? " (Debian: " : "",
                   package != NULL ? package : "", package != NULL ? ")" : "");
}

/* Those that chunks.c undoes need no plugin. */
static bool filter_is_there(H5Z_filter_t id)
{
    return id < 0 || nf_codecs_known(&(nf_codec){.id = (nf_codec_id)id}, 1) ||
           H5Zfilter_avail(id) > 0;
}

nf_status nf_h5_check_filters(hid_t dataset, const char *path, const char *name)
{
    hid_t plist = H5Dget_create_plist(dataset);
    if (plist < 0)
        return nf_h5_fail(path, name, "its layout cannot be read");
    nf_status status = NF_OK;
    int count = H5Pget_layout(plist) == H5D_CHUNKED ? H5Pget_nfilters(plist) : 0;
    for (int i = 0; i < count && status == NF_OK; i++) {
        H5Z_filter_t id = filter_id(plist, i);
        if (!filter_is_there(id))
            status = filter_missing(path, name, id);
    }
    H5Pclose(plist);
    return status;
}

/* ---- all datasets ---- */

/* What is told of each dataset as it is visited. */
typedef struct listing {
    int datasets;
    int suitable, images;                    /* taken or stacks of such; of at least 2 dimensions */
    char first[NAME_ROOM], image[NAME_ROOM]; /* the first of each; "" if too long */
    char text[LIST_ROOM];                    /* the first LISTED of all, for a message */
    size_t used;
    FILE *out; /* a table of all; or NULL */
} listing;

static void keep_name(int count, const char *name, char kept[NAME_ROOM])
{
    if (count == 0 && strlen(name) + 2 <= NAME_ROOM)
        snprintf(kept, NAME_ROOM, "/%s", name);
}

static void list_text(listing *list, const char *name, const nf_h5_about *a, bool helper)
{
    if (list->datasets > LISTED || list->used >= LIST_ROOM)
        return;
    const char *note = helper     ? ", a scale or palette"
                       : a->taken ? ""
                       : a->stack ? ", a stack"
                                  : ", not taken";
    list->used += (size_t)snprintf(list->text + list->used, LIST_ROOM - list->used, "%s/%s (%s%s)",
                                   list->datasets > 1 ? ", " : "", name, a->text, note);
}

/* "chunks 64x64x3, shuffle, deflate" */
static void print_storage(FILE *out, hid_t dataset)
{
    static const char *const layouts[] = {[H5D_COMPACT] = "compact",
                                          [H5D_CONTIGUOUS] = "contiguous",
                                          [H5D_CHUNKED] = "chunks",
                                          [H5D_VIRTUAL] = "virtual"};
    hid_t plist = H5Dget_create_plist(dataset);
    H5D_layout_t layout = plist >= 0 ? H5Pget_layout(plist) : H5D_LAYOUT_ERROR;
    if (layout >= H5D_COMPACT && layout < H5D_NLAYOUTS)
        fputs(layouts[layout], out);
    if (layout == H5D_CHUNKED) {
        hsize_t chunk[H5S_MAX_RANK];
        int rank = H5Pget_chunk(plist, H5S_MAX_RANK, chunk);
        for (int d = 0; d < rank; d++)
            fprintf(out, "%s%llu", d > 0 ? "x" : " ", (unsigned long long)chunk[d]);
        for (int i = 0; i < H5Pget_nfilters(plist); i++) {
            H5Z_filter_t id = filter_id(plist, i);
            fprintf(out, ", %s%s", filter_name(id), filter_is_there(id) ? "" : " (not found)");
        }
    }
    if (plist >= 0 && H5Pget_external_count(plist) > 0)
        fputs(", in another file", out);
    nf_h5_release(H5Pclose, plist);
}

static void print_line(FILE *out, hid_t dataset, const char *name, const nf_h5_about *a)
{
    char class[32] = "";
    nf_h5_get_text(dataset, "CLASS", class, sizeof class);
    fprintf(out, "  /%-23s %-23s ", name, a->text);
    print_storage(out, dataset);
    if (strcmp(class, "DIMENSION_SCALE") == 0 || strcmp(class, "PALETTE") == 0)
        fprintf(out, "; %s", class[0] == 'P' ? "a palette" : "a dimension scale");
    else if (a->stack)
        fputs("; a stack: pick an item in brackets, or take all by filter --stack", out);
    else if (!a->taken)
        fprintf(out, "; not taken: %s", a->problem);
    fputc('\n', out);
}

static herr_t visit_object(hid_t root, const char *name, const H5O_info_t *info, void *data)
{
    listing *list = data;
    nf_h5_about a;
    if (info->type != H5O_TYPE_DATASET)
        return 0;
    hid_t dataset = H5Dopen2(root, name, H5P_DEFAULT);
    if (dataset < 0)
        return 0; /* a damaged object does not hide the others */
    if (nf_h5_about_dataset(dataset, 0, &a)) {
        bool helper = nf_h5_is_helper(dataset), suitable = (a.taken || a.stack) && !helper;
        list->datasets++;
        if (suitable)
            keep_name(list->suitable++, name, list->first);
        if (suitable && (a.stack || a.shape.ndim > 1))
            keep_name(list->images++, name, list->image);
        list_text(list, name, &a, helper);
        if (list->out != NULL)
            print_line(list->out, dataset, name, &a);
    }
    H5Dclose(dataset);
    return 0;
}

static nf_status list_file(hid_t file, const char *path, FILE *out, listing *list)
{
    *list = (listing){.out = out};
    if (H5Ovisit2(file, H5_INDEX_NAME, H5_ITER_INC, visit_object, list, H5O_INFO_BASIC) < 0)
        return nf_h5_fail(path, NULL, "its content cannot be listed");
    size_t room = LIST_ROOM - list->used;
    if (list->datasets > LISTED && list->used < LIST_ROOM)
        snprintf(list->text + list->used, room, " and %d more", list->datasets - LISTED);
    return NF_OK;
}

/* ---- the one that is meant ---- */

static bool is_dataset(hid_t file, const char *name)
{
    H5O_info_t info;
    return H5Oget_info_by_name2(file, name, &info, H5O_INFO_BASIC, H5P_DEFAULT) >= 0 &&
           info.type == H5O_TYPE_DATASET;
}

/* NeXus: each group's attribute `default` names the next one, the last group's `signal` the
 * dataset. Paths may be relative. */
bool nf_h5_nexus_default(hid_t file, char *name, size_t room)
{
    enum { DEPTH = 8 };
    char next[NAME_ROOM], step[256];
    snprintf(name, room, "/");
    for (int depth = 0; depth < DEPTH; depth++) {
        hid_t group = H5Gopen2(file, name, H5P_DEFAULT);
        bool signal = group >= 0 && nf_h5_get_text(group, "signal", step, sizeof step);
        bool more = signal || (group >= 0 && nf_h5_get_text(group, "default", step, sizeof step));
        nf_h5_release(H5Gclose, group);
        if (!more || step[0] == '\0')
            return false;
        int length = snprintf(next, sizeof next, "%s%s%s", step[0] == '/' ? "" : name,
                              step[0] == '/' || name[1] == '\0' ? "" : "/", step);
        if (length < 0 || (size_t)length >= sizeof next || (size_t)length >= room)
            return false;
        memcpy(name, next, (size_t)length + 1);
        if (is_dataset(file, name))
            return true;
        if (signal)
            return false;
    }
    return false;
}

/* NULL: there is none, or there are several. */
static const char *only_one(const listing *list)
{
    const char *name = list->suitable == 1 ? list->first : list->images == 1 ? list->image : "";
    return name[0] != '\0' ? name : NULL;
}

nf_status nf_h5_choose(hid_t file, const char *path, char **dataset)
{
    char nexus[NAME_ROOM];
    listing list;
    bool led = nf_h5_nexus_default(file, nexus, sizeof nexus);
    nf_status status = led ? NF_OK : list_file(file, path, NULL, &list);
    if (status != NF_OK)
        return status;
    if (!led && list.datasets == 0)
        return nf_fail(NF_ERR_FORMAT, "%s: the HDF5 file holds no datasets", path);
    if (!led && list.suitable == 0)
        return nf_fail(NF_ERR_FORMAT,
                       "%s: none of its datasets is one that nfold takes (numbers in 1 to 3 "
                       "dimensions and channels): %s",
                       path, list.text);
    const char *chosen = led ? nexus : only_one(&list);
    if (chosen == NULL)
        return nf_fail(NF_ERR_FORMAT, "%s: which dataset? name one as %s:/dataset; it holds %s",
                       path, path, list.text);
    *dataset = strdup(chosen);
    return *dataset != NULL ? NF_OK : nf_fail(NF_ERR_MEMORY, "%s: no memory for a name", path);
}

nf_status nf_h5_no_such(hid_t file, const char *path, const char *dataset, const char *problem)
{
    listing list;
    nf_status status = list_file(file, path, NULL, &list);
    if (status != NF_OK)
        return status;
    return nf_fail(NF_ERR_FORMAT, "%s: %s %s; it holds %s", path, dataset, problem,
                   list.datasets > 0 ? list.text : "no datasets");
}

nf_status nf_h5_list(const char *path, FILE *out)
{
    char nexus[NAME_ROOM];
    listing list = {.datasets = 0};
    hid_t file = nf_h5_open_file(path, H5F_ACC_RDONLY);
    if (file < 0)
        return nf_h5_fail(path, NULL, "cannot be opened");
    bool led = nf_h5_nexus_default(file, nexus, sizeof nexus);
    fprintf(out, "%s:\n", path);
    nf_status status = list_file(file, path, out, &list);
    const char *chosen = led ? nexus : only_one(&list);
    if (status == NF_OK && list.datasets == 0)
        fputs("  no datasets\n", out);
    else if (status == NF_OK && chosen != NULL)
        fprintf(out, "read where none is named: %s%s\n", chosen,
                led ? ", by the NeXus attributes default and signal" : "");
    H5Fclose(file);
    return status;
}
