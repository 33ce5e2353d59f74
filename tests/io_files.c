#include "tests/io_files.h"

#include <CUnit/CUnit.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { LINE_ROOM = 4096 };

bool io_spill(const char *name, const void *bytes, size_t count)
{
    FILE *file = fopen(in_folder(name), "wb");
    if (file == NULL)
        return false;
    bool fine = fwrite(bytes, 1, count, file) == count;
    return fclose(file) == 0 && fine;
}

static nf_status write_field(const nf_world *by, const char *name, const nf_field *field,
                             const nf_output *output)
{
    nf_array_writer *writer;
    const nf_shape *shape = &field->cut.shape;
    nf_status status = nf_array_create(by, in_folder(name), NULL, shape, output, &writer);
    if (status != NF_OK)
        return status;
    status = nf_array_write(by, writer, field);
    if (status == NF_OK)
        return nf_array_commit(by, writer);
    nf_array_abort(by, writer);
    return status;
}

nf_status io_write(const char *name, nf_shape shape, const nf_output *output)
{
    return io_write_by(1, name, shape, output);
}

nf_status io_write_by(int threads, const char *name, nf_shape shape, const nf_output *output)
{
    const nf_world by = {.size = 1, .threads = threads};
    static const nf_halo halo = {{1, 1, 1}, {1, 1, 1}};
    nf_field field;
    nf_cut cut = nf_cut_choose(&shape, 1, &halo, NULL);
    nf_status status = nf_field_create(&field, &cut, 0, &halo);
    if (status != NF_OK)
        return status;
    io_field(&field, true);
    status = write_field(&by, name, &field, output);
    nf_field_free(&field);
    return status;
}

nf_status io_write_known(const char *name, nf_shape shape, nf_element_type store)
{
    static const nf_provenance origin = {"filter", "gaussian:sigma=2", "photo.jpg"};
    return io_write(name, shape, &(nf_output){.store = store, .provenance = &origin});
}

bool io_all_known(const nf_shape *shape, const void *cells)
{
    size_t size = nf_dtype_size(shape->dtype);
    for (int64_t i = 0; i < nf_shape_elements(shape); i++) {
        char element[8];
        io_element(shape->dtype, i, element);
        if (memcmp((const char *)cells + (size_t)i * size, element, size) != 0)
            return false;
    }
    return true;
}

bool io_loads_known(const char *name, nf_shape expected)
{
    nf_shape shape;
    void *cells;
    nf_status status = nf_array_load(in_folder(name), &shape, &cells);
    if (status != NF_OK) {
        printf("\n    %s\n", nf_message(status));
        return false;
    }
    bool fine = nf_shape_equal(&shape, &expected) && io_all_known(&shape, cells);
    free(cells);
    return fine;
}

bool io_same_files(const char *a, const char *b)
{
    char line[LINE_ROOM];
    snprintf(line, sizeof line, "cmp %s %s", in_folder(a), in_folder(b));
    return system(line) == 0;
}

nf_status io_load_status(const char *name)
{
    nf_shape shape;
    void *cells;
    nf_status status = nf_array_load(in_folder(name), &shape, &cells);
    free(cells);
    return status;
}

bool io_python(const char *module, const char *program)
{
    char line[LINE_ROOM];
    snprintf(line, sizeof line, "/usr/bin/python3 -c 'import %s' 2>/dev/null", module);
    if (system(line) != 0) {
        printf(" (no python3 with %s: skipped)", module);
        return false;
    }
    CU_ASSERT(io_spill("program.py", program, strlen(program)));
    snprintf(line, sizeof line, "/usr/bin/python3 %s %s", in_folder("program.py"), folder);
    CU_ASSERT_EQUAL(system(line), 0);
    return true;
}

bool io_command(const char *program, const char *line)
{
    char whole[LINE_ROOM];
    snprintf(whole, sizeof whole, "command -v %s >/dev/null 2>&1", program);
    if (system(whole) != 0) {
        printf(" (%s is not installed: skipped)", program);
        return false;
    }
    snprintf(whole, sizeof whole, "cd %s && %s", folder, line);
    CU_ASSERT_EQUAL(system(whole), 0);
    return true;
}
