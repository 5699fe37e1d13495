/* Reading numbers and names strictly: the whole text must be the number, in range; an unknown name is answered with the
 * nearest known one. */
#ifndef EG_BASE_TEXT_H
#define EG_BASE_TEXT_H

#include <stddef.h>

#include "base/status.h"

/* `what` names the value in the message ("--threads", "key 'seed' of random"). Status EEGPU_USAGE on failure. */
EG_MUST eg_parse_integer(const char *text, const char *what, int64_t least, int64_t most, int64_t *value);
EG_MUST eg_parse_unsigned(const char *text, const char *what, uint64_t *value); /* the full 64 bits; a minus sign is refused */
EG_MUST eg_parse_real(const char *text, const char *what, double least, double most,
                      double *value); /* finite; decimal or hexadecimal */
EG_MUST eg_parse_size(const char *text, const char *what,
                      uint64_t *bytes); /* "6GiB", "512M" (= MiB), "1e9", "80%" of what is available */
EG_MUST eg_parse_lattice(const char *text, const char *what, int *height, int *width); /* "4x5"; 1 <= H*W <= 4096 */

/* A decimal fraction as it was typed: "0.35" -> 35 / 100 (not reduced). At most 18 digits, 0 <= value <= 1. */
EG_MUST eg_parse_fraction(const char *text, const char *what, uint64_t *numerator, uint64_t *denominator);

/* The entry of `names` (count of them, each `stride` bytes after the other, first member a const char *) that is nearest to
 * `text` by edit distance, or NULL when none is near. */
const char *eg_nearest_name(const char *text, const void *names, size_t count, size_t stride);

/* "; did you mean 'x'?" into `buffer`, or "" when nothing is near. Returns buffer. */
const char *eg_did_you_mean(const char *text, const void *names, size_t count, size_t stride, char *buffer, size_t size);

#endif
