/* A state from SOURCE text or from memory, and what all constructors share: lattice, room, the final check. Comes in as
 * text, a file name or borrowed amplitudes; goes out as struct eegpu_state, checked and with its norm. Called by the public
 * API and by the constructors in this folder. Reads no file format itself: dense_file.c, images.c and functions.c do. */
#include "state/state.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/bits.h"
#include "base/parallel.h"
#include "state/npy.h"

enum { MAX_THREADS = 4096 };

/* ---- Lattice and room ------------------------------------------------------------------------------------------ */

void eg_state_set_lattice(eegpu_state *state, int height, int width, eegpu_bit_order order)
{
    state->height = height;
    state->width = width;
    state->pixels = height * width;
    state->bit_order = order;
    bool dense = state->pixels <= EG_MAX_DENSE_PIXELS;
    state->size = dense ? UINT64_C(1) << state->pixels : 0;
    for (int i = 0; dense && i < state->pixels; i++)
        state->bit_of_pixel[i] = order == EEGPU_MSB ? state->pixels - 1 - i : i;
}

/* Refuse what cannot fit before it is tried. An image costs `bits` bits. */
static eegpu_status check_room(const eegpu_state *state, uint64_t bits, const char *what)
{
    if (state->pixels > EG_MAX_DENSE_PIXELS)
        return eg_fail(EEGPU_USAGE,
                       "making room for %s: the %dx%d lattice has %d pixels and so 2^%d of them; at most %d pixels are possible, "
                       "use a smaller lattice or a set of images",
                       what, state->height, state->width, state->pixels, state->pixels, EG_MAX_DENSE_PIXELS);
    uint64_t room = eg_budget_free(state->budget), need = eg_ceil_div(state->size, 64) * 8 * bits;
    if (bits > 1)
        need = state->size * (bits / 8);
    if (need <= room)
        return EEGPU_OK;
    int fits = 0;
    while (fits < EG_MAX_DENSE_PIXELS && (UINT64_C(1) << (fits + 1)) <= room / bits * 8)
        fits++;
    char need_text[24], room_text[24];
    return eg_fail(EEGPU_OUT_OF_MEMORY,
                   "making room for %s of the %dx%d lattice: 2^%d of them need %s, but %s are left of the memory limit, enough "
                   "for %d pixels; use a smaller lattice or a larger --memory",
                   what, state->height, state->width, state->pixels, eg_bytes_text(need, need_text), eg_bytes_text(room, room_text),
                   fits);
}

eegpu_status eg_state_allocate_amplitudes(eegpu_state *state, bool is_complex, double **amplitudes)
{
    eegpu_status status;
    const char *what = is_complex ? "the complex amplitudes" : "the real amplitudes";
    uint64_t parts = is_complex ? 2 : 1;
    EG_TRY(check_room(state, 64 * parts, what));
    EG_TRY(eg_allocate(state->budget, state->size, parts * sizeof(double), what, &state->owned));
    state->kind = EG_AMPLITUDES;
    state->is_complex = is_complex;
    state->amplitudes = *amplitudes = state->owned;
done:
    return status;
}

eegpu_status eg_state_allocate_bits(eegpu_state *state)
{
    eegpu_status status;
    const char *what = "the bits of the 0/1 function";
    EG_TRY(check_room(state, 1, what));
    EG_TRY(eg_allocate_zero(state->budget, eg_ceil_div(state->size, 64), sizeof(uint64_t), what, &state->bits));
    state->kind = EG_BITS;
    state->is_complex = false;
done:
    return status;
}

/* ---- The final check ------------------------------------------------------------------------------------------- */

/* What one chunk of the function adds. Chunks depend on the size alone and are combined in order: the same norm for any
 * number of threads. */
typedef struct chunk {
    double sum, rest; /* sum of |f|^2 and what rounding left out of it */
    double largest;   /* of the parts' magnitudes */
    uint64_t bad;     /* first number that is not finite, else UINT64_MAX */
    uint64_t ones;
    bool binary; /* every part is 0 or 1 */
} chunk;

enum { LEAST_CHUNK = 1 << 16, MOST_CHUNKS = 4096, LANES = 4 };

typedef struct pass {
    const eegpu_state *state;
    uint64_t parts, grain; /* numbers in all and in a chunk */
    double scale;          /* applied twice: 2^exponent itself may not be representable */
    chunk *chunks;
    uint64_t chunk_count;
    uint64_t *bits;
} pass;

/* sum + rest += value, the rounding error of the addition kept in rest (Knuth's two-sum). */
static inline void add(double *sum, double *rest, double value)
{
    double total = *sum + value, part = total - *sum;
    *rest += (*sum - (total - part)) + (value - part);
    *sum = total;
}

static void examine_amplitudes(const double *amplitudes, uint64_t first, uint64_t last, double scale, chunk *result)
{
    double sum[LANES] = {0}, rest[LANES] = {0}, largest[LANES] = {0};
    bool other = false;
    uint64_t bad = UINT64_MAX;
    for (uint64_t i = first; i < last; i++) {
        uint64_t lane = i % LANES;
        double value = amplitudes[i], scaled = value * scale * scale;
        double size = fabs(value);
        if (!(size <= DBL_MAX) && bad == UINT64_MAX)
            bad = i;
        largest[lane] = size > largest[lane] ? size : largest[lane];
        other |= value != 0 && value != 1;
        add(&sum[lane], &rest[lane], scaled * scaled);
    }
    *result = (chunk){.bad = bad, .binary = !other};
    for (int lane = 0; lane < LANES; lane++) {
        result->rest += rest[lane];
        add(&result->sum, &result->rest, sum[lane]);
        result->largest = fmax(result->largest, largest[lane]);
    }
}

static eegpu_status examine_chunks(void *context, uint64_t first, uint64_t last, int worker)
{
    (void)worker;
    const pass *work = context;
    for (uint64_t c = first; c < last; c++) {
        uint64_t begin = c * work->grain, end = begin + work->grain < work->parts ? begin + work->grain : work->parts;
        chunk *result = &work->chunks[c];
        if (work->state->kind == EG_AMPLITUDES) {
            examine_amplitudes(work->state->amplitudes, begin, end, work->scale, result);
            continue;
        }
        *result = (chunk){.bad = UINT64_MAX};
        for (uint64_t w = begin; w < end; w++)
            result->ones += (uint64_t)eg_popcount(work->state->bits[w]);
    }
    return EEGPU_OK;
}

/* All chunks in parallel, then their results in order. */
static eegpu_status examine(pass *work, int threads, chunk *total)
{
    eegpu_status status;
    EG_TRY(eg_parallel_for(threads, work->chunk_count, 1, examine_chunks, work));
    *total = (chunk){.bad = UINT64_MAX, .binary = true};
    for (uint64_t c = 0; c < work->chunk_count; c++) {
        const chunk *one = &work->chunks[c];
        total->rest += one->rest;
        add(&total->sum, &total->rest, one->sum);
        total->largest = fmax(total->largest, one->largest);
        total->bad = total->bad < one->bad ? total->bad : one->bad;
        total->ones += one->ones;
        total->binary &= one->binary;
    }
done:
    return status;
}

const char *eg_state_place(const eegpu_state *state, uint64_t index, char *text)
{
    int length = snprintf(text, EG_PLACE_SIZE, "index %llu (image ", (unsigned long long)index);
    for (int i = 0; i < state->pixels; i++) {
        if (i > 0 && i % state->width == 0)
            text[length++] = '/';
        text[length++] = index >> state->bit_of_pixel[i] & 1 ? '1' : '0';
    }
    text[length++] = ')';
    text[length] = '\0';
    return text;
}

static eegpu_status refuse_zero(void)
{
    return eg_fail(EEGPU_BAD_INPUT, "checking the function: it is 0 on every image, so it has no norm and no entropy");
}

/* Norm and exponent from what the first pass found; a second pass only for numbers whose fourth powers, which the purity is a sum
 * of, come near the ends of the range. */
static eegpu_status set_norm(eegpu_state *state, pass *work, int threads, chunk *total)
{
    eegpu_status status = EEGPU_OK;
    state->exponent = 0;
    if (total->largest < 1e-50 || total->largest > 1e50) {
        frexp(total->largest, &state->exponent);
        state->exponent = -state->exponent;
        /* Twice a half: an odd exponent is rounded, and the sum's scale is what was really applied. */
        int half = state->exponent / 2;
        work->scale = ldexp(1, half);
        EG_TRY(examine(work, threads, total));
        state->norm = ldexp(sqrt(total->sum + total->rest), -2 * half);
        state->scaled_norm_squared = ldexp(total->sum + total->rest, 2 * (state->exponent - 2 * half));
    } else {
        state->norm = sqrt(total->sum + total->rest);
        state->scaled_norm_squared = total->sum + total->rest;
    }
    if (!isfinite(state->norm))
        status = eg_fail(EEGPU_BAD_INPUT,
                         "taking the norm of the function: it is above %.3g, the largest double (largest amplitude %.3g); "
                         "divide the amplitudes by a constant",
                         DBL_MAX, total->largest);
done:
    return status;
}

static eegpu_status pack_words(void *context, uint64_t first, uint64_t last, int worker)
{
    (void)worker;
    const pass *work = context;
    uint64_t size = work->state->size;
    for (uint64_t w = first; w < last; w++) {
        const double *amplitudes = work->state->amplitudes + 64 * w;
        uint64_t count = size < 64 ? size : 64, word = 0;
        for (uint64_t j = 0; j < count; j++)
            word |= (uint64_t)(amplitudes[j] != 0) << j;
        work->bits[w] = word;
    }
    return EEGPU_OK;
}

/* 0/1 amplitudes become bits, 64 times smaller; the doubles go. */
static eegpu_status become_bits(eegpu_state *state, pass *work, int threads)
{
    eegpu_status status;
    uint64_t words = eg_ceil_div(state->size, 64);
    EG_TRY(eg_allocate(state->budget, words, sizeof(uint64_t), "the bits of the 0/1 function", &state->bits));
    work->bits = state->bits;
    EG_TRY(eg_parallel_for(threads, words, 1024, pack_words, work));
    eg_release(state->budget, state->owned);
    eg_unmap(&state->mapping);
    state->owned = NULL;
    state->amplitudes = NULL;
    state->kind = EG_BITS;
    state->ones = 0;
    for (uint64_t w = 0; w < words; w++)
        state->ones += (uint64_t)eg_popcount(state->bits[w]);
    state->scaled_norm_squared = (double)state->ones;
done:
    return status;
}

static eegpu_status finish_dense(eegpu_state *state, int threads)
{
    eegpu_status status;
    chunk total;
    pass work = {.state = state, .scale = 1};
    bool bits = state->kind == EG_BITS;
    work.parts = bits ? eg_ceil_div(state->size, 64) : state->size * (state->is_complex ? 2 : 1);
    work.grain = work.parts / MOST_CHUNKS > LEAST_CHUNK ? eg_ceil_div(work.parts, MOST_CHUNKS) : LEAST_CHUNK;
    work.chunk_count = eg_ceil_div(work.parts, work.grain);
    EG_TRY(eg_allocate(state->budget, work.chunk_count, sizeof(chunk), "the partial sums of the norm", &work.chunks));
    EG_TRY(examine(&work, threads, &total));
    if (total.bad != UINT64_MAX) {
        uint64_t index = total.bad / (state->is_complex ? 2 : 1);
        char text[EG_PLACE_SIZE];
        status = eg_fail(EEGPU_BAD_INPUT, "checking the function: the amplitude at %s is %s; every amplitude must be finite",
                         eg_state_place(state, index, text), isnan(state->amplitudes[total.bad]) ? "NaN" : "infinite");
        goto done;
    }
    if (bits ? total.ones == 0 : total.largest == 0) {
        status = refuse_zero();
        goto done;
    }
    if (bits) {
        state->ones = total.ones;
        state->norm = sqrt((double)state->ones);
        state->scaled_norm_squared = (double)state->ones;
        goto done;
    }
    EG_TRY(set_norm(state, &work, threads, &total));
    if (total.binary && !state->is_complex)
        EG_TRY(become_bits(state, &work, threads));
done:
    eg_release(state->budget, work.chunks);
    return status;
}

eegpu_status eg_state_finish(eegpu_state *state, int threads)
{
    if (state->kind != EG_IMAGES)
        return finish_dense(state, threads);
    const eg_image_set *images = &state->images;
    uint64_t sum = 0;
    for (uint64_t k = 0; k < images->count; k++)
        sum += images->multiplicity[k];
    if (sum == 0)
        return refuse_zero();
    state->norm = sqrt((double)sum);
    state->scaled_norm_squared = (double)sum;
    return EEGPU_OK;
}

/* ---- Source text ----------------------------------------------------------------------------------------------- */

static eegpu_status copy_source(const char *source, char *text)
{
    size_t length = strlen(source);
    if (length == 0)
        return eg_fail(EEGPU_USAGE, "reading SOURCE: it is empty; give a file or a built-in function (eegpu list)");
    if (length >= EG_MAX_SOURCE_TEXT)
        return eg_fail(EEGPU_USAGE, "reading SOURCE '%.40s...': it has %zu characters, at most %d are possible", source, length,
                       EG_MAX_SOURCE_TEXT - 1);
    for (size_t i = 0; i < length; i++)
        if ((unsigned char)source[i] < ' ')
            return eg_fail(EEGPU_USAGE, "reading SOURCE: character %zu is a control character", i + 1);
    memcpy(text, source, length + 1);
    return EEGPU_OK;
}

/* Cut `text` at its first `mark`, which becomes 0; returns what follows, or NULL when there is none. */
static char *cut_at(char *text, char mark)
{
    char *at = strchr(text, mark);
    if (at == NULL)
        return NULL;
    *at = '\0';
    return at + 1;
}

eegpu_status eg_source_split(const char *source, eg_source_text *parts)
{
    eegpu_status status;
    *parts = (eg_source_text){.count = 0};
    EG_TRY(copy_source(source, parts->text));
    parts->name = parts->text;
    for (char *key = cut_at(parts->text, ':'), *next; key != NULL; key = next) {
        next = cut_at(key, ',');
        char *value = cut_at(key, '=');
        if (value == NULL || *key == '\0' || *value == '\0')
            return eg_fail(EEGPU_USAGE, "reading SOURCE '%s': expected key=value, found '%s%s%s'", source, key,
                           value == NULL ? "" : "=", value == NULL ? "" : value);
        for (int i = 0; i < parts->count; i++)
            if (strcmp(parts->key[i], key) == 0)
                return eg_fail(EEGPU_USAGE, "reading SOURCE '%s': key '%s' is given twice", source, key);
        if (parts->count == EG_MAX_KEYS)
            return eg_fail(EEGPU_USAGE, "reading SOURCE '%s': more than %d keys", source, EG_MAX_KEYS);
        parts->key[parts->count] = key;
        parts->value[parts->count++] = value;
    }
done:
    return status;
}

static bool is_file(const char *path)
{
    struct stat entry;
    return stat(path, &entry) == 0 && !S_ISDIR(entry.st_mode);
}

static bool looks_like_path(const char *text)
{
    static const char *const endings[] = {".npy", ".gz", "-ubyte"};
    size_t length = strlen(text);
    bool result = strchr(text, '/') != NULL;
    for (size_t k = 0; k < sizeof endings / sizeof *endings; k++) {
        size_t ending = strlen(endings[k]);
        result |= length >= ending && strcmp(text + length - ending, endings[k]) == 0;
    }
    return result;
}

/* A file wins over a function of the same name; a function over text that only looks like a path (graph:edges=./g.txt). */
static eegpu_status open_source(eegpu_state *state, const eegpu_open_options *options, int threads)
{
    eegpu_status status;
    const char *source = state->source;
    char name[EG_MAX_SOURCE_TEXT];
    memcpy(name, source, sizeof name);
    cut_at(name, ':');
    eg_constructor *special = eg_find_source(name);
    if (special == NULL && (is_file(source) || (!eg_is_function(name) && looks_like_path(source))))
        return eg_open_file(state, source, options, threads);
    eg_source_text parts;
    EG_TRY(eg_source_split(source, &parts));
    EG_TRY((special != NULL ? special : eg_open_function)(state, &parts, options, threads));
done:
    return status;
}

/* ---- Public ---------------------------------------------------------------------------------------------------- */

eegpu_open_options eegpu_open_options_default(void) { return (eegpu_open_options){.height = 0}; }

static eegpu_status check_options(const eegpu_open_options *options)
{
    int height = options->height, width = options->width;
    if (height < 0 || width < 0 || (height == 0) != (width == 0))
        return eg_fail(EEGPU_USAGE, "opening a function: the lattice %dx%d must have positive sides (or be 0x0, the default)",
                       height, width);
    if (height > 0 && height > EG_MAX_PIXELS / width)
        return eg_fail(EEGPU_USAGE, "opening a function: the lattice %dx%d has more than %d pixels", height, width, EG_MAX_PIXELS);
    if (options->bit_order != EEGPU_MSB && options->bit_order != EEGPU_LSB)
        return eg_fail(EEGPU_USAGE, "opening a function: the bit order is %d, it must be EEGPU_MSB or EEGPU_LSB",
                       (int)options->bit_order);
    if (options->threads < 0 || options->threads > MAX_THREADS)
        return eg_fail(EEGPU_USAGE, "opening a function: %d threads, possible are 0 (all processors) to %d", options->threads,
                       MAX_THREADS);
    return EEGPU_OK;
}

/* An empty state with its source text and budget. */
static eegpu_status create(const char *source, const eegpu_open_options *options, eegpu_state **state)
{
    eegpu_status status;
    EG_TRY(check_options(options));
    *state = calloc(1, sizeof **state);
    if (*state == NULL || ((*state)->budget = calloc(1, sizeof(eg_budget))) == NULL)
        return eg_fail(EEGPU_OUT_OF_MEMORY, "opening a function: no memory for its description (%zu bytes)", sizeof **state);
    eg_budget_init((*state)->budget, options->memory);
    EG_TRY(copy_source(source, (*state)->source));
done:
    return status;
}

static int thread_count(const eegpu_open_options *options)
{
    return options->threads > 0 ? options->threads : eg_processor_count();
}

eegpu_status eg_state_open(const char *source, const eegpu_open_options *options, const eg_network_evaluator *evaluator,
                           eegpu_state **state)
{
    eegpu_status status;
    eegpu_open_options defaults = eegpu_open_options_default();
    eegpu_state *made = NULL;
    if (state == NULL || source == NULL)
        return eg_fail(EEGPU_USAGE, "opening a function: source and state must not be NULL");
    *state = NULL;
    if (options == NULL)
        options = &defaults;
    EG_TRY(create(source, options, &made));
    made->evaluator = evaluator;
    EG_TRY(open_source(made, options, thread_count(options)));
    made->evaluator = NULL;
    *state = made;
    made = NULL;
done:
    eegpu_state_close(made);
    return status;
}

eegpu_status eegpu_state_from_amplitudes(const double *amplitudes, bool is_complex, const eegpu_open_options *options,
                                         eegpu_state **state)
{
    eegpu_status status;
    eegpu_state *made = NULL;
    if (state == NULL || amplitudes == NULL || options == NULL)
        return eg_fail(EEGPU_USAGE, "reading amplitudes from memory: amplitudes, options and state must not be NULL");
    *state = NULL;
    EG_TRY(create("amplitudes in memory", options, &made));
    if (options->height == 0 || options->height * options->width > EG_MAX_DENSE_PIXELS) {
        status = eg_fail(EEGPU_USAGE,
                         "reading amplitudes from memory: the lattice is %dx%d, but the options must name one with 1 to %d pixels",
                         options->height, options->width, EG_MAX_DENSE_PIXELS);
        goto done;
    }
    eg_state_set_lattice(made, options->height, options->width, options->bit_order);
    made->kind = EG_AMPLITUDES;
    made->is_complex = is_complex;
    made->amplitudes = amplitudes;
    EG_TRY(eg_state_finish(made, thread_count(options)));
    *state = made;
    made = NULL;
done:
    eegpu_state_close(made);
    return status;
}

void eegpu_state_close(eegpu_state *state)
{
    if (state == NULL)
        return;
    eg_release(state->budget, state->owned);
    eg_release(state->budget, state->bits);
    eg_release(state->budget, state->images.pixels);
    eg_release(state->budget, state->images.multiplicity);
    eg_unmap(&state->mapping);
    free(state->budget);
    free(state);
}

eegpu_state_info eegpu_state_describe(const eegpu_state *state)
{
    static const char *const kinds[] = {[EG_AMPLITUDES] = "amplitudes", [EG_BITS] = "bits", [EG_IMAGES] = "images"};
    eegpu_state_info info = {.height = state->height, .width = state->width, .pixels = state->pixels, .norm = state->norm};
    info.kind = kinds[state->kind];
    info.is_complex = state->is_complex;
    if (state->kind == EG_AMPLITUDES) {
        info.bytes = state->owned == NULL ? 0 : state->size * sizeof(double) * (state->is_complex ? 2 : 1);
    } else if (state->kind == EG_BITS) {
        info.ones = state->ones;
        info.bytes = eg_ceil_div(state->size, 64) * sizeof(uint64_t);
    } else {
        info.ones = state->images.count;
        info.bytes = state->images.count * (state->images.words + 1) * sizeof(uint64_t);
    }
    return info;
}
