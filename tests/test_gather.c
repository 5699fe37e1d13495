/* The permutation of the CPU back end: every number of a panel is the one that the layout names, for random layouts of real,
 * complex and 0/1 functions of 0 to 14 pixels, any panel, scaled or not, and for panels so large that they are written past the
 * caches. */
#include "backend/gather.h"

#include "base/bits.h"

#include "check.h"
#include "sources.h"

static uint64_t next(uint64_t *seed)
{
    *seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return *seed >> 33;
}

static void random_layout(int pixels, int row_bits, uint64_t *seed, eg_matrix_layout *layout)
{
    int bit[EG_MAX_DENSE_PIXELS];
    for (int i = 0; i < pixels; i++)
        bit[i] = i;
    bool shuffles = next(seed) % 4 != 0; /* else identity, whole runs */
    for (int i = pixels - 1; shuffles && i > 0; i--) {
        int j = (int)(next(seed) % (uint64_t)(i + 1)), swap = bit[i];
        bit[i] = bit[j];
        bit[j] = swap;
    }
    *layout = (eg_matrix_layout){.row_bits = row_bits, .column_bits = pixels - row_bits};
    for (int i = 0; i < pixels; i++)
        *(i < row_bits ? &layout->row_bit[i] : &layout->column_bit[i - row_bits]) = bit[i];
}

static uint64_t index_of(const eg_matrix_layout *layout, uint64_t row, uint64_t column)
{
    uint64_t index = 0;
    for (int j = 0; j < layout->row_bits; j++)
        index |= (row >> j & 1) << layout->row_bit[j];
    for (int j = 0; j < layout->column_bits; j++)
        index |= (column >> j & 1) << layout->column_bit[j];
    return index;
}

static double number_of(const eegpu_state *state, uint64_t index, uint64_t part)
{
    if (state->kind == EG_BITS)
        return (double)(state->bits[index / 64] >> (index % 64) & 1);
    return ldexp(state->amplitudes[state->is_complex ? 2 * index + part : index], state->exponent);
}

/* Columns [first, first + count); the number after the panel must not change. */
static void check_panel(const eegpu_state *state, const eg_matrix_layout *layout, uint64_t first, uint64_t count, int threads)
{
    uint64_t rows = UINT64_C(1) << layout->row_bits, unit = state->is_complex ? 2 : 1, wrong = 0;
    double *panel = NULL;
    if (!CHECK_OK(eg_allocate(NULL, rows * count * unit + 1, sizeof *panel, "a panel", &panel)))
        return;
    for (uint64_t i = 0; i <= rows * count * unit; i++)
        panel[i] = -77;
    CHECK_OK(eg_gather_columns(state, layout, first, count, panel, threads));
    for (uint64_t c = 0; c < count; c++)
        for (uint64_t r = 0; r < rows; r++)
            for (uint64_t part = 0; part < unit; part++)
                wrong += panel[(c * rows + r) * unit + part] != number_of(state, index_of(layout, r, first + c), part);
    CHECK_EQUAL(wrong, 0);
    CHECK(panel[rows * count * unit] == -77);
    eg_release(NULL, panel);
}

enum { REAL, COMPLEX, BITS, KINDS };

/* Numbers that are all different, or random bits. */
static void fill_state(int kind, int pixels, uint64_t *seed, eegpu_state *state)
{
    uint64_t numbers = (kind == COMPLEX ? UINT64_C(2) : 1) << pixels;
    double *amplitudes = NULL;
    *state = (eegpu_state){.kind = kind == BITS ? EG_BITS : EG_AMPLITUDES, .pixels = pixels, .size = UINT64_C(1) << pixels};
    state->is_complex = kind == COMPLEX;
    state->exponent = kind != BITS && next(seed) % 3 == 0 ? 700 : 0;
    if (kind == BITS) {
        CHECK_OK(eg_allocate(NULL, (state->size + 63) / 64, sizeof *state->bits, "bits", &state->bits));
        for (uint64_t i = 0; i < (state->size + 63) / 64; i++)
            state->bits[i] =
                (next(seed) << 40 ^ next(seed) << 20 ^ next(seed)) & eg_low_mask(state->size < 64 ? (int)state->size : 64);
        return;
    }
    CHECK_OK(
        eg_allocate(NULL, numbers, sizeof *amplitudes, "amplitudes", &amplitudes)); /* no room beyond: reading there is caught */
    for (uint64_t i = 0; i < numbers; i++)
        amplitudes[i] = ldexp((double)i + 0.5, -state->exponent);
    state->amplitudes = state->owned = amplitudes;
}

static void free_state(eegpu_state *state)
{
    eg_release(NULL, state->owned);
    eg_release(NULL, state->bits);
}

static void small_functions(void)
{
    uint64_t seed = 11;
    for (int kind = 0; kind < KINDS; kind++)
        for (int pixels = 0; pixels <= 14; pixels++)
            for (int n = 0; n < (IS_SANITIZED ? 8 : 40); n++) {
                eegpu_state state;
                eg_matrix_layout layout;
                fill_state(kind, pixels, &seed, &state);
                random_layout(pixels, (int)(next(&seed) % (uint64_t)(pixels + 1)), &seed, &layout);
                int count_bits = (int)(next(&seed) % (uint64_t)(layout.column_bits + 1));
                uint64_t panels = UINT64_C(1) << (layout.column_bits - count_bits), count = UINT64_C(1) << count_bits;
                check_panel(&state, &layout, next(&seed) % panels * count, count, 1 + n % 3);
                free_state(&state);
            }
}

static void large_panels(void)
{
    uint64_t seed = 12;
    for (int kind = 0; kind < KINDS; kind++)
        for (int n = 0; n < (IS_SANITIZED ? 1 : 5); n++) {
            eegpu_state state;
            eg_matrix_layout layout;
            fill_state(kind, 20, &seed, &state);
            random_layout(20, 5 + 2 * n, &seed, &layout);
            check_panel(&state, &layout, 0, UINT64_C(1) << layout.column_bits, 2);
            free_state(&state);
        }
}

EG_SUITE("gather", {"small functions", small_functions}, {"large panels", large_panels})
