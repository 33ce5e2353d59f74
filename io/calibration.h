/* calibration.h - what was measured of a machine, kept from one run to the next.
 *
 * A JSON object in the folder nfold of XDG_CACHE_HOME, else of ~/.cache, a file for each machine:
 * {"format": 2, "machine": the key, "cores", "first_team", "process", "launch", "launch_rank",
 * "latency", "bandwidth", "far_latency", "far_bandwidth", "load", "workers": [{"workers", "read",
 * "flops", "team"}, ...]}, in seconds, bytes and operations a second, and cores. A file is replaced at once or not at
 * all. */
#ifndef NF_IO_CALIBRATION_H
#define NF_IO_CALIBRATION_H

#include "drivers/engine/status.h"
#include "drivers/study/advice.h"

/* The file for a machine (nf_machine_key). The caller frees it; NULL: neither variable names a
 * folder, or memory is exhausted. */
char *nf_calibration_path(const char *key);

typedef enum nf_calibration_found {
    NF_CALIBRATION_THERE,
    NF_CALIBRATION_NONE,   /* no file */
    NF_CALIBRATION_DAMAGED /* a file that does not hold what it should, of this machine */
} nf_calibration_found;

/* What it holds is settled (nf_calibration_settle). */
nf_calibration_found nf_calibration_load(const char *path, const char *key,
                                         nf_calibration *calibration);

/* Makes the folder where it is missing. NF_ERR_FILE: it cannot be written. */
nf_status nf_calibration_save(const char *path, const char *key, const nf_calibration *calibration);

#endif
