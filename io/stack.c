/* stack.c - arrays one behind the other in a file, and what else there is in it. */
#include <stdlib.h>
#include <string.h>

#include "io/content.h"

static nf_status find_stack(const char *typed, int dims, nf_stack *stack)
{
    nf_path path;
    const nf_format *format;
    nf_status status = nf_path_parse(typed, &path);
    if (status != NF_OK)
        return status;
    status = nf_content_format(path.file, &format);
    if (status == NF_OK && format->stack == NULL)
        status = nf_fail(NF_ERR_FORMAT, "%s: a %s file holds one array, no stack of them", typed,
                         format->name);
    if (status == NF_OK)
        status = format->stack(path.file, path.dataset, dims, stack);
    nf_path_free(&path);
    return status;
}

nf_status nf_array_stack(const nf_world *world, const char *typed, int dims, nf_stack *stack)
{
    *stack = (nf_stack){.dims = 0};
    nf_status status = nf_agree(world, world->rank == 0 ? find_stack(typed, dims, stack) : NF_OK);
    nf_broadcast(world, stack, sizeof *stack, 0);
    return status;
}

int64_t nf_stack_items(const nf_stack *stack)
{
    int64_t items = 1;
    for (int d = 0; d < stack->dims; d++)
        items *= stack->extent[d];
    return items;
}

nf_status nf_stack_name(const nf_stack *stack, const char *typed, int64_t i, char **name)
{
    enum { INDEX_ROOM = 24 };
    int64_t index[NF_STACK_DIMS];
    nf_path path;
    *name = NULL;
    nf_status status = nf_path_parse(typed, &path);
    if (status != NF_OK)
        return status;
    for (int d = stack->dims - 1; d >= 0; i /= stack->extent[d], d--)
        index[d] = i % stack->extent[d];
    const char *dataset = path.dataset != NULL ? path.dataset : "";
    size_t length = strlen(dataset);
    bool more = length > 0 && dataset[length - 1] == ']'; /* brackets that are there already */
    size_t room = strlen(path.file) + length + 8 + NF_STACK_DIMS * INDEX_ROOM;
    *name = malloc(room);
    if (*name == NULL)
        status = nf_fail(NF_ERR_MEMORY, "%s: no memory for a name", typed);
    else
        snprintf(*name, room, "%s:%.*s", path.file, (int)(more ? length - 1 : length), dataset);
    for (int d = 0; d < stack->dims && *name != NULL; d++) {
        size_t used = strlen(*name);
        snprintf(*name + used, room - used, "%s%lld%s", d > 0 || more ? "," : "[",
                 (long long)index[d], d + 1 == stack->dims ? "]" : "");
    }
    nf_path_free(&path);
    return status;
}

nf_status nf_array_list(const char *typed, FILE *out)
{
    nf_path path;
    nf_shape shape;
    const nf_format *format;
    char text[NF_SHAPE_TEXT];
    void *reader;
    nf_status status = nf_path_parse(typed, &path);
    if (status != NF_OK)
        return status;
    status = nf_content_format(path.file, &format);
    if (status == NF_OK && format->list != NULL) {
        status = format->list(path.file, out);
    } else if (status == NF_OK) {
        status = format->open(path.file, path.dataset, &reader, &shape);
        if (status == NF_OK) {
            fprintf(out, "%s:\n  %s, %s\n", path.file, format->name, nf_shape_text(&shape, text));
            format->close(reader);
        }
    }
    nf_path_free(&path);
    return status;
}
