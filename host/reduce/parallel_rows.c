/* Two passes over panels of columns. The first hashes every row divided by its first entry that is not zero: the correctly rounded
 * quotient is a function of the exact one, so parallel rows have equal hashes, and rows with different hashes need no further look.
 * The second compares the rows that are left, v_i w_0 == w_i v_0, in exact products. A complex row is first turned by the power of
 * i that brings its first entry to re > 0, im >= 0; its parts are divided by that re. Blocks are found by union-find on the way. */
#include "reduce/parallel_rows.h"

#include <math.h>
#include <string.h>

#include "backend/gather.h"
#include "base/bits.h"

enum { FIRST_COLUMNS = 16 };
static const uint32_t none = UINT32_MAX;

typedef struct search {
    eg_gather_function *gather;
    const eegpu_state *state;
    const eg_matrix_layout *layout;
    int threads;
    uint64_t rows, columns, widest, hash_mask;
    double *panel;     /* rows x widest at most */
    double *first;     /* of each row: the first entry that is not zero, turned to be positive; 0: none so far */
    uint8_t *quarters; /* of each row: quarter turns that do this */
    uint64_t *hash;
    uint32_t *leader; /* lowest row of those with the same hash, or the same up to a factor; `none`: no such others */
    uint32_t *active; /* rows that are still looked at, ascending */
    uint64_t active_count;
    uint32_t *slots;     /* hash table of rows, open addressing, at most half in use */
    uint32_t *parent;    /* union-find of rows */
    uint64_t components; /* zero rows are components of their own */
} search;

typedef struct number {
    double re, im;
} number;

/* Entry of a column times i^quarters, exactly: of two products one is zero. */
static inline number turned(const double *column, uint64_t row, int quarters, bool is_complex)
{
    static const double cosine[4] = {1, 0, -1, 0}, sine[4] = {0, 1, 0, -1};
    if (!is_complex)
        return (number){cosine[quarters] * column[row], 0};
    double re = column[2 * row], im = column[2 * row + 1], c = cosine[quarters], s = sine[quarters];
    return (number){re * c - im * s, re * s + im * c};
}

/* ---- First pass: hashes ---- */

static void note_first(search *s, const double *column, uint64_t row, bool is_complex)
{
    number z = turned(column, row, 0, is_complex);
    if (z.re == 0 && z.im == 0)
        return;
    uint8_t quarters = z.re > 0 && z.im >= 0 ? 0 : z.re >= 0 && z.im < 0 ? 1 : z.re < 0 && z.im <= 0 ? 2 : 3;
    s->quarters[row] = quarters;
    s->first[row] = turned(column, row, quarters, is_complex).re;
}

/* 0 and -0 are the same. */
static inline uint64_t mix(uint64_t hash, double quotient)
{
    uint64_t bits;
    quotient += 0.0;
    memcpy(&bits, &quotient, sizeof bits);
    hash = (hash ^ bits) * 0x9e3779b97f4a7c15;
    return hash ^ hash >> 32;
}

static inline void hash_columns(search *s, uint64_t count, bool is_complex)
{
    for (uint64_t c = 0; c < count; c++) {
        const double *column = s->panel + (is_complex ? 2 : 1) * s->rows * c;
        for (uint64_t a = 0; a < s->active_count; a++) {
            uint32_t row = s->active[a];
            if (s->first[row] == 0)
                note_first(s, column, row, is_complex);
            double first = s->first[row] == 0 ? 1 : s->first[row];
            number z = turned(column, row, s->quarters[row], is_complex);
            uint64_t hash = mix(s->hash[row], z.re / first);
            s->hash[row] = is_complex ? mix(hash, z.im / first) : hash;
        }
    }
}

/* Only rows that share their hash with others, or are zero so far, stay active. */
static void drop_different(search *s)
{
    uint64_t slot_mask = 1, kept = 0;
    while (slot_mask + 1 < 2 * s->active_count)
        slot_mask = 2 * slot_mask + 1;
    memset(s->slots, 0xff, (slot_mask + 1) * sizeof *s->slots);
    for (uint64_t a = 0; a < s->active_count; a++) {
        uint32_t row = s->active[a];
        uint64_t hash = s->hash[row] & s->hash_mask, at = hash & slot_mask;
        s->leader[row] = none;
        if (s->first[row] == 0)
            continue;
        while (s->slots[at] != none && (s->hash[s->slots[at]] & s->hash_mask) != hash)
            at = (at + 1) & slot_mask;
        if (s->slots[at] == none)
            s->slots[at] = row;
        else
            s->leader[row] = s->leader[s->slots[at]] = s->slots[at];
    }
    for (uint64_t a = 0; a < s->active_count; a++) {
        uint32_t row = s->active[a];
        if (s->leader[row] != none || s->first[row] == 0)
            s->active[kept++] = row;
    }
    s->active_count = kept;
}

/* ---- First pass: blocks ---- */

static uint32_t root_of(uint32_t *parent, uint32_t row)
{
    while (parent[row] != row)
        row = parent[row] = parent[parent[row]];
    return row;
}

/* The rows that are not zero in a column are in one block; its root is its lowest row. */
static void link_columns(search *s, uint64_t count, bool is_complex)
{
    uint64_t unit = is_complex ? 2 : 1;
    for (uint64_t c = 0; c < count && s->components > 1; c++) {
        const double *column = s->panel + unit * s->rows * c;
        uint32_t anchor = none;
        for (uint32_t row = 0; row < s->rows; row++) {
            if ((column[unit * row] == 0 && column[unit * row + unit - 1] == 0) || s->parent[row] == anchor)
                continue;
            uint32_t root = root_of(s->parent, row);
            if (anchor == none)
                anchor = root;
            if (root == anchor)
                continue;
            uint32_t low = root < anchor ? root : anchor;
            s->parent[root] = s->parent[anchor] = s->parent[row] = low;
            anchor = low;
            s->components--;
        }
    }
}

static bool look(search *s, uint64_t count)
{
    if (s->state->is_complex)
        hash_columns(s, count, true);
    else
        hash_columns(s, count, false);
    drop_different(s);
    link_columns(s, count, s->state->is_complex);
    return s->active_count > 0 || s->components > 1;
}

/* ---- Second pass ---- */

/* a b == c d exactly, b and d not zero. Rounding errors of products are doubles unless they underflow; then mantissas are
 * compared. */
static bool same_products(double a, double b, double c, double d)
{
    double left = a * b, right = c * d, size = fabs(left);
    int of_a, of_b, of_c, of_d;
    if (size > 1e-250 && size < 1e250)
        return left == right && fma(a, b, -left) == fma(c, d, -right);
    if (a == 0 || c == 0)
        return a == c;
    a = frexp(a, &of_a);
    b = frexp(b, &of_b);
    c = frexp(c, &of_c);
    d = frexp(d, &of_d);
    return same_products(a, b, ldexp(c, of_c + of_d - of_a - of_b), d); /* 1/4 <= a b < 1 */
}

static inline bool same_entry(number v, double v_first, number w, double w_first)
{
    if (v_first == w_first)
        return v.re == w.re && v.im == w.im;
    return same_products(v.re, w_first, w.re, v_first) && same_products(v.im, w_first, w.im, v_first);
}

static inline void compare_columns(search *s, uint64_t count, bool is_complex)
{
    for (uint64_t c = 0; c < count; c++) {
        const double *column = s->panel + (is_complex ? 2 : 1) * s->rows * c;
        for (uint64_t a = 0; a < s->active_count; a++) {
            uint32_t row = s->active[a], leader = s->leader[row];
            if (leader == none)
                continue;
            number v = turned(column, row, s->quarters[row], is_complex);
            number w = turned(column, leader, s->quarters[leader], is_complex);
            if (!same_entry(v, s->first[row], w, s->first[leader]))
                s->leader[row] = none;
        }
    }
}

/* Only rows that follow another stay active. */
static void drop_alone(search *s)
{
    uint64_t kept = 0;
    for (uint64_t a = 0; a < s->active_count; a++) {
        uint32_t row = s->active[a];
        if (s->leader[row] != none && s->leader[row] != row)
            s->active[kept++] = row;
    }
    s->active_count = kept;
}

static bool compare(search *s, uint64_t count)
{
    if (s->state->is_complex)
        compare_columns(s, count, true);
    else
        compare_columns(s, count, false);
    drop_alone(s);
    return s->active_count > 0;
}

/* ---- Both ---- */

/* Panels of growing width, until `work` says that it has seen enough. */
static eegpu_status for_panels(search *s, bool (*work)(search *s, uint64_t count))
{
    uint64_t count = s->widest < FIRST_COLUMNS ? s->widest : FIRST_COLUMNS;
    bool goes_on = true;
    for (uint64_t first = 0; first < s->columns && goes_on; first += count) {
        if (first > 0)
            count = first < s->widest ? first : s->widest;
        eegpu_status status = s->gather(s->state, s->layout, first, count, s->panel, s->threads);
        if (status != EEGPU_OK)
            return status;
        goes_on = work(s, count);
    }
    return EEGPU_OK;
}

static eegpu_status begin(search *s)
{
    static const char what[] = "the search for parallel rows of the matrix of a cut";
    eg_budget *budget = s->state->budget;
    uint64_t unit = s->state->is_complex ? 2 : 1, rows = s->rows;
    eegpu_status status = EEGPU_OK;
    s->widest = s->columns;
    while (s->widest > 1 && s->widest * rows * unit * sizeof(double) > EG_SEARCH_PANEL_BYTES)
        s->widest /= 2;
    EG_TRY(eg_allocate(budget, s->widest * rows, unit * sizeof *s->panel, "a panel of the matrix of a cut", &s->panel));
    EG_TRY(eg_allocate_zero(budget, rows, sizeof *s->first, what, &s->first));
    EG_TRY(eg_allocate_zero(budget, rows, sizeof *s->quarters, what, &s->quarters));
    EG_TRY(eg_allocate_zero(budget, rows, sizeof *s->hash, what, &s->hash));
    EG_TRY(eg_allocate(budget, rows, sizeof *s->leader, what, &s->leader));
    EG_TRY(eg_allocate(budget, rows, sizeof *s->active, what, &s->active));
    EG_TRY(eg_allocate(budget, 2 * rows, sizeof *s->slots, what, &s->slots));
    EG_TRY(eg_allocate(budget, rows, sizeof *s->parent, what, &s->parent));
    for (uint32_t row = 0; row < rows; row++)
        s->active[row] = s->parent[row] = row;
    s->active_count = s->components = rows;
done:
    return status;
}

static void end(search *s)
{
    void *buffers[] = {s->panel, s->first, s->quarters, s->hash, s->leader, s->active, s->slots, s->parent};
    for (size_t i = 0; i < sizeof buffers / sizeof *buffers; i++)
        eg_release(s->state->budget, buffers[i]);
}

/* ---- What was found ---- */

static bool leads(const search *s, uint64_t row) { return s->first[row] != 0 && (s->leader[row] == none || s->leader[row] == row); }

static void count_classes(const search *s, eg_row_classes *classes)
{
    uint64_t zeros = 0;
    for (uint64_t row = 0; row < s->rows; row++) {
        classes->count += leads(s, row);
        zeros += s->first[row] == 0;
    }
    classes->blocks = s->components - zeros;
}

/* Classes, and the largest row of each. */
static void number_classes(const search *s, eg_row_classes *classes)
{
    uint32_t next = 0;
    for (uint32_t row = 0; row < s->rows; row++) {
        uint32_t class = s->first[row] == 0 ? EG_ZERO_VECTOR : leads(s, row) ? next : classes->class_of_row[s->leader[row]];
        classes->class_of_row[row] = class;
        if (leads(s, row))
            classes->representative[next++] = row;
        else if (class != EG_ZERO_VECTOR && s->first[row] > s->first[classes->representative[class]])
            classes->representative[class] = row;
    }
}

/* The rounding errors of the sums are summed apart, so that they do not grow with the class. */
static void sum_weights(const search *s, double *rest, eg_row_classes *classes)
{
    classes->exact_weights = true;
    for (uint64_t row = 0; row < s->rows; row++) {
        uint32_t class = classes->class_of_row[row];
        if (class == EG_ZERO_VECTOR)
            continue;
        double factor = s->first[row] / s->first[classes->representative[class]], sum = classes->weight[class];
        double term = factor * factor, total = sum + term, part = total - sum;
        rest[class] += (sum - (total - part)) + (term - part);
        classes->weight[class] = total;
        classes->exact_weights = classes->exact_weights && s->first[row] == s->first[classes->representative[class]];
    }
    for (uint64_t k = 0; k < classes->count; k++)
        classes->weight[k] += rest[k];
}

static void number_blocks(const search *s, uint32_t *number_of_root, eg_row_classes *classes)
{
    uint32_t next = 0, done = 0;
    memset(number_of_root, 0xff, s->rows * sizeof *number_of_root);
    for (uint32_t row = 0; row < s->rows; row++) {
        if (!leads(s, row))
            continue;
        uint32_t root = root_of(s->parent, row);
        if (number_of_root[root] == none)
            number_of_root[root] = next++;
        classes->block_of_class[done++] = number_of_root[root];
    }
}

static eegpu_status describe(search *s, eg_row_classes *classes)
{
    static const char what[] = "the distinct rows of the matrix of a cut";
    eg_budget *budget = classes->budget;
    uint64_t count = classes->count;
    double *rest = NULL;
    eegpu_status status = EEGPU_OK;
    EG_TRY(eg_allocate(budget, s->rows, sizeof *classes->class_of_row, what, &classes->class_of_row));
    EG_TRY(eg_allocate(budget, count, sizeof *classes->representative, what, &classes->representative));
    EG_TRY(eg_allocate_zero(budget, count, sizeof *classes->weight, what, &classes->weight));
    EG_TRY(eg_allocate(budget, count, sizeof *classes->block_of_class, what, &classes->block_of_class));
    EG_TRY(eg_allocate_zero(budget, count, sizeof *rest, what, &rest));
    number_classes(s, classes);
    sum_weights(s, rest, classes);
    number_blocks(s, s->active, classes);
done:
    eg_release(budget, rest);
    return status;
}

eegpu_status eg_find_row_classes_hashed(eg_gather_function *gather, const eegpu_state *state, const eg_matrix_layout *layout,
                                        int threads, uint64_t hash_mask, bool *found, eg_row_classes *classes)
{
    search s = {.gather = gather, .state = state, .layout = layout, .threads = threads, .hash_mask = hash_mask};
    eegpu_status status = EEGPU_OK;
    *found = false;
    *classes = (eg_row_classes){.budget = state->budget};
    if (layout->row_bits > 31)
        return eg_fail(EEGPU_USAGE, "looking for parallel rows: 2^%d rows are more than 2^31; exchange rows and columns",
                       layout->row_bits);
    s.rows = classes->rows = UINT64_C(1) << layout->row_bits;
    s.columns = UINT64_C(1) << layout->column_bits;
    EG_TRY(begin(&s));
    EG_TRY(for_panels(&s, look));
    drop_alone(&s);
    if (s.active_count > 0)
        EG_TRY(for_panels(&s, compare));
    count_classes(&s, classes);
    *found = classes->count < s.rows || classes->blocks > 1;
    if (*found)
        EG_TRY(describe(&s, classes));
done:
    end(&s);
    if (status != EEGPU_OK || !*found) {
        eg_row_classes_free(classes);
        *found = false;
    }
    return status;
}

eegpu_status eg_find_row_classes(const eegpu_state *state, const eg_matrix_layout *layout, int threads, bool *found,
                                 eg_row_classes *classes)
{
    return eg_find_row_classes_hashed(eg_gather_columns, state, layout, threads, ~UINT64_C(0), found, classes);
}

void eg_row_classes_free(eg_row_classes *classes)
{
    eg_budget *budget = classes->budget;
    eg_release(budget, classes->class_of_row);
    eg_release(budget, classes->representative);
    eg_release(budget, classes->weight);
    eg_release(budget, classes->block_of_class);
    *classes = (eg_row_classes){.budget = budget};
}
