/* A function from a file: 2^N amplitudes in .npy, or what the file's first bytes say it is. Comes in as a path; goes out as
 * amplitudes (mapped where the file has them as this machine does, else converted) or bits. Called by state.c. Image sets
 * in 3-D arrays and IDX files are handed to images.c; headers are npy.c's. */
#include <byteswap.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "base/parallel.h"
#include "base/text.h"
#include "state/idx.h"
#include "state/npy.h"
#include "state/pack.h"
#include "state/state.h"

/* ---- Conversion ------------------------------------------------------------------------------------------------ */

/* Numbers [first, first + count) as doubles into `to`; returns how many were converted before one that cannot be. */
typedef uint64_t converter(const eg_npy *array, uint64_t first, uint64_t count, double *to);

static uint8_t swap_1(uint8_t bits) { return bits; }
static uint16_t swap_2(uint16_t bits) { return bswap_16(bits); }
static uint32_t swap_4(uint32_t bits) { return bswap_32(bits); }
static uint64_t swap_8(uint64_t bits) { return bswap_64(bits); }

#define CONVERTER(name, type, size, raw, acceptable)                                      \
    static uint64_t name(const eg_npy *array, uint64_t first, uint64_t count, double *to) \
    {                                                                                     \
        const unsigned char *from = array->data + first * (size);                         \
        for (uint64_t k = 0; k < count; k++) {                                            \
            raw bits;                                                                     \
            type value;                                                                   \
            memcpy(&bits, from + k * (size), size);                                       \
            if (array->swapped)                                                           \
                bits = swap_##size(bits);                                                 \
            memcpy(&value, &bits, size);                                                  \
            if (!(acceptable))                                                            \
                return k;                                                                 \
            to[k] = (double)value;                                                        \
        }                                                                                 \
        return count;                                                                     \
    }

#define EXACT (INT64_C(1) << 53) /* whole numbers up to here are doubles */

CONVERTER(from_bool, uint8_t, 1, uint8_t, value <= 1)
CONVERTER(from_u1, uint8_t, 1, uint8_t, true)
CONVERTER(from_i1, int8_t, 1, uint8_t, true)
CONVERTER(from_u2, uint16_t, 2, uint16_t, true)
CONVERTER(from_i2, int16_t, 2, uint16_t, true)
CONVERTER(from_u4, uint32_t, 4, uint32_t, true)
CONVERTER(from_i4, int32_t, 4, uint32_t, true)
CONVERTER(from_u8, uint64_t, 8, uint64_t, value <= (uint64_t)EXACT)
CONVERTER(from_i8, int64_t, 8, uint64_t, value <= EXACT && value >= -EXACT)
CONVERTER(from_f4, float, 4, uint32_t, true)
CONVERTER(from_f8, double, 8, uint64_t, true)

typedef struct row {
    char kind;
    int item_size;
    int parts; /* numbers an item */
    converter *convert;
    const char *refusal;
} row;

static const char too_large[] = "is beyond 2^53 and not exact as a double; save float64 or smaller whole numbers";

static const row rows[] = {{'b', 1, 1, from_bool, "is a byte other than 0 and 1, which no bool is; the file is damaged"},
                           {'u', 1, 1, from_u1, ""},
                           {'i', 1, 1, from_i1, ""},
                           {'u', 2, 1, from_u2, ""},
                           {'i', 2, 1, from_i2, ""},
                           {'u', 4, 1, from_u4, ""},
                           {'i', 4, 1, from_i4, ""},
                           {'u', 8, 1, from_u8, too_large},
                           {'i', 8, 1, from_i8, too_large},
                           {'f', 4, 1, from_f4, ""},
                           {'f', 8, 1, from_f8, ""},
                           {'c', 8, 2, from_f4, ""},
                           {'c', 16, 2, from_f8, ""}};

static const row *row_of(const eg_npy *array)
{
    for (size_t k = 0; k < sizeof rows / sizeof *rows; k++)
        if (rows[k].kind == array->kind && rows[k].item_size == array->item_size)
            return &rows[k];
    return NULL; /* never: eg_npy_parse lets no other through */
}

enum { BLOCK = 4096 };

typedef struct conversion {
    const eg_npy *array;
    const row *type;
    uint64_t count;       /* numbers, parts of complex ones apart */
    double *amplitudes;   /* all of them as doubles, or: */
    uint64_t *bits;       /* packed, as long as all are 0 or 1 */
    _Atomic uint64_t bad; /* first number that cannot be converted */
    atomic_bool not_binary;
} conversion;

static void lower(_Atomic uint64_t *least, uint64_t value)
{
    uint64_t known = atomic_load(least);
    while (value < known && !atomic_compare_exchange_weak(least, &known, value))
        ;
}

/* Bytes go to bits without being numbers in between. */
static void pack_block(conversion *work, uint64_t first, uint64_t count)
{
    uint64_t packed = eg_pack_bytes(work->array->data + first, count, work->bits + first / 64);
    if (packed < count && work->type->kind == 'b')
        lower(&work->bad, first + packed);
    else if (packed < count)
        atomic_store(&work->not_binary, true);
}

static void convert_block(conversion *work, uint64_t first, uint64_t count)
{
    if (work->bits != NULL && work->type->item_size == 1) {
        pack_block(work, first, count);
        return;
    }
    double block[BLOCK];
    double *to = work->bits != NULL ? block : work->amplitudes + first;
    uint64_t done = work->type->convert(work->array, first, count, to);
    if (done < count)
        lower(&work->bad, first + done);
    if (work->bits == NULL)
        return;
    bool other = false;
    for (uint64_t k = 0; k < done; k++) {
        other |= block[k] != 0 && block[k] != 1;
        work->bits[(first + k) / 64] |= (uint64_t)(block[k] != 0) << (first + k) % 64;
    }
    if (other)
        atomic_store(&work->not_binary, true);
}

/* Blocks are whole words of bits, so no two threads write the same one. After a first bad number later blocks are left out,
 * earlier ones are not: the one reported is the first, whatever the threads do. */
static eegpu_status convert_blocks(void *context, uint64_t first, uint64_t last, int worker)
{
    (void)worker;
    conversion *work = context;
    for (uint64_t block = first; block < last; block++) {
        uint64_t begin = block * BLOCK, count = work->count - begin < BLOCK ? work->count - begin : BLOCK;
        if (atomic_load(&work->not_binary) && work->bits != NULL)
            return EEGPU_OK;
        if (atomic_load(&work->bad) > begin)
            convert_block(work, begin, count);
    }
    return EEGPU_OK;
}

static eegpu_status convert_all(eegpu_state *state, const char *path, conversion *work, int threads)
{
    eegpu_status status;
    work->bad = UINT64_MAX;
    EG_TRY(eg_parallel_for(threads, eg_ceil_div(work->count, BLOCK), 16, convert_blocks, work));
    uint64_t bad = work->bad;
    if (bad != UINT64_MAX && !(work->bits != NULL && work->not_binary)) {
        char text[EG_PLACE_SIZE];
        status = eg_fail(EEGPU_BAD_INPUT, "reading '%s': the amplitude at %s %s", path, eg_state_place(state, bad, text),
                         work->type->refusal);
    }
done:
    return status;
}

/* Whole numbers may be a 0/1 function: tried first, since bits take 64 times less room than doubles. */
static eegpu_status convert(eegpu_state *state, const char *path, const eg_npy *array, int threads)
{
    eegpu_status status;
    const row *type = row_of(array);
    conversion work = {.array = array, .type = type, .count = array->count * (uint64_t)type->parts};
    if (type->kind != 'f' && type->kind != 'c') {
        EG_TRY(eg_state_allocate_bits(state));
        work.bits = state->bits;
        EG_TRY(convert_all(state, path, &work, threads));
        if (!work.not_binary)
            goto done;
        eg_release(state->budget, state->bits);
        state->bits = NULL;
        work.bits = NULL;
    }
    EG_TRY(eg_state_allocate_amplitudes(state, type->parts == 2, &work.amplitudes));
    EG_TRY(convert_all(state, path, &work, threads));
done:
    return status;
}

/* ---- Shapes ---------------------------------------------------------------------------------------------------- */

static bool all_axes_are_two(const eg_npy *array)
{
    for (int axis = 0; axis < array->axes; axis++)
        if (array->shape[axis] != 2)
            return false;
    return array->axes > 0;
}

/* "(3, 4)" of the first axes, for messages. */
static const char *shape_text(const eg_npy *array, char *text, size_t room)
{
    size_t length = (size_t)snprintf(text, room, "(");
    for (int axis = 0; axis < array->axes && axis < 8; axis++)
        length +=
            (size_t)snprintf(text + length, room - length, "%s%llu", axis == 0 ? "" : ", ", (unsigned long long)array->shape[axis]);
    snprintf(text + length, room - length, array->axes > 8 ? ", ...)" : array->axes == 1 ? ",)" : ")");
    return text;
}

static eegpu_status check_shape(const eg_npy *array, const char *path, int *pixels)
{
    char text[256];
    uint64_t count = array->count;
    bool power = count > 0 && (count & (count - 1)) == 0;
    *pixels = power ? eg_lowest_bit(count) : 0;
    if (array->axes != 1 && !all_axes_are_two(array))
        return eg_fail(
            EEGPU_BAD_INPUT,
            "reading '%s': its shape is %s; accepted are (2^N,) and (2,)*N for amplitudes, (n, height, width) for images", path,
            shape_text(array, text, sizeof text));
    if (!power)
        return eg_fail(EEGPU_BAD_INPUT,
                       "reading '%s': it has %llu amplitudes, but their number must be a power of two, 2^N for N pixels", path,
                       (unsigned long long)count);
    if (*pixels == 0 || *pixels > EG_MAX_DENSE_PIXELS)
        return eg_fail(EEGPU_BAD_INPUT, "reading '%s': it has 2^%d amplitudes, but there must be 1 to %d pixels", path, *pixels,
                       EG_MAX_DENSE_PIXELS);
    return EEGPU_OK;
}

static eegpu_status set_shape(eegpu_state *state, const eg_npy *array, const char *path, const eegpu_open_options *options)
{
    eegpu_status status;
    int pixels, height = options->height, width = options->width;
    EG_TRY(check_shape(array, path, &pixels));
    if (height == 0) {
        height = 1;
        width = pixels;
    }
    if (height * width != pixels) {
        status = eg_fail(EEGPU_USAGE, "reading '%s': the lattice %dx%d has %d pixels, but the file has 2^%d amplitudes (%d pixels)",
                         path, height, width, height * width, pixels, pixels);
        goto done;
    }
    /* Fortran order puts axis 0, pixel 0, in the lowest bit. */
    bool turned = array->fortran_order && array->axes > 1;
    eegpu_bit_order other = options->bit_order == EEGPU_MSB ? EEGPU_LSB : EEGPU_MSB;
    eg_state_set_lattice(state, height, width, turned ? other : options->bit_order);
    state->bit_order = options->bit_order;
done:
    return status;
}

/* ---- Opening --------------------------------------------------------------------------------------------------- */

/* Takes the mapping over. */
static eegpu_status open_amplitudes(eegpu_state *state, const eg_npy *array, const char *path, const eegpu_open_options *options,
                                    int threads)
{
    eegpu_status status;
    EG_TRY(set_shape(state, array, path, options));
    bool native = (array->kind == 'f' && array->item_size == 8) || (array->kind == 'c' && array->item_size == 16);
    if (native && !array->swapped && (uintptr_t)array->data % sizeof(double) == 0) {
        state->kind = EG_AMPLITUDES;
        state->is_complex = array->kind == 'c';
        state->amplitudes = (const double *)(const void *)array->data;
    } else {
        bool single = array->kind == 'f' ? array->item_size == 4 : array->kind == 'c' && array->item_size == 8;
        EG_TRY(convert(state, path, array, threads));
        if (single && !array->swapped && (uintptr_t)array->data % sizeof(float) == 0)
            state->singles = (const float *)(const void *)array->data;
        else
            eg_unmap(&state->mapping);
    }
    status = eg_state_finish(state, threads);
    if (status != EEGPU_OK)
        (void)eg_fail_while(status, "reading '%s'", path);
    if (state->kind != EG_AMPLITUDES)
        state->singles = NULL; /* all 0 and 1: bits are shorter */
done:
    return status;
}

static eegpu_status open_images(eegpu_state *state, const char *path, const eegpu_open_options *options, int threads)
{
    eg_source_text parts = {.name = "images", .count = 1, .key = {"file"}, .value = {path}};
    eg_unmap(&state->mapping);
    return eg_open_images(state, &parts, options, threads);
}

eegpu_status eg_open_file(eegpu_state *state, const char *path, const eegpu_open_options *options, int threads)
{
    eegpu_status status;
    EG_TRY(eg_map_file(path, &state->mapping));
    const eg_mapping *file = &state->mapping;
    if (eg_idx_recognise(file->bytes, file->size, EG_IDX_IMAGES))
        return open_images(state, path, options, threads);
    if (eg_idx_recognise(file->bytes, file->size, EG_IDX_LABELS)) {
        status = eg_fail(EEGPU_USAGE, "reading '%s': it holds labels, not images; use images:file=IMAGES,labels=%s,label=...", path,
                         path);
        goto done;
    }
    eg_npy array;
    EG_TRY(eg_npy_parse(file, path, &array));
    if (array.axes == 3 && !all_axes_are_two(&array))
        return open_images(state, path, options, threads);
    EG_TRY(open_amplitudes(state, &array, path, options, threads));
done:
    return status;
}
