/* Status codes and the error record: one message per thread. Every function that can fail returns EG_MUST and ends at one
 * label `done:`. Nothing here prints. */
#ifndef EG_BASE_STATUS_H
#define EG_BASE_STATUS_H

#include <stdarg.h>

#include "eegpu.h"

#define EG_MUST __attribute__((warn_unused_result)) eegpu_status
#define EG_FORMAT(string, first) __attribute__((format(printf, string, first)))

enum { EG_MESSAGE_SIZE = 1024 };

/* Record a message and return `status`, so that a failing line reads `return eg_fail(...)`. */
eegpu_status eg_fail(eegpu_status status, const char *format, ...) EG_FORMAT(2, 3);

/* Put "prefix: " before the message on record, to say what was being done; returns `status`. */
eegpu_status eg_fail_while(eegpu_status status, const char *format, ...) EG_FORMAT(2, 3);

/* Copy the message on record out of a worker thread (`text` holds EG_MESSAGE_SIZE bytes) and into another. */
void eg_error_save(char *text);
void eg_error_restore(const char *text);

#define EG_TRY(call)            \
    do {                        \
        status = (call);        \
        if (status != EEGPU_OK) \
            goto done;          \
    } while (0)

#endif
