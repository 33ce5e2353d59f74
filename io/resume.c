#include "io/resume.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "drivers/engine/dense.h"
#include "drivers/engine/stop.h"
#include "drivers/engine/team.h"
#include "io/format.h"
#include "io/note.h"

enum {
    UNIT_BYTES = 1 << 20,
    MOST_UNITS = 1 << 16,
    SENT = 64,  /* units of a rank that are noted at a time */
    SHARE = 20, /* a flush takes at most one part in so many of the time */
    TEXT = 160  /* of a setting */
};

/* What a rank has for rank 0. */
typedef struct parcel {
    int64_t count;
    nf_done unit[SENT];
} parcel;

struct nf_resume {
    nf_journal *journal; /* rank 0 */
    nf_unit_cut cut;
    const nf_raw *raw;
    unsigned char *done;  /* of each unit: it was there at the beginning */
    pthread_mutex_t lock; /* of what follows */
    nf_done *unit;        /* stored: first those that were flushed */
    size_t count, flushed, room;
    double next;     /* when to flush again, in seconds */
    char *bytes;     /* of a unit */
    parcel *parcels; /* rank 0: of all ranks */
};

nf_unit_cut nf_resume_cut(const nf_shape *shape, const nf_output *output)
{
    nf_unit_cut cut = {.slow = 0};
    while (cut.slow < NF_DIMS - 1 && shape->dim[cut.slow] == 1)
        cut.slow++;
    int64_t extent = shape->dim[cut.slow];
    int64_t across = nf_shape_elements(shape) / extent *
                     (int64_t)nf_element_size(nf_output_element(output, shape).type);
    cut.height = UNIT_BYTES / across + 2; /* at least 2: bands are whole rows then */
    if (extent / cut.height >= MOST_UNITS)
        cut.height = extent / MOST_UNITS + 1;
    cut.count = (extent - 1) / cut.height + 1;
    cut.bytes = cut.height * across;
    return cut;
}

/* ---- beginning ---- */

/* A file's length and time; "none". */
static void file_state(const char *file, char text[TEXT])
{
    struct stat info;
    snprintf(text, TEXT, "none");
    if (stat(file, &info) == 0)
        snprintf(text, TEXT, "%lld bytes of %lld.%09ld", (long long)info.st_size,
                 (long long)info.st_mtim.tv_sec, info.st_mtim.tv_nsec);
}

static void input_state(const char *typed, char text[TEXT])
{
    nf_path path;
    snprintf(text, TEXT, "none");
    if (typed == NULL || nf_path_parse(typed, &path) != NF_OK)
        return;
    file_state(path.file, text);
    nf_path_free(&path);
}

static nf_status open_journal(const char *target, const nf_setting *settings, size_t count,
                              int64_t units, nf_journal **journal, bool *laid_out)
{
    nf_done unit;
    nf_status status = nf_journal_resume(target, settings, count, units + 1, journal);
    *laid_out =
        *journal != NULL && nf_journal_done(*journal, units, &unit) && nf_part_has_lasting(target);
    if (status != NF_OK || *laid_out)
        return status;
    nf_journal_close(*journal);
    return nf_journal_begin(target, settings, count, units + 1, journal);
}

static nf_status resume_new(const nf_unit_cut *cut, nf_resume **resume)
{
    nf_resume *r = calloc(1, sizeof *r);
    *resume = r;
    if (r == NULL)
        return nf_fail(NF_ERR_MEMORY, "no memory for a journal");
    pthread_mutex_init(&r->lock, NULL);
    r->cut = *cut;
    r->done = calloc((size_t)cut->count, 1);
    r->bytes = aligned_alloc(64, nf_round_up((size_t)cut->bytes, 64));
    if (r->done != NULL && r->bytes != NULL)
        return NF_OK;
    return nf_fail(NF_ERR_MEMORY, "no memory for a journal of %lld units", (long long)cut->count);
}

nf_status nf_resume_begin(const char *file, const char *typed, const char *input_typed,
                          const nf_shape *shape, const nf_output *output, nf_part *part,
                          bool *again, nf_resume **resume)
{
    char input[TEXT], before[TEXT], kind[TEXT], text[NF_SHAPE_TEXT];
    const nf_provenance *from = output->provenance;
    const nf_unit_cut cut = nf_resume_cut(shape, output);
    input_state(input_typed, input);
    file_state(file, before);
    snprintf(kind, sizeof kind, "%s%s, hints %lld %lld %lld %d",
             nf_element_name(nf_output_element(output, shape).type), output->nexus ? ", NeXus" : "",
             (long long)output->hints.alignment, (long long)output->hints.meta_block,
             (long long)output->hints.page, output->hints.latest);
    const nf_setting settings[] = {
        {"the version", NF_NOTE_VERSION != NULL ? NF_NOTE_VERSION : ""},
        {"the chain", from != NULL && from->chain != NULL ? from->chain : ""},
        {"the input", input_typed != NULL ? input_typed : ""},
        {"the input's description", output->resume},
        {"the input's state", input},
        {"the output", typed},
        {"the array", nf_shape_text(shape, text)},
        {"its storage", kind},
        {"the old output's state", before}};
    char *target = realpath(file, NULL);
    nf_status status = resume_new(&cut, resume);
    if (status == NF_OK)
        status =
            open_journal(target != NULL ? target : file, settings,
                         sizeof settings / sizeof *settings, cut.count, &(*resume)->journal, again);
    free(target);
    return status == NF_OK ? nf_part_begin_lasting(file, *again, part) : status;
}

nf_status nf_resume_laid_out(nf_resume *r, const nf_part *part)
{
    nf_done unit = {.index = r->cut.count, .hash = nf_journal_hash("", 0)};
    int fd = open(part->path, O_RDWR | O_CLOEXEC);
    nf_status status = NF_OK;
    if (fd < 0 || fsync(fd) != 0)
        status = nf_fail(NF_ERR_FILE, "%s: %s", part->path, strerror(errno));
    if (status == NF_OK && nf_journal_done(r->journal, unit.index, &unit))
        status = nf_journal_verify(r->journal, fd);
    else if (status == NF_OK)
        status = nf_journal_note(r->journal, fd, &unit, 1);
    if (fd >= 0)
        close(fd);
    for (int64_t i = 0; i < r->cut.count; i++)
        r->done[i] = nf_journal_done(r->journal, i, &unit);
    return status;
}

nf_status nf_resume_share(const nf_world *world, const nf_raw *raw, const nf_unit_cut *cut,
                          nf_resume **resume)
{
    nf_status status = *resume == NULL ? resume_new(cut, resume) : NF_OK;
    if (status == NF_OK && world->rank == 0 &&
        ((*resume)->parcels = calloc((size_t)world->size, sizeof(parcel))) == NULL)
        status = nf_fail(NF_ERR_MEMORY, "no memory for a journal");
    status = nf_agree(world, status);
    if (status == NF_OK) {
        (*resume)->raw = raw;
        nf_broadcast(world, (*resume)->done, (size_t)cut->count, 0);
    }
    return status;
}

/* ---- what is finished ---- */

static int64_t first_unit(const nf_resume *r, const nf_box *box)
{
    return box->lo[r->cut.slow] / r->cut.height;
}

static int64_t end_unit(const nf_resume *r, const nf_box *box)
{
    return (box->hi[r->cut.slow] - 1) / r->cut.height + 1;
}

bool nf_resume_has(const nf_resume *r, const nf_box *box)
{
    bool all = !nf_box_empty(box);
    for (int64_t i = first_unit(r, box); all && i < end_unit(r, box); i++)
        all = r->done[i];
    return all;
}

/* Where its bytes are; the hash is not known yet. */
static nf_done unit_at(const nf_resume *r, int64_t index)
{
    int64_t begin = index * r->cut.bytes, left = nf_raw_bytes(r->raw) - begin;
    return (nf_done){.index = index,
                     .offset = r->raw->layout.offset + begin,
                     .bytes = left < r->cut.bytes ? left : r->cut.bytes};
}

static nf_status add(nf_resume *r, int64_t index)
{
    if (r->count == r->room) {
        size_t room = 2 * r->room + SENT;
        nf_done *more = realloc(r->unit, room * sizeof *more);
        if (more == NULL)
            return nf_fail(NF_ERR_MEMORY, "%s: no memory for its journal", r->raw->name);
        r->unit = more;
        r->room = room;
    }
    r->unit[r->count++] = unit_at(r, index);
    return NF_OK;
}

/* With the lock. What was stored reaches the disk, and is hashed as it is there. */
static nf_status flush(nf_resume *r)
{
    double start = nf_seconds();
    nf_status status = NF_OK;
    if (r->flushed < r->count && fdatasync(r->raw->fd) != 0)
        return nf_fail(NF_ERR_FILE, "%s: what was written does not reach the disk: %s",
                       r->raw->name, strerror(errno));
    for (; r->flushed < r->count && status == NF_OK; r->flushed++) {
        nf_done *unit = &r->unit[r->flushed];
        status = nf_bytes_read(r->raw->fd, unit->offset, unit->bytes, r->bytes, r->raw->name);
        unit->hash = nf_journal_hash(r->bytes, (size_t)unit->bytes);
    }
    double end = nf_seconds(), wait = SHARE * (end - start);
    r->next = end + (wait > 0.1 ? wait : 0.1);
    return status;
}

nf_status nf_resume_stored(nf_resume *r, const nf_box *box)
{
    nf_status status = NF_OK;
    pthread_mutex_lock(&r->lock);
    for (int64_t i = first_unit(r, box); i < end_unit(r, box) && status == NF_OK; i++)
        status = add(r, i);
    if (status == NF_OK && nf_seconds() >= r->next)
        status = flush(r);
    pthread_mutex_unlock(&r->lock);
    return status;
}

static uint64_t flushed(nf_resume *r)
{
    pthread_mutex_lock(&r->lock);
    uint64_t count = r->flushed;
    pthread_mutex_unlock(&r->lock);
    return count;
}

/* Collective. Some of what each rank has flushed goes into the journal. */
static nf_status send(const nf_world *world, nf_resume *r)
{
    parcel mine;
    nf_status status = NF_OK;
    pthread_mutex_lock(&r->lock);
    size_t n = r->flushed < SENT ? r->flushed : SENT;
    mine.count = (int64_t)n;
    memset(mine.unit, 0, sizeof mine.unit);
    if (n > 0) {
        memcpy(mine.unit, r->unit, n * sizeof *mine.unit);
        memmove(r->unit, r->unit + n, (r->count - n) * sizeof *r->unit);
    }
    r->count -= n;
    r->flushed -= n;
    pthread_mutex_unlock(&r->lock);
    nf_gather(world, &mine, r->parcels, sizeof mine);
    for (int rank = 0; rank < world->size && world->rank == 0 && status == NF_OK; rank++)
        if (r->parcels[rank].count > 0)
            status = nf_journal_note(r->journal, -1, r->parcels[rank].unit,
                                     (size_t)r->parcels[rank].count);
    return nf_agree(world, status);
}

static nf_status flush_all(nf_resume *r)
{
    pthread_mutex_lock(&r->lock);
    nf_status status = flush(r);
    pthread_mutex_unlock(&r->lock);
    return status;
}

nf_status nf_resume_note(const nf_world *world, nf_resume *r)
{
    const uint64_t one = (uint64_t)1 << 40;
    uint64_t news = nf_sum_u64(world, (nf_stop_asked() ? one : 0) + flushed(r));
    bool stop = news >= one;
    nf_status status = stop ? nf_agree(world, flush_all(r)) : NF_OK;
    if (stop && status == NF_OK)
        news = nf_sum_u64(world, flushed(r));
    while (news > 0 && status == NF_OK) {
        status = send(world, r);
        news = status == NF_OK ? nf_sum_u64(world, flushed(r)) : 0;
    }
    if (status != NF_OK || !stop)
        return status;
    return nf_fail(
        NF_ERR_STOPPED,
        "%s: stopped as it was asked to; what is finished is kept: the same command goes "
        "on with it, on any number of ranks",
        r->raw->name);
}

/* ---- the end ---- */

static void resume_free(nf_resume *r)
{
    pthread_mutex_destroy(&r->lock);
    free(r->done);
    free(r->unit);
    free(r->bytes);
    free(r->parcels);
    free(r);
}

void nf_resume_close(nf_resume *r)
{
    if (r == NULL)
        return;
    nf_journal_close(r->journal);
    resume_free(r);
}

void nf_resume_finish(nf_resume *r)
{
    if (r == NULL)
        return;
    nf_journal_finish(r->journal);
    resume_free(r);
}

void nf_resume_discard(const nf_part *part)
{
    if (nf_journal_discard(part->target))
        nf_part_discard_lasting(part->target);
}
