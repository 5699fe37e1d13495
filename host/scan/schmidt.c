/* Schmidt vectors of one cut (paper, eq. 23), by a singular value decomposition with vectors. Comes in: a state and a cut; goes
 * out: a_i, f_A^i, f_B^i. Rows are always the images of A. Always on the CPU: it is asked for single cuts. Called by
 * report/vectors.c; entropies do not come from here. */
#include <math.h>
#include <string.h>

#include "backend/gather.h"
#include "backend/lapack.h"
#include "base/bits.h"
#include "base/parallel.h"
#include "reduce/sparse.h"
#include "scan/layout.h"
#include "scan/scan.h"

static const double unit_roundoff = 0x1p-53;

static eegpu_status dense_matrix(const eegpu_state *state, const uint64_t *mask, int n_a, int threads, eg_schmidt *schmidt,
                                 double **matrix)
{
    eg_matrix_layout layout;
    int n_b = state->pixels - n_a;
    if (n_a > 30 || n_b > 30)
        return eg_fail(EEGPU_OUT_OF_MEMORY, "Schmidt vectors of a cut of %d | %d pixels: at most 30 on a side", n_a, n_b);
    schmidt->is_complex = state->is_complex;
    schmidt->rows = UINT64_C(1) << n_a;
    schmidt->cols = UINT64_C(1) << n_b;
    eg_layout_of_region(state, mask, &layout);
    eegpu_status status = eg_allocate(state->budget, eg_matrix_room(schmidt->rows, schmidt->cols), state->is_complex ? 16 : 8,
                                      "the matrix of a cut", matrix);
    if (status != EEGPU_OK)
        return status;
    return eg_gather_columns(state, &layout, 0, schmidt->cols, *matrix, threads);
}

/* The pixels of one side of an image as 0/1 bytes. */
static void unpack_side(const eegpu_state *state, const uint64_t *mask, bool in_a, uint64_t image, unsigned char *out)
{
    const uint64_t *words = state->images.pixels + image * state->images.words;
    for (int pixel = 0; pixel < state->pixels; pixel++)
        if (eg_bit(mask, (uint64_t)pixel) == in_a)
            *out++ = eg_bit(words, (uint64_t)pixel);
}

static eegpu_status sparse_matrix(const eegpu_state *state, const uint64_t *mask, int n_a, eg_schmidt *schmidt, double **dense)
{
    eg_sparse_matrix matrix = {0};
    uint64_t n_b = (uint64_t)(state->pixels - n_a);
    eegpu_status status = EEGPU_OK;
    EG_TRY(eg_sparse_of_cut(state, mask, &matrix));
    schmidt->rows = matrix.rows;
    schmidt->cols = matrix.columns;
    EG_TRY(
        eg_allocate_zero(state->budget, eg_matrix_room(matrix.rows, matrix.columns), sizeof **dense, "the matrix of a cut", dense));
    for (uint64_t k = 0; k < matrix.entries; k++)
        (*dense)[matrix.column[k] * matrix.rows + matrix.row[k]] = sqrt((double)matrix.square[k]);
    EG_TRY(eg_allocate(state->budget, matrix.rows * (uint64_t)n_a, 1, "the sub-images of A", &schmidt->row_images));
    EG_TRY(eg_allocate(state->budget, matrix.columns * n_b, 1, "the sub-images of B", &schmidt->col_images));
    for (uint64_t r = 0; r < matrix.rows; r++)
        unpack_side(state, mask, true, matrix.image_of_row[r], schmidt->row_images + r * (uint64_t)n_a);
    for (uint64_t c = 0; c < matrix.columns; c++)
        unpack_side(state, mask, false, matrix.image_of_column[c], schmidt->col_images + c * n_b);
done:
    eg_sparse_free(&matrix);
    return status;
}

/* The phase that makes the largest component (the first, if several are equal to rounding) of a vector real and positive. */
static void phase_of(const double *vector, uint64_t count, bool is_complex, double *re, double *im)
{
    double largest = 0;
    *re = 1;
    *im = 0;
    for (uint64_t i = 0; i < count; i++) {
        double x = is_complex ? vector[2 * i] : vector[i], y = is_complex ? vector[2 * i + 1] : 0, size = hypot(x, y);
        if (size > largest * (1 + 0x1p-30)) {
            largest = size;
            *re = x / size;
            *im = y / size;
        }
    }
}

/* LAPACK's u (columns) and vh (rows, column-major, leading dimension r) to rows of f_a and f_b, with the phase fixed. */
static void take_vectors(const double *u, const double *vh, uint64_t r, eg_schmidt *schmidt)
{
    bool is_complex = schmidt->is_complex;
    for (uint64_t i = 0; i < schmidt->rank; i++) {
        double re = 1, im = 0;
        const double *from = u + i * schmidt->rows * (is_complex ? 2 : 1);
        double *f_a = schmidt->f_a + i * schmidt->rows * (is_complex ? 2 : 1);
        double *f_b = schmidt->f_b + i * schmidt->cols * (is_complex ? 2 : 1);
        phase_of(from, schmidt->rows, is_complex, &re, &im);
        for (uint64_t row = 0; row < schmidt->rows; row++) {
            if (!is_complex) {
                f_a[row] = from[row] * re;
                continue;
            }
            double x = from[2 * row], y = from[2 * row + 1];
            f_a[2 * row] = x * re + y * im;
            f_a[2 * row + 1] = y * re - x * im;
        }
        for (uint64_t col = 0; col < schmidt->cols; col++) {
            if (!is_complex) {
                f_b[col] = vh[i + r * col] * re;
                continue;
            }
            double x = vh[2 * (i + r * col)], y = vh[2 * (i + r * col) + 1];
            f_b[2 * col] = x * re - y * im;
            f_b[2 * col + 1] = y * re + x * im;
        }
    }
}

static eegpu_status decompose(double *matrix, double norm, int threads, eg_schmidt *schmidt)
{
    uint64_t r = schmidt->rows < schmidt->cols ? schmidt->rows : schmidt->cols, unit = schmidt->is_complex ? 16 : 8;
    double *values = NULL, *u = NULL, *vh = NULL, dropped = 0;
    eg_device cpu = {.backend = &eg_backend_cpu, .budget = schmidt->budget};
    eg_lane lane = {&cpu, threads};
    eegpu_status status = EEGPU_OK;
    EG_TRY(eg_allocate(schmidt->budget, r, sizeof *values, "the Schmidt coefficients", &values));
    EG_TRY(eg_allocate(schmidt->budget, eg_matrix_room(schmidt->rows, r), unit, "the Schmidt vectors of A", &u));
    EG_TRY(eg_allocate(schmidt->budget, eg_matrix_room(r, schmidt->cols), unit, "the Schmidt vectors of B", &vh));
    EG_TRY(eg_singular_vectors(&lane, schmidt->is_complex, (int)schmidt->rows, (int)schmidt->cols, matrix, values, u, vh));
    uint64_t longer = schmidt->rows < schmidt->cols ? schmidt->cols : schmidt->rows;
    double tolerance = (4 * ((double)r + 8) + (double)longer / 2) * unit_roundoff * values[0]; /* as in spectrum/values.c */
    for (schmidt->rank = 0; schmidt->rank < r && values[schmidt->rank] > tolerance; schmidt->rank++)
        continue;
    for (uint64_t k = schmidt->rank; k < r; k++)
        dropped += values[k] * values[k];
    EG_TRY(eg_allocate(schmidt->budget, schmidt->rank, sizeof(double), "the Schmidt coefficients", &schmidt->a));
    EG_TRY(eg_allocate(schmidt->budget, schmidt->rank * schmidt->rows, unit, "the Schmidt vectors of A", &schmidt->f_a));
    EG_TRY(eg_allocate(schmidt->budget, schmidt->rank * schmidt->cols, unit, "the Schmidt vectors of B", &schmidt->f_b));
    for (uint64_t k = 0; k < schmidt->rank; k++)
        schmidt->a[k] = values[k] / norm;
    take_vectors(u, vh, r, schmidt);
    schmidt->error = (sqrt(dropped) + sqrt((double)r) * tolerance) / norm;
done:
    eg_release(schmidt->budget, values);
    eg_release(schmidt->budget, u);
    eg_release(schmidt->budget, vh);
    return status;
}

eegpu_status eg_schmidt_of_cut(const eegpu_state *state, const struct eegpu_cuts *cuts, size_t cut, int threads,
                               eg_schmidt *schmidt)
{
    const uint64_t *mask = eg_cut_mask(cuts, cut);
    int n_a = eg_cut_size(cuts, cut);
    double *matrix = NULL;
    eegpu_status status = EEGPU_OK;
    *schmidt = (eg_schmidt){.budget = state->budget};
    if (threads <= 0)
        threads = eg_processor_count();
    if (state->kind == EG_IMAGES)
        EG_TRY(sparse_matrix(state, mask, n_a, schmidt, &matrix));
    else
        EG_TRY(dense_matrix(state, mask, n_a, threads, schmidt, &matrix));
    EG_TRY(decompose(matrix, ldexp(state->norm, state->kind == EG_AMPLITUDES ? state->exponent : 0), threads, schmidt));
done:
    eg_release(state->budget, matrix);
    if (status != EEGPU_OK) {
        eg_schmidt_free(schmidt);
        status = eg_fail_while(status, "Schmidt vectors of cut %zu", cut);
    }
    return status;
}

void eg_schmidt_free(eg_schmidt *schmidt)
{
    eg_release(schmidt->budget, schmidt->a);
    eg_release(schmidt->budget, schmidt->f_a);
    eg_release(schmidt->budget, schmidt->f_b);
    eg_release(schmidt->budget, schmidt->row_images);
    eg_release(schmidt->budget, schmidt->col_images);
    *schmidt = (eg_schmidt){.budget = schmidt->budget};
}
