/* io_files.h - files in a folder of the test's own, one process. */
#ifndef NF_IO_FILES_H
#define NF_IO_FILES_H

#include "io/array.h"
#include "tests/folder.h"
#include "tests/io_cells.h"

bool io_spill(const char *name, const void *bytes, size_t count);

/* Writes the array of io_element's values; `store` as nf_output has it. */
nf_status io_write_known(const char *name, nf_shape shape, nf_element_type store);
nf_status io_write(const char *name, nf_shape shape, const nf_output *output);
nf_status io_write_by(int threads, const char *name, nf_shape shape, const nf_output *output);
/* Whether two files in the folder have the same bytes. */
bool io_same_files(const char *a, const char *b);
bool io_all_known(const nf_shape *shape, const void *cells);
/* Whether the file holds that array. */
bool io_loads_known(const char *name, nf_shape shape);
nf_status io_load_status(const char *name);

/* Runs a Python program with the folder as its argument; a failure is one of the test. false: there is no
 * Python with this module (said). */
bool io_python(const char *module, const char *program);
/* Runs a shell command line in the folder, whose first word is a program; false: not installed (said). */
bool io_command(const char *program, const char *line);

#endif
