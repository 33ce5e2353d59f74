/* json_line.h - one line of a file of JSON records. Internal to io/. */
#ifndef NF_JSON_LINE_H
#define NF_JSON_LINE_H

#include <jansson.h>
#include <stdio.h>

#include "drivers/engine/status.h"

/* One line in one write, so that a killed run tears at most the last one. Takes the record. */
nf_status nf_json_line(FILE *file, const char *path, json_t *record);

#endif
