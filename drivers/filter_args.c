#include "drivers/filter_args.h"

#include "drivers/cli.h"

enum {
    KEY_STORE = 0x30001,
    KEY_STACK,
    KEY_NEXUS,
    KEY_HINT,
    KEY_NO_CLOBBER,
    KEY_CHECKSUM,
    KEY_RESUME
};

static const char doc[] =
    "Applies a chain of kernels to an array and writes the result; without -k, converts."
    "\vArrays are named FILE or FILE:/dataset (HDF5; TIFF: a page, counted from 0). An "
    "input's kind is told from its content, an output's from its suffix: .h5, .tif, .png, "
    ".jpg, .npy, .pgm, .ppm, .pnm, .pam, .pfm, .raw. The output appears, or is replaced, "
    "only when it is complete. A dataset that joins an HDF5 file, or replaces one of "
    "several there, is written to a copy of the file, which then takes its place: there "
    "must be room for both.\n\n"
    "FILE: alone, with a colon and without an OUTPUT, lists the datasets or pages of a "
    "file; where no dataset is named, that is read to which the attributes default and signal of "
    "NeXus lead, "
    "or the only array, or the only one of 2 dimensions or more. Brackets pick an item of a "
    "stack by its leading indices, negative ones from the end: FILE:/data[3], "
    "FILE:/data[3,-1]. With cf in them, FILE:/sst[cf] or FILE:/sst[3,cf], netCDF's "
    "conventions count: _FillValue and missing_value become NaN, others are multiplied by "
    "scale_factor, and add_offset is added.\n\n"
    "From HDF5 to HDF5 a dataset's attributes are kept as far as they stay true, and its "
    "dimension scales where no kernel moves cells; what is left out is told.\n\n"
    "With --resume, what is finished of an output stands in .NAME.resume.part beside it, "
    "and .NAME.resume tells how much that is; whatever ends the run, the same command goes "
    "on with it, on any number of ranks, and ends with the same bytes. SIGTERM and SIGUSR1 "
    "end it at the next band with exit status 75 (mpirun kills what it has sent SIGTERM "
    "within a second: send it SIGUSR1; Slurm: --signal=USR1@60). Where a chain needs "
    "several sweeps, all but the last are done anew. A run without --resume removes both "
    "files.\n\n"
    "Examples:\n"
    "  filter -k 'gaussian:sigma=2 | sobel' photo.jpg edges.png\n"
    "  mpirun -n 4 filter -k 'heat:steps=100' in.h5:/image out.h5:/image\n"
    "  filter photo.jpg photo.h5:/image\n"
    "  filter measured.nc:\n"
    "  filter --shape 512x389x3 --dtype u16 scan.raw scan.tif\n"
    "  filter -k gaussian:sigma=1 --stack --store u16 movie.h5:/frames smooth.h5:/frames";

static const struct argp_option options[] = {
    {"kernel", 'k', "CHAIN", 0, "kernels to apply: 'NAME:KEY=VALUE,... | NAME ...'", 0},
    {"quality", 'Q', "N", 0, "JPEG quality of the output, 1 to 100 (default 90)", 0},
    {"store", KEY_STORE, "TYPE", 0,
     "HDF5, TIFF, npy, raw: type of the elements in the output: u8 i8 u16 i16 u32 i32 f16 f32 f64; "
     "integers are rounded half to even and clipped (default: as computed)",
     0},
    NF_STORAGE_OPTIONS,
    {"stack", KEY_STACK, "N", OPTION_ARG_OPTIONAL,
     "apply the chain to every item of a stack by itself: N leading dimensions (default 1, or as "
     "many as leave 3), which the output has, too",
     0},
    {"nexus", KEY_NEXUS, NULL, 0,
     "HDF5: write NeXus's groups NXentry and NXdata around the dataset (default "
     "/entry/data/data), with it as their signal",
     0},
    {"hint", KEY_HINT, "KEY=VALUE", 0,
     "HDF5: alignment=BYTES of the elements in the file (default 4096; 1M suits striped file "
     "systems), meta_block=BYTES that metadata is gathered in, page=BYTES of a page of the file's "
     "space (for readers with a page buffer), libver=earliest|latest form of the metadata; may be "
     "repeated",
     0},
    {"no-clobber", KEY_NO_CLOBBER, NULL, 0,
     "refuse to replace an output that exists (a file; in an HDF5 file, a dataset)", 0},
    {"checksum", KEY_CHECKSUM, NULL, 0,
     "keep a checksum of the cells in the output (HDF5, TIFF, PNG): `reduce -k checksum` then says "
     "whether they are still the same",
     0},
    {"resume", KEY_RESUME, NULL, 0,
     "go through the array in bands, keep those that are finished safe on the disk, and go on with "
     "those that a run of the same command has left that was killed (see below)",
     0},
    {0}};

static error_t parse_option(int key, char *text, struct argp_state *state)
{
    filter_args *args = state->input;
    int64_t number = 0;
    error_t error;
    switch (key) {
    case 'k':
        return nf_cli_chain(text, &args->chain);
    case 'Q':
        error = nf_cli_integer("--quality", text, 1, 100, &number);
        args->quality = (int)number;
        return error;
    case KEY_STORE:
        args->store = nf_element_named(text);
        if (args->store == NF_EL_NONE)
            return nf_cli_reject("--store %s: expected one of u8 i8 u16 i16 u32 i32 f16 f32 f64",
                                 text);
        return 0;
    case KEY_STACK:
        args->stack = true;
        error = text != NULL ? nf_cli_integer("--stack", text, 1, NF_STACK_DIMS, &number) : 0;
        args->stack_dims = (int)number;
        return error;
    case KEY_NEXUS:
        args->nexus = true;
        return 0;
    case KEY_HINT:
        if (nf_hdf5_hint(text, &args->hints) != NF_OK)
            return nf_cli_reject("%s", nf_message(NF_ERR_USAGE));
        return 0;
    case KEY_NO_CLOBBER:
        args->no_clobber = true;
        return 0;
    case KEY_CHECKSUM:
        args->checksum = true;
        return 0;
    case KEY_RESUME:
        args->resume = true;
        return 0;
    case ARGP_KEY_ARG:
        if (args->output != NULL)
            return nf_cli_reject("'%s' is one argument too many; expected INPUT OUTPUT", text);
        *(args->input == NULL ? &args->input : &args->output) = text;
        return 0;
    default:
        return nf_storage_option(&args->storage, key, text);
    }
}

const struct argp filter_argp = {options, parse_option, "INPUT OUTPUT", doc, NULL, NULL, NULL};
