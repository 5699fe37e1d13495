/* eg_verify() on the CPU and on devices that are the CPU with planted faults: what agrees, what differs, what fails, what is not
 * taken. */
#include "scan/verify.h"
#include "scanning.h"

typedef enum fault { NO_FAULT, WRONG_TRACE, NO_CONVERGENCE, WRONG_MERGE, WRONG_VALUES } fault;

static eegpu_status partial_trace(eg_lane *lane, bool is_complex, int parent_bits, uint64_t kept, const double *parent,
                                  double *child)
{
    eegpu_status status = eg_backend_cpu.partial_trace(lane, is_complex, parent_bits, kept, parent, child);
    child[is_complex ? 2 : 1] += 1e-3; /* beside the diagonal: neither trace nor purity shows it */
    return status;
}

static eegpu_status merge(eg_lane *lane, bool is_complex, uint64_t n, const double *matrix, uint64_t count, const uint32_t *row,
                          const double *weight, double *merged)
{
    eegpu_status status = eg_backend_cpu.merge(lane, is_complex, n, matrix, count, row, weight, merged);
    merged[0] *= 1 + 0x1p-52;
    return status;
}

static eegpu_status eigenvalues(eg_lane *lane, const eg_eigen_problem *problems, size_t count, size_t *failed)
{
    (void)lane, (void)problems, (void)count;
    *failed = 0;
    return eg_fail(EEGPU_NUMERICS, "it did not converge");
}

static eegpu_status double_values(eg_lane *lane, const eg_eigen_problem *problems, size_t count, size_t *failed)
{
    eegpu_status status = eg_backend_cpu.eigenvalues(lane, problems, count, failed);
    for (size_t i = 0; i < count; i++)
        for (int k = 0; k < problems[i].n; k++)
            problems[i].values[k] *= 2; /* the trace shows it */
    return status;
}

static eg_backend backend_with(fault which)
{
    eg_backend backend = eg_backend_cpu;
    if (which == WRONG_TRACE)
        backend.partial_trace = partial_trace;
    if (which == WRONG_MERGE)
        backend.merge = merge;
    if (which == NO_CONVERGENCE)
        backend.eigenvalues = eigenvalues;
    if (which == WRONG_VALUES)
        backend.eigenvalues = double_values;
    return backend;
}

/* The CPU beside one with a fault. */
static void verify_beside(fault which, const char *source, const char *family, eg_verification *verification)
{
    eegpu_state *state = open_source(source, 2, 4);
    eegpu_cuts *cuts = family_cuts(2, 4, family);
    eegpu_scan_options options = scan_options(EEGPU_METHOD_AUTO, 2);
    eg_device *devices[2] = {0};
    eg_backend backend = backend_with(which);
    for (int i = 0; i < 2; i++)
        CHECK_OK(eg_device_open("cpu", &devices[i]));
    devices[1]->backend = &backend;
    snprintf(devices[1]->name, sizeof devices[1]->name, "faulty");
    CHECK_OK(eg_verify(state, cuts, &options, devices, 2, verification));
    for (int i = 0; i < 2; i++)
        eg_device_close(devices[i]);
    eegpu_cuts_free(cuts);
    eegpu_state_close(state);
}

static void test_agreement(void)
{
    const char *const sources[] = {"random", "random:kind=complex", "connected", "majority", "w", "product"};
    for (size_t i = 0; i < COUNT(sources); i++) {
        eg_verification v;
        verify_beside(NO_FAULT, sources[i], "contiguous", &v);
        EXPECT(v.disagreements == 0 && v.column_count == 6 && v.cut_count > 10 && v.operation_count > 100, "%s: %zu differ: %s",
               sources[i], v.disagreements, v.message);
        CHECK(v.agreeing == v.cut_count && v.not_compared == 0 && *v.message == '\0' && !eg_verify_is_empty(&v));
        for (size_t k = 0; k < v.cut_count; k++)
            EXPECT(v.outcomes[k].agrees && v.outcomes[k].taken == 6 && *v.outcomes[k].quantity != '\0', "%s: cut %zu: %s",
                   sources[i], k, v.outcomes[k].quantity);
        for (size_t k = 0; k < v.cut_count * v.column_count; k++)
            EXPECT(v.entries[k].reason == NULL && v.entries[k].record.method != NULL, "%s: not taken: %s", sources[i],
                   v.entries[k].reason != NULL ? v.entries[k].reason : "");
        eg_verification_free(&v);
    }
}

/* Prefixes are made from one another by partial traces: all but the root are wrong, on the route with reductions alone. */
static void test_wrong_scan(void)
{
    eg_verification v;
    size_t operations = 0, cuts = 0;
    verify_beside(WRONG_TRACE, "random", "prefix", &v);
    for (size_t i = 0; i < v.operation_count; i++)
        operations += !v.operations[i].agrees;
    for (size_t k = 0; k < v.cut_count; k++) {
        const eg_verify_outcome *o = &v.outcomes[k];
        cuts += !o->agrees;
        EXPECT(o->agrees || (!o->failed && (o->left == 3 || o->right == 3) && eg_verify_difference(o) > eg_verify_bound(o)),
               "cut %zu: columns %zu and %zu", k, o->left, o->right);
    }
    CHECK(operations >= 6);
    EXPECT(cuts >= 4 && cuts < v.cut_count, "%zu of %zu cuts differ", cuts, v.cut_count);
    CHECK_EQUAL(v.disagreements, operations + cuts);
    EXPECT(strstr(v.message, "partial trace") != NULL && strstr(v.message, "faulty") != NULL, "message: %s", v.message);
    eg_verification_free(&v);
}

/* One unit in the last place, where bits are compared. */
static void test_wrong_bits(void)
{
    eg_verification v;
    verify_beside(WRONG_MERGE, "random", "lines", &v);
    for (size_t i = 0; i < v.operation_count; i++) {
        const eg_verify_operation *one = &v.operations[i];
        bool is_merge = one->device == 1 && strncmp(one->row->name, "merge", 5) == 0;
        EXPECT(one->agrees == !is_merge, "%s, %d %s: off by %g", one->row->name, one->size, one->row->unit, one->difference);
    }
    eg_verification_free(&v);
}

static void test_failures(void)
{
    eg_verification v;
    verify_beside(NO_CONVERGENCE, "random", "prefix", &v);
    for (size_t k = 0; k < v.cut_count; k++) {
        CHECK(!v.outcomes[k].agrees && v.outcomes[k].failed);
        for (size_t c = 0; c < 6; c++) {
            const eg_verify_entry *entry = &v.entries[6 * k + c];
            bool must_fail = c == 3 || c == 4; /* by Gram matrices, on the second device */
            EXPECT(entry->failed == must_fail && (entry->reason != NULL) == must_fail, "cut %zu, column %zu: %s", k, c,
                   entry->reason);
            EXPECT(!must_fail || strstr(entry->reason, "converge") != NULL, "cut %zu, column %zu: the reason", k, c);
        }
    }
    EXPECT(strstr(v.message, "converge") != NULL, "message: %s", v.message);
    eg_verification_free(&v);
}

/* What a device that is not the CPU gets wrong is not blamed on the BLAS, and --method is no option of verify. */
static void test_advice(void)
{
    eg_verification v;
    size_t failures = 0;
    verify_beside(WRONG_VALUES, "random", "prefix", &v);
    for (size_t i = 0; i < v.cut_count * v.column_count; i++) {
        const char *reason = v.entries[i].reason;
        failures += reason != NULL;
        EXPECT(reason == NULL || (v.entries[i].failed && strstr(reason, "memory of faulty") != NULL &&
                                  strstr(reason, "BLAS") == NULL && strstr(reason, "--method") == NULL),
               "reason: %s", reason);
    }
    CHECK(failures > 0);
    CHECK(v.not_compared == 0 && !eg_verify_is_empty(&v));
    eg_verification_free(&v);
}

static void test_sizes(void)
{
    char text[EG_VERIFY_TEXT_SIZE];
    eg_verify_operation one = {.row = &(eg_case){.unit = "rows"}, .size = 1};
    CHECK(strcmp(eg_verify_size_text(&one, text), "1 row") == 0);
    one.size = 11;
    CHECK(strcmp(eg_verify_size_text(&one, text), "11 rows") == 0);
}

/* The prefixes of 4x4 on the CPU alone with so much memory. */
static void verify_within(uint64_t memory, eg_verification *v)
{
    eegpu_open_options options = lattice_options(4, 4);
    eegpu_state *state = NULL;
    eegpu_cuts *cuts = family_cuts(4, 4, "prefix");
    eegpu_scan_options scanning = scan_options(EEGPU_METHOD_AUTO, 1);
    eg_device *device = NULL;
    options.memory = memory;
    CHECK_OK(eegpu_state_open("random", &options, &state));
    CHECK_OK(eg_device_open("cpu", &device));
    CHECK_OK(eg_verify(state, cuts, &scanning, &device, 1, v));
    eg_device_close(device);
    eegpu_cuts_free(cuts);
    eegpu_state_close(state);
}

/* Too little memory: named with the reason, and no disagreement. */
static void test_not_taken(void)
{
    eg_verification v;
    size_t left_out = 0;
    verify_within(3 << 20, &v);
    for (size_t k = 0; k < v.cut_count * v.column_count; k++) {
        left_out += v.entries[k].reason != NULL;
        EXPECT(v.entries[k].reason == NULL ||
                   (!v.entries[k].failed && v.entries[k].no_memory && strstr(v.entries[k].reason, "memory limit") != NULL),
               "cut %zu, column %zu: the reason", k / v.column_count, k % v.column_count);
    }
    EXPECT(left_out > 0 && left_out < v.cut_count * v.column_count && v.disagreements == 0, "%zu not taken, %zu differ", left_out,
           v.disagreements);
    CHECK(v.agreeing > 0 && v.not_compared > 0 && v.agreeing + v.not_compared == v.cut_count && !eg_verify_is_empty(&v));
    for (size_t k = 0; k < v.cut_count; k++)
        CHECK(v.outcomes[k].agrees == (v.outcomes[k].taken >= 2));
    eg_verification_free(&v);
}

/* Nothing compared is no agreement. */
static void test_nothing_compared(void)
{
    eg_verification v;
    verify_within(1 << 20, &v);
    CHECK(eg_verify_is_empty(&v) && v.not_compared == v.cut_count && v.agreeing == 0 && v.disagreements == 0);
    for (size_t k = 0; k < v.cut_count; k++)
        CHECK(!v.outcomes[k].agrees && v.outcomes[k].taken == 0);
    EXPECT(strstr(v.message, "no cut could be compared") != NULL && strstr(v.message, "memory limit") != NULL, "message: %s",
           v.message);
    eg_verification_free(&v);
}

static bool stop(void *user, const char *stage, double fraction)
{
    (void)user, (void)stage, (void)fraction;
    return false;
}

static void test_interruption(void)
{
    eegpu_state *state = open_source("random", 2, 4);
    eegpu_cuts *cuts = family_cuts(2, 4, "prefix");
    eegpu_scan_options options = scan_options(EEGPU_METHOD_AUTO, 1);
    eg_device *device = NULL;
    eg_verification v;
    options.progress = stop;
    CHECK_OK(eg_device_open("cpu", &device));
    CHECK_FAILS(eg_verify(state, cuts, &options, &device, 1, &v), EEGPU_INTERRUPTED, "stopped");
    eg_verification_free(&v);
    eg_device_close(device);
    eegpu_cuts_free(cuts);
    eegpu_state_close(state);
}

EG_SUITE("verification", {"all agree", test_agreement}, {"a wrong operation and what follows", test_wrong_scan},
         {"one wrong bit", test_wrong_bits}, {"a solver that fails", test_failures}, {"too little memory", test_not_taken},
         {"nothing compared", test_nothing_compared}, {"advice", test_advice}, {"sizes in words", test_sizes},
         {"interruption", test_interruption})
