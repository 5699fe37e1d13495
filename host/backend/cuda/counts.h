/* How the pairs of a bit plane are counted on the GPU: three ways with the same integers. Comes in: packed bits and weights of
 * the host; goes out: integers on the device. For tests and measurements a way can be forced, by the function here or by an
 * environment variable, which is read at each call of eg_cuda_gram_bits(). Called by plugin.c's table through counts.c. */
#ifndef EG_BACKEND_CUDA_COUNTS_H
#define EG_BACKEND_CUDA_COUNTS_H

#include "backend/backend.h"

#define EG_CUDA_COUNTS_VARIABLE "EEGPU_CUDA_COUNTS" /* popcount, int8 or half */

typedef enum eg_cuda_way {
    EG_CUDA_POPCOUNT, /* AND, popcount, add on packed words */
    EG_CUDA_INT8,     /* bits become bytes; a matrix product into 32-bit integers */
    EG_CUDA_HALF      /* bits become 16-bit numbers; a matrix product into 32-bit ones, exact up to 2^24 */
} eg_cuda_way;

/* eg_cuda_gram_bits() by one way, for any number of rows. Where a product does not fit or the library refuses it, the words are
 * counted by EG_CUDA_POPCOUNT: *used says which way the last plane went (may be NULL). */
EG_MUST eg_cuda_gram_bits_by(eg_lane *lane, eg_cuda_way way, uint64_t rows, uint64_t columns, const uint64_t *bits,
                             const uint64_t *weight, uint64_t *counts, eg_cuda_way *used);

#endif
