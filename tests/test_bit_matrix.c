/* Reduced 0/1 matrices: blocks against a walk through the graph of rows and columns and against blocks that were put in, parts of a
 * matrix against the matrix, transposes, and what happens when memory runs out. */
#include "reduce/bit_matrix.h"
#include "sources.h"

static eg_budget budget; /* unlimited; empty whenever a case is done */

static bool get(const eg_bit_matrix *m, uint64_t r, uint64_t c) { return eg_bit(m->bits + r * m->words, c); }
static void put(eg_bit_matrix *m, uint64_t r, uint64_t c) { m->bits[r * m->words + c / 64] |= UINT64_C(1) << c % 64; }

static uint64_t ones_of(const eg_bit_matrix *m)
{
    uint64_t ones = 0;
    for (uint64_t w = 0; w < m->rows * m->words; w++)
        ones += (uint64_t)eg_popcount(m->bits[w]);
    return ones;
}

static eg_bit_matrix zeros(uint64_t rows, uint64_t columns, uint64_t seed)
{
    eg_bit_matrix m = {.rows = rows, .columns = columns, .words = eg_ceil_div(columns, 64), .budget = &budget};
    CHECK_OK(eg_allocate_zero(&budget, rows * m.words, sizeof *m.bits, "a matrix", &m.bits));
    CHECK_OK(eg_allocate(&budget, rows, sizeof *m.row_weight, "a matrix", &m.row_weight));
    CHECK_OK(eg_allocate(&budget, columns, sizeof *m.column_weight, "a matrix", &m.column_weight));
    for (uint64_t r = 0; r < rows; r++)
        m.row_weight[r] = random_word(&seed) >> 40;
    for (uint64_t c = 0; c < columns; c++)
        m.column_weight[c] = random_word(&seed) >> 40;
    return m;
}

/* Rows 0 .. n-1 in a random order. */
static uint32_t *shuffled(uint64_t n, uint64_t *seed)
{
    uint32_t *order = malloc(n * sizeof *order);
    for (uint64_t i = 0; i < n; i++) {
        uint64_t j = random_word(seed) % (i + 1);
        order[i] = order[j];
        order[j] = (uint32_t)i;
    }
    return order;
}

/* ---- Blocks -------------------------------------------------------------------------------------------------------- */

/* Which block each row and column is in; wrong lists are counted. */
static uint64_t read_lists(const uint64_t *start, const uint32_t *list, uint64_t blocks, uint64_t members, uint32_t *block)
{
    uint64_t wrong = start[0] != 0 || start[blocks] != members;
    memset(block, 0xff, members * sizeof *block);
    for (uint64_t b = 0; b < blocks; b++) {
        wrong += start[b] >= start[b + 1]; /* no block is empty */
        for (uint64_t i = start[b]; i < start[b + 1] && i < members; i++) {
            if (list[i] >= members || block[list[i]] != UINT32_MAX || (i > start[b] && list[i] <= list[i - 1]))
                wrong++;
            else
                block[list[i]] = (uint32_t)b;
        }
    }
    return wrong;
}

/* How many rows are reached from the first row of a block, through columns. */
static uint64_t rows_reached(const eg_bit_matrix *m, uint64_t first)
{
    uint64_t *queue = malloc(m->rows * sizeof *queue), head = 0, tail = 0;
    bool *row_seen = calloc(m->rows, 1), *column_seen = calloc(m->columns, 1);
    queue[tail++] = first;
    row_seen[first] = true;
    while (head < tail) {
        uint64_t r = queue[head++];
        for (uint64_t c = 0; c < m->columns; c++) {
            if (!get(m, r, c) || column_seen[c])
                continue;
            column_seen[c] = true;
            for (uint64_t other = 0; other < m->rows; other++)
                if (get(m, other, c) && !row_seen[other]) {
                    row_seen[other] = true;
                    queue[tail++] = other;
                }
        }
    }
    free(queue);
    free(row_seen);
    free(column_seen);
    return tail;
}

/* Part b has the rows and columns of its lists, upright or transposed, and nothing else. */
static void check_part(const eg_bit_matrix *m, const eg_bit_blocks *blocks, uint64_t b, uint64_t *ones, const char *name)
{
    const uint32_t *row = blocks->row + blocks->row_start[b], *column = blocks->column + blocks->column_start[b];
    uint64_t rows = blocks->row_start[b + 1] - blocks->row_start[b],
             columns = blocks->column_start[b + 1] - blocks->column_start[b], wrong = 0;
    bool turned = rows > columns;
    eg_bit_matrix part = {0};
    if (!CHECK_OK(eg_bit_matrix_block(m, blocks, b, &part)))
        return;
    EXPECT(part.rows == (turned ? columns : rows) && part.columns == (turned ? rows : columns) && part.rows <= part.columns &&
               part.words == eg_ceil_div(part.columns, 64),
           "%s: block %llu has %llu x %llu", name, (unsigned long long)b, (unsigned long long)part.rows,
           (unsigned long long)part.columns);
    const uint64_t *row_weight = turned ? part.column_weight : part.row_weight,
                   *column_weight = turned ? part.row_weight : part.column_weight;
    for (uint64_t r = 0; r < rows; r++)
        for (uint64_t c = 0; c < columns; c++)
            wrong += get(m, row[r], column[c]) != (turned ? get(&part, c, r) : get(&part, r, c));
    for (uint64_t r = 0; r < rows; r++)
        wrong += row_weight[r] != m->row_weight[row[r]];
    for (uint64_t c = 0; c < columns; c++)
        wrong += column_weight[c] != m->column_weight[column[c]] || blocks->number_of_column[column[c]] != c;
    *ones += ones_of(&part); /* spare bits would count too */
    EXPECT(wrong == 0, "%s: block %llu has %llu wrong bits or weights", name, (unsigned long long)b, (unsigned long long)wrong);
    eg_bit_matrix_free(&part);
}

/* All there is to know of the blocks of a matrix without zero rows and columns. `expected` blocks; 0: not known. */
static void check_blocks(const eg_bit_matrix *m, uint64_t expected, bool is_distinct, const char *name)
{
    eg_bit_blocks blocks = {0};
    if (!CHECK_OK(eg_bit_matrix_split(m, &blocks)))
        return;
    uint32_t *row_block = malloc(m->rows * sizeof *row_block), *column_block = malloc(m->columns * sizeof *column_block);
    uint64_t wrong = read_lists(blocks.row_start, blocks.row, blocks.count, m->rows, row_block) +
                     read_lists(blocks.column_start, blocks.column, blocks.count, m->columns, column_block);
    EXPECT(wrong == 0, "%s: the lists of %llu blocks do not partition rows and columns", name, (unsigned long long)blocks.count);
    EXPECT(expected == 0 || blocks.count == expected, "%s: %llu blocks, expected %llu", name, (unsigned long long)blocks.count,
           (unsigned long long)expected);
    uint64_t outside = 0, ones = 0, disconnected = 0, out_of_order = 0, long_single = 0;
    for (uint64_t r = 0; r < m->rows; r++)
        for (uint64_t c = 0; c < m->columns; c++)
            outside += get(m, r, c) && row_block[r] != column_block[c];
    for (uint64_t b = 0; wrong == 0 && b < blocks.count; b++) {
        uint64_t rows = blocks.row_start[b + 1] - blocks.row_start[b], first = blocks.row[blocks.row_start[b]];
        disconnected += rows_reached(m, first) != rows;
        out_of_order += b > 0 && first < blocks.row[blocks.row_start[b - 1]];
        long_single += is_distinct && rows == 1 && blocks.column_start[b + 1] - blocks.column_start[b] != 1;
        check_part(m, &blocks, b, &ones, name);
    }
    EXPECT(outside == 0, "%s: %llu ones outside of the blocks", name, (unsigned long long)outside);
    EXPECT(disconnected == 0, "%s: %llu blocks are not connected", name, (unsigned long long)disconnected);
    EXPECT(out_of_order == 0, "%s: the blocks are not in the order of their first rows", name);
    EXPECT(long_single == 0, "%s: a block of one row has several columns", name);
    EXPECT(ones == ones_of(m), "%s: %llu ones in the blocks, %llu in the matrix", name, (unsigned long long)ones,
           (unsigned long long)ones_of(m));
    free(row_block);
    free(column_block);
    eg_bit_blocks_free(&blocks);
}

static void check_cuts_of(const char *source, int height, int width)
{
    eegpu_state *state = open_source(source, height, width);
    eegpu_cuts *cuts = regions_of_all_sizes(height, width, IS_SANITIZED ? 8 : 30, 7);
    uint64_t one;
    eg_columns whole;
    if (state != NULL)
        eg_columns_of_state(state, &one, &whole);
    for (size_t i = 0; state != NULL && i < eegpu_cuts_count(cuts); i++) {
        eg_columns columns = {0};
        eg_bit_matrix matrix = {0};
        if (CHECK_OK(eg_columns_derive(&whole, *eg_cut_mask(cuts, i), &budget, NULL, &columns)) &&
            CHECK_OK(eg_bit_matrix_of_columns(&columns, &budget, NULL, &matrix)))
            check_blocks(&matrix, 0, true, source);
        eg_bit_matrix_free(&matrix);
        eg_columns_free(&columns);
    }
    eegpu_cuts_free(cuts);
    eegpu_state_close(state);
    CHECK_EQUAL(budget.used, 0);
}

static void test_functions(void)
{
    static const int lattices[][2] = {{2, 2}, {3, 3}, {3, 4}};
    for (size_t k = 0; k < COUNT(builtins); k++)
        for (size_t l = 0; builtins[k].form == LABELS && l < COUNT(lattices); l++)
            if (is_defined(&builtins[k], lattices[l][0] * lattices[l][1]))
                check_cuts_of(builtins[k].text, lattices[l][0], lattices[l][1]);
    check_cuts_of("loops", 2, 6);
    check_cuts_of("palindrome", 1, 13);
}

/* Blocks of given sides, rows and columns shuffled. In each a path joins all, and random ones are added. */
static void check_planted(uint64_t count, uint64_t most_side, int percent, uint64_t seed)
{
    uint64_t sides[2][300], total[2] = {0, 0}, start[2] = {0, 0};
    for (uint64_t b = 0; b < count; b++)
        for (int side = 0; side < 2; side++)
            total[side] += sides[side][b] = 1 + random_word(&seed) % most_side;
    eg_bit_matrix m = zeros(total[0], total[1], seed);
    uint32_t *row = shuffled(total[0], &seed), *column = shuffled(total[1], &seed);
    for (uint64_t b = 0; b < count; b++) {
        uint64_t rows = sides[0][b], columns = sides[1][b], longer = rows > columns ? rows : columns;
        for (uint64_t k = 0; k < longer; k++) { /* (0,0) (0,1) (1,1) (1,2) ..., then the rest hangs on the last one */
            uint64_t r = k < rows ? k : rows - 1, c = k < columns ? k : columns - 1;
            put(&m, row[start[0] + r], column[start[1] + c]);
            put(&m, row[start[0] + r], column[start[1] + (c + 1 < columns ? c + 1 : c)]);
        }
        for (uint64_t k = 0; k < rows * columns; k++)
            if (random_word(&seed) % 100 < (uint64_t)percent)
                put(&m, row[start[0] + k / columns], column[start[1] + k % columns]);
        start[0] += rows;
        start[1] += columns;
    }
    check_blocks(&m, count, false, "planted blocks");
    free(row);
    free(column);
    eg_bit_matrix_free(&m);
}

static void test_planted_blocks(void)
{
    check_planted(1, 1, 0, 1);
    check_planted(1, 200, 0, 2); /* one long path */
    check_planted(2, 150, 3, 3);
    check_planted(200, 1, 0, 4); /* a permutation */
    check_planted(60, 12, 20, 5);
    check_planted(100, 5, 50, 6);
    for (uint64_t k = 0; k < (IS_SANITIZED ? 10 : 40); k++)
        check_planted(1 + k, 1 + 97 % (k + 3), (int)k, 10 + k);
    CHECK_EQUAL(budget.used, 0);
}

/* ---- Transposes ---------------------------------------------------------------------------------------------------- */

static bool same_matrix(const eg_bit_matrix *a, const eg_bit_matrix *b)
{
    return a->rows == b->rows && a->columns == b->columns && a->words == b->words &&
           memcmp(a->bits, b->bits, a->rows * a->words * 8) == 0 && memcmp(a->row_weight, b->row_weight, a->rows * 8) == 0 &&
           memcmp(a->column_weight, b->column_weight, a->columns * 8) == 0;
}

static void check_transpose(uint64_t rows, uint64_t columns, uint64_t seed)
{
    eg_bit_matrix m = zeros(rows, columns, seed), once = {0}, twice = {0};
    uint64_t wrong = 0;
    for (uint64_t k = 0; k < rows * columns; k++)
        if (random_word(&seed) & 1)
            put(&m, k / columns, k % columns);
    if (CHECK_OK(eg_bit_matrix_transpose(&m, &once)) && CHECK_OK(eg_bit_matrix_transpose(&once, &twice))) {
        wrong = once.rows != columns || once.columns != rows || memcmp(once.row_weight, m.column_weight, columns * 8) != 0 ||
                memcmp(once.column_weight, m.row_weight, rows * 8) != 0;
        for (uint64_t k = 0; wrong == 0 && k < rows * columns; k++)
            wrong += get(&m, k / columns, k % columns) != get(&once, k % columns, k / columns);
        EXPECT(wrong == 0 && ones_of(&once) == ones_of(&m), "%llu x %llu: %llu wrong", (unsigned long long)rows,
               (unsigned long long)columns, (unsigned long long)wrong);
        EXPECT(same_matrix(&m, &twice), "%llu x %llu transposed twice is another", (unsigned long long)rows,
               (unsigned long long)columns);
    }
    eg_bit_matrix_free(&m);
    eg_bit_matrix_free(&once);
    eg_bit_matrix_free(&twice);
}

static void test_transpose(void)
{
    static const uint64_t sides[] = {1, 2, 63, 64, 65, 128, 511, 512, 513, 600};
    for (size_t i = 0; i < COUNT(sides); i++)
        for (size_t j = 0; j < COUNT(sides); j++)
            if (!IS_SANITIZED || (i + j) % 3 == 0)
                check_transpose(sides[i], sides[j], 1 + 10 * i + j);
    check_transpose(3, 1100, 2);
    check_transpose(1100, 3, 3);
    CHECK_EQUAL(budget.used, 0);
}

/* ---- Little memory ------------------------------------------------------------------------------------------------- */

/* Split, part and transpose with every limit up to what is enough: nothing is left behind. */
static void test_little_memory(void)
{
    uint64_t seed = 4, failures = 0, successes = 0;
    eg_bit_matrix m = zeros(90, 70, 3);
    for (int k = 0; k < 400; k++)
        put(&m, random_word(&seed) % 90, random_word(&seed) % 70);
    eg_budget little = {0};
    m.budget = &little;
    for (little.limit = 1; successes == 0 && little.limit < 1 << 24; little.limit += little.limit / 8 + 1) {
        eg_bit_blocks blocks = {0};
        eg_bit_matrix part = {0}, turned = {0};
        eegpu_status status = eg_bit_matrix_split(&m, &blocks);
        if (status == EEGPU_OK)
            status = eg_bit_matrix_block(&m, &blocks, 0, &part);
        if (status == EEGPU_OK)
            status = eg_bit_matrix_transpose(&m, &turned);
        if (status != EEGPU_OK)
            CHECK_FAILS(status, EEGPU_OUT_OF_MEMORY, "memory");
        failures += status != EEGPU_OK;
        successes += status == EEGPU_OK;
        eg_bit_matrix_free(&turned);
        eg_bit_matrix_free(&part);
        eg_bit_blocks_free(&blocks);
        CHECK_EQUAL(little.used, 0);
    }
    CHECK(failures > 10 && successes == 1);
    m.budget = &budget;
    eg_bit_matrix_free(&m);
    CHECK_EQUAL(budget.used, 0);
}

EG_SUITE("reduced 0/1 matrices", {"blocks of functions", test_functions}, {"planted blocks", test_planted_blocks},
         {"transposes", test_transpose}, {"little memory", test_little_memory})
