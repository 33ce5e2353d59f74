/* tiff_list.c - the pages of a TIFF file, in lines for people. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "io/tiff.h"

enum { LINE_ROOM = 600, REASON_ROOM = 400 };

/* Pages that are told alike, one after the other. */
typedef struct run {
    int first, count; /* count 0: none yet */
    char line[LINE_ROOM];
} run;

typedef struct listing {
    FILE *out;
    run run;
    int images;       /* but for thumbnails and masks */
    nf_shape shape;   /* of the first of them */
    bool differ, bad; /* from it; one of them is not taken */
} listing;

static void print_run(const listing *list)
{
    char numbers[32];
    const run *r = &list->run;
    if (r->count == 0)
        return;
    snprintf(numbers, sizeof numbers, r->count > 1 ? "/%d to /%d" : "/%d", r->first,
             r->first + r->count - 1);
    fprintf(list->out, "  %-15s %s\n", numbers, r->line);
}

static void add_line(listing *list, int number, const char *line)
{
    if (list->run.count > 0 && strcmp(list->run.line, line) == 0) {
        list->run.count++;
        return;
    }
    print_run(list);
    list->run = (run){.first = number, .count = 1};
    snprintf(list->run.line, LINE_ROOM, "%s", line);
}

/* What nfold says of a page that it does not take, without the name of the file and the number. */
static const char *reason(const char *message, const nf_tiff *tiff, char text[REASON_ROOM])
{
    size_t name = strlen(tiff->name);
    if (strncmp(message, tiff->name, name) == 0 && message[name] == ':')
        message += name + 1;
    const char *page = strstr(message, "page "), *behind = page != NULL ? strchr(page, ':') : NULL;
    snprintf(text, REASON_ROOM, "%s", behind != NULL ? behind + 2 : message + 1);
    return text;
}

static void describe_page(listing *list, nf_tiff *tiff, int number)
{
    nf_tiff_page page = {.number = number};
    char text[NF_SHAPE_TEXT], why[REASON_ROOM], line[LINE_ROOM];
    bool helper = nf_tiff_is_helper(tiff);
    nf_status status = nf_tiff_describe(tiff, &page);
    const TIFFCodec *codec = TIFFFindCODEC((uint16_t)page.compression);
    if (status != NF_OK)
        snprintf(line, sizeof line, "not taken: %s", reason(nf_message(status), tiff, why));
    else
        snprintf(line, sizeof line, "%-23s %s, %s of %lldx%lld%s%s",
                 nf_shape_text(&page.shape, text),
                 page.compression == COMPRESSION_NONE ? "not compressed" : codec->name,
                 page.tiled ? "tiles" : "strips", (long long)page.rows, (long long)page.columns,
                 page.separate ? ", a plane a channel" : "", helper ? "; a thumbnail or mask" : "");
    add_line(list, number, line);
    if (helper)
        return;
    if (list->images++ == 0)
        list->shape = page.shape;
    list->differ = list->differ || !nf_shape_equal(&page.shape, &list->shape);
    list->bad = list->bad || status != NF_OK;
}

static nf_status list_pages(listing *list, nf_tiff *tiff)
{
    for (int number = 0;; number++) {
        describe_page(list, tiff, number);
        if (TIFFLastDirectory(tiff->tif))
            return NF_OK;
        nf_tiff_forget(tiff);
        if (TIFFReadDirectory(tiff->tif) != 1)
            return nf_tiff_fail(tiff, "a page cannot be read");
    }
}

nf_status nf_tiff_list(const char *file, FILE *out)
{
    listing list = {.out = out};
    nf_tiff tiff = {.name = file, .fd = open(file, O_RDONLY | O_CLOEXEC), .place = -1};
    if (tiff.fd < 0)
        return nf_fail(NF_ERR_FILE, "%s: cannot be opened: %s", file, strerror(errno));
    nf_status status = nf_tiff_open(&tiff, "r");
    if (status == NF_OK) {
        fprintf(out, "%s:\n", file);
        status = list_pages(&list, &tiff);
    }
    print_run(&list);
    if (status == NF_OK && list.images > 0 && !list.bad)
        fprintf(out, "read where none is named: %s\n",
                list.differ       ? "nothing, as the pages differ"
                : list.images > 1 ? "all pages, as a volume"
                                  : "the image");
    nf_tiff_close(&tiff);
    close(tiff.fd);
    return status;
}
