/* Fits against published and exact numbers, and the verdict on functions whose law is known. */
#include "measure/law.h"
#include "measure/parameters.h"
#include "measure/theory.h"
#include "measure/topology.h"
#include "scan/study.h"
#include "scanning.h"

/* ---- Fits ---- */

static eg_fit fit_of(size_t count, int terms, const double *x, const double *y)
{
    eg_fit fit = {0};
    CHECK_OK(eg_fit_least_squares(count, terms, x, y, 1e-12, &fit));
    return fit;
}

/* F. J. Anscombe, The American Statistician 27 (1973) 17, first data set; the numbers by R's lm(). */
static void test_one_regressor(void)
{
    static const double x[] = {10, 8, 13, 9, 11, 14, 6, 4, 12, 7, 5};
    static const double y[] = {8.04, 6.95, 7.58, 8.81, 8.33, 9.96, 7.24, 4.26, 10.84, 4.82, 5.68};
    eg_fit fit = fit_of(11, 1, x, y);
    CHECK(fit.solved);
    CHECK_NEAR(fit.intercept, 3.0000909090909, 1e-12);
    CHECK_NEAR(fit.slope[0], 0.50009090909091, 1e-13);
    CHECK_NEAR(fit.intercept_error, 1.12474679, 1e-7);
    CHECK_NEAR(fit.slope_error[0], 0.11790550, 1e-7);
    CHECK_NEAR(fit.r_squared, 0.66654246, 1e-7);
    CHECK_NEAR(fit.residual * fit.residual * 11, 13.76269, 1e-4);
    CHECK_NEAR(fit.aicc, 11 * log(13.76269 / 11) + 6 + 24.0 / 7, 1e-4);
    CHECK_NEAR(fit.condition, 1, 1e-12);
}

/* y = 1 + 2 x_0 - 3 x_1 with errors orthogonal to all: exact coefficients, known variance. */
static void test_two_regressors(void)
{
    static const double x[] = {-1, -1, -1, 1, 1, -1, 1, 1}, sign[] = {1, -1, -1, 1};
    double y[4];
    for (int i = 0; i < 4; i++)
        y[i] = 1 + 2 * x[2 * i] - 3 * x[2 * i + 1] + 0.5 * sign[i];
    eg_fit fit = fit_of(4, 2, x, y);
    CHECK_NEAR(fit.intercept, 1, 1e-14);
    CHECK_NEAR(fit.slope[0], 2, 1e-14);
    CHECK_NEAR(fit.slope[1], -3, 1e-14);
    CHECK_NEAR(fit.slope_error[0], 0.5, 1e-14); /* sqrt(4 * 0.25 / (4 - 3) / 4) */
    CHECK_NEAR(fit.intercept_error, 0.5, 1e-14);
    CHECK_NEAR(fit.residual, 0.5, 1e-14);
    CHECK(isinf(fit.aicc)); /* 4 points for 4 numbers */
}

/* Against the normal equations in the small: slopes of correlated regressors leave residuals orthogonal to each. */
static void test_correlated_regressors(void)
{
    enum { N = 40, TERMS = 3 };
    double x[N * TERMS], y[N];
    uint64_t seed = 63;
    for (int i = 0; i < N; i++) {
        double common = random_real(&seed);
        for (int j = 0; j < TERMS; j++)
            x[i * TERMS + j] = 100 + common + 0.01 * random_real(&seed);
        y[i] = x[i * TERMS] - 2 * x[i * TERMS + 2] + random_real(&seed);
    }
    eg_fit fit = fit_of(N, TERMS, x, y);
    CHECK(fit.solved && fit.condition > 30 && fit.condition < 1000);
    for (int j = -1; j < TERMS; j++) {
        double along = 0;
        for (int i = 0; i < N; i++) {
            double off = y[i] - fit.intercept;
            for (int k = 0; k < TERMS; k++)
                off -= fit.slope[k] * x[i * TERMS + k];
            along += off * (j < 0 ? 1 : x[i * TERMS + j] - 100);
        }
        CHECK_NEAR(along, 0, 1e-9);
    }
}

static void test_fits_that_cannot_be_made(void)
{
    static const double constant[] = {2, 2, 2, 2}, line[] = {1, 2, 3, 4}, twice[] = {1, 2, 2, 4, 3, 6, 4, 8};
    eg_fit fit = fit_of(4, 1, constant, line);
    CHECK(!fit.solved && isinf(fit.aicc));
    fit = fit_of(4, 2, twice, line);
    CHECK(!fit.solved && isinf(fit.condition));
    fit = fit_of(1, 1, line, line);
    CHECK(!fit.solved);
    fit = fit_of(4, 0, NULL, line);
    CHECK(fit.solved);
    CHECK_NEAR(fit.intercept, 2.5, 0);
    CHECK_NEAR(fit.r_squared, 0, 1e-15);
    fit = fit_of(4, 1, line, constant);
    CHECK(fit.solved && isnan(fit.r_squared));
    CHECK_NEAR(fit.slope[0], 0, 1e-15);
    fit = fit_of(2, 1, line, line);
    CHECK(fit.solved && isnan(fit.slope_error[0]));
    CHECK_FAILS(eg_fit_least_squares(4, EG_FIT_TERMS + 1, twice, line, 0, &fit), EEGPU_USAGE, "at most");
}

/* ---- Verdicts ---- */

static void study(eegpu_state *state, const char *family, int parts, eg_study *study)
{
    eegpu_state_info info = eegpu_state_describe(state);
    eegpu_cuts *cuts = family_cuts(info.height, info.width, family);
    eegpu_scan_options options = scan_options(EEGPU_METHOD_AUTO, 1);
    CHECK_OK(eg_study_function(state, cuts, &options, parts, study));
    eegpu_cuts_free(cuts);
}

static void expect_law(const char *name, eegpu_state *state, const char *family, eg_law_kind kind, const char *fragment)
{
    eg_study found = {0};
    study(state, family, 0, &found);
    EXPECT(found.law.verdict == kind && strstr(found.law.reason, fragment) != NULL, "%s %s: %s, %s", name, family,
           eg_law_kind_name(found.law.verdict), found.law.reason);
    EXPECT((*found.law.advice != '\0') == (kind == EG_LAW_UNDECIDED), "%s %s: advice \"%s\"", name, family, found.law.advice);
    eg_study_free(&found);
    eegpu_state_close(state);
}

static void test_verdicts(void)
{
    static const struct {
        const char *source;
        int height, width;
        const char *family;
        eg_law_kind kind;
        const char *fragment;
    } cases[] = {
        {"product", 4, 4, "contiguous", EG_LAW_AREA, "S = 0"},
        {"ghz", 3, 4, "contiguous", EG_LAW_AREA, "the same, 0.693147"},
        {"loops", 4, 4, "contiguous", EG_LAW_AREA, "bonds"},
        {"loops", 4, 5, "contiguous", EG_LAW_AREA, "bonds"},
        {"graph", 4, 4, "contiguous", EG_LAW_AREA, "boundary"},
        {"hardsquare", 4, 4, "contiguous", EG_LAW_AREA, "boundary"},
        {"random", 4, 4, "contiguous", EG_LAW_VOLUME, "volume"},
        {"random:kind=complex", 3, 4, "contiguous", EG_LAW_VOLUME, "volume"},
        {"random", 1, 12, "prefix", EG_LAW_VOLUME, "volume"},
        {"randomset", 4, 4, "contiguous", EG_LAW_VOLUME, "volume"},
        {"majority", 4, 4, "contiguous", EG_LAW_LOG, "logarithm"},
        {"dicke:k=3", 4, 4, "contiguous", EG_LAW_LOG, "logarithm"},
        {"dyck", 1, 16, "prefix", EG_LAW_LOG, "logarithm"},
        {"palindrome", 1, 12, "prefix", EG_LAW_VOLUME, "volume"},
        {"palindrome", 4, 4, "contiguous", EG_LAW_UNDECIDED, "depends on"},
        {"palindrome", 1, 12, "contiguous", EG_LAW_UNDECIDED, "depends on"},
        {"random", 2, 2, "contiguous", EG_LAW_UNDECIDED, "too few"},
        {"random", 4, 4, "lines", EG_LAW_UNDECIDED, "too few"},
        {"dyck", 1, 12, "prefix", EG_LAW_UNDECIDED, "nearly alike"},
        {"w", 1, 16, "prefix", EG_LAW_AREA, "rank above 2"},
        {"randomset:count=50,seed=1", 1, 20, "prefix", EG_LAW_UNDECIDED, "the 50 images on which"},
        {"randomset:count=20", 4, 4, "contiguous", EG_LAW_UNDECIDED, "their number ends its growth"},
        {"ising:beta=3e-6", 3, 4, "contiguous", EG_LAW_AREA, "bonds"}, /* tiny, and not 0 */
    };
    for (size_t i = 0; i < COUNT(cases); i++)
        expect_law(cases[i].source, open_source(cases[i].source, cases[i].height, cases[i].width), cases[i].family, cases[i].kind,
                   cases[i].fragment);
}

/* ---- Verdicts on made-up entropies ---- */

static eegpu_record *records_of(const eegpu_cuts *cuts)
{
    size_t count = eegpu_cuts_count(cuts);
    eegpu_record *records = calloc(count, sizeof *records);
    for (size_t i = 0; records != NULL && i < count; i++) {
        records[i] = (eegpu_record){.cut = i, .error = 1e-13, .n_a = eg_cut_size(cuts, i)};
        records[i].n_b = cuts->pixels - records[i].n_a;
        eg_cut_geometry(cuts, i, &records[i].boundary, &records[i].bonds);
    }
    return records;
}

static double volume_of(const eegpu_record *record) { return record->n_a < record->n_b ? record->n_a : record->n_b; }

static void expect_verdict(const eegpu_cuts *cuts, const eegpu_record *records, size_t count, eg_law_kind kind,
                           const char *fragment)
{
    eg_law law = {0};
    if (!CHECK_OK(eg_law_of_records(cuts, records, count, 0, &law)))
        return;
    EXPECT(law.verdict == kind && strstr(law.reason, fragment) != NULL, "%s, %s", eg_law_kind_name(law.verdict), law.reason);
    eg_law_free(&law);
}

static void test_made_up(void)
{
    eegpu_cuts *cuts = family_cuts(4, 4, "contiguous"), *chain = family_cuts(1, 24, "prefix"),
               *straight = family_cuts(8, 7, "lines");
    eegpu_record *records = records_of(cuts), *ends = records_of(chain), *lines = records_of(straight);
    size_t count = eegpu_cuts_count(cuts), lengths = eegpu_cuts_count(chain), line_count = eegpu_cuts_count(straight);
    for (size_t i = 0; i < count; i++)
        records[i].s_vn = 0.9 - 0.07 * eg_law_boundary(cuts, i);
    expect_verdict(cuts, records, count, EG_LAW_UNDECIDED, "does not grow");
    for (size_t i = 0; i < count; i++)
        records[i].s_vn = 0.3 * volume_of(&records[i]) + 0.001 * (double)(i % 5);
    expect_verdict(cuts, records, count, EG_LAW_VOLUME, "volume");
    records[3].error = 1; /* says nothing of the others */
    expect_verdict(cuts, records, count, EG_LAW_VOLUME, "volume");
    for (size_t i = 0; i < count; i++)
        records[i] = (eegpu_record){.cut = i,
                                    .n_a = records[i].n_a,
                                    .n_b = records[i].n_b,
                                    .s_vn = 1e-10,
                                    .error = 1e-9,
                                    .boundary = records[i].boundary,
                                    .bonds = records[i].bonds};
    expect_verdict(cuts, records, count, EG_LAW_AREA, "S = 0");
    for (size_t i = 0; i < lengths; i++) { /* rises, but with much noise: not seen is not ruled out */
        static const double noise[] = {0.3, -0.35, 0.2, -0.25, 0.35, -0.3};
        ends[i].s_vn = 1 + 0.03 * volume_of(&ends[i]) + noise[(size_t)volume_of(&ends[i]) % 6];
    }
    expect_verdict(chain, ends, lengths, EG_LAW_UNDECIDED, "leave room for a growth");
    for (size_t i = 0; i < lengths; i++)
        ends[i].s_vn = 1 + 0.002 * cos(2.1 * volume_of(&ends[i]));
    expect_verdict(chain, ends, lengths, EG_LAW_AREA, "no room for another law");
    for (size_t i = 0; i < line_count; i++) /* two values of the boundary explain everything, as any two would */
        lines[i].s_vn = lines[i].boundary == 8 ? 2 : 1;
    expect_verdict(straight, lines, line_count, EG_LAW_UNDECIDED, "only 2 values");
    for (size_t i = 0; i < count; i++) /* the boundary explains most, and the rest is certain */
        records[i].s_vn = 0.5 * eg_law_boundary(cuts, i) + 0.1 * volume_of(&records[i]);
    expect_verdict(cuts, records, count, EG_LAW_UNDECIDED, "S grows with the volume, by 0.1 +-");
    free(records), free(ends), free(lines);
    eegpu_cuts_free(cuts);
    eegpu_cuts_free(chain);
    eegpu_cuts_free(straight);
}

/* A cut and its complement are one cut: the law does not depend on which side is called A. */
/* On chains the bonds are contained in logarithm and bonds, which is no rival of them. */
static void test_bonds_of_chains(void)
{
    eegpu_cuts *cuts = family_cuts(1, 12, "all");
    eegpu_record *records = records_of(cuts);
    size_t count = eegpu_cuts_count(cuts);
    for (size_t i = 0; i < count; i++)
        records[i].s_vn = 0.5 * records[i].bonds;
    expect_verdict(cuts, records, count, EG_LAW_AREA, "bonds");
    for (size_t i = 0; i < count; i++)
        records[i].s_vn = 0.5 * records[i].bonds + 0.2 * sin(37.0 * (double)i * (double)i);
    expect_verdict(cuts, records, count, EG_LAW_AREA, "bonds");
    free(records);
    eegpu_cuts_free(cuts);
}

static void test_complements(void)
{
    static const char *const sources[] = {"hardsquare", "graph", "connected", "random", "loops", "majority"};
    for (size_t i = 0; i < COUNT(sources); i++) {
        eegpu_state *state = open_source(sources[i], 4, 4);
        eegpu_cuts *cuts = family_cuts(4, 4, "contiguous"), *others = NULL;
        eegpu_scan_options options = scan_options(EEGPU_METHOD_AUTO, 1);
        eg_study found = {0}, turned = {0};
        uint64_t masks[256];
        size_t count = eegpu_cuts_count(cuts);
        for (size_t k = 0; k < count; k++)
            masks[k] = k % 3 == 0 ? eg_cut_mask(cuts, k)[0] : ~eg_cut_mask(cuts, k)[0] & 0xFFFF;
        others = mask_cuts(4, 4, masks, count);
        if (CHECK_OK(eg_study_function(state, cuts, &options, 0, &found)) &&
            CHECK_OK(eg_study_function(state, others, &options, 0, &turned))) {
            EXPECT(found.law.verdict == turned.law.verdict && found.law.best == turned.law.best, "%s: %s and %s", sources[i],
                   found.law.reason, turned.law.reason);
            CHECK_EQUAL(found.law.count, turned.law.count);
            for (int m = 0; m < EG_LAW_MODELS; m++)
                if (found.law.fits[m].solved && found.law.fits[m].residual > 1e-9)
                    CHECK_NEAR(turned.law.fits[m].aicc, found.law.fits[m].aicc, 1e-6);
        }
        eg_study_free(&found);
        eg_study_free(&turned);
        eegpu_cuts_free(cuts);
        eegpu_cuts_free(others);
        eegpu_state_close(state);
    }
}

/* ---- The transverse-field Ising chain, H = -sum Z Z - g sum X, ground state by power iteration on a shifted H ---- */

enum { CHAIN = 12, CHAIN_SIZE = 1 << CHAIN };

static double *ising_chain(double g)
{
    double *state = malloc(CHAIN_SIZE * sizeof *state), *next = malloc(CHAIN_SIZE * sizeof *next);
    double shift = CHAIN * (1 + g);
    for (int s = 0; s < CHAIN_SIZE; s++)
        state[s] = 1;
    for (int step = 0; step < 1500; step++) {
        double norm = 0;
        for (int s = 0; s < CHAIN_SIZE; s++) {
            int unlike = eg_popcount((uint64_t)(s ^ s >> 1) & (CHAIN_SIZE / 2 - 1));
            next[s] = (shift + CHAIN - 1 - 2 * unlike) * state[s];
            for (int i = 0; i < CHAIN; i++)
                next[s] += g * state[s ^ 1 << i];
            norm += next[s] * next[s];
        }
        for (int s = 0; s < CHAIN_SIZE; s++)
            state[s] = next[s] / sqrt(norm);
    }
    free(next);
    return state;
}

static void test_ising_chain(void)
{
    double *critical = ising_chain(1), *gapped = ising_chain(3);
    eegpu_state *state = open_amplitudes(critical, false, 1, CHAIN);
    eg_study found = {0};
    study(state, "prefix", 0, &found);
    CHECK_EQUAL(found.law.verdict, EG_LAW_LOG);
    CHECK_EQUAL(found.law.count, CHAIN / 2); /* a cut and its mirror image are one shape */
    CHECK(found.law.best >= 0 && eg_law_models[found.law.best].kind == EG_LAW_LOG);
    CHECK_NEAR(6 * found.law.fits[found.law.best].slope[0], 0.5, 0.1); /* c = 1/2 */
    CHECK(found.law.fits[found.law.best].r_squared > 0.999);
    eg_study_free(&found);
    eegpu_state_close(state);
    expect_law("critical chain", open_amplitudes(critical, false, 1, CHAIN), "contiguous", EG_LAW_LOG, "logarithm");
    expect_law("chain with a gap", open_amplitudes(gapped, false, 1, CHAIN), "prefix", EG_LAW_AREA, "");
    expect_law("chain with a gap", open_amplitudes(gapped, false, 1, CHAIN), "contiguous", EG_LAW_AREA, "");
    free(critical);
    free(gapped);
}

/* ---- Groups ---- */

static void test_shapes(void)
{
    /* Two dominoes, lying and standing, in corners: one shape. A domino in the middle: another boundary. A corner of three: another
     * shape; its mirror image is the same. */
    static const uint64_t masks[] = {0x0003, 0x0011, 0x8800, 0x0060, 0x0013, 0x0031};
    eegpu_cuts *cuts = mask_cuts(4, 4, masks, COUNT(masks));
    eegpu_record records[COUNT(masks)] = {0};
    static const double entropy[] = {1, 2, 3, 7, 4, 5};
    eg_law law = {0};
    for (size_t i = 0; i < COUNT(masks); i++) {
        records[i] = (eegpu_record){.cut = i, .s_vn = entropy[i]};
        records[i].n_a = eg_cut_size(cuts, i);
        records[i].n_b = 16 - records[i].n_a;
        eg_cut_geometry(cuts, i, &records[i].boundary, &records[i].bonds);
    }
    CHECK_OK(eg_law_of_records(cuts, records, COUNT(masks), 0, &law));
    CHECK_EQUAL(law.count, 4); /* the corner of three has its bend in the corner of the lattice, or beside it */
    CHECK(law.groups[0].cuts == 3 && law.groups[0].volume == 2 && law.groups[0].boundary == 2);
    CHECK_NEAR(law.groups[0].s, 2, 1e-15);
    CHECK_NEAR(law.groups[0].spread, 1, 1e-15);
    CHECK_NEAR(law.groups[0].least, 1, 0);
    CHECK_NEAR(law.groups[0].most, 3, 0);
    CHECK_NEAR(law.groups[1].s, 7, 0);
    CHECK_NEAR(law.groups[1].spread, 0, 0);
    eg_law_free(&law);
    CHECK_FAILS(eg_law_of_records(cuts, records, 0, 0, &law), EEGPU_USAGE, "no cuts");
    eegpu_cuts_free(cuts);
}

/* One end after l of N pixels; an interval, by the closed form of free fermions on the half line for N much larger. */
static void test_logarithm_of_chains(void)
{
    enum { N = 64 };
    uint64_t masks[2] = {eg_low_mask(5), eg_low_mask(9) & ~eg_low_mask(4)};
    eegpu_cuts *cuts = mask_cuts(1, N, masks, 2);
    eegpu_record records[2] = {{.n_a = 5, .n_b = N - 5, .boundary = 1, .bonds = 1},
                               {.n_a = 5, .n_b = N - 5, .boundary = 2, .bonds = 2}};
    eg_law law = {0};
    CHECK_OK(eg_law_of_records(cuts, records, 2, 0, &law));
    CHECK(law.is_chain && law.count == 2);
    CHECK_NEAR(law.groups[0].regressor[EG_LOGARITHM], log(2 * N / M_PI * sin(M_PI * 5 / N)), 1e-14);
    CHECK_NEAR(law.groups[1].regressor[EG_LOGARITHM], log(4.0 * 4 * 9 * 25 / 169), 0.05);
    eg_law_free(&law);
    eegpu_cuts_free(cuts);
}

/* ---- Parameters ---- */

static void test_parameters(void)
{
    static const double spectrum[] = {1 - 2e-5, 1e-5, 1e-5, 1e-20};
    CHECK_EQUAL(eg_truncated_rank(spectrum, 4, 1e-2), 1);
    CHECK_EQUAL(eg_truncated_rank(spectrum, 4, 4e-3), 2);
    CHECK_EQUAL(eg_truncated_rank(spectrum, 4, 1e-8), 3);
    CHECK_EQUAL(eg_truncated_rank(spectrum, 4, 1e-12), 4);
    CHECK_EQUAL(eg_truncated_rank(spectrum, 1, 1), 1);
    int pixels[6];
    static const int columns_first[] = {0, 3, 1, 4, 2, 5}, snake[] = {0, 1, 2, 5, 4, 3};
    eg_pixels_in_order(2, 3, EG_COLUMN_MAJOR, pixels);
    CHECK(memcmp(pixels, columns_first, sizeof pixels) == 0);
    eg_pixels_in_order(2, 3, EG_SNAKE, pixels);
    CHECK(memcmp(pixels, snake, sizeof pixels) == 0);

    eegpu_state *state = open_source("ghz", 2, 3);
    eg_study found = {0};
    study(state, "lines", EG_STUDY_PARAMETERS, &found);
    CHECK(found.parameters.known && found.parameters.amplitudes == 64);
    for (int order = 0; order < EG_PIXEL_ORDERS; order++) {
        const eg_order_parameters *one = &found.parameters.order[order];
        CHECK(one->same_as == -1 && one->rank[0] == 2 && one->rank[4] == 2 && one->truncated[0][2] == 2);
        CHECK_NEAR(one->count, 2 * 2 + 4 * 8 + 2 * 2, 0);
    }
    eg_study_free(&found);
    eegpu_state_close(state);

    state = open_source("palindrome", 1, 8);
    study(state, "prefix", EG_STUDY_PARAMETERS, &found);
    CHECK_EQUAL(found.parameters.order[EG_ROW_MAJOR].rank[3], 16);
    CHECK_EQUAL(found.parameters.order[EG_COLUMN_MAJOR].same_as, EG_ROW_MAJOR);
    CHECK_EQUAL(found.parameters.order[EG_SNAKE].same_as, EG_ROW_MAJOR);
    eg_study_free(&found);
    eegpu_state_close(state);
    eegpu_cuts *cuts = NULL;
    CHECK_FAILS(eg_parameters_cuts(1, 1, &cuts), EEGPU_USAGE, "one pixel");
}

/* ---- Topological term ---- */

static void expect_term(const char *source, int height, int width, double gamma, size_t discs, size_t rings)
{
    eegpu_state *state = open_source(source, height, width);
    eegpu_cuts *cuts = NULL;
    eegpu_result *result = NULL;
    eegpu_scan_options options = scan_options(EEGPU_METHOD_AUTO, 1);
    eg_topology topology = {0};
    size_t counts[EG_TOPOLOGY_KINDS] = {0};
    CHECK_OK(eg_topology_plan(height, width, &topology, &cuts));
    if (cuts != NULL && (result = scan(state, cuts, &options)) != NULL)
        eg_topology_evaluate(result->records, &topology);
    for (size_t i = 0; i < topology.count; i++) {
        counts[topology.terms[i].kind]++;
        EXPECT(fabs(topology.terms[i].gamma - gamma) <= topology.terms[i].error + 1e-12, "%s: %s, window %zu: %.17g", source,
               eg_topology_kind_name(topology.terms[i].kind), i, topology.terms[i].gamma);
    }
    EXPECT(counts[EG_KITAEV_PRESKILL] == discs && counts[EG_LEVIN_WEN] == rings, "%dx%d: %zu and %zu windows", height, width,
           counts[0], counts[1]);
    eegpu_result_free(result);
    eegpu_cuts_free(cuts);
    eg_topology_free(&topology);
    eegpu_state_close(state);
}

static void test_topological_term(void)
{
    expect_term("loops", 3, 5, M_LN2, 0, 0);
    expect_term("loops", 4, 4, M_LN2, 1, 0);
    expect_term("loops", 4, 5, M_LN2, 3, 0);
    expect_term("loops", 5, 5, M_LN2, 9, 1);
    expect_term("product", 4, 5, 0, 3, 0);
    expect_term("graph", 4, 4, 0, 1, 0);
    expect_term("ghz", 5, 4, -M_LN2, 3, 0); /* S = log 2 for every region: 3 - 3 + 1 of them */
}

/* ---- Theory ---- */

static void test_theory(void)
{
    static const char *const sources[] = {"product", "random:kind=complex", "loops", "connected", "ghz"};
    for (size_t i = 0; i < COUNT(sources); i++) {
        eegpu_state *state = open_source(sources[i], 3, 4);
        eg_study found = {0};
        study(state, "contiguous", EG_STUDY_THEORY, &found);
        CHECK(found.theory.known && found.theory.broken == 0);
        for (int k = 0; k < 4; k++)
            EXPECT(found.theory.checks[k].outcome == EG_CHECK_HOLDS && found.theory.checks[k].checked > 0, "%s: %s", sources[i],
                   found.theory.checks[k].name);
        bool is_set = i >= 2;
        CHECK(found.theory.checks[4].outcome == (is_set ? EG_CHECK_HOLDS : EG_CHECK_NOT_APPLICABLE));
        CHECK((found.range_count > 0) == is_set);
        eg_study_free(&found);
        eegpu_state_close(state);
    }
}

/* Entropies that no function has. */
static void test_broken_theory(void)
{
    eegpu_state *state = open_source("loops", 3, 4);
    eegpu_cuts *cuts = family_cuts(3, 4, "contiguous"), *helpers = NULL;
    eegpu_scan_options options = scan_options(EEGPU_METHOD_AUTO, 1);
    eegpu_result *result = scan(state, cuts, &options), *help = NULL;
    eg_theory theory;
    CHECK_OK(eg_theory_cuts(cuts, &helpers));
    CHECK_EQUAL(eegpu_cuts_count(helpers), 3 * eegpu_cuts_count(cuts) + 12);
    help = scan(state, helpers, &options);
    if (result == NULL || help == NULL)
        goto done;
    result->records[5].s_vn += 1e-6;
    eg_theory_check_all(cuts, result->records, help->records, NULL, (eg_theory_network){0}, &theory);
    CHECK(theory.broken >= 1 && theory.checks[0].outcome == EG_CHECK_BROKEN && theory.checks[0].cut == 5);
    result->records[5].s_vn = 9;
    eg_theory_check_all(cuts, result->records, help->records, NULL, (eg_theory_network){0}, &theory);
    for (int i = 0; i < 4; i++)
        CHECK(theory.checks[i].outcome == EG_CHECK_BROKEN && theory.checks[i].cut == 5);
    result->records[5].s_vn = NAN;
    eg_theory_check_all(cuts, result->records, help->records, NULL, (eg_theory_network){0}, &theory);
    CHECK(theory.broken >= 1);
done:
    eegpu_result_free(result);
    eegpu_result_free(help);
    eegpu_cuts_free(cuts);
    eegpu_cuts_free(helpers);
    eegpu_state_close(state);
}

EG_SUITE("laws", {"fits: one regressor", test_one_regressor}, {"fits: two regressors", test_two_regressors},
         {"fits: correlated regressors", test_correlated_regressors}, {"fits that cannot be made", test_fits_that_cannot_be_made},
         {"shapes", test_shapes}, {"the logarithm of chains", test_logarithm_of_chains}, {"verdicts", test_verdicts},
         {"made-up entropies", test_made_up}, {"bonds of chains", test_bonds_of_chains}, {"complements", test_complements},
         {"the transverse-field Ising chain", test_ising_chain}, {"parameters", test_parameters},
         {"topological term", test_topological_term}, {"theory", test_theory}, {"broken theory", test_broken_theory})
