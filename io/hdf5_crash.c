/* hdf5_crash.c - HDF5 1.10 does not check all that it reads: a damaged file can end the process by a
 * signal inside the library. Nothing can be saved then but the message, and what was there before. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "io/hdf5.h"
#include "io/part.h"

static const int caught[] = {SIGSEGV, SIGBUS, SIGFPE, SIGABRT};
enum { CAUGHT = sizeof caught / sizeof *caught };

static struct sigaction before[CAUGHT];
static const char *volatile reading;

static void say(const char *text)
{
    ssize_t written = write(STDERR_FILENO, text, strlen(text));
    (void)written;
}

static void explain(int signal_number)
{
    (void)signal_number;
    nf_part_remove_all();
    say(program_invocation_short_name);
    say(": ");
    say(reading);
    say(": the HDF5 library crashes on it: the file is damaged\n");
    _exit(1);
}

void nf_h5_enter(const char *file)
{
    struct sigaction ours = {.sa_handler = explain, .sa_flags = SA_ONSTACK};
    static char stack[1 << 16]; /* of its own: what HDF5 recurs on may have filled the other */
    sigemptyset(&ours.sa_mask);
    reading = file;
#ifndef __SANITIZE_ADDRESS__ /* its own handlers tell more */
    const stack_t other = {.ss_sp = stack, .ss_size = sizeof stack};
    sigaltstack(&other, NULL);
    for (size_t i = 0; i < CAUGHT; i++)
        sigaction(caught[i], &ours, &before[i]);
#else
    (void)stack, (void)before;
#endif
}

void nf_h5_leave(void)
{
#ifndef __SANITIZE_ADDRESS__
    for (size_t i = 0; i < CAUGHT; i++)
        sigaction(caught[i], &before[i], NULL);
#endif
    reading = NULL;
}
