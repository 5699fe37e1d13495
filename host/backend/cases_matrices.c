/* Cases of what is done with Gram matrices and of the solvers. Every matrix is made of numbers in [-1, 1), its diagonal positive
 * where it stands for a Hermitian one. See cases.h. */
#include <math.h>

#include "backend/case_table.h"
#include "base/bits.h"

static const double unit_roundoff = 0x1p-53;

static uint64_t unit_of(const eg_case *row) { return row->is_complex ? 2 : 1; }

static double scale_of(const eg_case *row) { return row->is_complex ? 4 : 1; }

/* A real diagonal, above 0. */
static void mend_diagonal(double *matrix, uint64_t n, bool is_complex)
{
    uint64_t unit = is_complex ? 2 : 1;
    for (uint64_t i = 0; i < n; i++) {
        double *entry = matrix + unit * i * (n + 1);
        entry[0] = fabs(entry[0]) + 0x1p-10;
        if (is_complex)
            entry[1] = 0;
    }
}

/* device[0] = a Hermitian n x n matrix. */
static eegpu_status put_hermitian(eg_instance *instance, uint64_t n)
{
    uint64_t count = unit_of(instance->row) * n * n;
    eegpu_status status = eg_case_numbers(instance, 0, count, count);
    if (status != EEGPU_OK)
        return status;
    mend_diagonal(instance->host[0], n, instance->row->is_complex);
    return eg_case_move(instance, 0, count);
}

/* ---- gram: ADDED in two calls, the second with keep = 1 ---- */

enum { AT_ONCE, ADDED };

static uint64_t columns_of(int size) { return size < 256 ? (uint64_t)size + 3 : (uint64_t)size; }

static eegpu_status prepare_gram(eg_instance *instance)
{
    uint64_t n = (uint64_t)instance->size, count = unit_of(instance->row) * n * columns_of(instance->size);
    eegpu_status status = EEGPU_OK;
    EG_TRY(eg_case_numbers(instance, 0, count, count));
    EG_TRY(eg_case_move(instance, 0, count));
    EG_TRY(eg_case_room(instance, 1, unit_of(instance->row) * n * n));
done:
    return status;
}

static eegpu_status run_gram(eg_instance *instance)
{
    const eg_case *row = instance->row;
    int n = instance->size, columns = (int)columns_of(n), half = row->variant == ADDED ? columns / 2 : columns;
    const double *panel = instance->device[0];
    eegpu_status status = EEGPU_OK;
    EG_TRY(instance->backend->gram(instance->lane, row->is_complex, n, half, panel, 0, instance->device[1]));
    if (half < columns)
        EG_TRY(instance->backend->gram(instance->lane, row->is_complex, n, columns - half,
                                       panel + unit_of(row) * (uint64_t)n * (uint64_t)half, 1, instance->device[1]));
done:
    return status;
}

static eegpu_status collect_gram(eg_instance *instance)
{
    return eg_case_collect_triangle(instance, 1, instance->row->is_complex, (uint64_t)instance->size);
}

/* Both are off by gamma |M||M^H|, whose entries the largest of the diagonal bounds. */
static double bound_of_gram(const eg_instance *on_cpu)
{
    uint64_t n = (uint64_t)on_cpu->size;
    const double *result = on_cpu->result;
    double largest = 0;
    for (uint64_t i = 0; i < n; i++)
        largest = fmax(largest, result[unit_of(on_cpu->row) * i * (n + 1)]);
    return 2.01 * eg_case_gamma((double)(columns_of(on_cpu->size) + 2) * (on_cpu->row->is_complex ? 3 : 1)) * largest;
}

static eg_case_cost cost_of_gram(const eg_case *row, int size)
{
    double n = size, k = (double)columns_of(size);
    return (eg_case_cost){.bytes = 8 * (double)unit_of(row) * (n * k + n * n / 2), .operations = scale_of(row) * n * (n + 1) * k};
}

/* ---- partial trace: the size is the parent's bits; every second one stays ---- */

static uint64_t kept_of(int bits) { return UINT64_C(0x5555555555555555) & eg_low_mask(bits); }

static uint64_t child_of(int bits) { return UINT64_C(1) << eg_popcount(kept_of(bits)); }

static eegpu_status prepare_trace(eg_instance *instance)
{
    uint64_t child = child_of(instance->size);
    eegpu_status status = EEGPU_OK;
    EG_TRY(put_hermitian(instance, UINT64_C(1) << instance->size));
    EG_TRY(eg_case_room(instance, 1, unit_of(instance->row) * child * child));
done:
    return status;
}

static eegpu_status run_trace(eg_instance *instance)
{
    return instance->backend->partial_trace(instance->lane, instance->row->is_complex, instance->size, kept_of(instance->size),
                                            instance->device[0], instance->device[1]);
}

static eegpu_status collect_trace(eg_instance *instance)
{
    return eg_case_collect_triangle(instance, 1, instance->row->is_complex, child_of(instance->size));
}

static eg_case_cost cost_of_trace(const eg_case *row, int size)
{
    double child = (double)child_of(size), terms = (double)(UINT64_C(1) << size) / child, entries = child * (child + 1) / 2;
    return (eg_case_cost){.bytes = 8 * (double)unit_of(row) * entries * (terms + 1),
                          .operations = (double)unit_of(row) * entries * terms};
}

/* ---- merge: half of the rows and one more, out of order, host[1] their numbers and host[2] their weights ---- */

static uint64_t merged_rows(int size) { return (uint64_t)size / 2 + 1; }

static eegpu_status prepare_merge(eg_instance *instance)
{
    uint64_t n = (uint64_t)instance->size, count = merged_rows(instance->size);
    eegpu_status status = EEGPU_OK;
    EG_TRY(put_hermitian(instance, n));
    EG_TRY(eg_case_words(instance, 1, count));
    EG_TRY(eg_case_numbers(instance, 2, count, count));
    EG_TRY(eg_case_room(instance, 1, unit_of(instance->row) * count * count));
    uint32_t *row = instance->host[1];
    double *weight = instance->host[2];
    for (uint64_t i = 0; i < count; i++) {
        row[i] = (uint32_t)(i % 2 == 0 ? n - 1 - i / 2 : i / 2);
        weight[i] = 2 + weight[i];
    }
done:
    return status;
}

static eegpu_status run_merge(eg_instance *instance)
{
    return instance->backend->merge(instance->lane, instance->row->is_complex, (uint64_t)instance->size, instance->device[0],
                                    merged_rows(instance->size), instance->host[1], instance->host[2], instance->device[1]);
}

static eegpu_status collect_merge(eg_instance *instance)
{
    return eg_case_collect_triangle(instance, 1, instance->row->is_complex, merged_rows(instance->size));
}

static eg_case_cost cost_of_merge(const eg_case *row, int size)
{
    double count = (double)merged_rows(size);
    return (eg_case_cost){.bytes = 8 * (double)unit_of(row) * count * (count + 1)};
}

/* ---- invariants ---- */

static eegpu_status prepare_invariants(eg_instance *instance) { return put_hermitian(instance, (uint64_t)instance->size); }

static eegpu_status run_invariants(eg_instance *instance)
{
    return instance->backend->invariants(instance->lane, instance->row->is_complex, (uint64_t)instance->size, instance->device[0],
                                         &instance->numbers[0], &instance->numbers[1]);
}

static eegpu_status collect_invariants(eg_instance *instance)
{
    eegpu_status status = eg_case_collect_room(instance, 2);
    if (status != EEGPU_OK)
        return status;
    instance->is_relative = true;
    for (int i = 0; i < 2; i++)
        ((double *)instance->result)[i] = instance->numbers[i];
    return EEGPU_OK;
}

/* All terms are positive. The CPU adds up columns, then their sums; others are given chains as long. */
static double bound_of_invariants(const eg_instance *on_cpu)
{
    return 2 * eg_case_gamma((double)(unit_of(on_cpu->row) + 1) * on_cpu->size + 1024);
}

static eg_case_cost cost_of_invariants(const eg_case *row, int size)
{
    double entries = (double)unit_of(row) * size * (size + 1.0) / 2;
    return (eg_case_cost){.bytes = 8 * entries, .operations = 2 * entries};
}

/* ---- eigenvalues: ONE matrix, MANY of the same kind, or a MIXTURE of sizes and kinds. host[0] the matrices, host[1] the
 * values ---- */

enum { ONE, MANY, MIXTURE };

static uint64_t problems_of(const eg_case *row, int size)
{
    uint64_t most = (UINT64_C(1) << 26) / ((uint64_t)size * (uint64_t)size);
    return row->variant == ONE ? 1 : row->variant == MIXTURE ? 20 : size <= 32 ? 24 : most < 256 ? most : 256;
}

/* Doubles from one matrix to the next: room for the largest kind, lines of cache kept apart. */
static uint64_t stride_of(const eg_instance *instance)
{
    uint64_t n = (uint64_t)instance->size, unit = instance->row->variant == MIXTURE ? 2 : unit_of(instance->row);
    return (unit * eg_matrix_room(n, n) + 31) / 32 * 32;
}

static eg_eigen_problem problem_of(const eg_instance *instance, uint64_t number)
{
    bool is_mixed = instance->row->variant == MIXTURE;
    int n = is_mixed ? instance->size - (int)(number % 3) : instance->size;
    return (eg_eigen_problem){.is_complex = is_mixed ? number % 2 == 1 : instance->row->is_complex,
                              .n = n < 1 ? 1 : n,
                              .matrix = (double *)instance->device[0] + number * stride_of(instance),
                              .values = (double *)instance->host[1] + number * (uint64_t)instance->size};
}

static eegpu_status prepare_eigenvalues(eg_instance *instance)
{
    uint64_t count = problems_of(instance->row, instance->size), all = count * stride_of(instance);
    eegpu_status status = EEGPU_OK;
    EG_TRY(eg_case_numbers(instance, 0, all, all));
    EG_TRY(eg_allocate_zero(instance->budget, count * (uint64_t)instance->size, sizeof(double), "the eigenvalues",
                            &instance->host[1]));
    EG_TRY(eg_allocate(instance->budget, count, sizeof(eg_eigen_problem), "the list of matrices to solve", &instance->host[2]));
    for (uint64_t i = 0; i < count; i++) {
        eg_eigen_problem problem = problem_of(instance, i);
        mend_diagonal((double *)instance->host[0] + i * stride_of(instance), (uint64_t)problem.n, problem.is_complex);
    }
done:
    return status;
}

static eegpu_status ready_eigenvalues(eg_instance *instance)
{
    uint64_t count = problems_of(instance->row, instance->size);
    eg_eigen_problem *problems = instance->host[2];
    eegpu_status status = eg_case_copy(instance, 0, count * stride_of(instance));
    for (uint64_t i = 0; i < count && status == EEGPU_OK; i++)
        problems[i] = problem_of(instance, i);
    return status;
}

static eegpu_status run_eigenvalues(eg_instance *instance)
{
    size_t failed = 0;
    return instance->backend->eigenvalues(instance->lane, instance->host[2], problems_of(instance->row, instance->size), &failed);
}

static eegpu_status collect_values(eg_instance *instance, uint64_t count)
{
    eegpu_status status = eg_case_collect_room(instance, count);
    for (uint64_t i = 0; i < count && status == EEGPU_OK; i++)
        ((double *)instance->result)[i] = ((double *)instance->host[1])[i];
    return status;
}

static eegpu_status collect_eigenvalues(eg_instance *instance)
{
    return collect_values(instance, problems_of(instance->row, instance->size) * (uint64_t)instance->size);
}

static double largest_value(const eg_instance *instance)
{
    double largest = 0;
    for (uint64_t i = 0; i < instance->result_count; i++)
        largest = fmax(largest, fabs(((double *)instance->result)[i]));
    return largest;
}

/* Both solvers are backward stable: 2 (n + 8) u |lambda|_max each (spectrum/pending.c). */
static double bound_of_eigenvalues(const eg_instance *on_cpu)
{
    return 2 * 2 * (on_cpu->size + 8) * unit_roundoff * largest_value(on_cpu);
}

static eg_case_cost cost_of_eigenvalues(const eg_case *row, int size)
{
    double n = size, count = (double)problems_of(row, size);
    return (eg_case_cost){.bytes = count * 8 * (double)unit_of(row) * n * n,
                          .operations = count * scale_of(row) * 4 / 3 * n * n * n};
}

/* ---- singular values: half as many columns again as rows (WIDE), or the other way round ---- */

enum { WIDE, TALL };

static void sides_of(const eg_case *row, int size, int *m, int *n)
{
    int more = size + size / 2 + 1;
    *m = row->variant == WIDE ? size : more;
    *n = row->variant == WIDE ? more : size;
}

static uint64_t numbers_of_sides(const eg_case *row, int size)
{
    int m, n;
    sides_of(row, size, &m, &n);
    return unit_of(row) * eg_matrix_room((uint64_t)m, (uint64_t)n);
}

static eegpu_status prepare_singular(eg_instance *instance)
{
    uint64_t all = numbers_of_sides(instance->row, instance->size);
    eegpu_status status = eg_case_numbers(instance, 0, all, all);
    if (status != EEGPU_OK)
        return status;
    return eg_allocate_zero(instance->budget, (uint64_t)instance->size, sizeof(double), "the singular values", &instance->host[1]);
}

static eegpu_status ready_singular(eg_instance *instance)
{
    return eg_case_copy(instance, 0, numbers_of_sides(instance->row, instance->size));
}

static eegpu_status run_singular(eg_instance *instance)
{
    int m, n;
    sides_of(instance->row, instance->size, &m, &n);
    return instance->backend->singular_values(instance->lane, instance->row->is_complex, m, n, instance->device[0],
                                              instance->host[1]);
}

static eegpu_status collect_singular(eg_instance *instance) { return collect_values(instance, (uint64_t)instance->size); }

/* As in spectrum/values.c, for both. */
static double bound_of_singular(const eg_instance *on_cpu)
{
    return 2 * (4 * (on_cpu->size + 8) + on_cpu->size) * unit_roundoff * largest_value(on_cpu);
}

static eg_case_cost cost_of_singular(const eg_case *row, int size)
{
    double small = size, large = size + size / 2 + 1;
    return (eg_case_cost){.bytes = 8 * (double)unit_of(row) * small * large,
                          .operations = scale_of(row) * (4 * small * small * large - 4. / 3 * small * small * small)};
}

/* ---- The table ---- */

#define GRAM(name, complex, variant, ...)                                                                             \
    {                                                                                                                 \
        name, "rows", NULL, complex, variant, EG_RATE_FLOPS, __VA_ARGS__, prepare_gram, NULL, run_gram, collect_gram, \
            bound_of_gram, cost_of_gram                                                                               \
    }
#define TRACE(name, complex, ...)                                                                                        \
    {                                                                                                                    \
        name, "bits", NULL, complex, 0, EG_RATE_BYTES, __VA_ARGS__, prepare_trace, NULL, run_trace, collect_trace, NULL, \
            cost_of_trace                                                                                                \
    }
#define MERGE(name, complex, ...)                                                                                        \
    {                                                                                                                    \
        name, "rows", NULL, complex, 0, EG_RATE_BYTES, __VA_ARGS__, prepare_merge, NULL, run_merge, collect_merge, NULL, \
            cost_of_merge                                                                                                \
    }
#define INVARIANTS(name, complex, ...)                                                                                            \
    {                                                                                                                             \
        name, "rows", NULL, complex, 0, EG_RATE_BYTES, __VA_ARGS__, prepare_invariants, NULL, run_invariants, collect_invariants, \
            bound_of_invariants, cost_of_invariants                                                                               \
    }
#define EIGENVALUES(name, complex, variant, ...)                                                                                   \
    {                                                                                                                              \
        name, "rows", NULL, complex, variant, EG_RATE_FLOPS, __VA_ARGS__, prepare_eigenvalues, ready_eigenvalues, run_eigenvalues, \
            collect_eigenvalues, bound_of_eigenvalues, cost_of_eigenvalues                                                         \
    }
#define SINGULAR(name, complex, variant, ...)                                                                             \
    {                                                                                                                     \
        name, "rows", NULL, complex, variant, EG_RATE_FLOPS, __VA_ARGS__, prepare_singular, ready_singular, run_singular, \
            collect_singular, bound_of_singular, cost_of_singular                                                         \
    }
#define SIZES(...)  \
    {               \
        __VA_ARGS__ \
    }

const eg_case eg_matrix_cases[] = {
    GRAM(EG_CASE_OF_MULTIPLYING, false, AT_ONCE, SIZES(1, 7, 64, 130), SIZES(512, 1024, 2048, 4096, 8192, 16384, 32768)),
    GRAM("gram real added", false, ADDED, SIZES(5, 64), {0}),
    GRAM("gram complex", true, AT_ONCE, SIZES(1, 7, 64), SIZES(512, 1024, 4096, 8192, 16384)),
    GRAM("gram complex added", true, ADDED, SIZES(5, 33), {0}),
    TRACE("partial trace", false, SIZES(1, 2, 5, 8), SIZES(10, 11, 12, 13, 14, 15)),
    TRACE("partial trace complex", true, SIZES(1, 2, 5, 7), SIZES(10, 12, 14)),
    MERGE("merge", false, SIZES(1, 2, 9, 70), SIZES(1024, 4096, 16384, 32768)),
    MERGE("merge complex", true, SIZES(2, 9, 65), SIZES(1024, 4096, 16384)),
    INVARIANTS("invariants", false, SIZES(1, 3, 64, 100), SIZES(1024, 4096, 16384, 32768)),
    INVARIANTS("invariants complex", true, SIZES(1, 3, 65), SIZES(1024, 4096, 16384)),
    EIGENVALUES("eigenvalues", false, ONE, SIZES(1, 2, 7, 64, 100), SIZES(256, 512, 1024, 2048, 4096, 8192, 16384, 32768)),
    EIGENVALUES("eigenvalues complex", true, ONE, SIZES(1, 2, 7, 50), SIZES(512, 1024, 4096, 8192)),
    EIGENVALUES("eigenvalues many", false, MANY, SIZES(1, 3, 16, 32), SIZES(64, 128, 256, 512, 1024)),
    EIGENVALUES("eigenvalues many complex", true, MANY, SIZES(2, 16), SIZES(64, 128, 256, 512)),
    EIGENVALUES("eigenvalues mixed", false, MIXTURE, SIZES(2, 8, 33), {0}),
    SINGULAR("singular values", false, WIDE, SIZES(1, 2, 9, 50), SIZES(256, 512, 1024, 2048, 4096)),
    SINGULAR("singular values tall", false, TALL, SIZES(2, 9, 40), {0}),
    SINGULAR("singular values complex", true, WIDE, SIZES(1, 9, 40), SIZES(256, 512, 1024, 2048)),
    {0},
};
