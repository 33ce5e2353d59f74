#include "drivers/engine/stop.h"

#include <signal.h>
#include <stddef.h>

static volatile sig_atomic_t asked;

static void ask(int signal_number)
{
    (void)signal_number;
    asked = 1;
}

void nf_stop_on_signals(void)
{
    struct sigaction ours = {.sa_handler = ask, .sa_flags = SA_RESTART};
    sigemptyset(&ours.sa_mask);
    sigaction(SIGTERM, &ours, NULL);
    sigaction(SIGUSR1, &ours, NULL);
}

bool nf_stop_asked(void)
{
    return asked != 0;
}
