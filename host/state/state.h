/* A function of an image in one of its forms. Comes in as SOURCE text or memory (source.c); goes out as this struct, which
 * the later stages only read. Who evaluates what: functions*.c the built-in functions, npy.c and idx.c the files,
 * images.c sets of images. */
#ifndef EG_STATE_STATE_H
#define EG_STATE_STATE_H

#include "base/file.h"
#include "base/memory.h"
#include "base/progress.h"

enum {
    EG_MAX_PIXELS = 4096,     /* of an image set */
    EG_MAX_DENSE_PIXELS = 40, /* of 2^N amplitudes or bits: 2^40 bits are 128 GiB */
    EG_MAX_SOURCE_TEXT = 1024
};

typedef enum eg_state_kind { EG_AMPLITUDES, EG_BITS, EG_IMAGES } eg_state_kind;

/* Distinct images, packed: pixel i of image k is bit i%64 of pixels[k * words + i/64]; bits past the last pixel are 0. Sorted
 * ascending (as rows of words), so that the same set is the same memory. f = 1 (set) or sqrt(multiplicity) (count). */
typedef struct eg_image_set {
    uint64_t count, words;
    uint64_t *pixels;
    uint64_t *multiplicity; /* how often each image was seen; all 1 for weight=set */
    uint64_t total;         /* images read and selected, duplicates included */
} eg_image_set;

struct eg_cnn;

/* Who evaluates networks (cnn.h) on images 0 .. count - 1: a device, which this folder knows nothing of. */
typedef struct eg_network_evaluator {
    eegpu_status (*evaluate)(void *user, const struct eg_cnn *network, uint64_t count, eg_budget *budget, eg_progress *progress,
                             double *amplitudes);
    void *user;
} eg_network_evaluator;

struct eegpu_state {
    eg_state_kind kind;
    int height, width, pixels;
    eegpu_bit_order bit_order;             /* as asked for; for the record only: bit_of_pixel says it to the code */
    int bit_of_pixel[EG_MAX_DENSE_PIXELS]; /* dense: which bit of the index is pixel i */
    uint64_t size;                         /* dense: 2^N */

    /* EG_AMPLITUDES: `size` doubles, or pairs of doubles (re, im) */
    bool is_complex;
    const double *amplitudes;
    const float *singles; /* the same numbers as the file has them, where that is in float32; else NULL: half the way to a device */
    bool is_born; /* they are numbers 0, 1, ... of EG_RANDOM_AMPLITUDES under born_seed (random.h): a device can make them itself */
    uint64_t born_seed;
    int exponent; /* amplitudes times 2^exponent have a largest part in [1/2, 1) ; 0 when sizes are harmless */

    uint64_t *bits; /* EG_BITS: image s is bit s%64 of bits[s/64]; (size+63)/64 words; spare bits 0 */
    uint64_t ones;  /* EG_BITS: images with f = 1 */

    eg_image_set images; /* EG_IMAGES */

    double norm;                /* sqrt(sum |f|^2) of the function as given */
    double scaled_norm_squared; /* sum |f|^2 of what the stages see: amplitudes times 2^exponent, bits, squares of an image set */
    char source[EG_MAX_SOURCE_TEXT]; /* as typed */
    void *owned;                     /* what `amplitudes` points to, from eg_allocate; NULL when borrowed or mapped */
    eg_mapping mapping;              /* a mapped file behind `amplitudes` */
    eg_budget *budget;               /* owned */

    const eg_network_evaluator *evaluator; /* while the state is being opened; NULL: the threads of this folder evaluate */
};

/* eegpu_state_open() with somebody who evaluates networks; NULL: nobody else does. */
EG_MUST eg_state_open(const char *source, const eegpu_open_options *options, const eg_network_evaluator *evaluator,
                      eegpu_state **state);

/* ---- For the constructors in this folder ---- */

/* Set kind-independent fields: lattice, bit_of_pixel by `order` (EEGPU_MSB: pixel i is bit N-1-i), size. */
void eg_state_set_lattice(eegpu_state *state, int height, int width, eegpu_bit_order order);

/* Room for 2^N amplitudes (state->owned) or bits, within the budget; the message says what N would fit. */
EG_MUST eg_state_allocate_amplitudes(eegpu_state *state, bool is_complex, double **amplitudes);
EG_MUST eg_state_allocate_bits(eegpu_state *state);

/* One pass over the function: NaN and Inf refused with the place (index and image), zero function refused, norm and exponent
 * (or ones) set. Real amplitudes that are all 0 or 1 become bits. `threads` > 0. */
EG_MUST eg_state_finish(eegpu_state *state, int threads);

/* "index 5 (image 01/01)", the pixels row by row, into `text` (EG_PLACE_SIZE bytes); dense states. Returns `text`. */
enum { EG_PLACE_SIZE = 2 * EG_MAX_DENSE_PIXELS + 48 };
const char *eg_state_place(const eegpu_state *state, uint64_t index, char *text);

/* A source text cut at ':' and ',': "name:key=value,key=value". Pointers go into `text`, which is modified. */
enum { EG_MAX_KEYS = 16 };
typedef struct eg_source_text {
    char text[EG_MAX_SOURCE_TEXT];
    const char *name;
    int count;
    const char *key[EG_MAX_KEYS], *value[EG_MAX_KEYS];
} eg_source_text;

EG_MUST eg_source_split(const char *source, eg_source_text *parts);

/* Constructors. `state` has its budget and source text; lattice 0x0 means the default. */
typedef eegpu_status eg_constructor(eegpu_state *state, const eg_source_text *parts, const eegpu_open_options *options,
                                    int threads);
EG_MUST eg_open_function(eegpu_state *state, const eg_source_text *parts, const eegpu_open_options *options, int threads);
EG_MUST eg_open_images(eegpu_state *state, const eg_source_text *parts, const eegpu_open_options *options, int threads);
EG_MUST eg_open_packed(eegpu_state *state, const eg_source_text *parts, const eegpu_open_options *options, int threads);
EG_MUST eg_open_plugin(eegpu_state *state, const eg_source_text *parts, const eegpu_open_options *options, int threads);
EG_MUST eg_open_file(eegpu_state *state, const char *path, const eegpu_open_options *options, int threads);

/* The constructor of a source that is no built-in function (images, packed, plugin); NULL: `name` is none. */
eg_constructor *eg_find_source(const char *name);

/* True if `name` is a built-in function. */
bool eg_is_function(const char *name);

#endif
