/* Ordinary least squares with an intercept and few regressors. Comes in: a table of numbers; goes out: coefficients, their standard
 * errors, and what is needed to compare models: R^2, AICc, collinearity. Called by law.c and for the scaling of networks. No
 * weights. */
#ifndef EG_MEASURE_FIT_H
#define EG_MEASURE_FIT_H

#include <stddef.h>

#include "base/status.h"

enum { EG_FIT_TERMS = 4 };

/* y = intercept + sum_j slope[j] x_j. Standard errors are those of independent errors of one variance; NAN where count = terms +
 * 1. */
typedef struct eg_fit {
    bool solved; /* false: a regressor is constant, regressors are linearly dependent, or there are too few points */
    size_t count;
    int terms;
    double intercept, intercept_error;
    double slope[EG_FIT_TERMS], slope_error[EG_FIT_TERMS];
    double residual;  /* root mean square, over count */
    double r_squared; /* 1 - residual sum / sum about the mean; NAN when y is constant */
    double aicc;      /* count log(residual^2) + 2 k + 2 k (k+1) / (count - k - 1), k = terms + 2; INFINITY where count <= k + 1 */
    double condition; /* of the centred regressors scaled to one length: 1 for one of them, INFINITY when dependent */
} eg_fit;

/* Akaike's criterion with the correction for few points: what `aicc` is, of any model with k parameters (the variance counts as
 * one) and a residual over `count` points, at least `floor`. */
double eg_aicc(size_t count, int k, double residual, double floor);

/* x: count rows of `terms` numbers, 0 <= terms <= EG_FIT_TERMS. Residuals below `floor` say nothing and count as `floor` in the
 * AICc: fits that are exact to rounding are equally good. A fit that cannot be made is EEGPU_OK with solved = false. */
EG_MUST eg_fit_least_squares(size_t count, int terms, const double *x, const double *y, double floor, eg_fit *fit);

#endif
