/* Spectra that are known in closed form, from counting: product, GHZ, W, Dicke and all symmetric functions, OR, AND, disjointness,
 * comparison, residues, Dyck words, hard squares, inner product. On every contiguous cut, on random regions where the form
 * holds for them, p by p, and within the bound of every record. */
#include "exact.h"

/* ---- Closed forms ------------------------------------------------------------------------------------------------ */

static bool rank_one(const region *r, const void *parameter, exact *e)
{
    (void)r, (void)parameter;
    exact_add(e, 1);
    return true;
}

static bool two_equal(const region *r, const void *parameter, exact *e)
{
    (void)r, (void)parameter;
    exact_flat(e, 1);
    return true;
}

static bool w_state(const region *r, const void *parameter, exact *e)
{
    (void)parameter;
    exact_add(e, (long double)r->n_a / r->pixels);
    exact_add(e, (long double)r->n_b / r->pixels);
    return true;
}

static bool dicke(const region *r, const void *parameter, exact *e)
{
    int k = *(const int *)parameter;
    for (int j = 0; j <= k; j++)
        exact_add(e, binomial(r->n_a, j) * binomial(r->n_b, k - j) / binomial(r->pixels, k));
    return true;
}

/* f(weight): squared singular values of sqrt(C(a,i) C(b,j)) f(i+j). */
static bool symmetric(const region *r, const void *parameter, exact *e)
{
    const double *f = parameter;
    static long double m[MOST_SMALL][MOST_SMALL];
    for (int i = 0; i <= r->n_a; i++)
        for (int j = 0; j <= r->n_b; j++)
            m[i][j] = sqrtl(binomial(r->n_a, i) * binomial(r->n_b, j)) * f[i + j];
    exact_add_squares(e, r->n_a + 1, r->n_b + 1, m);
    return true;
}

static bool or_function(const region *r, const void *parameter, exact *e)
{
    (void)parameter;
    long double k = exp2l(r->pixels) - 1, product = (exp2l(r->n_a) - 1) * (exp2l(r->n_b) - 1) / (k * k);
    long double root = sqrtl(1 - 4 * product), large = (1 + root) / 2;
    exact_add(e, large);
    exact_add(e, product / large);
    return true;
}

/* Pairs i, i + n that the region splits: phi^2/3 and phi^-2/3 each. */
static bool disjointness(const region *r, const void *parameter, exact *e)
{
    (void)parameter;
    long double golden = (1 + sqrtl(5)) / 2, large = golden * golden / 3, small = 1 / (3 * golden * golden);
    int n = r->pixels / 2, split = 0;
    for (int i = 0; i < n; i++)
        split += in_a(r, i) != in_a(r, n + i);
    for (int set = 0; set < 1 << split; set++)
        exact_add(e, powl(large, split - __builtin_popcount((unsigned)set)) * powl(small, __builtin_popcount((unsigned)set)));
    return true;
}

/* 0/1 inner product, cut x | y. */
static bool odd_inner_product(const region *r, const void *parameter, exact *e)
{
    (void)parameter;
    long double d = exp2l(r->n_a);
    if (r->mask != eg_low_mask(r->pixels / 2))
        return false;
    exact_add(e, d / (2 * (d - 1)));
    for (int k = 0; k < (int)d - 2; k++)
        exact_add(e, 1 / (2 * (d - 1)));
    return true;
}

/* [x >= y], cut x | y. */
static bool comparison(const region *r, const void *parameter, exact *e)
{
    (void)parameter;
    int d = 1 << r->n_a;
    if (r->mask != eg_low_mask(r->pixels / 2))
        return false;
    for (int k = 1; k <= d; k++) {
        long double sigma = 1 / (2 * sinl((2 * k - 1) * acosl(-1) / (4 * d + 2)));
        exact_add(e, 2 * sigma * sigma / ((long double)d * (d + 1)));
    }
    return true;
}

/* Divisible by an odd q, the low m bits: those are the last m pixels. */
static bool residues(const region *r, const void *parameter, exact *e)
{
    int q = *(const int *)parameter, n = r->pixels, m = r->n_a;
    if (r->mask != (eg_low_mask(m) << (n - m)))
        return false;
    for (int residue = 0; residue < q; residue++) {
        long double high = 0, low = 0;
        int wanted = (int)(((int64_t)(q - residue) << m) % q);
        for (int i = residue; i < 1 << (n - m); i += q)
            high++;
        for (int j = wanted; j < 1 << m; j += q)
            low++;
        exact_add(e, high * low);
    }
    return true;
}

/* Paths of l steps that stay at 0 or above and end at h. */
static long double ballot(int l, int h) { return (l + h) % 2 != 0 ? 0 : binomial(l, (l + h) / 2) - binomial(l, (l + h) / 2 + 1); }

static bool is_prefix(const region *r) { return r->mask == eg_low_mask(r->n_a); }

static bool dyck_words(const region *r, const void *parameter, exact *e)
{
    (void)parameter;
    if (!is_prefix(r))
        return false;
    for (int h = 0; h <= r->pixels; h++)
        exact_add(e, ballot(r->n_a, h) * ballot(r->n_b, h));
    return true;
}

/* Chain without two adjacent ones: what matters of a part is its pixel at the cut. */
static bool hard_chain(const region *r, const void *parameter, exact *e)
{
    static long double m[MOST_SMALL][MOST_SMALL];
    long double fibonacci[20] = {0, 1};
    (void)parameter;
    if (!is_prefix(r))
        return false;
    for (int i = 2; i < 20; i++)
        fibonacci[i] = fibonacci[i - 1] + fibonacci[i - 2];
    /* of l pixels, F(l+1) words end dark and F(l) lit */
    m[0][0] = sqrtl(fibonacci[r->n_a + 1] * fibonacci[r->n_b + 1]);
    m[0][1] = sqrtl(fibonacci[r->n_a + 1] * fibonacci[r->n_b]);
    m[1][0] = sqrtl(fibonacci[r->n_a] * fibonacci[r->n_b + 1]);
    m[1][1] = 0;
    exact_add_squares(e, 2, 2, m);
    return true;
}

/* ---- Built-in functions ------------------------------------------------------------------------------------------ */

static const int two = 2, three = 3, five = 5, seven = 7, eleven = 11, q_85 = 85, q_255 = 255;
static const double majority_of_12[13] = {[7] = 1, 1, 1, 1, 1, 1}, at_least_4_of_12[13] = {[4] = 1, 1, 1, 1, 1, 1, 1, 1, 1};
static const double majority_of_16[17] = {[9] = 1, 1, 1, 1, 1, 1, 1, 1};

typedef struct known_case {
    const char *source;
    int height, width;
    closed_form form;
    const void *parameter;
} known_case;

static const known_case everywhere[] = {
    {"product:seed=3", 3, 4, rank_one, NULL},
    {"product", 1, 16, rank_one, NULL},
    {"logistic:seed=9", 3, 4, rank_one, NULL},
    {"parity:kind=sign", 3, 4, rank_one, NULL},
    {"parity", 3, 4, two_equal, NULL},
    {"ghz", 3, 4, two_equal, NULL},
    {"ghz", 4, 4, two_equal, NULL},
    {"w", 3, 4, w_state, NULL},
    {"w", 2, 8, w_state, NULL},
    {"dicke:k=2", 1, 12, dicke, &two},
    {"dicke:k=3", 4, 4, dicke, &three},
    {"dicke:k=5", 3, 4, dicke, &five},
    {"dicke:k=11", 3, 4, dicke, &eleven},
    {"majority", 3, 4, symmetric, majority_of_12},
    {"majority", 4, 4, symmetric, majority_of_16},
    {"threshold:k=4", 2, 6, symmetric, at_least_4_of_12},
    {"threshold:k=1", 3, 4, or_function, NULL},
    {"threshold:k=12", 3, 4, rank_one, NULL},
    {"threshold:k=0", 3, 4, rank_one, NULL},
    {"disjoint", 3, 4, disjointness, NULL},
    {"disjoint", 1, 9, disjointness, NULL},
    {"disjoint", 4, 4, disjointness, NULL},
};

static const known_case some_cuts[] = {
    {"innerproduct:kind=set", 2, 4, odd_inner_product, NULL},
    {"innerproduct:kind=set", 1, 16, odd_inner_product, NULL},
    {"multiple:q=3", 1, 12, residues, &three},
    {"multiple:q=7", 1, 16, residues, &seven},
    {"multiple:q=11", 1, 13, residues, &eleven},
    {"multiple:q=85", 1, 16, residues, &q_85},
    {"multiple:q=255", 1, 16, residues, &q_255},
    {"dyck", 1, 12, dyck_words, NULL},
    {"dyck", 2, 8, dyck_words, NULL},
    {"hardsquare", 1, 11, hard_chain, NULL},
    {"hardsquare", 1, 16, hard_chain, NULL},
};

static void test_everywhere(void)
{
    for (size_t i = 0; i < COUNT(everywhere); i++) {
        const known_case *c = &everywhere[i];
        compare_everywhere(open_source(c->source, c->height, c->width), c->height, c->width, c->form, c->parameter, c->source);
    }
}

static void test_some_cuts(void)
{
    for (size_t i = 0; i < COUNT(some_cuts); i++) {
        const known_case *c = &some_cuts[i];
        int n = c->height * c->width;
        eegpu_state *state = open_source(c->source, c->height, c->width);
        eegpu_cuts *cuts = family_cuts(c->height, c->width, "prefix");
        for (int m = 1; m < n; m++)
            add_mask(cuts, eg_low_mask(m) << (n - m));
        compare_scan(state, cuts, EEGPU_METHOD_AUTO, c->form, c->parameter, c->source);
        if (n < 14)
            compare_scan(state, cuts, EEGPU_METHOD_SVD, c->form, c->parameter, c->source);
        eegpu_cuts_free(cuts);
        eegpu_state_close(state);
    }
}

/* ---- Functions given as amplitudes ------------------------------------------------------------------------------- */

static void test_products_with_phases(void)
{
    double one[12][4], *psi = malloc((2 << 12) * sizeof *psi);
    uint64_t seed = 11;
    for (int i = 0; i < 12; i++)
        for (int k = 0; k < 4; k++)
            one[i][k] = random_real(&seed);
    for (int s = 0; s < 1 << 12; s++) {
        double re = 1, im = 0;
        for (int i = 0; i < 12; i++) {
            const double *factor = one[i] + 2 * (s >> (11 - i) & 1);
            double x = re * factor[0] - im * factor[1];
            im = re * factor[1] + im * factor[0];
            re = x;
        }
        psi[2 * s] = re;
        psi[2 * s + 1] = im;
    }
    compare_everywhere(open_amplitudes(psi, true, 3, 4), 3, 4, rank_one, NULL, "complex product");
    free(psi);
}

static void test_symmetric_amplitudes(void)
{
    double f[13], *psi = malloc((1 << 12) * sizeof *psi);
    uint64_t seed = 12;
    for (int k = 0; k < 13; k++)
        f[k] = random_real(&seed);
    for (unsigned s = 0; s < 1 << 12; s++)
        psi[s] = f[__builtin_popcount(s)];
    compare_everywhere(open_amplitudes(psi, false, 3, 4), 3, 4, symmetric, f, "symmetric");
    free(psi);
}

static void test_or_and_constant(void)
{
    double psi[1 << 10];
    for (int s = 0; s < 1 << 10; s++)
        psi[s] = s != 0;
    compare_everywhere(open_amplitudes(psi, false, 2, 5), 2, 5, or_function, NULL, "OR as labels");
    for (int s = 0; s < 1 << 10; s++)
        psi[s] = s != 0 ? -0.7 : 0;
    compare_everywhere(open_amplitudes(psi, false, 2, 5), 2, 5, or_function, NULL, "OR times -0.7");
    for (int s = 0; s < 1 << 10; s++)
        psi[s] = s == 1023;
    compare_everywhere(open_amplitudes(psi, false, 2, 5), 2, 5, rank_one, NULL, "AND");
    for (int s = 0; s < 1 << 10; s++)
        psi[s] = 0.3;
    compare_everywhere(open_amplitudes(psi, false, 2, 5), 2, 5, rank_one, NULL, "constant");
}

static void test_comparison(void)
{
    double *psi = malloc((1 << 16) * sizeof *psi);
    for (int n = 1; n <= 8; n++) {
        uint64_t half = eg_low_mask(n);
        for (int s = 0; s < 1 << (2 * n); s++)
            psi[s] = (s >> n) >= (s & (int)half);
        eegpu_state *state = open_amplitudes(psi, false, 1, 2 * n);
        eegpu_cuts *cuts = mask_cuts(1, 2 * n, &half, 1);
        compare_scan(state, cuts, EEGPU_METHOD_GRAM, comparison, NULL, "x >= y");
        compare_scan(state, cuts, EEGPU_METHOD_SVD, comparison, NULL, "x >= y");
        eegpu_cuts_free(cuts);
        eegpu_state_close(state);
    }
    free(psi);
}

/* ---- Bounds ------------------------------------------------------------------------------------------------------ */

/* A straight cut of hard squares sees one line of pixels: rank at most the words of it, Fibonacci(length + 2). */
static void test_rank_of_hard_squares(void)
{
    eegpu_state *state = open_source("hardsquare", 4, 4);
    eegpu_cuts *cuts = family_cuts(4, 4, "lines");
    eegpu_scan_options options = scan_options(EEGPU_METHOD_SVD, 1);
    eegpu_result *result = scan(state, cuts, &options);
    CHECK_EQUAL(eegpu_cuts_count(cuts), 6);
    for (size_t i = 0; result != NULL && i < eegpu_result_count(result); i++)
        CHECK(eegpu_result_record(result, i)->rank >= 2 && eegpu_result_record(result, i)->rank <= 8);
    eegpu_result_free(result);
    eegpu_cuts_free(cuts);
    eegpu_state_close(state);
}

static void test_bound_of_symmetric_functions(void)
{
    static const char *const sources[] = {"majority", "threshold:k=6", "dicke:k=6", "ghz", "parity"};
    for (size_t i = 0; i < COUNT(sources); i++) {
        eegpu_state *state = open_source(sources[i], 3, 4);
        eegpu_cuts *cuts = family_cuts(3, 4, "contiguous");
        eegpu_scan_options options = scan_options(EEGPU_METHOD_AUTO, 2);
        eegpu_result *result = scan(state, cuts, &options);
        for (size_t k = 0; result != NULL && k < eegpu_result_count(result); k++) {
            const eegpu_record *record = eegpu_result_record(result, k);
            int smaller = record->n_a < record->n_b ? record->n_a : record->n_b;
            EXPECT(record->s_vn <= log(smaller + 1) + record->error, "%s: S = %g", sources[i], record->s_vn);
        }
        eegpu_result_free(result);
        eegpu_cuts_free(cuts);
        eegpu_state_close(state);
    }
}

EG_SUITE("closed forms", {"built-in functions, contiguous and random regions", test_everywhere},
         {"built-in functions, cuts of a chain", test_some_cuts}, {"products with phases: 0", test_products_with_phases},
         {"symmetric amplitudes: the collapsed matrix", test_symmetric_amplitudes}, {"OR, AND, constant", test_or_and_constant},
         {"x >= y: the Dirichlet sines", test_comparison}, {"rank of hard squares", test_rank_of_hard_squares},
         {"symmetric functions: at most log(min + 1)", test_bound_of_symmetric_functions})
