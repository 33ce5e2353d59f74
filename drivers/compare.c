#include "drivers/compare.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/record.h"
#include "io/report_compare.h"

nf_status compare_split(char *const *files, size_t n, compare_request *request)
{
    size_t at = 0, colons = 0;
    for (size_t i = 0; i < n; i++)
        if (strcmp(files[i], ":") == 0) {
            at = i;
            colons++;
        }
    request->a = files;
    request->na = colons == 1 ? at : 1;
    request->b = files + (colons == 1 ? at + 1 : 1);
    request->nb = n - request->na - colons;
    if (colons > 1 || (colons == 0 && n != 2) || request->na < 1 || n < request->na + colons + 1)
        return nf_fail(NF_ERR_USAGE, "--compare: expected two studies, A B, or several launches of "
                                     "each around a colon, A1 A2 ... : B1 B2 ...");
    return NF_OK;
}

/* Files as launches of one study; times[i]: when launch i began, owned; NULL: not known. */
static nf_status read_launches(char *const *files, size_t n, nf_study *study, char **times)
{
    nf_status status = NF_OK;
    for (size_t i = 0; status == NF_OK && i < n; i++) {
        nf_study one = {0};
        status = nf_record_read(files[i], &one);
        const char *time = nf_study_find(&one, "time");
        times[i] = time == NULL ? NULL : strdup(time);
        if (status == NF_OK && one.nsamples == 0)
            status =
                nf_fail(NF_ERR_FORMAT, "%s: holds no samples; measure some with scale", files[i]);
        if (status == NF_OK)
            status = nf_study_join(study, &one);
        nf_study_free(&one);
    }
    return status;
}

static const char *name_of(char *const *files, size_t n, char text[256])
{
    if (n > 1)
        snprintf(text, 256, "%.200s and %zu more", files[0], n - 1);
    else
        snprintf(text, 256, "%.250s", files[0]);
    return text;
}

static nf_status show(const compare_request *request, const nf_compared *compared)
{
    nf_status status = NF_OK;
    if (request->json)
        status = nf_compare_json(compared, stdout);
    else if (!request->quiet)
        nf_compare_text(compared, stdout);
    if (status == NF_OK && (fflush(stdout) != 0 || ferror(stdout)))
        status = nf_fail(NF_ERR_FILE, "the comparison cannot be written to standard output: %s",
                         strerror(errno));
    if (status == NF_OK && request->gate && !compared->comparison->able)
        status = nf_fail(NF_ERR_USAGE,
                         "--fail-if-slower: these studies cannot show every point to be slower, "
                         "however slow it is; with %zu points give %zu launches of each that took "
                         "turns, or --launch-noise",
                         compared->comparison->n, compared->comparison->needed);
    return status;
}

static nf_status compare_studies(const compare_request *request, const nf_study *a,
                                 const nf_study *b, const nf_compare_options *options, bool *failed)
{
    char name_a[256], name_b[256];
    nf_comparison comparison;
    nf_status status = nf_compare(a, b, options, &comparison);
    if (status != NF_OK)
        return status;
    const nf_compared compared = {name_of(request->a, request->na, name_a),
                                  name_of(request->b, request->nb, name_b),
                                  a,
                                  b,
                                  options,
                                  &comparison};
    status = show(request, &compared);
    *failed = request->gate && nf_compare_failures(&comparison) > 0;
    nf_comparison_free(&comparison);
    return status;
}

nf_status compare_run(const compare_request *request, bool *failed)
{
    const size_t na = request->na, nb = request->nb;
    nf_compare_options options = request->options;
    nf_study a = {0}, b = {0};
    char **times = calloc(na + nb, sizeof *times);
    nf_status status = times != NULL ? NF_OK : nf_fail(NF_ERR_MEMORY, "no memory for file names");
    *failed = false;
    if (status == NF_OK && options.paired && na != nb)
        status = nf_fail(NF_ERR_USAGE,
                         "--paired: %zu launches of the first study and %zu of the second; "
                         "expected as many of each, in the order of the pairs",
                         na, nb);
    if (status == NF_OK)
        status = read_launches(request->a, na, &a, times);
    if (status == NF_OK)
        status = read_launches(request->b, nb, &b, times + na);
    if (status == NF_OK) {
        options.alternated =
            request->steady ||
            nf_launches_alternated((const char **)times, na, (const char **)(times + na), nb);
        status = compare_studies(request, &a, &b, &options, failed);
    }
    for (size_t i = 0; times != NULL && i < na + nb; i++)
        free(times[i]);
    free(times);
    nf_study_free(&a);
    nf_study_free(&b);
    return status;
}
