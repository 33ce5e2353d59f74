#include "drivers/engine/status.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static _Thread_local char kept[2048];

static const struct {
    int exit_status;
    const char *words;
} codes[] = {
#define NF_STATUS_ROW(code, exit_status, words) [code] = {exit_status, words},
    NF_STATUS_LIST(NF_STATUS_ROW)
#undef NF_STATUS_ROW
};

nf_status nf_fail(nf_status code, const char *format, ...)
{
    char text[sizeof kept]; /* the arguments may include the message kept so far */
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    memcpy(kept, text, sizeof kept);
    return code;
}

nf_status nf_fail_in(nf_status code, const char *format, ...)
{
    char text[sizeof kept];
    va_list arguments;
    va_start(arguments, format);
    int used = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (used >= 0 && (size_t)used < sizeof text)
        snprintf(text + used, sizeof text - (size_t)used, ": %.1900s", nf_message(code));
    memcpy(kept, text, sizeof kept);
    return code;
}

const char *nf_message(nf_status code)
{
    return code == NF_OK || kept[0] == '\0' ? codes[code].words : kept;
}

int nf_exit_status(nf_status code)
{
    return codes[code].exit_status;
}
