/* The matrix of a cut of a 0/1 function, byte by byte, and plain counts of what the reductions must leave of it. */
#ifndef EG_TESTS_REDUCTIONS_H
#define EG_TESTS_REDUCTIONS_H

#include "sources.h"
#include "state/state.h"

typedef struct plain_matrix {
    uint64_t rows, columns;
    unsigned char *entries; /* row by row */
} plain_matrix;

/* The caller frees the entries. */
static inline plain_matrix plain_matrix_of(const eegpu_state *state, uint64_t mask)
{
    int row_bit[64], column_bit[64], row_bits = 0, column_bits = 0;
    for (int pixel = 0; pixel < state->pixels; pixel++)
        if (mask >> pixel & 1)
            row_bit[row_bits++] = state->bit_of_pixel[pixel];
        else
            column_bit[column_bits++] = state->bit_of_pixel[pixel];
    plain_matrix m = {UINT64_C(1) << row_bits, UINT64_C(1) << column_bits, malloc(state->size)};
    uint64_t *row = spread_table(row_bit, row_bits), *column = spread_table(column_bit, column_bits);
    for (uint64_t r = 0; r < m.rows; r++)
        for (uint64_t c = 0; c < m.columns; c++)
            m.entries[r * m.columns + c] = eg_bit(state->bits, row[r] | column[c]);
    free(row);
    free(column);
    return m;
}

static inline plain_matrix plain_transpose(const plain_matrix *m)
{
    plain_matrix turned = {m->columns, m->rows, malloc(m->rows * m->columns)};
    for (uint64_t r = 0; r < m->rows; r++)
        for (uint64_t c = 0; c < m->columns; c++)
            turned.entries[c * m->rows + r] = m->entries[r * m->columns + c];
    return turned;
}

static inline int plain_compare(const void *left, const void *right, void *length)
{
    return memcmp(*(unsigned char *const *)left, *(unsigned char *const *)right, *(uint64_t *)length);
}

/* How many rows (or columns) differ and are not zero. */
static inline uint64_t plain_distinct(const plain_matrix *matrix, bool of_columns)
{
    plain_matrix m = of_columns ? plain_transpose(matrix) : *matrix;
    unsigned char **order = malloc((m.rows + 1) * sizeof *order), *zero = calloc(m.columns, 1);
    uint64_t count = 0;
    for (uint64_t r = 0; r < m.rows; r++)
        order[r] = m.entries + r * m.columns;
    order[m.rows] = zero; /* comes first, with all others like it */
    qsort_r(order, m.rows + 1, sizeof *order, plain_compare, &m.columns);
    for (uint64_t r = 0; r < m.rows; r++)
        count += memcmp(order[r], order[r + 1], m.columns) != 0;
    free(order);
    free(zero);
    if (of_columns)
        free(m.entries);
    return count;
}

/* Components of the graph of rows and columns, those without a one left out. */
static inline uint64_t plain_components(const plain_matrix *m)
{
    uint64_t nodes = m->rows + m->columns, count = 0, *queue = malloc(nodes * sizeof *queue);
    bool *seen = calloc(nodes, 1);
    for (uint64_t start = 0; start < m->rows; start++) {
        if (seen[start] || memchr(m->entries + start * m->columns, 1, m->columns) == NULL)
            continue;
        uint64_t head = 0, tail = 0;
        queue[tail++] = start;
        seen[start] = true;
        count++;
        while (head < tail) {
            uint64_t node = queue[head++], others = node < m->rows ? m->columns : m->rows;
            for (uint64_t k = 0; k < others; k++) {
                uint64_t other = node < m->rows ? m->rows + k : k;
                uint64_t place = node < m->rows ? node * m->columns + k : k * m->columns + node - m->rows;
                if (!m->entries[place] || seen[other])
                    continue;
                seen[other] = true;
                queue[tail++] = other;
            }
        }
    }
    free(queue);
    free(seen);
    return count;
}

/* sum over pairs of rows of (common ones)^2 = ones^2 times the purity, an integer. */
static inline uint64_t plain_purity(const plain_matrix *matrix)
{
    bool is_tall = matrix->rows > matrix->columns;
    plain_matrix m = is_tall ? plain_transpose(matrix) : *matrix;
    uint64_t sum = 0;
    for (uint64_t i = 0; i < m.rows; i++)
        for (uint64_t j = 0; j <= i; j++) {
            uint64_t common = 0;
            for (uint64_t c = 0; c < m.columns; c++)
                common += m.entries[i * m.columns + c] & m.entries[j * m.columns + c];
            sum += (i == j ? 1 : 2) * common * common;
        }
    if (is_tall)
        free(m.entries);
    return sum;
}

#endif
