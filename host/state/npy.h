/* .npy arrays: reading of headers (versions 1, 2, 3), writing of arrays, and .npz archives of them (stored, not compressed). */
#ifndef EG_STATE_NPY_H
#define EG_STATE_NPY_H

#include "base/file.h"
#include "base/memory.h"

enum { EG_MAX_AXES = 64 };

typedef struct eg_npy {
    char kind;     /* 'b' bool, 'u', 'i', 'f', 'c' */
    int item_size; /* bytes */
    bool swapped;  /* other byte order than this machine's */
    bool fortran_order;
    int axes;
    uint64_t shape[EG_MAX_AXES];
    uint64_t count;            /* product of shape */
    const unsigned char *data; /* inside the mapping */
} eg_npy;

/* Parse a mapped file. Truncated, object, structured, over-long or lying headers are EEGPU_BAD_INPUT with the reason. */
EG_MUST eg_npy_parse(const eg_mapping *mapping, const char *path, eg_npy *array);

/* Number `index` of a bool or integer array; false when it exceeds int64 (or is a bool byte other than 0 and 1). */
bool eg_npy_integer(const eg_npy *array, uint64_t index, int64_t *value);

/* Write a header for C-ordered data of dtype `descr` ("<f8", "<c16", "|u1", "<i8"). */
EG_MUST eg_npy_write_header(FILE *stream, const char *descr, int axes, const uint64_t *shape);

/* A .npz archive written array by array (zip64 where needed; an archive of any size). */
typedef struct eg_npz eg_npz;
EG_MUST eg_npz_begin(FILE *stream, eg_npz **archive);
EG_MUST eg_npz_add(eg_npz *archive, const char *name, const char *descr, int axes, const uint64_t *shape, const void *data,
                   uint64_t bytes);
EG_MUST eg_npz_end(eg_npz *archive); /* writes the directory and frees */
void eg_npz_abandon(eg_npz *archive);

#endif
