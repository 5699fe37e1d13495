/* Entropies and their error bounds. Each p lies within its error of the exact value, and the sum of the deviations is bounded too,
 * so the von Neumann entropy is bounded in three ways and the smallest bound is given: value by value; by the sharp continuity
 * bound of Audenaert (J. Phys. A 40, 8127, 2007), |dS| <= T log(d-1) + h(T), T half the trace norm; and, where most values
 * are zeros blurred by rounding, value by value for the others while the zeros together hold no more than the weight W that those
 * leave of 1, and m of them have at most the entropy W log(m/W). */
#include "measure/entropy.h"

#include <math.h>

static const double unit_roundoff = 0x1p-53;

/* Compensated sum (Neumaier): its own rounding is below two units of the result. */
typedef struct accumulator {
    double sum, carry;
} accumulator;

static void add(accumulator *a, double term)
{
    double sum = a->sum + term;
    a->carry += fabs(a->sum) >= fabs(term) ? (a->sum - sum) + term : (term - sum) + a->sum;
    a->sum = sum;
}

static double total(const accumulator *a) { return a->sum + a->carry; }

static double surprise(double p) { return p > 0 ? -p * log(p) : 0; }

/* Largest change of -p log p when p moves by at most e within [0, 1]; the function peaks at 1/e. */
static double surprise_change(double p, double e)
{
    const double peak = exp(-1);
    double low = p > e ? p - e : 0, high = p + e < 1 ? p + e : 1, here = surprise(p);
    double up = low < peak && peak < high ? surprise(peak) : fmax(surprise(low), surprise(high));
    return fmax(up - here, here - fmin(surprise(low), surprise(high)));
}

static double audenaert(double trace_norm, double dimension)
{
    double half = trace_norm / 2;
    if (dimension < 2 || half <= 0)
        return 0;
    if (half >= 1 - 1 / dimension)
        return log(dimension);
    return half * log(dimension - 1) + surprise(half) - (1 - half) * log1p(-half);
}

eg_measured eg_entropy_von_neumann(const eg_spectrum *spectrum)
{
    accumulator entropy = {0, 0}, head = {0, 0}, sum = {0, 0};
    double change = 0, head_change = 0, head_error = 0, tail = 0;
    for (uint64_t k = 0; k < spectrum->count; k++) {
        const eg_level *level = &spectrum->levels[k];
        double here = surprise(level->p), moved = surprise_change(level->p, level->error);
        add(&entropy, here);
        add(&sum, level->p);
        change += moved;
        if (k < spectrum->rank) {
            add(&head, level->p);
            head_change += moved;
            head_error += level->error;
        } else {
            tail += here;
        }
    }
    double zeros = (double)(spectrum->count - spectrum->rank), weight = fabs(1 - total(&head)) + head_error;
    double tail_bound = zeros > 0 && weight < 0.25 ? weight * log(zeros / weight) : zeros > 0 ? INFINITY : 0;
    /* The p may sum to 1 + x: that scales the entropy by 1 + x and shifts it by -(1 + x) log(1 + x). */
    double value = total(&entropy), excess = fabs(1 - total(&sum));
    double bound = audenaert(spectrum->total_error, (double)spectrum->count) + 2 * excess * (1 + value);
    double error = fmin(fmin(change, bound), head_change + fmax(tail, tail_bound));
    return (eg_measured){value > 0 ? value : 0, error + 8 * unit_roundoff * (1 + fabs(value))};
}

/* Sum of (p / p_max)^alpha, at least 1 and so never lost to underflow, and by how much it moves when every p moves by its error. */
static double scaled_power_sum(const eg_spectrum *spectrum, double alpha, double *change)
{
    accumulator sum = {0, 0};
    double largest = spectrum->levels[0].p;
    *change = 0;
    for (uint64_t k = 0; k < spectrum->count; k++) {
        double p = spectrum->levels[k].p, e = spectrum->levels[k].error, here = p > 0 ? pow(p / largest, alpha) : 0;
        double low = p > e ? pow((p - e) / largest, alpha) : 0, high = pow((p + e) / largest, alpha);
        add(&sum, here);
        *change += fmax(high - here, here - low);
    }
    return total(&sum);
}

/* (p^alpha - p) / (1 - alpha): -p log p in the limit. It keeps its digits near alpha = 1 and peaks at alpha^(1/(1-alpha)). */
static double deviation(double p, double alpha) { return p > 0 ? p * expm1((alpha - 1) * log(p)) / (1 - alpha) : 0; }

static double deviation_change(double p, double e, double alpha)
{
    double peak = exp(log(alpha) / (1 - alpha)), low = p > e ? p - e : 0, high = p + e < 1 ? p + e : 1, here = deviation(p, alpha);
    double ends[2] = {deviation(low, alpha), deviation(high, alpha)};
    double up = low < peak && peak < high ? deviation(peak, alpha) : fmax(ends[0], ends[1]);
    return fmax(up - here, here - fmin(ends[0], ends[1]));
}

/* With D = sum of deviations, sum p^alpha = 1 + (1 - alpha) D, because the p sum to 1. */
static eg_measured order_near_one(const eg_spectrum *spectrum, double alpha, double sum)
{
    double change = 8 * unit_roundoff * (1 + sum), power = 1 + (1 - alpha) * sum;
    for (uint64_t k = 0; k < spectrum->count; k++)
        change += deviation_change(spectrum->levels[k].p, spectrum->levels[k].error, alpha);
    double value = log1p((1 - alpha) * sum) / (1 - alpha), relative = fabs(1 - alpha) * change / power;
    double error = relative < 1 ? -log1p(-relative) / fabs(1 - alpha) : NAN;
    return (eg_measured){value > 0 ? value : 0, error + 8 * unit_roundoff * (1 + fabs(value))};
}

static eg_measured finite_order(const eg_spectrum *spectrum, double alpha)
{
    accumulator deviations = {0, 0};
    for (uint64_t k = 0; k < spectrum->count; k++)
        add(&deviations, deviation(spectrum->levels[k].p, alpha));
    if (fabs((1 - alpha) * total(&deviations)) < 0.5)
        return order_near_one(spectrum, alpha, total(&deviations));
    double change = 0, sum = scaled_power_sum(spectrum, alpha, &change);
    double value = (alpha * log(spectrum->levels[0].p) + log(sum)) / (1 - alpha);
    double relative = change / sum + 8 * unit_roundoff * (1 + alpha);
    double error = relative < 1 ? -log1p(-relative) / fabs(1 - alpha) : NAN;
    return (eg_measured){value > 0 ? value : 0, error + 8 * unit_roundoff * (1 + fabs(value))};
}

eg_measured eg_entropy_renyi(const eg_spectrum *spectrum, double alpha)
{
    if (alpha == 1)
        return eg_entropy_von_neumann(spectrum);
    if (alpha == 0) {
        double value = log((double)spectrum->rank);
        return (eg_measured){value, spectrum->rank_exact ? 4 * unit_roundoff * value : NAN};
    }
    if (isinf(alpha)) {
        double p = spectrum->levels[0].p, e = spectrum->levels[0].error;
        return (eg_measured){p < 1 ? -log(p) : 0, e < p ? -log1p(-e / p) + 4 * unit_roundoff : NAN};
    }
    return finite_order(spectrum, alpha);
}

double eg_purity(const eg_spectrum *spectrum)
{
    accumulator purity = {0, 0};
    for (uint64_t k = 0; k < spectrum->count; k++)
        add(&purity, spectrum->levels[k].p * spectrum->levels[k].p);
    return total(&purity);
}

double eegpu_page_entropy(int n_a, int n_b)
{
    int small = n_a < n_b ? n_a : n_b, large = n_a < n_b ? n_b : n_a;
    double m = exp2(small), n = exp2(large);
    if (small <= 0)
        return 0;
    if (m * n <= 1 << 20) {
        accumulator sum = {0, 0};
        for (double k = m * n; k > n; k--)
            add(&sum, 1 / k);
        return total(&sum) - (m - 1) / (2 * n);
    }
    /* digamma(mn + 1) - digamma(n + 1) by its asymptotic series; n >= 2^10 here, so two terms are exact to double precision */
    double x = m * n, harmonic_x = log(x) + 1 / (2 * x) - 1 / (12 * x * x), harmonic_n = log(n) + 1 / (2 * n) - 1 / (12 * n * n);
    return harmonic_x - harmonic_n - (m - 1) / (2 * n);
}
