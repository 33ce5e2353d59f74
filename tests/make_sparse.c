/* make_sparse.c - make_sparse FILE: a file of over 5 GiB that takes a few pages on disk, for the tests of
 * large counts and of bounded memory: /line, one row of more than 2^32 bytes, /image, of more than 2^31, and
 * /scan, of 20 times 64 MiB; all zero but for some cells. */
#include <hdf5.h>
#include <stdbool.h>
#include <stdio.h>

static const hsize_t line_cells = ((hsize_t)5 << 30) + 7;
static const hsize_t image_cells[2] = {36864, 65536}, scan_cells[2] = {20480, 65536};

static bool put(hid_t dataset, const hsize_t *at, unsigned char value)
{
    hid_t space = H5Dget_space(dataset);

    hid_t cell = H5Screate(H5S_SCALAR);
    bool ok = H5Sselect_elements(space, H5S_SELECT_SET, 1, at) >= 0 &&
              H5Dwrite(dataset, H5T_NATIVE_UCHAR, cell, space, H5P_DEFAULT, &value) >= 0;
    H5Sclose(cell);
    H5Sclose(space);
    return ok;
}

static hid_t make(hid_t file, const char *name, int ndim, const hsize_t *dims)
{
    hid_t space = H5Screate_simple(ndim, dims, NULL), how = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_alloc_time(how, H5D_ALLOC_TIME_EARLY);
    H5Pset_fill_time(how, H5D_FILL_TIME_NEVER);
    hid_t dataset = H5Dcreate2(file, name, H5T_NATIVE_UCHAR, space, H5P_DEFAULT, how, H5P_DEFAULT);
    H5Pclose(how);
    H5Sclose(space);
    return dataset;
}

int main(int argc, char **argv)
{
    if (argc != 2)
        return fprintf(stderr, "usage: make_sparse FILE\n"), 2;
    const hsize_t first = 0, beyond = ((hsize_t)1 << 32) + 5, last = line_cells - 1;
    const hsize_t corner[2] = {0, 0}, middle[2] = {30000, 40000},
                  end[2] = {image_cells[0] - 1, image_cells[1] - 1};
    hid_t file = H5Fcreate(argv[1], H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    hid_t line = make(file, "line", 1, &line_cells);
    bool ok = line >= 0 && put(line, &first, 1) && put(line, &beyond, 20) && put(line, &last, 255);
    hid_t image = make(file, "image", 2, image_cells);
    ok =
        ok && image >= 0 && put(image, corner, 3) && put(image, middle, 50) && put(image, end, 200);
    ok = H5Dclose(line) >= 0 && ok;
    ok = H5Dclose(image) >= 0 && ok;
    const hsize_t inside[2] = {10000, 30000}, last_of_scan[2] = {scan_cells[0] - 1, 65535};
    hid_t scan = make(file, "scan", 2, scan_cells);
    ok = ok && scan >= 0 && put(scan, corner, 3) && put(scan, inside, 50) &&
         put(scan, last_of_scan, 200);
    ok = H5Dclose(scan) >= 0 && ok;
    return H5Fclose(file) >= 0 && ok ? 0 : 1;
}
