/* Reading .npz archives: ZIP files of .npy arrays, stored or deflated, as numpy.savez and numpy.savez_compressed write them. */
#ifndef EG_STATE_NPZ_H
#define EG_STATE_NPZ_H

#include "state/npy.h"

typedef struct eg_npz_array {
    char *name; /* without ".npy" */
    eg_npy array;
    unsigned char *bytes; /* owns what array.data points into */
} eg_npz_array;

typedef struct eg_npz_arrays {
    uint64_t count;
    eg_npz_array *list; /* in the order of the archive's directory */
    eg_budget *budget;
} eg_npz_arrays;

/* All arrays, unpacked, in memory of the budget. EEGPU_BAD_INPUT, with the member and the reason: truncated, encrypted, another
 * compression, wrong checksum, lying sizes, a name twice, members that are no .npy, 4 GiB or more. On success to be given to
 * eg_npz_free(). */
EG_MUST eg_npz_read(const char *path, eg_budget *budget, eg_npz_arrays *arrays);
void eg_npz_free(eg_npz_arrays *arrays);

/* Number `index` in C order of a float32 or float64 array, whatever its byte order and storage order. */
double eg_npy_real(const eg_npy *array, uint64_t index);

#endif
