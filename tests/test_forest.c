/* One plan, few matrices: cuts made from other cuts against the same cuts made alone, cuts that are called the same as others,
 * little memory, and faults planted in the operations that only such plans use. */
#include "reductions.h"
#include "scan/scan.h"

/* ---- Alone --------------------------------------------------------------------------------------------------------- */

/* The record of one cut in a scan of its own: no forest, no equivalent cuts. */
static eegpu_result *scan_alone(const eegpu_state *state, uint64_t mask, const eegpu_scan_options *options)
{
    int pixels[64], count = 0;
    eegpu_cuts *cuts = NULL;
    for (int pixel = 0; pixel < state->pixels; pixel++)
        if (mask >> pixel & 1)
            pixels[count++] = pixel;
    CHECK_OK(eegpu_cuts_from_pixels(state->height, state->width, pixels, count, &cuts));
    eegpu_result *result = scan(state, cuts, options);
    eegpu_cuts_free(cuts);
    return result;
}

/* Same numbers within the bounds and within 1e-11; same shapes. Ranks of 0/1 functions are the same, others may be read off
 * differently. */
static void compare_alone(const eegpu_record *record, const eegpu_record *alone, bool has_labels, const char *name)
{
    EXPECT(fabs(record->s_vn - alone->s_vn) <= fmin(record->error + alone->error, 1e-11) && record->error + alone->error < 1e-9,
           "%s, cut %zu: %.17g +- %g among others, %.17g +- %g alone", name, record->cut, record->s_vn, record->error, alone->s_vn,
           alone->error);
    for (int i = 1; i < 3; i++)
        EXPECT(fabs(record->renyi[i] - alone->renyi[i]) <= fmin(record->renyi_error[i] + alone->renyi_error[i], 1e-11),
               "%s, cut %zu: Renyi %.17g among others, %.17g alone", name, record->cut, record->renyi[i], alone->renyi[i]);
    EXPECT(record->n_a == alone->n_a && record->n_b == alone->n_b && record->boundary == alone->boundary &&
               record->bonds == alone->bonds,
           "%s, cut %zu: another region", name, record->cut);
    bool is_either = !has_labels && record->same_as >= 0 && record->n_a == record->n_b; /* of two equal sides A is merged alone */
    EXPECT(record->rows == alone->rows && record->cols == alone->cols, "%s, cut %zu: %g x %g, alone %g x %g", name, record->cut,
           record->rows, record->cols, alone->rows, alone->cols);
    EXPECT(is_either || (record->reduced_rows == alone->reduced_rows && record->reduced_cols == alone->reduced_cols &&
                         record->blocks == alone->blocks),
           "%s, cut %zu, %d | %d, same as %lld: %g x %g reduced to %llu x %llu in %llu, alone %g x %g to %llu x %llu in %llu", name,
           record->cut, record->n_a, record->n_b, (long long)record->same_as, record->rows, record->cols,
           (unsigned long long)record->reduced_rows, (unsigned long long)record->reduced_cols, (unsigned long long)record->blocks,
           alone->rows, alone->cols, (unsigned long long)alone->reduced_rows, (unsigned long long)alone->reduced_cols,
           (unsigned long long)alone->blocks);
    EXPECT(!has_labels || (record->rank == alone->rank && record->rank_exact && record->purity == alone->purity),
           "%s, cut %zu: rank %llu, purity %.17g; alone %llu, %.17g", name, record->cut, (unsigned long long)record->rank,
           record->purity, (unsigned long long)alone->rank, alone->purity);
}

/* Every `step`-th cut again alone. */
static void compare_all_alone(const eegpu_state *state, const eegpu_cuts *cuts, const eegpu_result *result,
                              const eegpu_scan_options *options, size_t step, const char *name)
{
    for (size_t i = 0; result != NULL && i < eegpu_cuts_count(cuts); i += step) {
        eegpu_result *alone = scan_alone(state, *eg_cut_mask(cuts, i), options);
        if (alone != NULL)
            compare_alone(eegpu_result_record(result, i), eegpu_result_record(alone, 0), state->kind == EG_BITS, name);
        eegpu_result_free(alone);
    }
}

/* ---- The forest ---------------------------------------------------------------------------------------------------- */

/* Parents come earlier and hold their children; returns how many tasks have one. */
static size_t check_plan(const eegpu_state *state, const eegpu_cuts *cuts, const eegpu_scan_options *options)
{
    eg_plan plan = {0};
    size_t derived = 0;
    CHECK_OK(eg_scan_plan(state, cuts, options, &plan));
    for (size_t i = 0; i < plan.count; i++) {
        const eg_task *task = &plan.tasks[i];
        if (task->parent < 0)
            continue;
        const eg_task *parent = &plan.tasks[task->parent];
        derived++;
        EXPECT((size_t)task->parent < i && i < (size_t)task->parent + parent->subtree && (task->region & ~parent->region) == 0 &&
                   task->region != parent->region,
               "task %zu is made from task %lld", i, (long long)task->parent);
    }
    EXPECT(derived + plan.tree_count == plan.count, "%zu derived and %zu roots of %zu", derived, plan.tree_count, plan.count);
    eg_plan_free(&plan);
    return derived;
}

typedef struct forest_case {
    const char *source;
    int height, width;
    const char *family;
    int max_size;
    size_t step, derived; /* every how many cuts are compared; least number of cuts that are made from others */
} forest_case;

static const forest_case forest_cases[] = {
    {"random", 3, 4, "all", 4, 1, 298},        {"random:kind=complex", 3, 4, "all", 4, 1, 298},
    {"random", 3, 4, "all", 0, 7, 1500},       {"random:kind=complex", 3, 4, "all", 0, 11, 1500},
    {"random", 1, 13, "prefix", 0, 1, 10},     {"random:kind=complex", 1, 12, "prefix", 0, 1, 9},
    {"random", 4, 4, "contiguous", 0, 3, 40},  {"randomset", 3, 4, "all", 0, 7, 1500},
    {"primes", 1, 14, "prefix", 0, 1, 11},     {"hardsquare", 4, 4, "contiguous", 0, 1, 10},
    {"multiple:q=7", 2, 6, "all", 0, 7, 100},  {"loops", 4, 4, "connected", 0, 17, 60},
    {"product", 3, 3, "all", 0, 1, 100},       {"graph", 3, 4, "all", 0, 7, 300},
    {"ising:beta=0.4", 3, 4, "all", 4, 1, 80},
};

static void test_forest(void)
{
    for (size_t k = 0; k < COUNT(forest_cases); k++) {
        const forest_case *row = &forest_cases[k];
        eegpu_state *state = open_source(row->source, row->height, row->width);
        eegpu_cuts *cuts = NULL;
        CHECK_OK(eegpu_cuts_create(row->height, row->width, row->family, row->max_size, &cuts));
        for (int threads = 1; state != NULL && cuts != NULL && threads <= 2; threads++) {
            eegpu_scan_options options = scan_options(EEGPU_METHOD_GRAM, threads);
            size_t derived = check_plan(state, cuts, &options);
            EXPECT(derived >= row->derived, "%s: only %zu cuts are made from others", row->source, derived);
            eegpu_result *result = scan(state, cuts, &options);
            size_t step = threads == 1 ? row->step : 4 * row->step + 1;
            compare_all_alone(state, cuts, result, &options, IS_SANITIZED ? 3 * step + 1 : step, row->source);
            eegpu_result_free(result);
        }
        eegpu_cuts_free(cuts);
        eegpu_state_close(state);
    }
}

/* Lists with gaps: regions inside others by several pixels, complements, repeated ones. */
static void test_scattered_lists(void)
{
    static const char *const sources[] = {"random", "random:kind=complex", "primes", "randomset", "connected", "parity:kind=sign"};
    uint64_t seed = 8;
    for (int trial = 0; trial < (IS_SANITIZED ? 2 : 8); trial++)
        for (size_t k = 0; k < COUNT(sources); k++) {
            uint64_t masks[24], mask = 0;
            for (size_t i = 0; i < COUNT(masks); i++) {
                mask &= random_word(&seed) | random_word(&seed); /* shrinks by a quarter, then starts again */
                if (mask == 0)
                    mask = random_mask(12, &seed);
                masks[i] = random_word(&seed) % 4 == 0 ? ~mask & eg_low_mask(12) : mask;
            }
            masks[23] = masks[4];
            masks[22] = ~masks[7] & eg_low_mask(12);
            eegpu_state *state = open_source(sources[k], 3, 4);
            eegpu_cuts *cuts = mask_cuts(3, 4, masks, COUNT(masks));
            eegpu_scan_options options = scan_options(EEGPU_METHOD_GRAM, 1 + trial % 2);
            CHECK(check_plan(state, cuts, &options) >= 1);
            eegpu_result *result = scan(state, cuts, &options);
            compare_all_alone(state, cuts, result, &options, 1, sources[k]);
            eegpu_result_free(result);
            eegpu_cuts_free(cuts);
            eegpu_state_close(state);
        }
}

/* Trees that all threads work on, one after another. */
static void test_wide_trees(void)
{
    static const char *const sources[] = {"random", "random:kind=complex"};
    for (size_t k = 0; k < COUNT(sources) && !IS_SANITIZED; k++) {
        eegpu_state *state = open_source(sources[k], 3, 6);
        eegpu_cuts *cuts = family_cuts(3, 6, "prefix");
        eegpu_result *first = NULL;
        for (int threads = 1; threads <= 4; threads *= 2) {
            eegpu_scan_options options = scan_options(EEGPU_METHOD_GRAM, threads);
            eg_plan plan = {0};
            CHECK_OK(eg_scan_plan(state, cuts, &options, &plan));
            EXPECT(threads == 1 || plan.wide_count > 0, "%d threads: no tree is wide", threads);
            eg_plan_free(&plan);
            eegpu_result *result = scan(state, cuts, &options);
            if (threads == 2)
                compare_all_alone(state, cuts, result, &options, 1, sources[k]);
            if (first != NULL)
                same_within_bounds(first, result, sources[k]);
            if (first == NULL)
                first = result;
            else
                eegpu_result_free(result);
        }
        eegpu_result_free(first);
        eegpu_cuts_free(cuts);
        eegpu_state_close(state);
    }
}

/* ---- Equivalent cuts ----------------------------------------------------------------------------------------------- */

/* Bits of all that does not depend on the region's place. */
static bool same_numbers(const eegpu_record *left, const eegpu_record *right)
{
    return SAME_MEMBERS(left, right, s_vn, rank_exact) && left->rank_exact == right->rank_exact &&
           SAME_MEMBERS(left, right, rank_tolerance, rows) && left->blocks == right->blocks &&
           strcmp(left->method, right->method) == 0 && left->spectrum_count == right->spectrum_count &&
           memcmp(left->spectrum, right->spectrum, left->spectrum_count * sizeof(double)) == 0;
}

static size_t check_same_as(const eegpu_result *result, const char *name)
{
    size_t flagged = 0;
    for (size_t i = 0; i < eegpu_result_count(result); i++) {
        const eegpu_record *record = eegpu_result_record(result, i);
        EXPECT(record->cut == i && record->same_as >= -1 && record->same_as < (int64_t)i, "%s, cut %zu: same as %lld", name, i,
               (long long)record->same_as);
        if (record->same_as < 0)
            continue;
        const eegpu_record *first = eegpu_result_record(result, (size_t)record->same_as);
        flagged++;
        EXPECT(first->same_as == -1 && same_numbers(record, first) && record->seconds == 0,
               "%s, cut %zu: not the numbers of cut %lld", name, i, (long long)record->same_as);
        EXPECT((record->n_a == first->n_a && record->n_b == first->n_b) || (record->n_a == first->n_b && record->n_b == first->n_a),
               "%s, cut %zu: %d | %d is the same as %d | %d", name, i, record->n_a, record->n_b, first->n_a, first->n_b);
    }
    return flagged;
}

/* Regions, their complements, their mirror images, in a random order. */
static eegpu_cuts *related_cuts(int height, int width, int count, uint64_t seed)
{
    eegpu_cuts *cuts = family_cuts(height, width, "contiguous");
    uint64_t full = eg_low_mask(height * width), last = 0;
    for (int k = 0; k < count; k++) {
        uint64_t mask = random_mask(height * width, &seed), mirror = 0;
        for (int i = 0; i < height * width; i++)
            mirror |= (mask >> i & 1) << (i / width * width + width - 1 - i % width);
        add_mask(cuts, k % 3 == 0 ? mirror : mask);
        if (k % 2 == 0)
            add_mask(cuts, last == 0 ? ~mask & full : ~last & full);
        if (k % 5 < 2)
            add_mask(cuts, k % 3 == 0 ? mask : ~mirror & full);
        last = mask;
    }
    return cuts;
}

static void test_equivalent_cuts(void)
{
    static const int lattices[][2] = {{3, 4}, {3, 3}, {1, 8}, {4, 4}};
    for (size_t k = 0; k < COUNT(builtins); k++)
        for (size_t l = 0; l < COUNT(lattices) - (k % 5 != 0 || IS_SANITIZED); l++) {
            int height = lattices[l][0], width = lattices[l][1];
            if (!is_defined(&builtins[k], height * width))
                continue;
            eegpu_state *state = open_source(builtins[k].text, height, width);
            eegpu_cuts *cuts = related_cuts(height, width, 30, k + l);
            eegpu_scan_options options = scan_options(EEGPU_METHOD_GRAM, 2);
            eegpu_result *result = scan(state, cuts, &options);
            if (result != NULL)
                EXPECT(check_same_as(result, builtins[k].text) > 5, "%s: too few cuts are called the same", builtins[k].text);
            compare_all_alone(state, cuts, result, &options, IS_SANITIZED ? 7 : 1, builtins[k].text);
            eegpu_result_free(result);
            eegpu_cuts_free(cuts);
            eegpu_state_close(state);
        }
}

/* ---- Little memory ------------------------------------------------------------------------------------------------- */

/* 2^24 bits are 2 MiB. With a few times that all contiguous cuts go through, with the same numbers; with less, a clear refusal. */
static void test_little_memory(void)
{
    eegpu_cuts *cuts = family_cuts(4, 6, "contiguous");
    eegpu_scan_options options = scan_options(EEGPU_METHOD_GRAM, 2);
    eegpu_result *ample = NULL;
    uint64_t limits[] = {0, UINT64_C(96) << 20, UINT64_C(3) << 20, (UINT64_C(2) << 20) + 4096};
    for (size_t k = 0; k < COUNT(limits) && !IS_SANITIZED; k++) {
        eegpu_open_options open = lattice_options(4, 6);
        eegpu_state *state = NULL;
        eegpu_result *result = NULL;
        open.memory = limits[k];
        if (!CHECK_OK(eegpu_state_open("connected", &open, &state)))
            break;
        uint64_t held = state->budget->used;
        eegpu_status status = eegpu_scan(state, cuts, &options, &result);
        if (k >= 2)
            CHECK_FAILS(status, EEGPU_OUT_OF_MEMORY, "memory limit");
        else
            CHECK_OK(status);
        EXPECT(state->budget->used == held && (k == 0 || state->budget->peak <= limits[k]), "limit %llu: %llu at the peak",
               (unsigned long long)limits[k], (unsigned long long)state->budget->peak);
        if (k == 0) {
            ample = result;
        } else {
            if (k == 1)
                CHECK(same_results(ample, result));
            eegpu_result_free(result);
        }
        eegpu_state_close(state);
    }
    eegpu_result_free(ample);
    eegpu_cuts_free(cuts);
}

/* ---- Planted faults ------------------------------------------------------------------------------------------------ */

typedef enum fault { NO_FAULT, TRACE_FIRST, TRACE_LAST, COUNT_FIRST, COUNT_LAST, COUNT_BELOW, FAULTS } fault;
static fault planted;

static eegpu_status partial_trace(eg_lane *lane, bool is_complex, int parent_bits, uint64_t kept_bits, const double *parent,
                                  double *child)
{
    uint64_t n = UINT64_C(1) << eg_popcount(kept_bits), unit = is_complex ? 2 : 1;
    eegpu_status status = eg_backend_cpu.partial_trace(lane, is_complex, parent_bits, kept_bits, parent, child);
    if (planted == TRACE_FIRST)
        child[0] *= 1 + 1e-8;
    if (planted == TRACE_LAST)
        child[unit * (n * n - 1)] += 1e-3;
    return status;
}

static eegpu_status gram_bits(eg_lane *lane, uint64_t rows, uint64_t columns, const uint64_t *bits, const uint64_t *weight,
                              uint64_t *counts)
{
    eegpu_status status = eg_backend_cpu.gram_bits(lane, rows, columns, bits, weight, counts);
    if (planted == COUNT_FIRST)
        counts[0]++;
    if (planted == COUNT_LAST)
        counts[rows * rows - 1]--;
    if (planted == COUNT_BELOW)
        counts[rows - 1]++; /* last row, first column */
    return status;
}

static void check_faults(const char *source, bool has_labels)
{
    eegpu_state *state = open_source(source, 3, 3);
    eegpu_cuts *cuts = family_cuts(3, 3, "prefix");
    for (planted = NO_FAULT; planted < FAULTS; planted++)
        for (int threads = 1; threads <= 2; threads++) {
            eg_backend backend = eg_backend_cpu;
            eegpu_scan_options options = scan_options(EEGPU_METHOD_GRAM, threads);
            eegpu_result *result = NULL;
            backend.partial_trace = partial_trace;
            backend.gram_bits = gram_bits;
            bool is_met = planted != NO_FAULT && (planted >= COUNT_FIRST) == has_labels;
            eegpu_status status = scan_with(&backend, state, cuts, &options, &result);
            EXPECT(status == (is_met ? EEGPU_NUMERICS : EEGPU_OK), "%s, fault %d: status %d (%s)", source, (int)planted,
                   (int)status, status == EEGPU_OK ? "" : eegpu_error_message());
            if (is_met && status != EEGPU_OK)
                CHECK_FAILS(status, EEGPU_NUMERICS, "pixels): a spectrum failed its check");
            eegpu_result_free(result);
        }
    planted = NO_FAULT;
    eegpu_cuts_free(cuts);
    eegpu_state_close(state);
}

static void test_faults(void)
{
    check_faults("random", false);
    check_faults("random:kind=complex", false);
    check_faults("randomset", true);
    check_faults("connected", true);
}

EG_SUITE("one plan, few matrices", {"forests", test_forest}, {"scattered lists", test_scattered_lists},
         {"wide trees", test_wide_trees}, {"equivalent cuts", test_equivalent_cuts}, {"little memory", test_little_memory},
         {"planted faults", test_faults})
