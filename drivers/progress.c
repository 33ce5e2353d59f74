#include "drivers/progress.h"

#include <stdio.h>
#include <unistd.h>

#include "drivers/engine/team.h"

void nf_progress_start(nf_progress *progress, const char *label, bool silent)
{
    double now = nf_seconds();
    *progress = (nf_progress){.label = label,
                              .start = now,
                              .shown = now,
                              .silent = silent,
                              .terminal = isatty(STDERR_FILENO) == 1};
}

static void draw_bar(double fraction)
{
    enum { WIDTH = 30 };
    int full = (int)(fraction * WIDTH);
    for (int i = 0; i < WIDTH; i++)
        fputc(i < full ? '#' : '.', stderr);
}

void nf_progress_show(void *context, double fraction)
{
    nf_progress *progress = context;
    double now = nf_seconds(), spent = now - progress->start;
    if (progress->silent || spent < 1 || now - progress->shown < (progress->terminal ? 0.2 : 5))
        return;
    progress->shown = now;
    progress->begun = true;
    double left = fraction > 0 ? spent * (1 - fraction) / fraction : 0;
    if (progress->terminal)
        fprintf(stderr, "\r%s [", progress->label), draw_bar(fraction), fputs("] ", stderr);
    else
        fprintf(stderr, "%s: ", progress->label);
    double rate = (progress->bytes > 0 ? 1e-6 * progress->bytes : 100) * fraction / spent;
    fprintf(stderr, progress->bytes > 0 ? "%3.0f%%, %.0f MB/s" : "%3.0f%%, %.1f%%/s",
            100 * fraction, rate);
    fprintf(stderr, ", %.0f s left%s", left, progress->terminal ? "  " : "\n");
    fflush(stderr);
}

nf_watch nf_progress_watch(nf_progress *progress)
{
    return (nf_watch){nf_progress_show, progress};
}

void nf_progress_stop(nf_progress *progress)
{
    if (progress->begun && progress->terminal)
        fputs("\r\033[K", stderr);
}
