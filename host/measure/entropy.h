/* Entropies of a spectrum, in nats, each with a bound on its rounding error. Comes in: a finished spectrum. Called by scan/. */
#ifndef EG_MEASURE_ENTROPY_H
#define EG_MEASURE_ENTROPY_H

#include "spectrum/spectrum.h"

typedef struct eg_measured {
    double value, error; /* error NAN: no bound is known */
} eg_measured;

/* S = -sum p log p (paper, eq. 21). */
eg_measured eg_entropy_von_neumann(const eg_spectrum *spectrum);

/* S_alpha = log(sum p^alpha) / (1 - alpha); alpha = 0: log rank, 1: von Neumann, INFINITY: -log p_max. */
eg_measured eg_entropy_renyi(const eg_spectrum *spectrum, double alpha);

/* sum p^2 */
double eg_purity(const eg_spectrum *spectrum);

#endif
