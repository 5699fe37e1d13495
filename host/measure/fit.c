/* Least squares by the singular value decomposition of the centred and scaled regressors (one-sided Jacobi rotations): the
 * intercept drops out, and the singular values say how far the regressors are independent. Comes in: numbers; goes out: an
 * eg_fit. */
#include "measure/fit.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"

static const double smallest_share = 1e-10; /* of the largest: below, singular values count as 0 */

/* The centred columns, and what is needed to go back. */
typedef struct design {
    size_t count;
    int terms;
    double *column; /* terms * count */
    double mean[EG_FIT_TERMS], length[EG_FIT_TERMS];
    double right[EG_FIT_TERMS][EG_FIT_TERMS], value[EG_FIT_TERMS]; /* right singular vectors (columns), singular values */
} design;

static double dot(size_t count, const double *a, const double *b)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += a[i] * b[i];
    return sum;
}

/* false: a regressor does not vary. */
static bool centre(const double *x, design *d)
{
    for (int j = 0; j < d->terms; j++) {
        double *column = d->column + (size_t)j * d->count, sum = 0, largest = 0;
        for (size_t i = 0; i < d->count; i++) {
            column[i] = x[i * (size_t)d->terms + (size_t)j];
            sum += column[i];
            largest = fmax(largest, fabs(column[i]));
        }
        d->mean[j] = sum / (double)d->count;
        for (size_t i = 0; i < d->count; i++)
            column[i] -= d->mean[j];
        d->length[j] = sqrt(dot(d->count, column, column));
        if (!(d->length[j] > 1e-12 * largest * sqrt((double)d->count)))
            return false;
        for (size_t i = 0; i < d->count; i++)
            column[i] /= d->length[j];
    }
    return true;
}

/* Make columns j and k orthogonal; returns how far they were not. */
static double rotate(design *d, int j, int k)
{
    double *a = d->column + (size_t)j * d->count, *b = d->column + (size_t)k * d->count;
    double aa = dot(d->count, a, a), bb = dot(d->count, b, b), ab = dot(d->count, a, b), off = fabs(ab);
    if (off <= 1e-16 * sqrt(aa * bb) || off == 0)
        return 0;
    double zeta = (bb - aa) / (2 * ab), t = copysign(1, zeta) / (fabs(zeta) + sqrt(1 + zeta * zeta));
    double c = 1 / sqrt(1 + t * t), s = c * t;
    for (size_t i = 0; i < d->count; i++) {
        double old = a[i];
        a[i] = c * old - s * b[i];
        b[i] = s * old + c * b[i];
    }
    for (int i = 0; i < d->terms; i++) {
        double old = d->right[i][j];
        d->right[i][j] = c * old - s * d->right[i][k];
        d->right[i][k] = s * old + c * d->right[i][k];
    }
    return off;
}

static void decompose(design *d)
{
    enum { MOST_SWEEPS = 30 };
    for (int j = 0; j < d->terms; j++)
        d->right[j][j] = 1;
    for (int sweep = 0; sweep < MOST_SWEEPS; sweep++) {
        double off = 0;
        for (int j = 0; j < d->terms; j++)
            for (int k = j + 1; k < d->terms; k++)
                off = fmax(off, rotate(d, j, k));
        if (off < 1e-15)
            break;
    }
    for (int j = 0; j < d->terms; j++)
        d->value[j] = sqrt(dot(d->count, d->column + (size_t)j * d->count, d->column + (size_t)j * d->count));
}

/* Coefficients of the scaled regressors: V S^-1 U^T y. */
static void solve(const design *d, const double *y, double mean, eg_fit *fit)
{
    for (int k = 0; k < d->terms; k++) {
        const double *column = d->column + (size_t)k * d->count;
        double along = 0;
        for (size_t i = 0; i < d->count; i++)
            along += column[i] * (y[i] - mean);
        for (int j = 0; j < d->terms; j++)
            fit->slope[j] += d->right[j][k] * along / (d->value[k] * d->value[k]);
    }
    fit->intercept = mean;
    for (int j = 0; j < d->terms; j++) {
        fit->slope[j] /= d->length[j];
        fit->intercept -= fit->slope[j] * d->mean[j];
    }
}

/* Standard errors from the variance of the residuals. */
static void set_errors(const design *d, double variance, eg_fit *fit)
{
    double shift = 1 / (double)d->count;
    for (int k = 0; k < d->terms; k++) {
        double along = 0;
        for (int j = 0; j < d->terms; j++) {
            double part = d->right[j][k] / (d->length[j] * d->value[k]);
            fit->slope_error[j] += part * part * variance;
            along += part * d->mean[j];
        }
        shift += along * along;
    }
    for (int j = 0; j < d->terms; j++)
        fit->slope_error[j] = sqrt(fit->slope_error[j]);
    fit->intercept_error = sqrt(shift * variance);
}

double eg_aicc(size_t count, int k, double residual, double floor)
{
    double n = (double)count, free = n - k - 1;
    return free > 0 ? 2 * n * log(fmax(residual, floor)) + 2.0 * k + 2.0 * k * (k + 1) / free : INFINITY;
}

static void judge(const double *x, const double *y, double mean, double floor, eg_fit *fit)
{
    double residual = 0, total = 0, n = (double)fit->count;
    for (size_t i = 0; i < fit->count; i++) {
        double off = y[i] - fit->intercept;
        for (int j = 0; j < fit->terms; j++)
            off -= fit->slope[j] * x[i * (size_t)fit->terms + (size_t)j];
        residual += off * off;
        total += (y[i] - mean) * (y[i] - mean);
    }
    fit->residual = sqrt(residual / n);
    fit->r_squared = total > n * floor * floor ? 1 - residual / total : NAN;
    fit->aicc = eg_aicc(fit->count, fit->terms + 2, fit->residual, floor);
}

eegpu_status eg_fit_least_squares(size_t count, int terms, const double *x, const double *y, double floor, eg_fit *fit)
{
    design d = {.count = count, .terms = terms};
    double mean = 0, largest = 0, least = INFINITY;
    eegpu_status status = EEGPU_OK;
    *fit = (eg_fit){.count = count, .terms = terms, .condition = INFINITY, .aicc = INFINITY, .r_squared = NAN};
    if (terms < 0 || terms > EG_FIT_TERMS)
        return eg_fail(EEGPU_USAGE, "a fit of %d regressors: at most %d", terms, EG_FIT_TERMS);
    if (count < (size_t)terms + 1)
        return EEGPU_OK;
    EG_TRY(eg_allocate(NULL, count * (size_t)(terms + 1), sizeof *d.column, "the regressors of a fit", &d.column));
    for (size_t i = 0; i < count; i++)
        mean += y[i] / (double)count;
    if (!centre(x, &d))
        goto done;
    decompose(&d);
    for (int j = 0; j < terms; j++) {
        largest = fmax(largest, d.value[j]);
        least = fmin(least, d.value[j]);
    }
    if (terms > 0 && least <= smallest_share * largest)
        goto done;
    fit->solved = true;
    fit->condition = terms > 0 ? largest / least : 1;
    solve(&d, y, mean, fit);
    judge(x, y, mean, floor, fit);
    double freedom = (double)count - terms - 1;
    set_errors(&d, freedom > 0 ? fit->residual * fit->residual * (double)count / freedom : NAN, fit);
done:
    eg_release(NULL, d.column);
    return status;
}
