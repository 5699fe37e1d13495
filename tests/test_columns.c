/* Certificates of the reductions of 0/1 functions: from the distinct columns, the distinct rows and the classes the matrix of a cut
 * comes back bit for bit; columns made through chains of regions are those made at once; nothing is lost when memory runs out.
 * Blocks and transposes of what is left are in test_bit_matrix.c. */
#include "reduce/bit_matrix.h"
#include "sources.h"

static eg_budget budget; /* unlimited; empty whenever a case is done */

/* ---- A derivation: parent, child, and where everything came from -------------------------------------------------- */

typedef struct derivation {
    const eg_columns *parent;
    eg_columns child;
    uint64_t places, pieces;
    uint64_t *place, *piece;   /* index in a parent vector of each place of a child vector; of each image left out */
    uint32_t *class_of_column; /* NULL: not asked for */
} derivation;

static int bit_of(const eg_columns *columns, int pixel)
{
    int bit = 0;
    while (bit < columns->size && columns->pixel_of_bit[bit] != pixel)
        bit++;
    return bit;
}

/* Fewer than 6 pixels of more than 6 have no classes. */
static bool has_classes(const eg_columns *parent, uint64_t mask) { return parent->size <= 6 || eg_popcount(mask) >= 6; }

static bool derive(const eg_columns *parent, uint64_t mask, derivation *d)
{
    int place_bit[EG_MAX_DENSE_PIXELS], piece_bit[EG_MAX_DENSE_PIXELS], left = 0;
    *d = (derivation){.parent = parent, .places = UINT64_C(1) << eg_popcount(mask)};
    d->pieces = (UINT64_C(1) << parent->size) / d->places;
    if (has_classes(parent, mask))
        d->class_of_column = calloc(parent->set.count * d->pieces, sizeof *d->class_of_column);
    bool good =
        CHECK_OK(eg_columns_derive(parent, mask, &budget, d->class_of_column, &d->child)) &&
        EXPECT(d->child.size == eg_popcount(mask), "a region of %d pixels has columns of %d", eg_popcount(mask), d->child.size);
    uint64_t seen = 0;
    for (int bit = 0; good && bit < d->child.size; bit++) {
        seen |= UINT64_C(1) << d->child.pixel_of_bit[bit];
        place_bit[bit] = bit_of(parent, d->child.pixel_of_bit[bit]);
    }
    if (!good ||
        !EXPECT(seen == mask, "the pixels of region %#llx are %#llx", (unsigned long long)mask, (unsigned long long)seen)) {
        free(d->class_of_column);
        return false;
    }
    for (int bit = 0; bit < parent->size; bit++)
        if (!(mask >> parent->pixel_of_bit[bit] & 1))
            piece_bit[left++] = bit;
    d->place = spread_table(place_bit, d->child.size);
    d->piece = spread_table(piece_bit, left);
    return true;
}

static void forget(derivation *d)
{
    eg_columns_free(&d->child);
    free(d->class_of_column);
    free(d->place);
    free(d->piece);
}

static const uint64_t *vector(const eg_vector_set *set, uint64_t number) { return set->vectors + number * set->words; }

/* ---- Distinct vectors ---- */

static int compare_vectors(const void *left, const void *right, void *words)
{
    return memcmp(*(const uint64_t *const *)left, *(const uint64_t *const *)right, *(const uint64_t *)words * 8);
}

/* No two equal, none zero. */
static bool are_distinct(const uint64_t *vectors, uint64_t words, uint64_t count)
{
    const uint64_t **order = malloc((count + 1) * sizeof *order), *zero = calloc(words, sizeof *zero);
    bool good = true;
    for (uint64_t i = 0; i < count; i++)
        order[i] = vectors + i * words;
    order[count] = zero;
    qsort_r(order, count + 1, sizeof *order, compare_vectors, &words);
    for (uint64_t i = 0; i < count; i++)
        good = good && memcmp(order[i], order[i + 1], words * sizeof *zero) != 0;
    free(order);
    free((void *)zero);
    return good;
}

/* ---- Certificates ---- */

/* Every column of the parent is the child vector of its class; weights add up; vectors are distinct. */
static void check_classes(const derivation *d, const char *name, uint64_t mask)
{
    const eg_vector_set *from = &d->parent->set, *to = &d->child.set;
    uint64_t wrong = 0, *weight = calloc(to->count + 1, sizeof *weight);
    for (uint64_t v = 0; d->class_of_column != NULL && v < from->count; v++)
        for (uint64_t x = 0; x < d->pieces; x++) {
            uint32_t class = d->class_of_column[v * d->pieces + x];
            bool is_zero = class == EG_ZERO_VECTOR;
            if (!is_zero && class >= to->count) {
                wrong++;
                continue;
            }
            weight[is_zero ? to->count : class] += from->weights[v];
            for (uint64_t r = 0; r < d->places; r++)
                wrong += eg_bit(vector(from, v), d->place[r] | d->piece[x]) != (!is_zero && eg_bit(vector(to, class), r));
        }
    for (uint64_t c = 0; d->class_of_column != NULL && c < to->count; c++)
        wrong += weight[c] != to->weights[c];
    for (uint64_t c = 0; d->places < 64 && c < to->count; c++)
        wrong += *vector(to, c) >> d->places != 0;
    EXPECT(wrong == 0, "%s, region %#llx: %llu bits or weights are wrong", name, (unsigned long long)mask,
           (unsigned long long)wrong);
    EXPECT(are_distinct(to->vectors, to->words, to->count), "%s, region %#llx: equal columns, or zero ones", name,
           (unsigned long long)mask);
    free(weight);
}

/* The distinct rows: every row of the child's vectors is the matrix row of its class. */
static void check_rows(const eg_columns *columns, const eg_bit_matrix *matrix, const uint32_t *class_of_row, const char *name,
                       uint64_t mask)
{
    uint64_t wrong = matrix->columns != columns->set.count, *weight = calloc(matrix->rows + 1, sizeof *weight);
    for (uint64_t r = 0; r < UINT64_C(1) << columns->size; r++) {
        uint32_t class = class_of_row[r];
        bool is_zero = class == EG_ZERO_VECTOR;
        if (!is_zero && class >= matrix->rows) {
            wrong++;
            continue;
        }
        weight[is_zero ? matrix->rows : class]++;
        for (uint64_t c = 0; c < columns->set.count; c++)
            wrong += eg_bit(vector(&columns->set, c), r) != (!is_zero && eg_bit(matrix->bits + class * matrix->words, c));
    }
    for (uint64_t i = 0; i < matrix->rows; i++)
        wrong += weight[i] != matrix->row_weight[i];
    for (uint64_t c = 0; c < columns->set.count; c++)
        wrong += matrix->column_weight[c] != columns->set.weights[c];
    for (uint64_t i = 0; matrix->columns % 64 != 0 && i < matrix->rows; i++)
        wrong += matrix->bits[(i + 1) * matrix->words - 1] >> matrix->columns % 64 != 0;
    EXPECT(wrong == 0, "%s, region %#llx: %llu bits or weights of rows are wrong", name, (unsigned long long)mask,
           (unsigned long long)wrong);
    EXPECT(are_distinct(matrix->bits, matrix->words, matrix->rows), "%s, region %#llx: equal rows, or zero ones", name,
           (unsigned long long)mask);
    free(weight);
}

/* The function itself from rows, columns and classes; the sum of all ones with their multiplicities. */
static void check_function(const eegpu_state *state, const derivation *d, const eg_bit_matrix *matrix, const uint32_t *class_of_row,
                           const char *name, uint64_t mask)
{
    uint64_t wrong = 0, ones = 0;
    for (uint64_t x = 0; d->class_of_column != NULL && x < d->pieces; x++)
        for (uint64_t r = 0; r < d->places; r++) {
            uint32_t row = class_of_row[r], column = d->class_of_column[x];
            bool one = row != EG_ZERO_VECTOR && column != EG_ZERO_VECTOR && eg_bit(matrix->bits + row * matrix->words, column);
            wrong += one != eg_bit(state->bits, d->place[r] | d->piece[x]);
        }
    for (uint64_t r = 0; r < matrix->rows; r++)
        for (uint64_t c = 0; c < matrix->columns; c++)
            ones += eg_bit(matrix->bits + r * matrix->words, c) ? matrix->row_weight[r] * matrix->column_weight[c] : 0;
    EXPECT(wrong == 0, "%s, region %#llx: %llu images come back wrong", name, (unsigned long long)mask, (unsigned long long)wrong);
    EXPECT(ones == state->ones, "%s, region %#llx: %llu ones, the function has %llu", name, (unsigned long long)mask,
           (unsigned long long)ones, (unsigned long long)state->ones);
}

static int compare_words(const void *left, const void *right)
{
    uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
    return a < b ? -1 : a > b;
}

/* At most 6 pixels: columns are words, listed from the function and sorted; runs are the weights. */
static void check_short(const eegpu_state *state, const derivation *d, const char *name, uint64_t mask)
{
    const eg_vector_set *set = &d->child.set;
    uint64_t *all = calloc(d->pieces, sizeof *all), found = 0, wrong = 0;
    for (uint64_t x = 0; x < d->pieces; x++)
        for (uint64_t r = 0; r < d->places; r++)
            all[x] |= (uint64_t)eg_bit(state->bits, d->place[r] | d->piece[x]) << r;
    qsort(all, d->pieces, sizeof *all, compare_words);
    for (uint64_t x = 0, next; x < d->pieces; x = next) {
        for (next = x; next < d->pieces && all[next] == all[x];)
            next++;
        if (all[x] == 0)
            continue;
        uint64_t c = 0;
        while (c < set->count && *vector(set, c) != all[x])
            c++;
        wrong += c == set->count || set->weights[c] != next - x;
        found++;
    }
    EXPECT(wrong == 0 && found == set->count, "%s, region %#llx: %llu of %llu distinct columns (%llu found) are wrong", name,
           (unsigned long long)mask, (unsigned long long)wrong, (unsigned long long)found, (unsigned long long)set->count);
    free(all);
}

static void check_region(const eegpu_state *state, const eg_columns *whole, uint64_t mask, const char *name)
{
    derivation d;
    eg_bit_matrix matrix = {0};
    if (!derive(whole, mask, &d))
        return;
    uint32_t *class_of_row = calloc(d.places, sizeof *class_of_row);
    check_classes(&d, name, mask);
    if (d.places <= 64)
        check_short(state, &d, name, mask);
    if (CHECK_OK(eg_bit_matrix_of_columns(&d.child, &budget, class_of_row, &matrix))) {
        check_rows(&d.child, &matrix, class_of_row, name, mask);
        check_function(state, &d, &matrix, class_of_row, name, mask);
    }
    eg_bit_matrix_free(&matrix);
    free(class_of_row);
    forget(&d);
}

static void check_state(const eegpu_state *state, const eegpu_cuts *cuts, const char *name)
{
    eg_columns whole;
    uint64_t one;
    if (state == NULL || cuts == NULL || !EXPECT(state->kind == EG_BITS, "%s is no 0/1 function", name))
        return;
    eg_columns_of_state(state, &one, &whole);
    for (size_t i = 0; i < eegpu_cuts_count(cuts); i++)
        check_region(state, &whole, *eg_cut_mask(cuts, i), name);
    CHECK_EQUAL(budget.used, 0);
}

static const int lattices[][2] = {{2, 2}, {1, 5}, {3, 3}, {1, 9}, {3, 4}, {1, 12}, {13, 1}, {4, 4}, {2, 8}};

static void test_builtin_functions(void)
{
    for (size_t l = 0; l < COUNT(lattices); l++) {
        int height = lattices[l][0], width = lattices[l][1], few = IS_SANITIZED && height * width > 12 ? 20 : 100;
        eegpu_cuts *cuts = regions_of_all_sizes(height, width, few, 1 + l);
        for (size_t k = 0; k < COUNT(builtins); k++) {
            if (builtins[k].form != LABELS || !is_defined(&builtins[k], height * width))
                continue;
            eegpu_state *state = open_source(builtins[k].text, height, width);
            check_state(state, cuts, builtins[k].text);
            eegpu_state_close(state);
        }
        eegpu_cuts_free(cuts);
    }
}

/* A random 0/1 function from memory, with pixel 0 as the highest or the lowest bit of the index. */
static eegpu_state *open_labels(int height, int width, int percent, eegpu_bit_order order, uint64_t seed)
{
    uint64_t size = UINT64_C(1) << height * width;
    double *labels = malloc(size * sizeof *labels);
    eegpu_open_options options = lattice_options(height, width);
    eegpu_state *state = NULL;
    options.bit_order = order;
    for (uint64_t s = 0; s < size; s++)
        labels[s] = random_word(&seed) % 100 < (uint64_t)percent;
    labels[size / 3] = 1;
    CHECK_OK(eegpu_state_from_amplitudes(labels, false, &options, &state));
    free(labels); /* bits are a copy */
    return state;
}

static void test_random_functions(void)
{
    static const int percents[] = {2, 50, 97};
    for (size_t l = 0; l < COUNT(lattices); l++) {
        int height = lattices[l][0], width = lattices[l][1];
        eegpu_cuts *cuts = regions_of_all_sizes(height, width, IS_SANITIZED ? 20 : 100, 50 + l);
        for (size_t k = 0; k < COUNT(percents); k++) {
            eegpu_state *msb = open_labels(height, width, percents[k], EEGPU_MSB, k), *lsb = NULL;
            lsb = open_labels(height, width, percents[k], EEGPU_LSB, k);
            CHECK(lsb == NULL || (lsb->bit_of_pixel[0] == 0 && msb->bit_of_pixel[0] == height * width - 1));
            check_state(msb, cuts, "random labels");
            check_state(lsb, cuts, "random labels, lowest bit first");
            eegpu_state_close(msb);
            eegpu_state_close(lsb);
        }
        eegpu_cuts_free(cuts);
    }
}

/* ---- Chains of parents -------------------------------------------------------------------------------------------- */

typedef struct weighted {
    uint64_t words, *bits; /* words of bits, then the weight */
} weighted;

/* All vectors with their weights, places in the order of the pixels, sorted. */
static weighted canonical(const eg_columns *columns)
{
    const eg_vector_set *set = &columns->set;
    weighted all = {.words = set->words + 1, .bits = calloc(set->count * (set->words + 1) + 1, 8)};
    int bit[EG_MAX_DENSE_PIXELS];
    for (int i = 0; i < columns->size; i++) {
        int lower = 0;
        for (int j = 0; j < columns->size; j++)
            lower += columns->pixel_of_bit[j] < columns->pixel_of_bit[i];
        bit[lower] = i;
    }
    uint64_t *place = spread_table(bit, columns->size), **order = malloc((set->count + 1) * sizeof *order);
    for (uint64_t v = 0; v < set->count; v++) {
        order[v] = all.bits + v * all.words;
        for (uint64_t r = 0; r < UINT64_C(1) << columns->size; r++)
            order[v][r / 64] |= (uint64_t)eg_bit(vector(set, v), place[r]) << r % 64;
        order[v][set->words] = set->weights[v];
    }
    qsort_r(order, set->count, sizeof *order, compare_vectors, &all.words);
    uint64_t *sorted = calloc(set->count * all.words + 1, 8);
    for (uint64_t v = 0; v < set->count; v++)
        memcpy(sorted + v * all.words, order[v], all.words * 8);
    free(all.bits);
    free(order);
    free(place);
    all.bits = sorted;
    return all;
}

static bool same_columns(const eg_columns *left, const eg_columns *right)
{
    weighted a = canonical(left), b = canonical(right);
    bool same = left->size == right->size && left->set.count == right->set.count &&
                memcmp(a.bits, b.bits, left->set.count * a.words * 8) == 0;
    free(a.bits);
    free(b.bits);
    return same;
}

/* From the whole through ever smaller random regions; `next` says the sizes, 0 ends them; random ones when NULL. */
static void check_chain(const eegpu_state *state, const int *next, uint64_t *seed, const char *name)
{
    eg_columns whole, direct = {0};
    uint64_t one, mask = eg_low_mask(state->pixels);
    derivation link[EG_MAX_DENSE_PIXELS];
    const eg_columns *parent = &whole;
    int depth = 0;
    eg_columns_of_state(state, &one, &whole);
    while (parent->size > 1) {
        int size = next != NULL ? next[depth] : 1 + (int)(random_word(seed) % (uint64_t)(parent->size - 1));
        if (size == 0)
            break;
        while (eg_popcount(mask) > size)
            mask &= ~(UINT64_C(1) << random_word(seed) % (uint64_t)state->pixels);
        if (!derive(parent, mask, &link[depth]))
            break;
        check_classes(&link[depth], name, mask);
        if (CHECK_OK(eg_columns_derive(&whole, mask, &budget, NULL, &direct)))
            EXPECT(same_columns(&link[depth].child, &direct), "%s, region %#llx: other columns after %d steps than in one", name,
                   (unsigned long long)mask, depth + 1);
        eg_columns_free(&direct);
        parent = &link[depth++].child;
    }
    while (depth > 0)
        forget(&link[--depth]);
    CHECK_EQUAL(budget.used, 0);
}

static void test_chains(void)
{
    static const int chains[][EG_MAX_DENSE_PIXELS] = {
        {15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0},
        {15, 5, 1, 0},
        {14, 3, 0},
        {13, 6, 4, 0},
        {10, 2, 1, 0},
        {9, 8, 5, 3, 0},
        {7, 1, 0},
        {6, 5, 0},
    };
    uint64_t seed = 9;
    for (size_t k = 0; k < COUNT(builtins); k++) {
        if (builtins[k].form != LABELS)
            continue;
        eegpu_state *state = open_source(builtins[k].text, 4, 4);
        for (size_t c = 0; state != NULL && c < COUNT(chains); c++)
            check_chain(state, chains[c], &seed, builtins[k].text);
        for (int c = 0; state != NULL && c < (IS_SANITIZED ? 5 : 40); c++)
            check_chain(state, NULL, &seed, builtins[k].text);
        eegpu_state_close(state);
    }
    for (int k = 0; k < (IS_SANITIZED ? 10 : 60); k++) {
        eegpu_state *state = open_labels(2, 1 + k % 7, 3 + k, k % 2 ? EEGPU_LSB : EEGPU_MSB, (uint64_t)k);
        for (int c = 0; state != NULL && c < 5; c++)
            check_chain(state, NULL, &seed, "random labels");
        eegpu_state_close(state);
    }
}

/* Equal sizes: the same region again, in another order of the bits or not. */
static void test_same_region(void)
{
    uint64_t one, seed = 3;
    eegpu_state *state = open_source("primes", 1, 11);
    eg_columns whole, all = {0};
    eg_columns_of_state(state, &one, &whole);
    for (int k = 0; k < 30; k++) {
        uint64_t mask = k == 0 ? eg_low_mask(11) : random_mask(11, &seed);
        derivation first, second;
        if (!derive(&whole, mask, &first))
            continue;
        if (derive(&first.child, mask, &second)) {
            CHECK(same_columns(&first.child, &second.child));
            forget(&second);
        }
        forget(&first);
    }
    CHECK_OK(eg_columns_derive(&whole, eg_low_mask(11), &budget, NULL, &all));
    CHECK(all.set.count == 1 && all.set.weights[0] == 1 && memcmp(all.set.vectors, state->bits, 256) == 0);
    eg_columns_free(&all);
    eegpu_state_close(state);
    CHECK_EQUAL(budget.used, 0);
}

/* ---- Refusals ----------------------------------------------------------------------------------------------------- */

static void test_classes_of_few_pixels(void)
{
    uint32_t classes[1 << 11];
    uint64_t one;
    eegpu_state *state = open_source("primes", 1, 11);
    eg_columns whole, child = {0};
    eg_columns_of_state(state, &one, &whole);
    for (int size = 1; size < 6; size++)
        CHECK_FAILS(eg_columns_derive(&whole, eg_low_mask(size), &budget, classes, &child), EEGPU_USAGE, "of 11 pixels");
    CHECK_EQUAL(budget.used, 0);
    eegpu_state_close(state);
}

/* With every limit from nothing up to what is enough: a clear failure that leaves nothing behind, or success. */
static void test_little_memory(void)
{
    static const uint64_t masks[] = {0x5a3c, 0x0111, 0x7fff, 0x0007};
    uint64_t one;
    eegpu_state *state = open_source("primes", 4, 4);
    eg_columns whole;
    eg_columns_of_state(state, &one, &whole);
    for (size_t k = 0; k < COUNT(masks); k++) {
        int failures = 0, successes = 0;
        for (uint64_t limit = 1; successes == 0 && limit < UINT64_C(1) << 26; limit += limit / 8 + 1) {
            eg_budget little = {.limit = limit};
            eg_columns child = {0};
            eg_bit_matrix matrix = {0};
            eegpu_status status = eg_columns_derive(&whole, masks[k], &little, NULL, &child);
            if (status == EEGPU_OK)
                status = eg_bit_matrix_of_columns(&child, &little, NULL, &matrix);
            if (status != EEGPU_OK)
                CHECK_FAILS(status, EEGPU_OUT_OF_MEMORY, "of a cut");
            CHECK(status == EEGPU_OK || matrix.bits == NULL);
            successes += status == EEGPU_OK;
            failures += status != EEGPU_OK;
            eg_bit_matrix_free(&matrix);
            eg_columns_free(&child);
            CHECK_EQUAL(little.used, 0);
            CHECK(little.peak <= limit);
        }
        CHECK(failures > 10 && successes == 1);
    }
    eegpu_state_close(state);
}

EG_SUITE("distinct columns and rows", {"built-in functions come back bit for bit", test_builtin_functions},
         {"random functions in both bit orders", test_random_functions}, {"chains of regions", test_chains},
         {"the same region again", test_same_region}, {"classes of few pixels", test_classes_of_few_pixels},
         {"little memory", test_little_memory})
