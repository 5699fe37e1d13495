/* Rank by blocked elimination modulo primes. Rows are exchanged by pointer. The multiples of pivot row t that were taken off a row
 * stand in column t of the row: the t-th pivot lies in column t or later, so that place is free by then. A panel of 128
 * columns is eliminated by halves, then all its pivots go through the rest in one pass. Called by scan/. */
#include "reduce/rank.h"

#include <math.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/bits.h"
#include "base/parallel.h"

enum {
    PANEL = EG_EXACT_TERMS,
    TILE = EG_FIELD_COLUMNS,
    CHUNK_TILES = 16, /* 256 columns of 128 pivot rows stay in cache while many rows pass */
    CHUNK_ROWS = 64,
    PARALLEL_FROM = 1 << 22, /* products that are worth a thread */
    MOST_PRIMES = 128
};

static const uint32_t from_prime = UINT32_C(1) << 23, to_prime = (UINT32_C(1) << 24) - 3;
static const uint64_t primes_to_draw_from = 513707; /* from_prime < p < to_prime */
static const double small_enough = 0x1p-40, small_enough_for_large = 1e-5, large_work = 1e10;
static const double proof_work = 0x1p32; /* products that a proof may cost */

typedef struct elimination {
    eg_prime_field field;
    const eg_modular_kernel *kernel;
    uint64_t rows, columns, words, stride, rank;
    const uint64_t *bits;
    double *entries, *factors, **row;
    int threads;
    eg_budget *budget;
} elimination;

/* Pivot rows first .. first + pivots - 1 on their way through `tiles` tiles of columns from `column` on. */
typedef struct propagation {
    const elimination *matrix;
    uint64_t first, pivots, column, tiles, row_chunks;
} propagation;

/* Finish the pivot rows in a tile: row i still lacks the multiples of the pivot rows before it. Copied to `factors` they lie
 * side by side. */
static eegpu_status finish_pivot_rows(void *context, uint64_t first, uint64_t last, int worker)
{
    const propagation *task = context;
    const elimination *matrix = task->matrix;
    double *const *pivot = matrix->row + task->first;
    (void)worker;
    for (uint64_t tile = first; tile < last; tile++) {
        double *factors = matrix->factors + tile * PANEL * TILE;
        uint64_t column = task->column + tile * TILE;
        for (uint64_t i = 0; i < task->pivots; i++) {
            uint64_t before = i % EG_FIELD_ROWS, group = i - before, rest = task->pivots - i;
            if (before == 0 && i > 0)
                matrix->kernel->subtract(&matrix->field, rest < EG_FIELD_ROWS ? rest : EG_FIELD_ROWS, i, pivot + i, task->first,
                                         factors, column);
            if (before > 0)
                matrix->kernel->subtract(&matrix->field, 1, before, pivot + i, task->first + group, factors + group * TILE, column);
            memcpy(factors + i * TILE, pivot[i] + column, TILE * sizeof *factors);
        }
    }
    return EEGPU_OK;
}

/* Take the multiples of the finished pivot rows off the rows below, in pieces of 64 rows x 256 columns. */
static eegpu_status subtract_below(void *context, uint64_t first, uint64_t last, int worker)
{
    const propagation *task = context;
    const elimination *matrix = task->matrix;
    (void)worker;
    for (uint64_t piece = first; piece < last; piece++) {
        uint64_t tile = piece / task->row_chunks * CHUNK_TILES,
                 end = tile + CHUNK_TILES < task->tiles ? tile + CHUNK_TILES : task->tiles;
        uint64_t row = task->first + task->pivots + piece % task->row_chunks * CHUNK_ROWS, row_end = row + CHUNK_ROWS;
        for (row_end = row_end < matrix->rows ? row_end : matrix->rows; row < row_end; row += EG_FIELD_ROWS)
            for (uint64_t t = tile; t < end; t++)
                matrix->kernel->subtract(&matrix->field, row_end - row < EG_FIELD_ROWS ? row_end - row : EG_FIELD_ROWS,
                                         task->pivots, matrix->row + row, task->first, matrix->factors + t * PANEL * TILE,
                                         task->column + t * TILE);
    }
    return EEGPU_OK;
}

/* Pivot rows first .. rank - 1, known in the columns before `column`, go through the columns up to `end`. */
static eegpu_status propagate(const elimination *matrix, uint64_t first, uint64_t column, uint64_t end)
{
    propagation task = {.matrix = matrix, .first = first, .pivots = matrix->rank - first, .column = column};
    if (task.pivots == 0 || column >= end)
        return EEGPU_OK;
    uint64_t below = matrix->rows - matrix->rank;
    task.tiles = (end - column) / TILE;
    task.row_chunks = eg_ceil_div(below, CHUNK_ROWS);
    double width = (double)(end - column) * (double)task.pivots;
    eegpu_status status =
        eg_parallel_for(width * (double)task.pivots < PARALLEL_FROM ? 1 : matrix->threads, task.tiles, 1, finish_pivot_rows, &task);
    if (status != EEGPU_OK)
        return status;
    return eg_parallel_for(width * (double)below < PARALLEL_FROM ? 1 : matrix->threads,
                           task.row_chunks * eg_ceil_div(task.tiles, CHUNK_TILES), 1, subtract_below, &task);
}

/* Elimination in one tile of columns, pivot by pivot. */
static void eliminate_tile(elimination *matrix, uint64_t first_column)
{
    for (uint64_t j = 0; j < TILE && matrix->rank < matrix->rows; j++) {
        uint64_t column = first_column + j, rank = matrix->rank, found = rank;
        while (found < matrix->rows && matrix->row[found][column] == 0)
            found++;
        if (found == matrix->rows)
            continue;
        double *pivot = matrix->row[found], factors[TILE] = {0};
        matrix->row[found] = matrix->row[rank];
        matrix->row[rank] = pivot;
        double inverse = eg_residue_inverse(&matrix->field, pivot[column]);
        memcpy(factors + j + 1, pivot + column + 1, (TILE - 1 - j) * sizeof *factors); /* finished columns stay */
        for (uint64_t i = rank + 1; i < matrix->rows; i++)
            matrix->row[i][rank] = eg_residue(&matrix->field, matrix->row[i][column] * inverse);
        for (uint64_t i = rank + 1; i < matrix->rows; i += EG_FIELD_ROWS) {
            uint64_t rest = matrix->rows - i;
            matrix->kernel->subtract(&matrix->field, rest < EG_FIELD_ROWS ? rest : EG_FIELD_ROWS, 1, matrix->row + i, rank, factors,
                                     first_column);
        }
        matrix->rank++;
    }
}

/* Elimination in columns first .. end, at most a panel, by halves. */
static eegpu_status eliminate_panel(elimination *matrix, uint64_t first, uint64_t end)
{
    eegpu_status status = EEGPU_OK;
    uint64_t before = matrix->rank, middle = first + (end - first + TILE) / (2 * TILE) * TILE;
    if (end - first <= TILE) {
        eliminate_tile(matrix, first);
        return EEGPU_OK;
    }
    EG_TRY(eliminate_panel(matrix, first, middle));
    EG_TRY(propagate(matrix, before, middle, end));
    EG_TRY(eliminate_panel(matrix, middle, end));
done:
    return status;
}

static eegpu_status eliminate(elimination *matrix)
{
    eegpu_status status = EEGPU_OK;
    uint64_t padded = eg_ceil_div(matrix->columns, TILE) * TILE;
    for (uint64_t column = 0; column < padded && matrix->rank < matrix->rows && status == EEGPU_OK; column += PANEL) {
        uint64_t before = matrix->rank, end = padded - column < PANEL ? padded : column + PANEL;
        EG_TRY(eliminate_panel(matrix, column, end));
        EG_TRY(propagate(matrix, before, end, padded));
    }
done:
    return status;
}

static eegpu_status unpack_rows(void *context, uint64_t first, uint64_t last, int worker)
{
    const elimination *matrix = context;
    (void)worker;
    for (uint64_t i = first; i < last; i++) {
        double *row = matrix->row[i] = matrix->entries + i * matrix->stride;
        const uint64_t *bits = matrix->bits + i * matrix->words;
        for (uint64_t c = 0; c < matrix->columns; c++)
            row[c] = eg_bit(bits, c);
        memset(row + matrix->columns, 0, (matrix->stride - matrix->columns) * sizeof *row);
    }
    return EEGPU_OK;
}

static void end_elimination(elimination *matrix)
{
    eg_release(matrix->budget, matrix->entries);
    eg_release(matrix->budget, matrix->factors);
    eg_release(matrix->budget, matrix->row);
}

static eegpu_status begin_elimination(elimination *matrix)
{
    eegpu_status status = EEGPU_OK;
    uint64_t tiles = eg_ceil_div(matrix->columns, TILE);
    matrix->stride = tiles * TILE + 8; /* not a power of two: columns spread over the cache */
    EG_TRY(eg_allocate(matrix->budget, matrix->rows, matrix->stride * sizeof(double), "the matrix whose rank is asked for",
                       &matrix->entries));
    EG_TRY(eg_allocate(matrix->budget, tiles, PANEL * TILE * sizeof(double), "the pivot rows of a rank", &matrix->factors));
    EG_TRY(eg_allocate(matrix->budget, matrix->rows, sizeof *matrix->row, "the row order of a rank", &matrix->row));
done:
    return status;
}

static eegpu_status rank_modulo(elimination *matrix, uint32_t prime, uint64_t *rank)
{
    matrix->field = (eg_prime_field){.prime = prime, .inverse = 1 / (double)prime};
    matrix->rank = 0;
    eegpu_status status = eg_parallel_for(matrix->threads, matrix->rows, CHUNK_ROWS, unpack_rows, matrix);
    if (status == EEGPU_OK)
        status = eliminate(matrix);
    *rank = matrix->rank;
    return status;
}

eegpu_status eg_rank_modulo(const eg_modular_kernel *kernel, eg_budget *budget, uint64_t rows, uint64_t columns,
                            const uint64_t *bits, uint64_t words, uint32_t prime, int threads, uint64_t *rank)
{
    elimination matrix = {
        .kernel = kernel, .rows = rows, .columns = columns, .words = words, .bits = bits, .threads = threads, .budget = budget};
    eegpu_status status = begin_elimination(&matrix);
    if (status == EEGPU_OK)
        status = rank_modulo(&matrix, prime, rank);
    end_elimination(&matrix);
    return status;
}

/* ---- Primes ---- */

static bool is_prime(uint32_t n)
{
    if (n % 2 == 0)
        return n == 2;
    for (uint32_t d = 3; d * d <= n; d += 2)
        if (n % d == 0)
            return false;
    return n > 1;
}

/* A prime of the range that is not yet among the `count` first of `primes`, each with the same chance. */
static uint32_t draw_prime(uint64_t seed, uint64_t *draws, const uint32_t *primes, uint64_t count)
{
    for (;;) {
        uint64_t number = (*draws)++;
        uint32_t prime = from_prime + (uint32_t)(XXH3_64bits_withSeed(&number, sizeof number, seed) % (to_prime - from_prime));
        bool is_new = is_prime(prime);
        for (uint64_t i = 0; i < count; i++)
            is_new = is_new && primes[i] != prime;
        if (is_new)
            return prime;
    }
}

double eg_rank_hadamard_bits(uint64_t side)
{
    double d = (double)side;
    return (d + 1) / 2 * log2(d + 1) - d;
}

uint64_t eg_rank_bad_primes(double minor_bits)
{
    double primes = minor_bits * (1 + 1e-12) / 23 + 1e-9; /* rounding may only make it larger */
    return primes > 0 ? (uint64_t)fmin(primes, 0x1p53) : 0;
}

/* The chance that `drawn` primes are all among the `bad` ones. */
static double chance_of_bad(uint64_t bad, uint64_t drawn)
{
    double chance = 1;
    for (uint64_t k = 0; k < drawn; k++)
        chance *= bad > k ? (double)(bad - k) / (double)(primes_to_draw_from - k) : 0;
    return chance;
}

eegpu_status eg_rank_modular(eg_budget *budget, uint64_t rows, uint64_t columns, const uint64_t *bits, uint64_t words,
                             const double *minor_bits, int threads, uint64_t *rank, double *failure_probability)
{
    elimination matrix = {.kernel = eg_modular_best(),
                          .rows = rows,
                          .columns = columns,
                          .words = words,
                          .bits = bits,
                          .threads = threads,
                          .budget = budget};
    uint32_t primes[MOST_PRIMES];
    uint64_t least_side = rows < columns ? rows : columns, draws = 0;
    uint64_t seed = XXH3_64bits_withSeed(bits, rows * words * sizeof *bits, columns);
    double work = (double)least_side * (double)rows * (double)columns,
           enough = work > large_work ? small_enough_for_large : small_enough;
    bool provable = false;
    eegpu_status status = EEGPU_OK;
    *rank = 0;
    *failure_probability = 1;
    EG_TRY(begin_elimination(&matrix));
    for (uint64_t k = 0; k<MOST_PRIMES && * failure_probability>(provable ? 0 : enough); k++) {
        uint64_t found = 0, bad = 0;
        primes[k] = draw_prime(seed, &draws, primes, k);
        EG_TRY(rank_modulo(&matrix, primes[k], &found));
        *rank = found > *rank ? found : *rank;
        if (*rank < least_side) {
            double bound = eg_rank_hadamard_bits(*rank + 1);
            bad = eg_rank_bad_primes(minor_bits != NULL ? fmin(bound, minor_bits[*rank + 1]) : bound);
        }
        *failure_probability = *rank == least_side ? 0 : chance_of_bad(bad, k + 1);
        provable = bad < MOST_PRIMES && (double)(bad + 1) * (double)*rank * (double)rows * (double)columns < proof_work;
    }
done:
    end_elimination(&matrix);
    return status;
}
