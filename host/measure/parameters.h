/* How many parameters a matrix product state needs for a function: Schmidt ranks of the prefix cuts along three orders of the
 * pixels, exact and up to a part of the norm. Comes in: orders, then spectra; goes out: ranks and counts. Called by scan/study.c.
 * It computes no spectra. */
#ifndef EG_MEASURE_PARAMETERS_H
#define EG_MEASURE_PARAMETERS_H

#include "cut/cut.h"

/* Snake: every second row from right to left. */
typedef enum eg_pixel_order { EG_ROW_MAJOR, EG_COLUMN_MAJOR, EG_SNAKE, EG_PIXEL_ORDERS } eg_pixel_order;

enum { EG_EPSILONS = 3 };
extern const double eg_epsilons[EG_EPSILONS]; /* 1e-2, 1e-4, 1e-8: parts of the norm */

const char *eg_pixel_order_name(eg_pixel_order order); /* "row-major", ... */

/* Ranks of the N-1 prefix cuts of one order, and sum_k 2 chi_(k-1) chi_k (chi_0 = chi_N = 1), the numbers in N tensors. */
typedef struct eg_order_parameters {
    int same_as; /* an earlier order that is the same on this lattice; -1: none. Then nothing else is filled */
    bool exact;  /* the ranks were found in integers */
    uint64_t *rank, *truncated[EG_EPSILONS]; /* N - 1 each; owned */
    double count, truncated_count[EG_EPSILONS];
} eg_order_parameters;

typedef struct eg_parameters {
    bool known;
    int pixels;
    double amplitudes; /* 2^N */
    eg_order_parameters order[EG_PIXEL_ORDERS];
} eg_parameters;

/* The pixels in this order into `pixels` (height * width of them). */
void eg_pixels_in_order(int height, int width, eg_pixel_order order, int *pixels);

/* The least chi for which dropping all but chi Schmidt terms changes f by at most epsilon of its norm: the sum of the p behind is
 * at most epsilon^2. At least 1. */
uint64_t eg_truncated_rank(const double *spectrum, size_t count, double epsilon);

/* All prefix cuts of all orders that differ, order by order. The caller frees them. EEGPU_USAGE: a lattice of one pixel. */
EG_MUST eg_parameters_cuts(int height, int width, struct eegpu_cuts **cuts);

/* From the records of those cuts, which hold their spectra. Free with eg_parameters_free(). */
EG_MUST eg_parameters_of_records(const struct eegpu_cuts *cuts, const eegpu_record *records, eg_parameters *parameters);
void eg_parameters_free(eg_parameters *parameters);

#endif
