#include "drivers/engine/sysfile.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

void nf_strip(char *line)
{
    size_t length = strlen(line);
    while (length > 0 && isspace((unsigned char)line[length - 1]))
        line[--length] = '\0';
}

bool nf_system_line(const char *path, char line[NF_SYSTEM_LINE])
{
    FILE *file = fopen(path, "re");
    bool found = file != NULL && fgets(line, NF_SYSTEM_LINE, file) != NULL;
    if (file != NULL)
        fclose(file);
    if (found)
        nf_strip(line);
    return found && line[0] != '\0';
}
