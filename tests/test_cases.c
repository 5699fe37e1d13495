/* The case table on the CPU: results beside naive loops over the same input, and compare(), which must notice any planted fault. */
#include "backend/case_table.h"
#include "scanning.h"

typedef struct ground {
    eg_device *device[2];
    eg_case_place place[2];
} ground;

static bool open_ground(ground *g)
{
    *g = (ground){0};
    for (int i = 0; i < 2; i++)
        if (!CHECK_OK(eg_device_open("cpu", &g->device[i])) || !CHECK_OK(eg_case_place_open(g->device[i], 1 + i, &g->place[i])))
            return false;
    return true;
}

static void close_ground(ground *g)
{
    for (int i = 0; i < 2; i++) {
        eg_case_place_close(&g->place[i]);
        eg_device_close(g->device[i]);
    }
}

/* A row at a size, run and collected; NULL after a failed check. */
static eg_instance *run_case(const eg_case *row, int size, eg_case_place *place)
{
    eg_instance *instance = NULL;
    if (CHECK_OK(eg_case_open(row, size, place, &instance)) && CHECK_OK(eg_case_ready(instance)) &&
        CHECK_OK(eg_case_run(instance)) && CHECK_OK(row->collect(instance)))
        return instance;
    eg_case_close(instance);
    return NULL;
}

/* ---- Naive loops: each puts what is expected into `expected` and returns how far the result may be from it ---- */

typedef double (*naive)(const eg_instance *instance, long double *expected);

static int unit_of(const eg_instance *instance) { return instance->row->is_complex ? 2 : 1; }

static uint64_t index_of(const eg_matrix_layout *layout, uint64_t row, uint64_t column)
{
    uint64_t index = 0;
    for (int j = 0; j < layout->row_bits; j++)
        index |= (row >> j & 1) << layout->row_bit[j];
    for (int j = 0; j < layout->column_bits; j++)
        index |= (column >> j & 1) << layout->column_bit[j];
    return index;
}

static double naive_gather(const eg_instance *instance, long double *expected)
{
    const eegpu_state *state = instance->place->loaded;
    uint64_t rows = UINT64_C(1) << instance->layout.row_bits, unit = (uint64_t)unit_of(instance);
    for (uint64_t i = 0; i < instance->result_count / unit; i++) {
        uint64_t index = index_of(&instance->layout, i % rows, instance->first + i / rows);
        for (uint64_t part = 0; part < unit; part++)
            expected[unit * i + part] =
                state->kind == EG_BITS ? eg_bit(state->bits, index) : state->amplitudes[unit * index + part];
    }
    return 0;
}

/* Entry (i, j) of a Hermitian matrix of which the lower triangle is there: real or imaginary part. */
static long double entry(const double *matrix, uint64_t n, uint64_t i, uint64_t j, int unit, int part)
{
    bool is_below = i >= j;
    double x = matrix[(uint64_t)unit * (is_below ? j * n + i : i * n + j) + (uint64_t)part];
    return part == 1 && !is_below ? -x : x;
}

static double naive_gram(const eg_instance *instance, long double *expected)
{
    const double *panel = instance->device[0];
    uint64_t n = (uint64_t)instance->size, columns = n < 256 ? n + 3 : n, unit = (uint64_t)unit_of(instance);
    for (uint64_t j = 0; j < n; j++)
        for (uint64_t i = j; i < n; i++)
            for (uint64_t c = 0; c < columns; c++) {
                const double *x = panel + unit * (c * n + i), *y = panel + unit * (c * n + j);
                long double *to = expected + unit * (j * n + i);
                to[0] += (long double)x[0] * y[0] + (unit == 2 ? (long double)x[1] * y[1] : 0);
                if (unit == 2)
                    to[1] += (long double)x[1] * y[0] - (long double)x[0] * y[1];
            }
    return 1e-13 * (double)n;
}

static double naive_trace(const eg_instance *instance, long double *expected)
{
    uint64_t n = UINT64_C(1) << instance->size, kept = UINT64_C(0x5555555555555555) & (n - 1), left = (n - 1) & ~kept;
    uint64_t child = UINT64_C(1) << eg_popcount(kept);
    int unit = unit_of(instance);
    for (uint64_t j = 0; j < child; j++)
        for (uint64_t i = j; i < child; i++)
            for (uint64_t t = 0; t < n / child; t++)
                for (int part = 0; part < unit; part++)
                    expected[(uint64_t)unit * (j * child + i) + (uint64_t)part] +=
                        entry(instance->device[0], n, eg_deposit(i, kept) | eg_deposit(t, left),
                              eg_deposit(j, kept) | eg_deposit(t, left), unit, part);
    return 1e-14 * (double)n;
}

static double naive_merge(const eg_instance *instance, long double *expected)
{
    uint64_t n = (uint64_t)instance->size, count = n / 2 + 1;
    const uint32_t *row = instance->host[1];
    const double *weight = instance->host[2];
    int unit = unit_of(instance);
    for (uint64_t j = 0; j < count; j++)
        for (uint64_t i = j; i < count; i++)
            for (int part = 0; part < unit; part++)
                expected[(uint64_t)unit * (j * count + i) + (uint64_t)part] =
                    entry(instance->device[0], n, row[i], row[j], unit, part) * sqrtl((long double)weight[i] * weight[j]);
    return 1e-14;
}

/* Sum of diagonal and of squares. */
static void moments(const double *matrix, uint64_t n, int unit, long double *trace, long double *square)
{
    *trace = *square = 0;
    for (uint64_t i = 0; i < n; i++)
        for (uint64_t j = 0; j < n; j++)
            for (int part = 0; part < unit; part++) {
                long double x = entry(matrix, n, i, j, unit, part);
                *trace += i == j && part == 0 ? x : 0;
                *square += x * x;
            }
}

static double naive_invariants(const eg_instance *instance, long double *expected)
{
    moments(instance->device[0], (uint64_t)instance->size, unit_of(instance), &expected[0], &expected[1]);
    return 1e-13 * (double)expected[1];
}

/* No words here: K as numbers. */
static double naive_counts(const eg_instance *instance, long double *expected)
{
    uint64_t n = (uint64_t)instance->size, columns = n < 256 ? 3 * n + 5 : n, words = eg_ceil_div(columns, 64);
    const uint64_t *bits = instance->host[0], *weight = instance->host[1];
    for (uint64_t j = 0; j < n; j++)
        for (uint64_t i = j; i < n; i++)
            for (uint64_t c = 0; c < columns; c++)
                if (eg_bit(bits + i * words, c) && eg_bit(bits + j * words, c))
                    expected[j * n + i] += (long double)(weight != NULL ? weight[c] : 1);
    return 0;
}

typedef struct comparison {
    const char *name;
    naive expect;
} comparison;

static const comparison comparisons[] = {
    {"copy", naive_gather},           {"permute", naive_gather},
    {"permute mixed", naive_gather},  {"permute complex", naive_gather},
    {"permute bits", naive_gather},   {"gather a quarter", naive_gather},
    {"gram real", naive_gram},        {"gram real added", naive_gram},
    {"gram complex", naive_gram},     {"gram complex added", naive_gram},
    {"partial trace", naive_trace},   {"partial trace complex", naive_trace},
    {"merge", naive_merge},           {"merge complex", naive_merge},
    {"invariants", naive_invariants}, {"invariants complex", naive_invariants},
    {"integer gram", naive_counts},   {"integer gram weighted", naive_counts},
};

static void compare_with_naive(const comparison *c, int size, eg_case_place *place)
{
    const eg_case *row = eg_case_named(c->name);
    eg_instance *instance = row != NULL ? run_case(row, size, place) : NULL;
    if (!EXPECT(instance != NULL, "%s: no such row, or it failed", c->name))
        return;
    long double *expected = calloc(instance->result_count, sizeof *expected), worst = 0;
    double most = c->expect(instance, expected);
    for (uint64_t i = 0; i < instance->result_count; i++) {
        long double found = instance->is_words ? (long double)((uint64_t *)instance->result)[i] : ((double *)instance->result)[i];
        worst = fmaxl(worst, fabsl(found - expected[i]));
    }
    EXPECT(worst <= most, "%s, %d %s: off by %Lg, at most %g", c->name, size, row->unit, worst, most);
    free(expected);
    eg_case_close(instance);
}

static void test_naive(void)
{
    ground g;
    if (open_ground(&g))
        for (size_t i = 0; i < COUNT(comparisons); i++)
            for (int k = 0; k < EG_CASE_SMALL_SIZES; k++)
                if (eg_case_named(comparisons[i].name)->small[k] > 0)
                    compare_with_naive(&comparisons[i], eg_case_named(comparisons[i].name)->small[k], &g.place[1]);
    close_ground(&g);
}

/* Sum and sum of squares of values are those of the matrix, whose copy on the host is as it was. */
static void test_solvers(void)
{
    const char *const names[] = {"eigenvalues", "eigenvalues complex", "singular values", "singular values tall",
                                 "singular values complex"};
    ground g;
    if (open_ground(&g))
        for (size_t i = 0; i < COUNT(names); i++) {
            const eg_case *row = eg_case_named(names[i]);
            eg_instance *instance = row != NULL ? run_case(row, 9, &g.place[0]) : NULL;
            if (!EXPECT(instance != NULL, "%s failed", names[i]))
                continue;
            long double trace = 0, square = 0, sum = 0, sum_of_squares = 0;
            const double *matrix = instance->host[0], *values = instance->result;
            bool is_singular = strncmp(names[i], "singular", 8) == 0;
            if (is_singular)
                for (int k = 0; k < unit_of(instance) * 9 * 14; k++)
                    square += (long double)matrix[k] * matrix[k];
            else
                moments(matrix, 9, unit_of(instance), &trace, &square);
            for (int k = 0; k < 9; k++) {
                sum += values[k];
                sum_of_squares += (long double)values[k] * values[k];
                EXPECT(k == 0 || (is_singular ? values[k] <= values[k - 1] : values[k] >= values[k - 1]), "%s: order", names[i]);
            }
            EXPECT(is_singular || fabsl(sum - trace) < 1e-13L, "%s: sum %Lg, trace %Lg", names[i], sum, trace);
            EXPECT(fabsl(sum_of_squares - square) < 1e-12L, "%s: squares %Lg and %Lg", names[i], sum_of_squares, square);
            eg_case_close(instance);
        }
    close_ground(&g);
}

/* ---- Planted faults ---- */

typedef enum fault { NO_FAULT, CHANGED, LAST_BIT, EXCHANGED, MISSING, NOT_A_NUMBER, FAULT_COUNT } fault;

/* A row whose collect() is another's with a fault: the rows are const, so a copy is handed in. */
static fault planted;
static eegpu_status (*collect_rightly)(eg_instance *instance);

static eegpu_status collect_wrongly(eg_instance *instance)
{
    eegpu_status status = collect_rightly(instance);
    uint64_t last = instance->result_count - 1, *words = instance->result;
    double *numbers = instance->result;
    uint64_t kept;
    switch (planted) {
    case CHANGED:
        if (instance->is_words)
            words[last] += 1;
        else
            numbers[last] = numbers[last] * 1.0001 + 1e-9;
        break;
    case LAST_BIT:
        words[last] ^= 1;
        break;
    case EXCHANGED:
        kept = words[last];
        words[last] = words[last / 2];
        words[last / 2] = kept;
        break;
    case MISSING:
        instance->result_count--;
        break;
    case NOT_A_NUMBER:
        numbers[last] = NAN;
        break;
    default:
        break;
    }
    return status;
}

/* Is a fault one that must be seen? Where rounding is allowed, one bit need not; two equal numbers may change places. */
static bool must_be_seen(const eg_instance *instance, fault which, const uint64_t *words)
{
    uint64_t last = instance->result_count - 1;
    if (which == EXCHANGED)
        return words[last] != words[last / 2] && !instance->is_relative;
    return which != NO_FAULT && (which != LAST_BIT || instance->row->bound == NULL);
}

static void check_faults(const eg_case *row, int size, ground *g)
{
    eg_case wrong = *row;
    eg_instance *good = run_case(row, size, &g->place[0]), *bad = run_case(row, size, &g->place[1]);
    if (!EXPECT(good != NULL && bad != NULL, "%s failed", row->name))
        goto done;
    collect_rightly = row->collect;
    wrong.collect = collect_wrongly;
    for (planted = NO_FAULT; planted < FAULT_COUNT; planted++) {
        double difference = NAN, bound = NAN;
        bool is_seen_always = must_be_seen(good, planted, good->result);
        bad->row = &wrong;
        CHECK_OK(eg_case_compare(bad, good, &difference, &bound));
        bad->row = row;
        bool is_seen = !(difference <= bound);
        EXPECT(is_seen || !is_seen_always, "%s, %d %s: fault %d is not noticed: %g, at most %g", row->name, size, row->unit,
               (int)planted, difference, bound);
        EXPECT(planted != NO_FAULT || !is_seen, "%s, %d %s: a fault that is none: %g, at most %g", row->name, size, row->unit,
               difference, bound);
    }
done:
    eg_case_close(good);
    eg_case_close(bad);
}

static void test_faults(void)
{
    ground g;
    const eg_case *row = NULL;
    if (open_ground(&g))
        for (size_t i = 0; (row = eg_case_number(i)) != NULL; i++)
            for (int k = 1; k < EG_CASE_SMALL_SIZES; k++)
                if (row->small[k] > 0)
                    check_faults(row, row->small[k], &g);
    close_ground(&g);
}

/* ---- The table itself ---- */

static void test_table(void)
{
    const eg_case *row = NULL;
    size_t count = 0;
    for (; (row = eg_case_number(count)) != NULL; count++) {
        EXPECT(eg_case_named(row->name) == row, "%s is there twice", row->name);
        EXPECT(row->small[0] > 0 && row->small[1] > 0, "%s has fewer than two small sizes", row->name);
        for (int k = 1; k < EG_CASE_SMALL_SIZES; k++)
            EXPECT(row->small[k] == 0 || row->small[k] > row->small[k - 1], "%s: sizes do not rise", row->name);
        for (int k = 0; k < EG_CASE_LARGE_SIZES && row->large[k] > 0; k++) {
            eg_case_cost cost = row->cost(row, row->large[k]);
            EXPECT((row->rate == EG_RATE_BYTES ? cost.bytes : cost.operations) > 0, "%s costs nothing", row->name);
        }
    }
    CHECK(count > 30 && eg_case_named("nothing") == NULL);
    CHECK(eg_case_named(EG_CASE_OF_COPYING) != NULL && eg_case_named(EG_CASE_OF_MULTIPLYING) != NULL);
}

/* All memory comes back, also where there is too little: the budget counts it. */
static void test_memory(void)
{
    ground g;
    const eg_case *row = NULL;
    if (open_ground(&g)) {
        eg_budget *budget = g.place[1].idle->budget;
        uint64_t before = budget->used;
        for (size_t i = 0; (row = eg_case_number(i)) != NULL; i++) {
            eg_case_close(run_case(row, row->small[1], &g.place[1]));
            CHECK_EQUAL(budget->used, before);
        }
        budget->limit = before + 200;
        for (size_t i = 0; (row = eg_case_number(i)) != NULL; i++) {
            eg_instance *instance = NULL;
            if (row->source != NULL)
                continue;
            int size = strcmp(row->unit, "bits") == 0 ? 5 : 40;
            CHECK_FAILS(eg_case_open(row, size, &g.place[1], &instance), EEGPU_OUT_OF_MEMORY, row->name);
            CHECK(instance == NULL);
            CHECK_EQUAL(budget->used, before);
        }
    }
    close_ground(&g);
}

EG_SUITE("case table", {"rows", test_table}, {"results beside naive loops", test_naive}, {"values beside invariants", test_solvers},
         {"planted faults are noticed", test_faults}, {"memory", test_memory})
