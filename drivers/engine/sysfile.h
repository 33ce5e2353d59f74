/* sysfile.h - the small text files by which a Linux system tells of itself. */
#ifndef NF_SYSFILE_H
#define NF_SYSFILE_H

#include <stdbool.h>

enum { NF_SYSTEM_LINE = 1024 };

/* The first line of a file, without white space at its end; false if there is none, or it is empty. */
bool nf_system_line(const char *path, char line[NF_SYSTEM_LINE]);

/* Cuts off white space at the end. */
void nf_strip(char *line);

#endif
