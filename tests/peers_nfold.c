/* peers_nfold.c - nfold as a filter between pipes, so that peers.py can ask for hundreds of results
 * without starting a program for each.
 *
 * First it writes a line with all kernels and their parameters, NAME:PARAMETER,PARAMETER NAME: ... Then, for each request on standard input,
 *   TYPE NDIM PLANES ROWS COLUMNS CHANNELS ARRAYS CHAIN\n     and the bytes of ARRAYS dense arrays,
 * (TYPE none: an index range, no bytes follow) one answer:
 *   array TYPE NDIM PLANES ROWS COLUMNS CHANNELS\n            and the bytes of the output, or
 *   numbers N\n                                               and N lines `NAME VALUE...`, or
 *   error MESSAGE\n
 * Reals are written in hexadecimal. NFOLD_ISA chooses the instruction set, as always.
 * usage: peers_nfold THREADS */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "drivers/engine/plan.h"
#include "tests/drive.h"

enum { LONGEST_CHAIN = 4096 };

typedef struct request {
    nf_shape shape;
    char chain[LONGEST_CHAIN];
    int arrays;
    void *cells[2];
} request;

static void give_up(const char *why)
{
    fprintf(stderr, "peers_nfold: %s\n", why);
    exit(EXIT_FAILURE);
}

static nf_dtype find_dtype(const char *name)
{
    for (nf_dtype d = NF_NONE; d < NF_DTYPES; d++)
        if (strcmp(nf_dtype_name(d), name) == 0)
            return d;
    give_up("unknown type");
    return NF_NONE;
}

/* False at the end of the input. */
static bool read_request(request *r)
{
    char line[LONGEST_CHAIN + 128], type[8];
    int at = 0;
    nf_shape *s = &r->shape;
    if (fgets(line, sizeof line, stdin) == NULL)
        return false;
    line[strcspn(line, "\n")] = '\0';
    if (sscanf(line, "%7s %d %" SCNd64 " %" SCNd64 " %" SCNd64 " %d %d %n", type, &s->ndim,
               &s->dim[0], &s->dim[1], &s->dim[2], &s->channels, &r->arrays, &at) != 7 ||
        r->arrays > 2 || strlen(line + at) >= LONGEST_CHAIN)
        give_up("malformed request");
    s->dtype = find_dtype(type);
    strcpy(r->chain, line + at);
    for (int i = 0; i < r->arrays; i++) {
        size_t bytes = nf_shape_bytes(s);
        r->cells[i] = malloc(bytes);
        if (r->cells[i] == NULL || fread(r->cells[i], 1, bytes, stdin) != bytes)
            give_up("an array is cut short");
    }
    return true;
}

static void answer_array(const nf_world *alone, const nf_field *out)
{
    const nf_shape *s = &out->cut.shape;
    size_t bytes = nf_shape_bytes(s), plane = bytes / (size_t)s->dim[0];
    char *cells = malloc(bytes);
    if (cells == NULL)
        give_up("memory is exhausted");
    for (int64_t z = 0; z < s->dim[0]; z++)
        if (nf_gather_rows(alone, out, z, 0, s->dim[1], cells + (size_t)z * plane) != NF_OK)
            give_up(nf_message(NF_ERR_SYSTEM));
    printf("array %s %d %" PRId64 " %" PRId64 " %" PRId64 " %d\n", nf_dtype_name(s->dtype), s->ndim,
           s->dim[0], s->dim[1], s->dim[2], s->channels);
    fwrite(cells, 1, bytes, stdout);
    free(cells);
}

static void answer_numbers(const nf_results *results)
{
    printf("numbers %zu\n", results->count);
    for (size_t i = 0; i < results->count; i++) {
        const nf_number *n = &results->numbers[i];
        char text[NF_INTEGER_TEXT];
        if (n->type == NF_REAL)
            printf("%s %a", n->name, n->real);
        else if (n->type == NF_INTEGER)
            printf("%s %s", n->name, nf_integer_text(n->high, n->low, text));
        else
            printf("%s", n->name);
        for (size_t k = 0; n->type == NF_COUNTS && k < n->n; k++)
            printf(" %" PRIu64, n->counts[k]);
        putchar('\n');
    }
}

static nf_status run(const nf_world *alone, const request *r, nf_chain *chain)
{
    nf_plan *plan = NULL;
    nf_fields fields = {.in = {.memory = NULL}};
    nf_results results;
    nf_times times = {0};
    bool range = r->shape.dtype == NF_NONE;
    nf_status status = nf_plan_create(alone, range ? NULL : &r->shape, chain, 1, NULL, &plan);
    if (status != NF_OK)
        return status;
    nf_results_init(&results);
    status = nf_plan_fields(plan, &fields);
    if (status == NF_OK) {
        nf_shape with;
        if (r->arrays > 0)
            nf_test_fill(&fields.in, r->cells[0]);
        if (nf_plan_has_second(plan, &with))
            nf_test_fill(&fields.with, r->cells[r->arrays - 1]);
        status = nf_plan_run(plan, &fields, &results, &times);
    }
    if (status == NF_OK && nf_plan_output(plan)->dtype != NF_NONE)
        answer_array(alone, &fields.out);
    else if (status == NF_OK)
        answer_numbers(&results);
    nf_results_free(&results);
    nf_fields_free(&fields);
    nf_plan_free(plan);
    return status;
}

static void answer(const nf_world *alone, const request *r)
{
    nf_chain chain;
    nf_status status = nf_chain_parse(r->chain, &chain);
    if (status == NF_OK)
        status = run(alone, r, &chain);
    if (status != NF_OK)
        printf("error %s\n", nf_message(status));
    nf_chain_free(&chain);
    fflush(stdout);
}

static void tell_kernels(void)
{
    for (size_t i = 0; nf_kernel_at(i) != NULL; i++) {
        printf("%s%s:", i > 0 ? " " : "", nf_kernel_at(i)->name);
        for (const nf_param *p = nf_kernel_at(i)->params; p != NULL && p->name != NULL; p++)
            printf("%s%s", p > nf_kernel_at(i)->params ? "," : "", p->name);
    }
    putchar('\n');
    fflush(stdout);
}

int main(int argc, char **argv)
{
    nf_world alone = {.size = 1, .threads = argc == 2 ? atoi(argv[1]) : 0};
    request r;
    if (alone.threads < 1)
        give_up("usage: peers_nfold THREADS");
    tell_kernels();
    while (read_request(&r)) {
        answer(&alone, &r);
        for (int i = 0; i < r.arrays; i++)
            free(r.cells[i]);
    }
    return EXIT_SUCCESS;
}
