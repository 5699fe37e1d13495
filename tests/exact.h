/* Closed forms of Schmidt spectra in long double, and the comparison of a record with one: entropies within 1e-10 and within
 * the bounds that the record itself gives, p by p, rank, purity. Singular values of small matrices by one-sided Jacobi
 * rotations. */
#ifndef EG_TESTS_EXACT_H
#define EG_TESTS_EXACT_H

#include "scanning.h"

enum { MOST_LEVELS = 1024, MOST_SMALL = 32 };

typedef struct region {
    int height, width, pixels, n_a, n_b;
    uint64_t mask; /* bit i: pixel i is in A */
} region;

static inline bool in_a(const region *r, int pixel) { return r->mask >> pixel & 1; }

/* The p_k that are not 0, in any order until exact_sort(). */
typedef struct exact {
    size_t count;
    long double p[MOST_LEVELS];
} exact;

static inline void exact_add(exact *e, long double p)
{
    if (p > 0 && e->count < MOST_LEVELS)
        e->p[e->count++] = p;
}

static inline void exact_flat(exact *e, int log2_count)
{
    for (int k = 0; k < 1 << log2_count; k++)
        exact_add(e, ldexpl(1, -log2_count));
}

static inline int exact_descending(const void *left, const void *right)
{
    long double a = *(const long double *)left, b = *(const long double *)right;
    return a < b ? 1 : a > b ? -1 : 0;
}

/* Descending, scaled to sum 1. */
static inline void exact_finish(exact *e)
{
    long double sum = 0;
    qsort(e->p, e->count, sizeof *e->p, exact_descending);
    for (size_t k = e->count; k-- > 0;)
        sum += e->p[k];
    for (size_t k = 0; k < e->count; k++)
        e->p[k] /= sum;
}

/* Renyi entropy of any order in nats; 1 is von Neumann's. */
static inline long double exact_entropy(const exact *e, double alpha)
{
    long double sum = 0, scaled = 0;
    if (isinf(alpha))
        return -logl(e->p[0]);
    for (size_t k = e->count; k-- > 0;)
        sum += alpha == 1 ? -e->p[k] * logl(e->p[k]) : e->p[k] * expm1l(((long double)alpha - 1) * logl(e->p[k]));
    if (alpha == 1)
        return sum;
    for (size_t k = e->count; k-- > 0;)
        scaled += powl(e->p[k] / e->p[0], (long double)alpha);
    return (fabsl(sum) < 0.5L ? log1pl(sum) : alpha * logl(e->p[0]) + logl(scaled)) / (1 - (long double)alpha);
}

/* C(n, k) exactly; 0 outside. */
static inline long double binomial(int n, int k)
{
    long double c = k >= 0 && k <= n;
    for (int i = 0; i < k && c > 0; i++)
        c = roundl(c * (n - i) / (i + 1));
    return c;
}

static inline long double binary_entropy(long double x) { return x <= 0 || x >= 1 ? 0 : -x * logl(x) - (1 - x) * log1pl(-x); }

/* Squared singular values of the matrix m[rows][columns] are added to `e`. The columns are made orthogonal, pair by pair. */
static inline void exact_add_squares(exact *e, int rows, int columns, long double m[MOST_SMALL][MOST_SMALL])
{
    for (int sweep = 0; sweep < 60; sweep++) {
        long double worst = 0;
        for (int i = 0; i < columns; i++)
            for (int j = i + 1; j < columns; j++) {
                long double a = 0, b = 0, c = 0;
                for (int r = 0; r < rows; r++) {
                    a += m[r][i] * m[r][i];
                    b += m[r][j] * m[r][j];
                    c += m[r][i] * m[r][j];
                }
                if (fabsl(c) <= 1e-19L * sqrtl(a * b) || a * b == 0)
                    continue;
                worst = fmaxl(worst, fabsl(c) / sqrtl(a * b));
                long double zeta = (b - a) / (2 * c), t = (zeta < 0 ? -1 : 1) / (fabsl(zeta) + hypotl(1, zeta));
                long double cosine = 1 / hypotl(1, t), sine = cosine * t;
                for (int r = 0; r < rows; r++) {
                    long double x = m[r][i], y = m[r][j];
                    m[r][i] = cosine * x - sine * y;
                    m[r][j] = sine * x + cosine * y;
                }
            }
        if (worst < 1e-18L)
            break;
    }
    for (int i = 0; i < columns; i++) {
        long double square = 0;
        for (int r = 0; r < rows; r++)
            square += m[r][i] * m[r][i];
        exact_add(e, square > 1e-30L ? square : 0); /* what is left of a zero */
    }
}

/* ---- Comparison ---- */

static inline void compare_levels(const eegpu_record *record, const exact *e, const char *name, uint64_t mask)
{
    double worst = 0;
    EXPECT(record->spectrum_count >= e->count || e->p[record->spectrum_count] < 1e-15L,
           "%s, region %#llx: %zu values, %zu are not 0", name, (unsigned long long)mask, record->spectrum_count, e->count);
    for (size_t k = 0; k < record->spectrum_count; k++)
        worst = fmax(worst, (double)fabsl(record->spectrum[k] - (k < e->count ? e->p[k] : 0)));
    EXPECT(worst <= 1e-12, "%s, region %#llx: some p is off by %g", name, (unsigned long long)mask, worst);
}

/* The record of a scan with Renyi orders 0, 2 and infinity. */
static inline void compare(const eegpu_record *record, const exact *e, const char *name, uint64_t mask)
{
    const double orders[] = {1, 2, INFINITY};
    const double values[] = {record->s_vn, record->renyi[1], record->renyi[2]};
    const double errors[] = {record->error, record->renyi_error[1], record->renyi_error[2]};
    for (int i = 0; i < 3; i++) {
        long double off = fabsl(values[i] - exact_entropy(e, orders[i]));
        EXPECT(off <= 1e-10L, "%s (%s), region %#llx: S_%g = %.17g is off by %Lg", name, record->method, (unsigned long long)mask,
               orders[i], values[i], off);
        EXPECT(off <= errors[i] && errors[i] < 1e-8, "%s (%s), region %#llx: S_%g = %.17g is off by %Lg, its bound is %g", name,
               record->method, (unsigned long long)mask, orders[i], values[i], off, errors[i]);
    }
    long double purity = expl(-exact_entropy(e, 2));
    EXPECT(fabsl(record->purity - purity) <= 1e-12L, "%s, region %#llx: purity %.17g, exact %.17Lg", name, (unsigned long long)mask,
           record->purity, purity);
    EXPECT(fabsl(record->p_max - e->p[0]) <= 1e-12L, "%s, region %#llx: p_max %.17g, exact %.17Lg", name, (unsigned long long)mask,
           record->p_max, e->p[0]);
    if (e->p[e->count - 1] > 1e-11L)
        EXPECT(record->rank == e->count, "%s (%s), region %#llx: rank %llu, exact %zu", name, record->method,
               (unsigned long long)mask, (unsigned long long)record->rank, e->count);
    else
        EXPECT(record->rank <= e->count, "%s, region %#llx: rank %llu above the exact %zu", name, (unsigned long long)mask,
               (unsigned long long)record->rank, e->count);
    compare_levels(record, e, name, mask);
}

/* A closed form: fills `e` for a region. `parameter` is the row's own. Returns false where it says nothing. */
typedef bool (*closed_form)(const region *r, const void *parameter, exact *e);

/* All cuts against the closed form, by Gram or SVD. Takes neither state nor cuts over. */
static inline void compare_scan(const eegpu_state *state, const eegpu_cuts *cuts, eegpu_method method, closed_form form,
                                const void *parameter, const char *name)
{
    static exact e;
    eegpu_scan_options options = scan_options(method, 2);
    eegpu_result *result = scan(state, cuts, &options);
    size_t compared = 0;
    for (size_t i = 0; result != NULL && i < eegpu_result_count(result); i++) {
        uint64_t mask = *eg_cut_mask(cuts, i);
        int n_a = eg_popcount(mask);
        region r = {cuts->height, cuts->width, cuts->pixels, n_a, cuts->pixels - n_a, mask};
        e.count = 0;
        if (!form(&r, parameter, &e))
            continue;
        exact_finish(&e);
        compare(eegpu_result_record(result, i), &e, name, mask);
        compared++;
    }
    EXPECT(compared > 0, "%s: the closed form said nothing about any of the cuts", name);
    eegpu_result_free(result);
}

/* Contiguous cuts and 200 random regions by Gram, a third of the regions again by SVD. The state is closed. */
static inline void compare_everywhere(eegpu_state *state, int height, int width, closed_form form, const void *parameter,
                                      const char *name)
{
    eegpu_cuts *cuts = family_cuts(height, width, "contiguous"), *fewer = family_cuts(height, width, "prefix");
    if (state != NULL && cuts != NULL && fewer != NULL) {
        add_random_cuts(cuts, 200, 1);
        add_random_cuts(fewer, 60, 2);
        compare_scan(state, cuts, EEGPU_METHOD_AUTO, form, parameter, name);
        compare_scan(state, fewer, EEGPU_METHOD_SVD, form, parameter, name);
    }
    eegpu_cuts_free(cuts);
    eegpu_cuts_free(fewer);
    eegpu_state_close(state);
}

#endif
