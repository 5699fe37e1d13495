/* Turns columns into rows by transposing squares of 64 x 64 bits, merges equal rows, and finds connected components. */
#include "reduce/bit_matrix.h"

#include <string.h>

#include "base/bits.h"

enum { WORD = 64, LINE = 8 }; /* bits a word; words a cache line */

/* Exchange halves, quarters, ...: six stages. Bit j of word i becomes bit i of word j. */
static void transpose_square(uint64_t square[WORD])
{
    uint64_t keep = 0x00000000ffffffff;
    for (int step = 32; step != 0; step >>= 1, keep ^= keep << step) {
        for (int low = 0; low < WORD; low = ((low | step) + 1) & ~step) {
            uint64_t moved = ((square[low] >> step) ^ square[low | step]) & keep;
            square[low] ^= moved << step;
            square[low | step] ^= moved;
        }
    }
}

/* Rows from a set of bit vectors, which are the columns: words [first, first + count) of the vectors give 64 * count rows. */
static void transpose_strip(const uint64_t *vectors, uint64_t columns, uint64_t vector_words, uint64_t first, uint64_t count,
                            uint64_t row_words, uint64_t *rows)
{
    uint64_t square[LINE][WORD];
    for (uint64_t block = 0; block < row_words; block++) {
        for (uint64_t c = 0; c < WORD; c++)
            for (uint64_t w = 0; w < count; w++) {
                uint64_t column = block * WORD + c;
                square[w][c] = column < columns ? vectors[column * vector_words + first + w] : 0;
            }
        for (uint64_t w = 0; w < count; w++) {
            transpose_square(square[w]);
            for (uint64_t r = 0; r < WORD; r++)
                rows[(w * WORD + r) * row_words + block] = square[w][r];
        }
    }
}

/* The buffers of a set become those of a matrix. */
static eegpu_status take_set(eg_vector_set *set, const uint64_t *column_weight, uint64_t columns, eg_bit_matrix *matrix)
{
    eegpu_status status =
        eg_allocate(matrix->budget, columns, sizeof *column_weight, "the multiplicities of a cut", &matrix->column_weight);
    if (status != EEGPU_OK)
        return status;
    memcpy(matrix->column_weight, column_weight, columns * sizeof *column_weight);
    eg_vector_set_seal(set);
    matrix->rows = set->count;
    matrix->bits = set->vectors;
    matrix->row_weight = set->weights;
    set->vectors = NULL;
    set->weights = NULL;
    return EEGPU_OK;
}

eegpu_status eg_bit_matrix_of_columns(const eg_columns *columns, eg_budget *budget, uint32_t *class_of_row, eg_bit_matrix *matrix)
{
    const eg_vector_set *from = &columns->set;
    uint64_t row_words = eg_ceil_div(from->count, WORD), *rows = NULL;
    uint64_t total_rows = UINT64_C(1) << columns->size;
    eg_vector_set set = {0};
    eegpu_status status = EEGPU_OK;
    *matrix = (eg_bit_matrix){.columns = from->count, .words = row_words, .budget = budget};
    EG_TRY(eg_vector_set_begin(budget, row_words, &set));
    EG_TRY(eg_allocate(budget, (from->words < LINE ? from->words : LINE) * WORD * row_words, sizeof *rows,
                       "a strip of the rows of a cut", &rows));
    for (uint64_t first = 0; first < from->words; first += LINE) {
        uint64_t count = from->words - first < LINE ? from->words - first : LINE;
        transpose_strip(from->vectors, from->count, from->words, first, count, row_words, rows);
        for (uint64_t r = 0; r < WORD * count && first * WORD + r < total_rows; r++) {
            uint32_t class = 0;
            EG_TRY(eg_vector_set_add(&set, rows + r * row_words, 1, &class));
            if (class_of_row)
                class_of_row[first * WORD + r] = class;
        }
    }
    EG_TRY(take_set(&set, from->weights, from->count, matrix));
done:
    eg_release(budget, rows);
    eg_vector_set_free(&set);
    if (status != EEGPU_OK)
        eg_bit_matrix_free(matrix);
    return status;
}

void eg_bit_matrix_free(eg_bit_matrix *matrix)
{
    eg_release(matrix->budget, matrix->bits);
    eg_release(matrix->budget, matrix->row_weight);
    eg_release(matrix->budget, matrix->column_weight);
    *matrix = (eg_bit_matrix){.budget = matrix->budget};
}

/* ---- Components ---- */

static uint32_t root_of(uint32_t *parent, uint32_t node)
{
    while (parent[node] != node)
        node = parent[node] = parent[parent[node]];
    return node;
}

/* Nodes are the columns, then the rows: each row is joined with all of its columns, which then mostly hang on one root already. */
static void join_all(const eg_bit_matrix *matrix, uint32_t *parent)
{
    uint64_t nodes = matrix->columns + matrix->rows;
    for (uint64_t node = 0; node < nodes; node++)
        parent[node] = (uint32_t)node;
    for (uint64_t r = 0; r < matrix->rows; r++) {
        uint32_t root = (uint32_t)(matrix->columns + r);
        for (uint64_t w = 0; w < matrix->words; w++) {
            for (uint64_t rest = matrix->bits[r * matrix->words + w]; rest; rest &= rest - 1) {
                uint32_t column = (uint32_t)(w * WORD + (uint64_t)eg_lowest_bit(rest));
                if (parent[column] == root)
                    continue;
                uint32_t other = root_of(parent, column);
                parent[root > other ? root : other] = root > other ? other : root;
                root = root > other ? other : root;
            }
        }
    }
}

/* Component numbers of rows and columns; `number` (columns, then rows) is filled. Returns how many. */
static uint64_t number_components(const eg_bit_matrix *matrix, uint32_t *parent, uint32_t *number)
{
    uint64_t count = 0;
    memset(number, 0xff, (matrix->columns + matrix->rows) * sizeof *number);
    for (uint64_t r = 0; r < matrix->rows; r++) {
        uint32_t root = root_of(parent, (uint32_t)(matrix->columns + r));
        uint32_t known = number[root] == UINT32_MAX ? (uint32_t)count++ : number[root];
        number[root] = number[matrix->columns + r] = known;
    }
    for (uint64_t c = 0; c < matrix->columns; c++)
        number[c] = number[root_of(parent, (uint32_t)c)];
    return count;
}

/* Lists of the members of each block, by counting. `within` may be NULL. */
static void list_members(const uint32_t *block, uint64_t members, uint64_t blocks, uint64_t *start, uint32_t *list,
                         uint32_t *within)
{
    for (uint64_t i = 0; i < members; i++)
        start[block[i] + 1]++;
    for (uint64_t b = 0; b < blocks; b++)
        start[b + 1] += start[b];
    for (uint64_t i = 0; i < members; i++)
        list[start[block[i]]++] = (uint32_t)i; /* every start moves to the next block's ... */
    for (uint64_t b = blocks; b > 0; b--)
        start[b] = start[b - 1]; /* ... and is moved back */
    start[0] = 0;
    for (uint64_t b = 0; within && b < blocks; b++)
        for (uint64_t i = start[b]; i < start[b + 1]; i++)
            within[list[i]] = (uint32_t)(i - start[b]);
}

eegpu_status eg_bit_matrix_split(const eg_bit_matrix *matrix, eg_bit_blocks *blocks)
{
    uint64_t nodes = matrix->columns + matrix->rows;
    eg_budget *budget = matrix->budget;
    uint32_t *parent = NULL, *number = NULL;
    eegpu_status status = EEGPU_OK;
    *blocks = (eg_bit_blocks){.budget = budget};
    if (nodes >= UINT32_MAX)
        return eg_fail(EEGPU_OUT_OF_MEMORY, "a cut with more than 2^32 distinct rows and columns");
    EG_TRY(eg_allocate(budget, nodes, sizeof *parent, "the graph of rows and columns", &parent));
    EG_TRY(eg_allocate(budget, nodes, sizeof *number, "the graph of rows and columns", &number));
    join_all(matrix, parent);
    blocks->count = number_components(matrix, parent, number);
    EG_TRY(eg_allocate_zero(budget, blocks->count + 1, sizeof *blocks->row_start, "the blocks of a cut", &blocks->row_start));
    EG_TRY(eg_allocate_zero(budget, blocks->count + 1, sizeof *blocks->column_start, "the blocks of a cut", &blocks->column_start));
    EG_TRY(eg_allocate(budget, matrix->rows, sizeof *blocks->row, "the blocks of a cut", &blocks->row));
    EG_TRY(eg_allocate(budget, matrix->columns, sizeof *blocks->column, "the blocks of a cut", &blocks->column));
    EG_TRY(
        eg_allocate(budget, matrix->columns, sizeof *blocks->number_of_column, "the blocks of a cut", &blocks->number_of_column));
    list_members(number + matrix->columns, matrix->rows, blocks->count, blocks->row_start, blocks->row, NULL);
    list_members(number, matrix->columns, blocks->count, blocks->column_start, blocks->column, blocks->number_of_column);
done:
    eg_release(budget, parent);
    eg_release(budget, number);
    if (status != EEGPU_OK)
        eg_bit_blocks_free(blocks);
    return status;
}

void eg_bit_blocks_free(eg_bit_blocks *blocks)
{
    eg_release(blocks->budget, blocks->row_start);
    eg_release(blocks->budget, blocks->column_start);
    eg_release(blocks->budget, blocks->row);
    eg_release(blocks->budget, blocks->column);
    eg_release(blocks->budget, blocks->number_of_column);
    *blocks = (eg_bit_blocks){.budget = blocks->budget};
}

/* ---- Parts ---- */

static eegpu_status allocate_matrix(eg_budget *budget, uint64_t rows, uint64_t columns, eg_bit_matrix *matrix)
{
    eegpu_status status = EEGPU_OK;
    *matrix = (eg_bit_matrix){.rows = rows, .columns = columns, .words = eg_ceil_div(columns, WORD), .budget = budget};
    EG_TRY(eg_allocate_zero(budget, rows * matrix->words, sizeof *matrix->bits, "a block of a cut", &matrix->bits));
    EG_TRY(eg_allocate(budget, rows, sizeof *matrix->row_weight, "a block of a cut", &matrix->row_weight));
    EG_TRY(eg_allocate(budget, columns, sizeof *matrix->column_weight, "a block of a cut", &matrix->column_weight));
done:
    if (status != EEGPU_OK)
        eg_bit_matrix_free(matrix);
    return status;
}

eegpu_status eg_bit_matrix_transpose(const eg_bit_matrix *matrix, eg_bit_matrix *transposed)
{
    uint64_t *rows = NULL;
    eegpu_status status = allocate_matrix(matrix->budget, matrix->columns, matrix->rows, transposed);
    if (status != EEGPU_OK)
        return status;
    EG_TRY(eg_allocate(matrix->budget, (matrix->words < LINE ? matrix->words : LINE) * WORD * transposed->words, sizeof *rows,
                       "a strip of a block", &rows));
    for (uint64_t first = 0; first < matrix->words; first += LINE) {
        uint64_t count = matrix->words - first < LINE ? matrix->words - first : LINE, start = first * WORD;
        uint64_t kept = matrix->columns - start < count * WORD ? matrix->columns - start : count * WORD;
        transpose_strip(matrix->bits, matrix->rows, matrix->words, first, count, transposed->words, rows);
        memcpy(transposed->bits + start * transposed->words, rows, kept * transposed->words * sizeof *rows);
    }
    memcpy(transposed->row_weight, matrix->column_weight, matrix->columns * sizeof *matrix->column_weight);
    memcpy(transposed->column_weight, matrix->row_weight, matrix->rows * sizeof *matrix->row_weight);
done:
    eg_release(matrix->budget, rows);
    if (status != EEGPU_OK)
        eg_bit_matrix_free(transposed);
    return status;
}

/* The rows and columns of one block, in their order. */
static eegpu_status extract(const eg_bit_matrix *matrix, const eg_bit_blocks *blocks, uint64_t b, eg_bit_matrix *part)
{
    uint64_t rows = blocks->row_start[b + 1] - blocks->row_start[b],
             columns = blocks->column_start[b + 1] - blocks->column_start[b];
    eegpu_status status = allocate_matrix(matrix->budget, rows, columns, part);
    if (status != EEGPU_OK)
        return status;
    for (uint64_t c = 0; c < columns; c++)
        part->column_weight[c] = matrix->column_weight[blocks->column[blocks->column_start[b] + c]];
    for (uint64_t r = 0; r < rows; r++) {
        uint64_t from = blocks->row[blocks->row_start[b] + r];
        part->row_weight[r] = matrix->row_weight[from];
        for (uint64_t w = 0; w < matrix->words; w++) {
            for (uint64_t rest = matrix->bits[from * matrix->words + w]; rest; rest &= rest - 1) {
                uint64_t c = blocks->number_of_column[w * WORD + (uint64_t)eg_lowest_bit(rest)];
                part->bits[r * part->words + c / WORD] |= UINT64_C(1) << (c % WORD);
            }
        }
    }
    return EEGPU_OK;
}

eegpu_status eg_bit_matrix_block(const eg_bit_matrix *matrix, const eg_bit_blocks *blocks, uint64_t b, eg_bit_matrix *part)
{
    eg_bit_matrix upright = {0};
    eegpu_status status = extract(matrix, blocks, b, &upright);
    if (status != EEGPU_OK || upright.rows <= upright.columns) {
        *part = upright;
        return status;
    }
    status = eg_bit_matrix_transpose(&upright, part);
    eg_bit_matrix_free(&upright);
    return status;
}
