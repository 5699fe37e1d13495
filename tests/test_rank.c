/* Exact ranks of 0/1 matrices: residues and kernels against 128-bit integers, ranks against fraction-free elimination, against
 * elimination modulo small primes, and against known ones; what the stated probability of failure says. */
#include "reduce/rank.h"

#include "base/bits.h"
#include "check.h"
#include "spectrum/spectrum.h"

typedef struct matrix {
    uint64_t rows, columns, words, *bits;
} matrix;

static uint64_t next_random(uint64_t *seed)
{
    *seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return *seed >> 33 ^ *seed >> 20;
}

static matrix zeros(uint64_t rows, uint64_t columns)
{
    uint64_t words = eg_ceil_div(columns, 64);
    return (matrix){.rows = rows, .columns = columns, .words = words, .bits = calloc(rows * words + 1, sizeof(uint64_t))};
}

static void put(matrix *m, uint64_t i, uint64_t j) { m->bits[i * m->words + j / 64] |= UINT64_C(1) << j % 64; }
static bool get(const matrix *m, uint64_t i, uint64_t j) { return eg_bit(m->bits + i * m->words, j); }

static void fill_random(matrix *m, uint64_t seed, int percent)
{
    for (uint64_t i = 0; i < m->rows; i++)
        for (uint64_t j = 0; j < m->columns; j++)
            if (next_random(&seed) % 100 < (uint64_t)percent)
                put(m, i, j);
}

/* Kronecker product: its rank is the product of the ranks. */
static matrix product_of(const matrix *a, const matrix *b)
{
    matrix m = zeros(a->rows * b->rows, a->columns * b->columns);
    for (uint64_t i = 0; i < m.rows; i++)
        for (uint64_t j = 0; j < m.columns; j++)
            if (get(a, i / b->rows, j / b->columns) && get(b, i % b->rows, j % b->columns))
                put(&m, i, j);
    return m;
}

/* `count` copies of a along the diagonal, then as many of b. */
static matrix blocks_of(const matrix *a, const matrix *b, uint64_t count)
{
    matrix m = zeros(count * (a->rows + b->rows), count * (a->columns + b->columns));
    uint64_t row = 0, column = 0;
    for (uint64_t k = 0; k < 2 * count; k++) {
        const matrix *block = k < count ? a : b;
        for (uint64_t i = 0; i < block->rows; i++)
            for (uint64_t j = 0; j < block->columns; j++)
                if (get(block, i, j))
                    put(&m, row + i, column + j);
        row += block->rows;
        column += block->columns;
    }
    return m;
}

/* All ones but the diagonal: determinant +-(n - 1). */
static matrix all_but_diagonal(uint64_t n)
{
    matrix m = zeros(n, n);
    for (uint64_t i = 0; i < n * n; i++)
        if (i / n != i % n)
            put(&m, i / n, i % n);
    return m;
}

static matrix prime_numbers(int pixels)
{
    uint64_t side = UINT64_C(1) << pixels / 2, count = side * side;
    matrix m = zeros(side, side);
    bool *composite = calloc(count, sizeof *composite);
    for (uint64_t n = 2; composite != NULL && n < count; n++) {
        if (composite[n])
            continue;
        put(&m, n / side, n % side);
        for (uint64_t k = n * n; k < count; k += n)
            composite[k] = true;
    }
    free(composite);
    return m;
}

/* ---- Independent ranks ---- */

enum { MOST_SMALL = 24 };

/* Fraction-free elimination: all intermediate numbers are minors, at most 25^(25/2) / 2^24. */
static uint64_t rank_by_integers(const matrix *m)
{
    static __int128 a[MOST_SMALL][MOST_SMALL];
    uint64_t rank = 0;
    __int128 before = 1;
    for (uint64_t i = 0; i < m->rows; i++)
        for (uint64_t j = 0; j < m->columns; j++)
            a[i][j] = get(m, i, j);
    for (uint64_t c = 0; c < m->columns && rank < m->rows; c++) {
        uint64_t found = rank;
        while (found < m->rows && a[found][c] == 0)
            found++;
        if (found == m->rows)
            continue;
        for (uint64_t j = 0; j < m->columns; j++) {
            __int128 other = a[found][j];
            a[found][j] = a[rank][j];
            a[rank][j] = other;
        }
        for (uint64_t i = rank + 1; i < m->rows; i++)
            for (uint64_t j = m->columns; j-- > c;)
                a[i][j] = (a[rank][c] * a[i][j] - a[i][c] * a[rank][j]) / before;
        before = a[rank++][c];
    }
    return rank;
}

static uint64_t rank_by_residues(const matrix *m, int prime)
{
    static int a[MOST_SMALL][MOST_SMALL];
    uint64_t rank = 0;
    for (uint64_t i = 0; i < m->rows; i++)
        for (uint64_t j = 0; j < m->columns; j++)
            a[i][j] = get(m, i, j);
    for (uint64_t c = 0; c < m->columns && rank < m->rows; c++) {
        uint64_t found = rank;
        while (found < m->rows && a[found][c] == 0)
            found++;
        if (found == m->rows)
            continue;
        for (uint64_t j = 0; j < m->columns; j++) {
            int other = a[found][j];
            a[found][j] = a[rank][j];
            a[rank][j] = other;
        }
        for (uint64_t i = rank + 1; i < m->rows; i++) /* scaled by the pivot, which is not 0 */
            for (uint64_t j = m->columns; j-- > c;)
                a[i][j] = ((a[rank][c] * a[i][j] - a[i][c] * a[rank][j]) % prime + prime) % prime;
        rank++;
    }
    return rank;
}

/* ---- Residues ---- */

static const uint32_t some_primes[] = {2, 3, 5, 65537, 8388617, 16777199};
enum { PRIMES = sizeof some_primes / sizeof *some_primes };

static eg_prime_field field_of(uint32_t prime) { return (eg_prime_field){.prime = prime, .inverse = 1 / (double)prime}; }

static bool is_residue(double x, __int128 of, uint32_t prime)
{
    return 2 * fabs(x) <= (double)prime + 3 && fabs(x) < prime && x == rint(x) && (of - (__int128)x) % prime == 0;
}

static void residues_are_exact(void)
{
    bool good = true;
    uint64_t seed = 1;
    for (size_t p = 0; p < PRIMES; p++) {
        eg_prime_field field = field_of(some_primes[p]);
        for (int64_t k = 0; k < 20000; k++) {
            int64_t prime = (int64_t)some_primes[p], half = (prime + 3) / 2, largest = EG_EXACT_TERMS * half * half + half;
            int64_t halfway = (2 * (largest / prime - k) - 1) * prime / 2, x = k % 3 == 0 ? largest - k : k % 3 == 1 ? k : halfway;
            good = good && is_residue(eg_residue(&field, (double)x), x, some_primes[p]);
            good = good && is_residue(eg_residue(&field, (double)-x), -x, some_primes[p]);
        }
        for (int k = 0; k < 2000; k++) {
            double x = eg_residue(&field, (double)next_random(&seed));
            double inverse = x == 0 ? 0 : eg_residue_inverse(&field, x);
            good = good && (x == 0 || is_residue(inverse, (__int128)inverse, some_primes[p]));
            good = good && (x == 0 || is_residue(1, (__int128)x * (__int128)inverse, some_primes[p]));
        }
    }
    CHECK(good);
}

/* Largest residues, most terms, all numbers of rows: the sums reach their bound. */
static void kernels_are_exact(void)
{
    enum { WIDTH = EG_EXACT_TERMS + EG_FIELD_COLUMNS };
    static double original[EG_FIELD_ROWS][WIDTH], rows[EG_FIELD_ROWS][WIDTH], factor[EG_EXACT_TERMS * EG_FIELD_COLUMNS];
    static const uint64_t lengths[] = {0, 1, 2, 7, 100, EG_EXACT_TERMS};
    size_t count = 0;
    const eg_modular_kernel *kernels = eg_modular_kernels(&count);
    CHECK(count >= 1 && kernels[count - 1].is_supported() && eg_modular_best()->is_supported());
    for (size_t test = 0; test < count * PRIMES * 6 * EG_FIELD_ROWS; test++) {
        const eg_modular_kernel *kernel = &kernels[test % count];
        uint32_t prime = some_primes[test / count % PRIMES];
        uint64_t terms = lengths[test / count / PRIMES % 6], used = 1 + test / count / PRIMES / 6, seed = test / count;
        double *row[EG_FIELD_ROWS], most = prime < 5 ? 1 : (prime + 3) / 2;
        eg_prime_field field = field_of(prime);
        if (!kernel->is_supported())
            continue;
        for (size_t i = 0; i < EG_FIELD_ROWS * WIDTH; i++)
            original[i / WIDTH][i % WIDTH] = test % 2 ? most : (double)(int64_t)(next_random(&seed) % prime) - floor(prime / 2.);
        for (size_t i = 0; i < sizeof factor / sizeof *factor; i++)
            factor[i] = i % EG_FIELD_COLUMNS < 8 ? -most : (double)(int64_t)(next_random(&seed) % prime) - floor(prime / 2.);
        memcpy(rows, original, sizeof rows);
        for (size_t i = 0; i < EG_FIELD_ROWS; i++)
            row[i] = rows[i];
        kernel->subtract(&field, used, terms, row, 0, factor, EG_EXACT_TERMS);
        bool good = true;
        for (size_t i = 0; i < EG_FIELD_ROWS; i++)
            for (size_t j = 0; j < WIDTH; j++) {
                __int128 expected = (__int128)original[i][j];
                for (uint64_t t = 0; j >= EG_EXACT_TERMS && t < terms; t++)
                    expected -= (__int128)original[i][t] * (__int128)factor[EG_FIELD_COLUMNS * t + j - EG_EXACT_TERMS];
                bool changes = i < used && j >= EG_EXACT_TERMS;
                good = good && (changes ? is_residue(rows[i][j], expected, prime) : rows[i][j] == original[i][j]);
            }
        CHECK(good);
    }
}

/* ---- Ranks ---- */

/* The rank, by 1 and by 2 threads; the matrix is freed. */
static double check_rank(matrix m, uint64_t expected)
{
    uint64_t rank = 0, again = 0;
    double failure = -1, again_failure = -1;
    eg_budget budget = {.limit = 0};
    CHECK_OK(eg_rank_modular(&budget, m.rows, m.columns, m.bits, m.words, NULL, 1, &rank, &failure));
    CHECK_OK(eg_rank_modular(&budget, m.rows, m.columns, m.bits, m.words, NULL, 2, &again, &again_failure));
    CHECK_EQUAL(rank, expected);
    CHECK_EQUAL(again, expected);
    CHECK(failure >= 0 && failure == again_failure);
    CHECK_EQUAL(budget.used, 0);
    free(m.bits);
    return failure;
}

/* Rows from a few, some of them sums of two. */
static matrix random_of_low_rank(uint64_t seed)
{
    uint64_t rows = 1 + next_random(&seed) % MOST_SMALL, columns = 1 + next_random(&seed) % MOST_SMALL;
    uint64_t few = 1 + next_random(&seed) % rows;
    matrix m = zeros(rows, columns);
    fill_random(&m, seed, 5 + (int)(next_random(&seed) % 60));
    for (uint64_t i = few; i < rows; i++) {
        uint64_t a = m.bits[next_random(&seed) % i], b = m.bits[next_random(&seed) % i];
        m.bits[i] = a & b ? a : a | b;
    }
    for (uint64_t i = rows; i-- > 1;) {
        uint64_t other = next_random(&seed) % (i + 1), row = m.bits[i];
        m.bits[i] = m.bits[other];
        m.bits[other] = row;
    }
    return m;
}

static void small_ranks_are_those_of_integers(void)
{
    for (uint64_t seed = 0; seed < 400; seed++) {
        matrix m = random_of_low_rank(seed);
        CHECK(check_rank(m, rank_by_integers(&m)) == 0);
    }
}

static void ranks_modulo_small_primes(void)
{
    size_t count = 0;
    const eg_modular_kernel *kernels = eg_modular_kernels(&count);
    for (uint64_t seed = 0; seed < 300; seed++) {
        matrix m = random_of_low_rank(seed);
        for (size_t k = 0; k < 2 * count; k++) {
            uint64_t rank = 0;
            if (!kernels[k / 2].is_supported())
                continue;
            CHECK_OK(eg_rank_modulo(&kernels[k / 2], NULL, m.rows, m.columns, m.bits, m.words, 2 + k % 2, 1, &rank));
            CHECK_EQUAL(rank, rank_by_residues(&m, 2 + (int)(k % 2)));
        }
        free(m.bits);
    }
}

static uint64_t rank_modulo(const matrix *m, uint32_t prime)
{
    uint64_t rank = 0;
    CHECK_OK(eg_rank_modulo(eg_modular_best(), NULL, m->rows, m->columns, m->bits, m->words, prime, 2, &rank));
    return rank;
}

static void a_bad_prime_does_not_mislead(void)
{
    matrix two = all_but_diagonal(3), three = all_but_diagonal(4), m = blocks_of(&two, &three, 30);
    CHECK_EQUAL(rank_modulo(&two, 2), 2);
    CHECK_EQUAL(rank_modulo(&three, 3), 3);
    CHECK_EQUAL(rank_modulo(&m, 2), 30 * (2 + 4));
    CHECK_EQUAL(rank_modulo(&m, 3), 30 * (3 + 3));
    CHECK_EQUAL(rank_modulo(&m, 5), 30 * (3 + 4));
    CHECK(check_rank(m, 30 * (3 + 4)) == 0);
    check_rank(two, 3);
    check_rank(three, 4);
    matrix large = all_but_diagonal(258); /* 257 is prime */
    CHECK_EQUAL(rank_modulo(&large, 257), 257);
    CHECK(check_rank(large, 258) == 0);
}

static void known_ranks(void)
{
    static const uint64_t sizes[] = {1, 15, 16, 17, 100, 128, 129, 300};
    for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
        uint64_t n = sizes[k];
        matrix identity = zeros(n, n), reversed = zeros(n, 2 * n), ones = zeros(n, n + 5), triangle = zeros(n, n),
               zero = zeros(n, 70);
        for (uint64_t i = 0; i < n; i++) {
            put(&identity, i, i);
            put(&reversed, i, 2 * (n - 1 - i) + 1);
            for (uint64_t j = 0; j < n + 5; j++)
                put(&ones, i, j);
            for (uint64_t j = n - 1 - i; j < n; j++)
                put(&triangle, i, j);
        }
        CHECK(check_rank(identity, n) == 0);
        CHECK(check_rank(reversed, n) == 0);
        CHECK(check_rank(ones, 1) == 0);
        CHECK(check_rank(triangle, n) == 0);
        CHECK(check_rank(zero, 0) == 0);
    }
}

static void ranks_of_products(void)
{
    matrix a = prime_numbers(8), b = zeros(20, 31), c = zeros(9, 5), d = zeros(3, 70);
    fill_random(&b, 7, 40);
    fill_random(&c, 8, 50);
    fill_random(&d, 9, 50);
    uint64_t rank_a = rank_by_integers(&a), rank_b = rank_by_integers(&(matrix){20, 24, 1, b.bits}), rank_c = rank_by_integers(&c);
    CHECK(rank_a < 16 && rank_b == 20 && rank_c == 5);
    CHECK(check_rank(product_of(&a, &b), rank_a * rank_b) == 0);
    CHECK(check_rank(product_of(&c, &b), rank_c * rank_b) == 0);
    CHECK(check_rank(product_of(&a, &c), rank_a * rank_c) == 0);
    CHECK(check_rank(product_of(&d, &c), 3 * rank_c) == 0);
    free(a.bits), free(b.bits), free(c.bits), free(d.bits);
}

static void long_and_flat(void)
{
    matrix flat = zeros(6, 3001), tall = zeros(3001, 6);
    fill_random(&flat, 3, 50);
    fill_random(&tall, 4, 50);
    CHECK(check_rank(flat, 6) == 0);
    CHECK(check_rank(tall, 6) == 0);
}

/* Odd numbers and 2: half of the columns and one more. */
static void ranks_of_prime_numbers(void)
{
    CHECK(check_rank(prime_numbers(16), 129) == 0);
    double failure = check_rank(prime_numbers(20), 513);
    CHECK(failure > 0 && failure < 1e-12); /* 78 bad primes are possible, too many for a proof */
}

static void all_kernels_agree(void)
{
    size_t count = 0;
    const eg_modular_kernel *kernels = eg_modular_kernels(&count);
    matrix m = prime_numbers(18);
    for (size_t k = 0; k < count; k++) {
        uint64_t rank = 0;
        if (!kernels[k].is_supported())
            continue;
        CHECK_OK(eg_rank_modulo(&kernels[k], NULL, m.rows, m.columns, m.bits, m.words, 16777199, 2, &rank));
        CHECK_EQUAL(rank, 257);
    }
    free(m.bits);
}

/* The number that the probability is divided by, and the bound on bad primes: at d = 4 the largest determinant is 3. */
static void the_probability_is_counted_right(void)
{
    enum { END = (1 << 24) - 3, FROM = 1 << 23 };
    bool *composite = calloc(END, sizeof *composite);
    uint64_t count = 0;
    for (uint64_t n = 2; composite != NULL && n < END; n++) {
        for (uint64_t k = n * n; !composite[n] && k < END; k += n)
            composite[k] = true;
        count += n >= FROM && !composite[n];
    }
    free(composite);
    CHECK_EQUAL(count, 513707);
    CHECK_EQUAL(eg_rank_bad_primes(eg_rank_hadamard_bits(0)), 0);
    CHECK_EQUAL(eg_rank_bad_primes(eg_rank_hadamard_bits(4)), 0);
    CHECK_EQUAL(eg_rank_bad_primes(-3), 0);
    CHECK_EQUAL(eg_rank_bad_primes(23), 1);                            /* a prime of 2^23 and more divides a number of 24 bits */
    CHECK_EQUAL(eg_rank_bad_primes(eg_rank_hadamard_bits(4095)), 890); /* 2048 * 12 - 4095 = 20481 bits, 23 a prime */
    matrix m = prime_numbers(20);
    uint64_t rank = 0, bad = eg_rank_bad_primes(eg_rank_hadamard_bits(514)); /* the rank is 513 */
    double failure = 0, expected = 1;
    for (uint64_t k = 0; k < 4; k++)
        expected *= (double)(bad - k) / (double)(count - k);
    CHECK_OK(eg_rank_modular(NULL, m.rows, m.columns, m.bits, m.words, NULL, 2, &rank, &failure));
    CHECK_NEAR(failure, expected, 1e-9 * expected);
    free(m.bits);
}

/* Bounds that the caller knows spare primes: 2^20 for every minor leaves room for no prime, so that the first one is a proof. */
static void known_minors_spare_primes(void)
{
    matrix m = prime_numbers(20);
    double *minor_bits = malloc((m.rows + 1) * sizeof *minor_bits);
    uint64_t rank = 0;
    double failure = 1;
    for (uint64_t k = 0; minor_bits != NULL && k <= m.rows; k++)
        minor_bits[k] = k == 514 ? 20 : 1e9;
    CHECK_OK(eg_rank_modular(NULL, m.rows, m.columns, m.bits, m.words, minor_bits, 2, &rank, &failure));
    CHECK_EQUAL(rank, 513);
    CHECK(failure == 0);
    free(minor_bits);
    free(m.bits);
}

/* Nothing is empty and all hangs together: a block of one row would have to have one column. */
static void make_one_block(matrix *m)
{
    for (uint64_t j = 0; j < m->columns; j++)
        put(m, 0, j);
    for (uint64_t i = 0; i < m->rows; i++)
        put(m, i, 0);
}

/* Eigenvalues, minors bounded by them, and elimination where those leave something open: rows and columns with any weights. */
static void check_rank_of_weighted(const matrix *m, uint64_t seed, uint64_t expected)
{
    eg_budget budget = {.limit = 0};
    eg_device cpu = {.backend = &eg_backend_cpu, .budget = &budget};
    eg_lane lane = {&cpu, 1};
    eg_spectrum spectrum;
    eg_bit_matrix weighted = {.rows = m->rows, .columns = m->columns, .words = m->words, .budget = &budget};
    uint64_t ones = 0, blocks = 0, heaviest = seed % 3 == 0 ? 1 : seed % 3 == 1 ? 5 : 100000;
    CHECK_OK(eg_allocate(&budget, m->rows * m->words, sizeof *m->bits, "bits", &weighted.bits));
    CHECK_OK(eg_allocate(&budget, m->rows, sizeof *m->bits, "weights", &weighted.row_weight));
    CHECK_OK(eg_allocate(&budget, m->columns, sizeof *m->bits, "weights", &weighted.column_weight));
    memcpy(weighted.bits, m->bits, m->rows * m->words * sizeof *m->bits);
    for (uint64_t i = 0; i < m->rows; i++)
        weighted.row_weight[i] = 1 + next_random(&seed) % heaviest;
    for (uint64_t j = 0; j < m->columns; j++)
        weighted.column_weight[j] = 1 + next_random(&seed) % heaviest;
    for (uint64_t i = 0; i < m->rows; i++)
        for (uint64_t j = 0; j < m->columns; j++)
            ones += get(m, i, j) ? weighted.row_weight[i] * weighted.column_weight[j] : 0;
    eg_spectrum_begin(&budget, &spectrum);
    CHECK_OK(eg_spectrum_add_counts(&lane, EG_ROUTE_GRAM, &weighted, ones, &blocks, &spectrum));
    CHECK_OK(eg_spectrum_solve(&lane, &spectrum));
    CHECK_OK(eg_spectrum_find_rank(&spectrum, ones, 1, true));
    CHECK_OK(eg_spectrum_finish(&spectrum, ones));
    CHECK(spectrum.rank_exact && spectrum.rank_doubt == 0);
    CHECK_EQUAL(spectrum.rank, expected);
    eg_spectrum_free(&lane, &spectrum);
    eg_bit_matrix_free(&weighted);
    CHECK_EQUAL(budget.used, 0);
}

static void ranks_by_way_of_the_spectrum(void)
{
    for (uint64_t seed = 0; seed < 200; seed++) {
        matrix a = random_of_low_rank(seed), b = random_of_low_rank(seed + 1000);
        make_one_block(&a);
        make_one_block(&b);
        uint64_t rank = rank_by_integers(&a);
        if (a.rows > 1)
            check_rank_of_weighted(&a, seed, rank);
        matrix both = product_of(&a, &b);
        if (seed % 4 == 0 && both.rows > 1)
            check_rank_of_weighted(&both, seed, rank * rank_by_integers(&b));
        free(a.bits), free(b.bits), free(both.bits);
    }
}

static void nothing_has_rank_0(void)
{
    CHECK(check_rank(zeros(0, 5), 0) == 0);
    CHECK(check_rank(zeros(5, 0), 0) == 0);
}

static void the_memory_limit_is_kept(void)
{
    matrix m = prime_numbers(16);
    uint64_t rank = 0;
    double failure = 0;
    eg_budget budget = {.limit = 1 << 19};
    CHECK_FAILS(eg_rank_modular(&budget, m.rows, m.columns, m.bits, m.words, NULL, 2, &rank, &failure), EEGPU_OUT_OF_MEMORY,
                "the matrix whose rank is asked for");
    CHECK_EQUAL(budget.used, 0);
    CHECK_EQUAL(failure, 1);
    budget.limit = 600000;
    CHECK_FAILS(eg_rank_modular(&budget, m.rows, m.columns, m.bits, m.words, NULL, 2, &rank, &failure), EEGPU_OUT_OF_MEMORY,
                "the pivot rows of a rank");
    CHECK_EQUAL(budget.used, 0);
    free(m.bits);
}

EG_SUITE("rank", {"residues are exact", residues_are_exact}, {"kernels are exact", kernels_are_exact},
         {"small ranks are those of integers", small_ranks_are_those_of_integers},
         {"ranks modulo small primes", ranks_modulo_small_primes}, {"a bad prime does not mislead", a_bad_prime_does_not_mislead},
         {"known ranks", known_ranks}, {"ranks of products", ranks_of_products}, {"long and flat", long_and_flat},
         {"ranks of prime numbers", ranks_of_prime_numbers}, {"all kernels agree", all_kernels_agree},
         {"the probability is counted right", the_probability_is_counted_right},
         {"known minors spare primes", known_minors_spare_primes}, {"ranks by way of the spectrum", ranks_by_way_of_the_spectrum},
         {"nothing has rank 0", nothing_has_rank_0}, {"the memory limit is kept", the_memory_limit_is_kept})
