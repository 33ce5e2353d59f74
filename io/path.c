#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "io/array.h"

/* The last colon before a slash or a bracket, or at the end; or NULL. */
static const char *last_split(const char *typed)
{
    const char *found = NULL;
    for (const char *at = strchr(typed, ':'); at != NULL; at = strchr(at + 1, ':'))
        if (at[1] == '/' || at[1] == '[' || at[1] == '\0')
            found = at;
    return found;
}

/* One slash between members, none at the end; no members `.`, which HDF5 passes over. */
static void tidy(char *dataset)
{
    char *to = dataset;
    for (const char *from = dataset; *from != '\0'; from++) {
        bool start = to > dataset && to[-1] == '/';
        if (start && *from == '.' && (from[1] == '/' || from[1] == '\0'))
            continue;
        if (*from != '/' || !start)
            *to++ = *from;
    }
    if (to > dataset + 1 && to[-1] == '/')
        to--;
    *to = '\0';
}

nf_status nf_path_parse(const char *typed, nf_path *path)
{
    struct stat info;
    const char *split = stat(typed, &info) == 0 ? NULL : last_split(typed);
    *path = (nf_path){.file = NULL};
    if (split == typed)
        return nf_fail(NF_ERR_USAGE, "%s: the name of a file is missing before the colon", typed);
    path->file = split == NULL ? strdup(typed) : strndup(typed, (size_t)(split - typed));
    bool named = split != NULL && split[1] != '\0';
    if (named)
        path->dataset = strdup(split + 1);
    if (path->file == NULL || (named && path->dataset == NULL)) {
        nf_path_free(path);
        return nf_fail(NF_ERR_MEMORY, "no memory for a file name");
    }
    if (path->dataset == NULL)
        return NF_OK;
    tidy(path->dataset);
    if (strcmp(path->dataset, "/") != 0)
        return NF_OK;
    nf_path_free(path);
    return nf_fail(NF_ERR_USAGE, "%s: / is the root group; name a dataset, as in FILE:/data",
                   typed);
}

void nf_path_free(nf_path *path)
{
    free(path->file);
    free(path->dataset);
    *path = (nf_path){.file = NULL};
}
