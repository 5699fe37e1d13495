/* The scan itself: planted faults of a back end are found, records do not depend on threads or order, memory stays within the
 * budget, a journal resumes with the same bits, and everything that must be refused is. */
#include <sys/stat.h>

#include "scan/scan.h"
#include "scanning.h"
#include "temporary.h"

/* ---- A back end with planted faults ------------------------------------------------------------------------------ */

typedef enum fault {
    NO_FAULT,
    LARGEST_SHIFTED, /* by 1e-6 of itself */
    MIDDLE_SHIFTED,
    DROPPED, /* the largest is 0 */
    NOT_A_NUMBER,
    ONE_ELEMENT,    /* of the gathered matrix is wrong */
    COLUMN_MISSING, /* in a Gram sum */
    NO_CONVERGENCE,
    FAULTS
} fault;

static fault planted;
static _Atomic int solved; /* calls of either solver */
static int pause_microseconds;

static void spoil(double *values, int n, int largest)
{
    if (planted == LARGEST_SHIFTED)
        values[largest] *= 1 + 1e-6;
    if (planted == MIDDLE_SHIFTED)
        values[n / 2] *= 1 + 1e-6;
    if (planted == DROPPED)
        values[largest] = 0;
    if (planted == NOT_A_NUMBER)
        values[n / 2] = NAN;
}

static eegpu_status after_solution(eegpu_status status)
{
    solved++;
    if (pause_microseconds > 0)
        usleep((useconds_t)pause_microseconds);
    if (status == EEGPU_OK && planted == NO_CONVERGENCE)
        status = eg_fail(EEGPU_NUMERICS, "planted: did not converge");
    return status;
}

static eegpu_status eigenvalues(eg_lane *lane, const eg_eigen_problem *problems, size_t count, size_t *failed)
{
    eegpu_status status = eg_backend_cpu.eigenvalues(lane, problems, count, failed);
    for (size_t i = 0; i < count; i++) {
        spoil(problems[i].values, problems[i].n, problems[i].n - 1);
        status = after_solution(status);
    }
    return status;
}

static eegpu_status singular_values(eg_lane *lane, bool is_complex, int m, int n, double *matrix, double *values)
{
    eegpu_status status = eg_backend_cpu.singular_values(lane, is_complex, m, n, matrix, values);
    spoil(values, m < n ? m : n, 0);
    return after_solution(status);
}

static eegpu_status gram(eg_lane *lane, bool is_complex, int n, int k, const double *panel, double keep, double *matrix)
{
    return eg_backend_cpu.gram(lane, is_complex, n, planted == COLUMN_MISSING ? k - 1 : k, panel, keep, matrix);
}

/* Labels are counted: both faults that concern the matrix are a wrong count. */
static eegpu_status gram_bits(eg_lane *lane, uint64_t rows, uint64_t columns, const uint64_t *bits, const uint64_t *weight,
                              uint64_t *counts)
{
    eegpu_status status = eg_backend_cpu.gram_bits(lane, rows, columns, bits, weight, counts);
    if (planted == ONE_ELEMENT || planted == COLUMN_MISSING)
        counts[0]++;
    return status;
}

static eegpu_status gather(eg_lane *lane, const eg_matrix_layout *layout, uint64_t first, uint64_t count, double *panel)
{
    eegpu_status status = eg_backend_cpu.gather(lane, layout, first, count, panel);
    if (planted == ONE_ELEMENT)
        panel[5] += 0.125;
    return status;
}

static eg_backend backend_with(fault which)
{
    eg_backend backend = eg_backend_cpu;
    backend.eigenvalues = eigenvalues;
    backend.singular_values = singular_values;
    backend.gram = gram;
    backend.gram_bits = gram_bits;
    backend.gather = gather;
    planted = which;
    return backend;
}

typedef enum source_kind { AMPLITUDES, LABELS, IMAGES } source_kind;

/* Which faults the work on a source cannot meet: only amplitudes are gathered, and the middle value of a set may be 0. */
static bool cannot_happen(source_kind kind, eegpu_method method, fault which)
{
    if (which == ONE_ELEMENT)
        return kind == IMAGES || (kind == LABELS && method == EEGPU_METHOD_SVD);
    return which == MIDDLE_SHIFTED && kind == IMAGES;
}

static void check_faults(const char *source, source_kind kind)
{
    uint64_t mask = 0x31a; /* 5 pixels */
    eegpu_state *state = open_source(source, 2, 5);
    eegpu_cuts *cuts = mask_cuts(2, 5, &mask, 1);
    for (eegpu_method method = EEGPU_METHOD_GRAM; method <= EEGPU_METHOD_SVD; method++)
        for (fault which = NO_FAULT; which < FAULTS; which++) {
            if (cannot_happen(kind, method, which))
                continue;
            eg_backend backend = backend_with(which);
            eegpu_scan_options options = scan_options(method, 1);
            options.no_reduce = kind == IMAGES;
            eegpu_result *result = NULL;
            eegpu_status status = scan_with(&backend, state, cuts, &options, &result);
            EXPECT(status == (which == NO_FAULT ? EEGPU_OK : EEGPU_NUMERICS), "%s, method %d, fault %d: status %d (%s)", source,
                   (int)method, (int)which, (int)status, eegpu_error_message());
            if (which != NO_FAULT) {
                CHECK_FAILS(status, EEGPU_NUMERICS, "cut 0 (5 | 5 pixels)");
                CHECK(result == NULL);
            }
            eegpu_result_free(result);
        }
    planted = NO_FAULT;
    eegpu_cuts_free(cuts);
    eegpu_state_close(state);
}

static void test_faults(void)
{
    check_faults("random", AMPLITUDES);
    check_faults("random:kind=complex", AMPLITUDES);
    check_faults("randomset", LABELS);
    unsigned char images[60][10];
    uint64_t seed = 71;
    for (int k = 0; k < 600; k++)
        images[k / 10][k % 10] = random_word(&seed) & 1;
    check_faults(write_npy("|u1", false, "(60, 2, 5)", images, sizeof images), IMAGES);
}

/* ---- Threads ----------------------------------------------------------------------------------------------------- */

/* Cuts as small as these run side by side: the same bits on any number of threads. */
static void test_threads(void)
{
    static const char *const sources[] = {"random:kind=complex", "primes"};
    for (size_t i = 0; i < COUNT(sources); i++) {
        eegpu_state *state = open_source(sources[i], 3, 4);
        eegpu_cuts *cuts = family_cuts(3, 4, "contiguous");
        eegpu_result *expected = NULL;
        for (int threads = 1; threads <= 4; threads *= 2) {
            eegpu_scan_options options = scan_options(EEGPU_METHOD_AUTO, threads);
            eegpu_result *result = scan(state, cuts, &options);
            EXPECT(expected == NULL || same_results(expected, result), "%s: %d threads give other bits", sources[i], threads);
            if (threads == 1)
                expected = result;
            else
                eegpu_result_free(result);
        }
        for (size_t k = 0; expected != NULL && k < eegpu_result_count(expected); k++) {
            const eegpu_record *record = eegpu_result_record(expected, k);
            CHECK(record->cut == k && record->same_as == -1 && record->n_a + record->n_b == 12);
            CHECK(record->rows == exp2(record->n_a) && record->cols == exp2(record->n_b));
            CHECK(strcmp(record->device, "cpu") == 0 && strcmp(record->method, "gram") == 0 && record->seconds >= 0);
        }
        if (expected != NULL)
            CHECK(eegpu_result_record(expected, eegpu_result_count(expected)) == NULL);
        eegpu_result_free(expected);
        eegpu_cuts_free(cuts);
        eegpu_state_close(state);
    }
}

/* The records of a region do not depend on its neighbours in the list. */
static void test_order_of_cuts(void)
{
    uint64_t masks[30], turned[30], seed = 72;
    for (int i = 0; i < 30; i++)
        turned[29 - i] = masks[i] = random_mask(12, &seed);
    eegpu_state *state = open_source("connected", 3, 4);
    eegpu_cuts *cuts = mask_cuts(3, 4, masks, 30), *other = mask_cuts(3, 4, turned, 30);
    eegpu_scan_options options = scan_options(EEGPU_METHOD_AUTO, 2);
    eegpu_result *left = scan(state, cuts, &options), *right = scan(state, other, &options);
    for (size_t i = 0; left != NULL && right != NULL && i < 30; i++) {
        const eegpu_record *a = eegpu_result_record(left, i), *b = eegpu_result_record(right, 29 - i);
        CHECK_NEAR(a->s_vn, b->s_vn, a->error + b->error);
        CHECK(a->n_a == b->n_a && a->boundary == b->boundary && a->bonds == b->bonds && a->rows == b->rows);
        CHECK(a->cut == i && b->cut == 29 - i);
    }
    eegpu_result_free(left);
    eegpu_result_free(right);
    eegpu_cuts_free(cuts);
    eegpu_cuts_free(other);
    eegpu_state_close(state);
}

/* ---- Memory ------------------------------------------------------------------------------------------------------ */

static eegpu_state *open_within(const char *source, int pixels, uint64_t memory)
{
    eegpu_open_options options = lattice_options(1, pixels);
    eegpu_state *state = NULL;
    options.memory = memory;
    check_ok_at(eegpu_state_open(source, &options, &state), source, __FILE__, __LINE__);
    return state;
}

/* What the heaviest cut needs, and what the state holds. */
static uint64_t foreseen(const char *source, int pixels, const eegpu_cuts *cuts, eegpu_method method, uint64_t *resident)
{
    eegpu_state *state = open_within(source, pixels, 0);
    eegpu_scan_options options = scan_options(method, 1);
    eg_plan plan = {0};
    uint64_t most = 0;
    CHECK_OK(eg_scan_plan(state, cuts, &options, &plan));
    for (size_t i = 0; i < plan.count; i++)
        most = plan.tasks[i].bytes > most ? plan.tasks[i].bytes : most;
    *resident = state->budget->used;
    eg_plan_free(&plan);
    eegpu_state_close(state);
    return most;
}

/* Room for one cut at a time is enough, on any number of threads, and a byte less is refused before work starts. */
static void check_memory(const char *source, int pixels, eegpu_method method)
{
    uint64_t resident = 0;
    eegpu_cuts *cuts = family_cuts(1, pixels, "prefix");
    uint64_t need = foreseen(source, pixels, cuts, method, &resident);
    eegpu_state *ample = open_within(source, pixels, 0), *tight = open_within(source, pixels, resident + need);
    eegpu_state *short_of = open_within(source, pixels, resident + need - 1);
    eg_backend backend = backend_with(NO_FAULT);
    eegpu_scan_options options = scan_options(method, 1);
    eegpu_result *result = NULL;
    for (options.threads = 1; options.threads <= 4; options.threads += 3) {
        eegpu_result *expected = scan(ample, cuts, &options);
        result = scan(tight, cuts, &options);
        EXPECT(same_results(expected, result), "%s, method %d, %d threads: other bits within tight memory", source, (int)method,
               options.threads);
        if (result != NULL)
            EXPECT(result->peak_bytes <= resident + need, "%s: peak %llu, limit %llu", source,
                   (unsigned long long)result->peak_bytes, (unsigned long long)(resident + need));
        eegpu_result_free(expected);
        eegpu_result_free(result);
    }
    solved = 0;
    eegpu_status status = scan_with(&backend, short_of, cuts, &options, &result);
    CHECK_FAILS(status, EEGPU_OUT_OF_MEMORY, "the cut of");
    CHECK_FAILS(status, EEGPU_OUT_OF_MEMORY, "iB of the memory limit are left");
    CHECK_FAILS(status, EEGPU_OUT_OF_MEMORY, "--memory");
    CHECK(result == NULL && solved == 0);
    eegpu_cuts_free(cuts);
    eegpu_state_close(ample);
    eegpu_state_close(tight);
    eegpu_state_close(short_of);
}

static void test_memory(void)
{
    static const char *const sources[] = {"random", "random:kind=complex", "connected"};
    for (size_t i = 0; i < COUNT(sources); i++)
        for (eegpu_method method = EEGPU_METHOD_GRAM; method <= EEGPU_METHOD_SVD; method++)
            for (int pixels = 2; pixels <= 14; pixels += 4)
                check_memory(sources[i], pixels, method);
    check_memory("random", 17, EEGPU_METHOD_GRAM); /* several panels of columns, wide cuts */
}

static void test_memory_is_returned(void)
{
    eegpu_state *state = open_within("random", 12, 0);
    eegpu_cuts *cuts = family_cuts(1, 12, "prefix");
    for (fault which = NO_FAULT; which < FAULTS; which++) {
        eg_backend backend = backend_with(which);
        eegpu_scan_options options = scan_options(which % 2 ? EEGPU_METHOD_GRAM : EEGPU_METHOD_SVD, 2);
        uint64_t before = state->budget->used;
        eegpu_result *result = NULL;
        CHECK((scan_with(&backend, state, cuts, &options, &result) == EEGPU_OK) == (result != NULL));
        eegpu_result_free(result);
        CHECK_EQUAL(state->budget->used, before);
    }
    planted = NO_FAULT;
    eegpu_cuts_free(cuts);
    eegpu_state_close(state);
}

/* ---- Journal ----------------------------------------------------------------------------------------------------- */

static bool stop_after(void *user, const char *stage, double fraction)
{
    int *left = user;
    CHECK(strlen(stage) > 0 && fraction >= 0 && fraction <= 1);
    return --*left > 0;
}

static int lines_of(const char *path)
{
    size_t size = 0;
    unsigned char *bytes = read_bytes(path, &size);
    int lines = 0;
    for (size_t i = 0; i < size; i++)
        lines += bytes[i] == '\n';
    free(bytes);
    return lines;
}

typedef struct journal_case {
    const char *source;
    eegpu_method method;
    bool spectra;
    size_t more_cuts; /* than the straight ones */
    int reports;      /* until it is stopped */
    int finished;     /* cuts by then: small Gram matrices are solved and recorded 32 at a time */
} journal_case;

/* Goes on from what is there. Lines: one a cut that was computed; where a symmetry spares a cut, fewer. */
static void check_resumed(const eegpu_state *state, const eegpu_cuts *cuts, eegpu_scan_options options, const eg_backend *backend,
                          const eegpu_result *expected, bool something_left)
{
    eegpu_result *result = NULL;
    int before = lines_of(options.journal), all = (int)eegpu_cuts_count(cuts);
    solved = 0;
    CHECK_OK(scan_with(backend, state, cuts, &options, &result));
    EXPECT(same_results(expected, result), "the resumed scan gives other bits");
    int after = lines_of(options.journal), fresh = after - (before > 0 ? before : 1);
    EXPECT(solved == fresh && after <= 1 + all, "%d cuts solved, %d lines before, %d after", solved, before, after);
    CHECK((fresh > 0) == something_left);
    for (size_t i = 0; result != NULL && i < eegpu_result_count(result); i++)
        all -= eegpu_result_record(result, i)->same_as >= 0;
    EXPECT(after >= 1 + all, "%d lines of %d cuts of their own", after, all);
    eegpu_result_free(result);
}

static void check_journal(const journal_case *c)
{
    eegpu_state *state = open_source(c->source, 3, 3);
    eegpu_cuts *cuts = family_cuts(3, 3, "lines");
    add_random_cuts(cuts, c->more_cuts, 73);
    eg_backend backend = backend_with(NO_FAULT);
    eegpu_scan_options options = scan_options(c->method, 1);
    options.keep_spectra = c->spectra;
    options.renyi_count = 4;
    options.renyi[3] = 0.5;
    eegpu_result *expected = scan(state, cuts, &options), *result = NULL;
    char path[1024];
    snprintf(path, sizeof path, "%s", temporary_path("journal"));
    unlink(path);
    options.journal = path;

    int left = c->reports; /* reports at most 20 times a second: every cut takes longer here */
    options.progress = stop_after;
    options.progress_user = &left;
    pause_microseconds = 55000;
    CHECK_FAILS(scan_with(&backend, state, cuts, &options, &result), EEGPU_INTERRUPTED, "stopped");
    CHECK(result == NULL);
    pause_microseconds = 0;
    options.progress = NULL;
    int finished = lines_of(path) - 1;
    CHECK_EQUAL(finished, c->finished);
    check_resumed(state, cuts, options, &backend, expected, true);
    check_resumed(state, cuts, options, &backend, expected, false);

    struct stat info;
    for (int cut_off = 1; cut_off <= 12; cut_off += 11) { /* the last line is not whole: its cut is done again */
        CHECK(stat(path, &info) == 0 && truncate(path, info.st_size - cut_off) == 0);
        check_resumed(state, cuts, options, &backend, expected, true);
    }
    CHECK(truncate(path, 0) == 0);
    options.threads = 3;
    check_resumed(state, cuts, options, &backend, expected, true);
    eegpu_result_free(expected);
    eegpu_cuts_free(cuts);
    eegpu_state_close(state);
}

static void test_journal(void)
{
    static const journal_case cases[] = {{"random", EEGPU_METHOD_GRAM, true, 60, 1, 32},
                                         {"connected", EEGPU_METHOD_SVD, false, 6, 4, 4}};
    for (size_t i = 0; i < COUNT(cases); i++)
        check_journal(&cases[i]);
}

static void test_other_journals(void)
{
    eegpu_state *state = open_source("random", 3, 3), *other = open_source("random:seed=1", 3, 3);
    eegpu_cuts *cuts = family_cuts(3, 3, "lines"), *more = family_cuts(3, 3, "contiguous");
    eegpu_scan_options options = scan_options(EEGPU_METHOD_AUTO, 1);
    eegpu_result *result = NULL;
    options.journal = temporary_path("other-journal");
    unlink(options.journal);
    eegpu_result_free(scan(state, cuts, &options));
    CHECK_FAILS(eegpu_scan(other, cuts, &options, &result), EEGPU_USAGE, "belongs to another scan");
    CHECK(result == NULL);
    CHECK_FAILS(eegpu_scan(state, more, &options, &result), EEGPU_USAGE, "belongs to another scan");
    eegpu_scan_options changed = options;
    changed.renyi[1] = 3;
    CHECK_FAILS(eegpu_scan(state, cuts, &changed, &result), EEGPU_USAGE, "belongs to another scan");
    changed = options;
    changed.method = EEGPU_METHOD_SVD;
    CHECK_FAILS(eegpu_scan(state, cuts, &changed, &result), EEGPU_USAGE, "belongs to another scan");
    CHECK_EQUAL(lines_of(options.journal), 1 + (int)eegpu_cuts_count(cuts)); /* refused ones are left as they are */
    eegpu_result_free(scan(state, cuts, &options));

    options.journal = write_bytes("no-journal", "not a journal\n", 14);
    CHECK_FAILS(eegpu_scan(state, cuts, &options, &result), EEGPU_USAGE, "belongs to another scan");
    options.journal = temporary_path("no-such-folder/journal");
    CHECK_FAILS(eegpu_scan(state, cuts, &options, &result), EEGPU_IO, "no-such-folder/journal");
    options.journal = "/";
    CHECK_FAILS(eegpu_scan(state, cuts, &options, &result), EEGPU_IO, "'/'");
    CHECK(result == NULL);
    eegpu_cuts_free(cuts);
    eegpu_cuts_free(more);
    eegpu_state_close(state);
    eegpu_state_close(other);
}

/* ---- What is refused --------------------------------------------------------------------------------------------- */

static void test_refusals(void)
{
    static const struct {
        const char *device;
        int threads, orders;
        double order;
        eegpu_status status;
        const char *fragment;
    } cases[] = {
        {"cpu", -1, 1, 2, EEGPU_USAGE, "-1 threads"},
        {"cpu", 1, -1, 2, EEGPU_USAGE, "-1 Renyi orders"},
        {"cpu", 1, EEGPU_MAX_RENYI + 1, 2, EEGPU_USAGE, "17 Renyi orders"},
        {"cpu", 1, 1, -0.5, EEGPU_USAGE, "-0.5"},
        {"cpu", 1, 1, -INFINITY, EEGPU_USAGE, "-inf"},
        {"cpu", 1, 1, NAN, EEGPU_USAGE, "nan"},
        {"cuda", 1, 1, 2, EEGPU_NO_DEVICE, "'cuda'"},
        {"cuda:1", 1, 1, 2, EEGPU_NO_DEVICE, "'cuda:1'"},
        {"tpu", 1, 1, 2, EEGPU_USAGE, "'tpu'"},
        {"", 1, 1, 2, EEGPU_USAGE, "none of auto, cpu, cuda"},
    };
    eegpu_state *state = open_source("w", 2, 3);
    eegpu_cuts *cuts = family_cuts(2, 3, "lines"), *other = family_cuts(3, 2, "lines");
    for (size_t i = 0; i < COUNT(cases); i++) {
        eegpu_scan_options options = scan_options(EEGPU_METHOD_AUTO, cases[i].threads);
        eegpu_result *result = NULL;
        options.device = cases[i].device;
        options.renyi_count = cases[i].orders;
        options.renyi[0] = cases[i].order;
        CHECK_FAILS(eegpu_scan(state, cuts, &options, &result), cases[i].status, cases[i].fragment);
        CHECK(result == NULL);
        eegpu_result_free(result);
    }
    eegpu_result *result = NULL;
    CHECK_FAILS(eegpu_scan(state, other, NULL, &result), EEGPU_USAGE, "3x2");
    CHECK(result == NULL);
    CHECK_OK(eegpu_scan(state, cuts, NULL, &result)); /* no options: the defaults */
    if (result != NULL)
        CHECK(eegpu_result_record(result, 0)->spectrum == NULL && eegpu_result_record(result, 0)->spectrum_count == 0);
    eegpu_result_free(result);
    eegpu_result_free(NULL);
    eegpu_cuts_free(cuts);
    eegpu_cuts_free(other);
    eegpu_state_close(state);
}

static bool refuse(void *user, const char *stage, double fraction)
{
    (void)user, (void)stage, (void)fraction;
    return false;
}

static void test_interruption(void)
{
    eegpu_state *state = open_source("random", 3, 4);
    eegpu_cuts *cuts = family_cuts(3, 4, "contiguous");
    for (int threads = 1; threads <= 4; threads++) {
        eegpu_scan_options options = scan_options(EEGPU_METHOD_AUTO, threads);
        eegpu_result *result = NULL;
        options.progress = refuse;
        CHECK_FAILS(eegpu_scan(state, cuts, &options, &result), EEGPU_INTERRUPTED, "stopped on request");
        CHECK(result == NULL);
    }
    eegpu_cuts_free(cuts);
    eegpu_state_close(state);
}

/* A factor does not change S, however large or small: neither squares nor fourth powers of amplitudes may leave the range of
 * numbers. */
static void test_scales(void)
{
    static const double scales[] = {1e-300, 4e-97, 1e-80, 1e-49, 1, 1e49, 1e80, 1e150, 1e300};
    double plain[16], scaled[16];
    eegpu_cuts *cuts = family_cuts(2, 2, "contiguous");
    for (int i = 0; i < 16; i++)
        plain[i] = cos(i * i + 1) * (i % 3 == 0 ? 1e-8 : 1);
    for (eegpu_method method = EEGPU_METHOD_GRAM; method <= EEGPU_METHOD_SVD; method++) {
        eegpu_scan_options options = scan_options(method, 1);
        eegpu_state *state = open_amplitudes(plain, false, 2, 2);
        eegpu_result *expected = scan(state, cuts, &options);
        for (size_t k = 0; k < COUNT(scales); k++) {
            for (int i = 0; i < 16; i++)
                scaled[i] = plain[i] * scales[k];
            eegpu_state *other = open_amplitudes(scaled, false, 2, 2);
            eegpu_result *result = scan(other, cuts, &options);
            for (size_t i = 0; expected != NULL && result != NULL && i < eegpu_cuts_count(cuts); i++)
                CHECK_NEAR(eegpu_result_record(result, i)->s_vn, eegpu_result_record(expected, i)->s_vn,
                           eegpu_result_record(result, i)->error + eegpu_result_record(expected, i)->error);
            eegpu_result_free(result);
            eegpu_state_close(other);
        }
        eegpu_result_free(expected);
        eegpu_state_close(state);
    }
    eegpu_cuts_free(cuts);
}

EG_SUITE("scan", {"scales", test_scales}, {"planted faults are found", test_faults}, {"threads", test_threads},
         {"order of the cuts", test_order_of_cuts}, {"memory: enough and a byte less", test_memory},
         {"memory is given back", test_memory_is_returned}, {"journal: stopped and resumed", test_journal},
         {"journals of other scans", test_other_journals}, {"what is refused", test_refusals},
         {"stopped by the progress", test_interruption})
