/* Random functions against the exact means over their ensembles (with the spread that theory or the sample itself gives), and the
 * ground state of the transverse-field Ising chain, found here by the power method, against free fermions. */
#include "exact.h"

/* ---- Samples ----------------------------------------------------------------------------------------------------- */

typedef struct sample {
    double sum, squares;
    int count;
} sample;

static void sample_add(sample *s, double value)
{
    s->sum += value;
    s->squares += value * value;
    s->count++;
}

static double sample_mean(const sample *s) { return s->sum / s->count; }

static double sample_variance(const sample *s) { return (s->squares - s->sum * s->sum / s->count) / (s->count - 1); }

static double standard_error(const sample *s) { return sqrt(sample_variance(s) / s->count); }

enum { SAMPLES = 400, PIXELS = 8 };

/* Entropy and purity of the prefixes of `count` random functions; %d in `format` is the seed. */
static void draw(const char *format, sample entropy[PIXELS], sample purity[PIXELS])
{
    eegpu_cuts *cuts = family_cuts(1, PIXELS, "prefix");
    eegpu_scan_options options = scan_options(EEGPU_METHOD_AUTO, 1);
    memset(entropy, 0, PIXELS * sizeof *entropy);
    memset(purity, 0, PIXELS * sizeof *purity);
    for (int seed = 0; seed < SAMPLES; seed++) {
        char source[128];
        snprintf(source, sizeof source, "%s,seed=%d", format, seed);
        eegpu_state *state = open_source(source, 1, PIXELS);
        eegpu_result *result = scan(state, cuts, &options);
        for (size_t k = 0; result != NULL && k < eegpu_result_count(result); k++) {
            const eegpu_record *record = eegpu_result_record(result, k);
            sample_add(&entropy[record->n_a], record->s_vn);
            sample_add(&purity[record->n_a], record->purity);
        }
        eegpu_result_free(result);
        eegpu_state_close(state);
    }
    eegpu_cuts_free(cuts);
}

/* Trigamma of an integer. */
static double trigamma(double n)
{
    double sum = acos(-1) * acos(-1) / 6;
    for (double k = 1; k < n; k++)
        sum -= 1 / (k * k);
    return sum;
}

/* Variance of the entropy of complex random states, m <= n (arXiv:1706.08199). */
static double page_variance(double m, double n)
{
    return -trigamma(m * n + 1) + (m + n) / (m * n + 1) * trigamma(n) - (m + 1) * (m + 2 * n + 1) / (4 * n * n * (m * n + 1));
}

static double page_mean(double m, double n)
{
    long double sum = 0;
    for (double k = n + 1; k <= m * n; k++)
        sum += 1 / (long double)k;
    return (double)(sum - (m - 1) / (2 * n));
}

static void test_complex_random(void)
{
    sample entropy[PIXELS], purity[PIXELS];
    draw("random:kind=complex", entropy, purity);
    for (int a = 1; a < PIXELS; a++) {
        int smaller = a < PIXELS - a ? a : PIXELS - a;
        double m = exp2(smaller), n = exp2(PIXELS - smaller), variance = page_variance(m, n);
        CHECK_NEAR(eegpu_page_entropy(a, PIXELS - a), page_mean(m, n), 1e-13);
        CHECK_NEAR(sample_mean(&entropy[a]), page_mean(m, n), 4.5 * sqrt(variance / SAMPLES));
        CHECK(sample_variance(&entropy[a]) > variance / 2 && sample_variance(&entropy[a]) < variance * 2);
        CHECK_NEAR(sample_mean(&purity[a]), (m + n) / (m * n + 1), 4.5 * standard_error(&purity[a]));
    }
    CHECK(page_mean(16, 16) - sample_mean(&entropy[4]) < 0.01); /* the tolerances above do say something */
}

static void test_page_entropy(void)
{
    for (int a = 1; a <= 10; a++)
        for (int b = a; b <= 20 - a; b++) {
            CHECK_NEAR(eegpu_page_entropy(a, b), page_mean(exp2(a), exp2(b)), 1e-12);
            CHECK(eegpu_page_entropy(a, b) == eegpu_page_entropy(b, a));
        }
    CHECK(eegpu_page_entropy(0, 7) == 0);
    /* log m - m/(2n) up to corrections of order 1/(mn) */
    CHECK_NEAR(eegpu_page_entropy(14, 14), 14 * log(2) - 0.5, 1e-8);
    CHECK_NEAR(eegpu_page_entropy(12, 16), 12 * log(2) - exp2(-5), 1e-8);
    CHECK_NEAR(eegpu_page_entropy(3, 30), 3 * log(2), 1e-8);
}

static void test_real_random(void)
{
    sample entropy[PIXELS], purity[PIXELS];
    draw("random:kind=real", entropy, purity);
    for (int a = 1; a < PIXELS; a++) {
        double m = exp2(a), n = exp2(PIXELS - a);
        CHECK_NEAR(sample_mean(&purity[a]), (m + n + 1) / (m * n + 2), 4.5 * standard_error(&purity[a]));
        if (a == 4) /* not Page's: the difference is there to be seen */
            CHECK(page_mean(m, n) - sample_mean(&entropy[a]) > 5 * standard_error(&entropy[a]));
    }
}

/* x (x-1) ... (x-r+1) */
static double falling(double x, int r)
{
    double product = 1;
    for (int i = 0; i < r; i++)
        product *= x - i;
    return product;
}

static void test_random_sets(void)
{
    static const int sizes[] = {2, 7, 60, 128, 250};
    sample entropy[PIXELS], purity[PIXELS];
    for (size_t i = 0; i < COUNT(sizes); i++) {
        char source[64];
        double k = sizes[i], d = exp2(PIXELS);
        snprintf(source, sizeof source, "randomset:count=%d", sizes[i]);
        draw(source, entropy, purity);
        for (int a = 1; a < PIXELS; a++) {
            double m = exp2(a), n = exp2(PIXELS - a), two = falling(k, 2) / falling(d, 2), four = falling(k, 4) / falling(d, 4);
            double mean = (k + (m * n * (n - 1) + m * (m - 1) * n) * two + m * (m - 1) * n * (n - 1) * four) / (k * k);
            CHECK_NEAR(sample_mean(&purity[a]), mean, 4.5 * standard_error(&purity[a]) + 1e-14);
        }
    }
}

/* ---- Ising chain in a transverse field: H = -sum sx_i sx_{i+1} - g sum sz_i, open ends ------------------------------ */

enum { CHAIN = 10, CHAIN_STATES = 1 << CHAIN };

/* out = (shift - H) in; bit i of the index is spin i, 1 is down. */
static void apply_shifted(double g, double shift, const double *in, double *out)
{
    for (unsigned s = 0; s < CHAIN_STATES; s++) {
        double sum = (shift + g * (CHAIN - 2 * __builtin_popcount(s))) * in[s];
        for (int i = 0; i + 1 < CHAIN; i++)
            sum += in[s ^ 3u << i];
        out[s] = sum;
    }
}

/* The power method within the sector of even parity, where all spins up begins. */
static void ground_state(double g, double *psi)
{
    double *next = malloc(CHAIN_STATES * sizeof *next), shift = CHAIN * (1 + g) / 3;
    for (int s = 0; s < CHAIN_STATES; s++)
        psi[s] = s == 0;
    for (int step = 0; step < 3000; step++) {
        double norm = 0;
        apply_shifted(g, shift, psi, next);
        for (int s = 0; s < CHAIN_STATES; s++)
            norm += next[s] * next[s];
        for (int s = 0; s < CHAIN_STATES; s++)
            psi[s] = next[s] / sqrt(norm);
    }
    free(next);
}

/* U V^T of the bidiagonal matrix (g on the diagonal, 1 below it) is its orthogonal polar factor: Newton's iteration
 * X <- (X + X^-T)/2 converges to it. */
static void polar_factor(double g, long double x[CHAIN][CHAIN])
{
    for (int i = 0; i < CHAIN; i++)
        for (int j = 0; j < CHAIN; j++)
            x[i][j] = i == j ? g : i == j + 1 ? 1 : 0;
    for (int step = 0; step < 60; step++) {
        long double a[CHAIN][2 * CHAIN];
        for (int i = 0; i < CHAIN; i++)
            for (int j = 0; j < 2 * CHAIN; j++)
                a[i][j] = j < CHAIN ? x[i][j] : j - CHAIN == i;
        for (int c = 0; c < CHAIN; c++) {
            int pivot = c;
            for (int r = c + 1; r < CHAIN; r++)
                pivot = fabsl(a[r][c]) > fabsl(a[pivot][c]) ? r : pivot;
            for (int j = 0; j < 2 * CHAIN; j++) {
                long double t = a[pivot][j];
                a[pivot][j] = a[c][j];
                a[c][j] = t;
            }
            for (int j = 2 * CHAIN - 1; j >= c; j--)
                a[c][j] /= a[c][c];
            for (int r = 0; r < CHAIN; r++)
                for (int j = 2 * CHAIN - 1; r != c && j >= c; j--)
                    a[r][j] -= a[r][c] * a[c][j];
        }
        for (int i = 0; i < CHAIN; i++)
            for (int j = 0; j < CHAIN; j++)
                x[i][j] = (x[i][j] + a[j][CHAIN + i]) / 2;
    }
}

/* First l spins: sum over k of h((1 + nu_k)/2), nu the singular values of the l x l corner. */
static double fermion_entropy(long double g_matrix[CHAIN][CHAIN], int l)
{
    static exact e;
    static long double corner[MOST_SMALL][MOST_SMALL];
    long double sum = 0;
    for (int i = 0; i < l; i++)
        for (int j = 0; j < l; j++)
            corner[i][j] = g_matrix[i][j];
    e.count = 0;
    exact_add_squares(&e, l, l, corner);
    for (size_t k = 0; k < e.count; k++)
        sum += binary_entropy((1 - sqrtl(e.p[k])) / 2);
    return (double)(sum + (long double)(l - (int)e.count) * logl(2)); /* those that vanish */
}

static void test_ising_chain(void)
{
    static const double fields[] = {0.7, 1, 1.6};
    double *psi = malloc(CHAIN_STATES * sizeof *psi);
    for (size_t i = 0; i < COUNT(fields); i++) {
        long double g_matrix[CHAIN][CHAIN];
        ground_state(fields[i], psi);
        polar_factor(fields[i], g_matrix);
        eegpu_state *state = open_amplitudes(psi, false, 1, CHAIN);
        eegpu_cuts *cuts = family_cuts(1, CHAIN, "prefix");
        eegpu_scan_options options = scan_options(EEGPU_METHOD_AUTO, 1);
        eegpu_result *result = scan(state, cuts, &options);
        for (size_t k = 0; result != NULL && k < eegpu_result_count(result); k++) {
            const eegpu_record *record = eegpu_result_record(result, k);
            CHECK_NEAR(record->s_vn, fermion_entropy(g_matrix, record->n_a), 1e-10);
        }
        if (fields[i] == 1 && result != NULL) /* critical: the middle is the most entangled */
            CHECK(eegpu_result_record(result, 4)->s_vn > 0.35);
        eegpu_result_free(result);
        eegpu_cuts_free(cuts);
        eegpu_state_close(state);
    }
    free(psi);
}

EG_SUITE("random functions and the Ising chain", {"Page's formula", test_page_entropy},
         {"complex random: mean and variance", test_complex_random}, {"real random: purity", test_real_random},
         {"random sets: purity", test_random_sets}, {"Ising chain: free fermions", test_ising_chain})
