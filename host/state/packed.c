/* A 0/1 function from a file of packed bits, 2^N/8 bytes. Comes in as packed:file=F,order=big|little, where F is a .npy of uint8
 * as np.packbits writes it, or the bare bytes; goes out as bits in the state's word order. Called through sources.c. The order
 * is that of the images within a byte; the order of the pixels within an index is the bit order, as for other files. */
#include "base/bits.h"
#include "base/parallel.h"
#include "state/functions.h"
#include "state/npy.h"
#include "state/pack.h"

enum { FILE_KEY, ORDER_KEY, WORDS_AT_A_TIME = 1 << 16, LEAST_PIXELS = 3 };
enum { BIG, LITTLE };

const eg_function eg_source_packed = {
    .name = "packed",
    .help = "a 0/1 function as a file of packed bits, 2^N/8 bytes: .npy of uint8 as np.packbits writes it, or the bare bytes",
    .example = "packed:file=bits.npy",
    .parameters = {{"file", EG_TEXT, NULL, NULL, 0, 0, "the file"},
                   {"order", EG_CHOICE, "big", "big|little", 0, 0,
                    "the first image of a byte is its highest bit (big, as np.packbits by default) or its lowest"}},
};

typedef struct conversion {
    const unsigned char *bytes;
    uint64_t count; /* bytes */
    bool reversed;  /* within each byte */
    uint64_t *words;
    eg_progress progress;
} conversion;

static uint64_t reverse_in_bytes(uint64_t word)
{
    static const uint64_t masks[] = {0x5555555555555555, 0x3333333333333333, 0x0F0F0F0F0F0F0F0F};
    for (int k = 0; k < 3; k++)
        word = (word >> (1 << k) & masks[k]) | (word & masks[k]) << (1 << k);
    return word;
}

static eegpu_status convert_words(void *context, uint64_t first, uint64_t last, int worker)
{
    (void)worker;
    conversion *work = context;
    for (uint64_t w = first; w < last; w++) {
        unsigned char few[8] = {0};
        const unsigned char *from = work->bytes + 8 * w;
        if (work->count < 8) /* a lattice of 3, 4 or 5 pixels */
            from = memcpy(few, from, work->count);
        uint64_t word = eg_load_little(from);
        work->words[w] = work->reversed ? reverse_in_bytes(word) : word;
    }
    return eg_progress_add(&work->progress, (double)(last - first));
}

/* Where the packed bytes are in the mapped file. */
static eegpu_status find_bytes(const eg_mapping *mapping, const char *path, conversion *work)
{
    eegpu_status status = EEGPU_OK;
    eg_npy array;
    work->bytes = mapping->bytes;
    work->count = mapping->size;
    if (mapping->size < 6 || memcmp(mapping->bytes, "\x93NUMPY", 6) != 0)
        goto done;
    EG_TRY(eg_npy_parse(mapping, path, &array));
    work->bytes = array.data;
    work->count = array.count;
    if (array.kind != 'u' || array.item_size != 1)
        status = eg_fail(EEGPU_BAD_INPUT, "reading packed bits from '%s': its numbers are not uint8; save np.packbits(f)%s", path,
                         array.kind == 'b' ? ", or leave out 'packed:file=' for a file of bools" : "");
    else if (array.axes != 1)
        status = eg_fail(EEGPU_BAD_INPUT, "reading packed bits from '%s': its array has %d axes, not one; save np.packbits(f)",
                         path, array.axes);
done:
    return status;
}

static eegpu_status set_lattice(eegpu_state *state, uint64_t bytes, const char *path, const eegpu_open_options *options)
{
    int height = options->height, width = options->width;
    if (bytes == 0 || (bytes & (bytes - 1)) != 0)
        return eg_fail(EEGPU_BAD_INPUT,
                       "reading packed bits from '%s': it has %llu bytes, but must have a power of two: 2^N/8 for N pixels, N at "
                       "least %d",
                       path, (unsigned long long)bytes, LEAST_PIXELS);
    int pixels = LEAST_PIXELS + eg_lowest_bit(bytes);
    if (pixels > EG_MAX_DENSE_PIXELS)
        return eg_fail(EEGPU_BAD_INPUT, "reading packed bits from '%s': it has 2^%d bytes, so %d pixels; at most %d are possible",
                       path, pixels - LEAST_PIXELS, pixels, EG_MAX_DENSE_PIXELS);
    if (height == 0) {
        height = 1;
        width = pixels;
    }
    if (height * width != pixels)
        return eg_fail(EEGPU_USAGE,
                       "reading packed bits from '%s': the lattice %dx%d has %d pixels, but the file has 2^%d bits (%d pixels)%s",
                       path, height, width, height * width, pixels, pixels,
                       height * width == pixels - LEAST_PIXELS ? "; if it has a byte an image, leave out 'packed:file='" : "");
    eg_state_set_lattice(state, height, width, options->bit_order);
    return EEGPU_OK;
}

eegpu_status eg_open_packed(eegpu_state *state, const eg_source_text *parts, const eegpu_open_options *options, int threads)
{
    eegpu_status status;
    eg_function_call call = {.pixels = 0};
    eg_mapping mapping = {0};
    conversion work = {.count = 0};
    EG_TRY(eg_parse_parameters(&eg_source_packed, parts, &call));
    const char *path = call.value[FILE_KEY].text;
    EG_TRY(eg_map_file(path, &mapping));
    EG_TRY(find_bytes(&mapping, path, &work));
    EG_TRY(set_lattice(state, work.count, path, options));
    EG_TRY(eg_state_allocate_bits(state));
    work.words = state->bits;
    work.reversed = call.value[ORDER_KEY].choice == BIG;
    uint64_t words = eg_ceil_div(work.count, 8);
    eg_progress_begin(&work.progress, options->progress, options->progress_user, "reading packed bits", (double)words);
    status = eg_parallel_for(threads, words, WORDS_AT_A_TIME, convert_words, &work);
    eg_progress_end(&work.progress);
    EG_TRY(status);
    status = eg_state_finish(state, threads);
    if (status != EEGPU_OK)
        (void)eg_fail_while(status, "reading packed bits from '%s'", path);
done:
    eg_unmap(&mapping);
    return status;
}
