/* IDX files, plain or gzip: the format of MNIST. Unsigned bytes, one to three axes, read front to back. */
#ifndef EG_STATE_IDX_H
#define EG_STATE_IDX_H

#include <zlib.h>

#include "base/status.h"

enum { EG_IDX_LABELS = 1, EG_IDX_IMAGES = 3 }; /* number of axes: (n,) or (n, height, width) */

typedef struct eg_idx {
    gzFile stream;
    const char *path; /* borrowed */
    uint64_t shape[3];
    uint64_t left; /* bytes of data not yet read */
} eg_idx;

/* Does a file that begins with these bytes hold IDX data with that many axes? gzip counts as either. */
bool eg_idx_recognise(const unsigned char *bytes, uint64_t size, int axes);

/* Open and read the header; a plain file must have exactly the promised length, a gzip file must be able to hold it. */
EG_MUST eg_idx_open(const char *path, int axes, eg_idx *file);

/* The next `size` bytes of data; a truncated or damaged file is EEGPU_BAD_INPUT. */
EG_MUST eg_idx_read(eg_idx *file, void *bytes, uint64_t size);

/* After the last byte: nothing may follow. */
EG_MUST eg_idx_expect_end(eg_idx *file);

/* Back to the first byte of data. */
EG_MUST eg_idx_rewind(eg_idx *file, int axes);

void eg_idx_close(eg_idx *file); /* a zeroed one is fine */

#endif
