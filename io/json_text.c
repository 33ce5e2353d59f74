#include "io/json_text.h"

#include <stdlib.h>
#include <string.h>

json_t *nf_json_text(const char *text)
{
    if (text == NULL)
        return json_null();
    json_t *string = json_string(text);
    char *ascii = string == NULL ? strdup(text) : NULL;
    for (char *c = ascii; c != NULL && *c != '\0'; c++)
        *c = *c & (char)0x80 ? '?' : *c;
    if (ascii != NULL)
        string = json_string(ascii);
    free(ascii);
    return string;
}
