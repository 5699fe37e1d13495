/* Files: outputs that appear only when they are complete, inputs mapped into memory. */
#ifndef EG_BASE_FILE_H
#define EG_BASE_FILE_H

#include <stdio.h>

#include "base/status.h"

/* An output is opened before work starts, as a hidden file beside its target, and put in the target's place by commit. A path
 * of "-" is standard output. An output that is closed without a commit leaves nothing behind. */
typedef struct eg_output {
    FILE *stream;
    char *path; /* NULL: standard output */
    char *temporary;
} eg_output;

EG_MUST eg_output_open(const char *path, eg_output *output);
/* `bytes` will be written: refuse now if the disk has not as much room. */
EG_MUST eg_output_expect(const eg_output *output, uint64_t bytes);

EG_MUST eg_output_commit(eg_output *output); /* flush, check for errors (a full disk), replace the target, close */
void eg_output_discard(eg_output *output);   /* also after commit: does nothing then */

/* Remove what open outputs have left; safe in a signal handler. */
void eg_output_remove_temporaries(void);

/* Map a file for reading. Empty files are an error. */
typedef struct eg_mapping {
    const unsigned char *bytes;
    uint64_t size;
} eg_mapping;

EG_MUST eg_map_file(const char *path, eg_mapping *mapping);
void eg_unmap(eg_mapping *mapping);

#endif
