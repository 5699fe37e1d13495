/* The table of built-in functions. A new function is one line in EG_FUNCTION_LIST, one row and one evaluator in a
 * functions_*.c file. Evaluators of 0/1 functions and of sign functions work bit-sliced on 512 consecutive images at a
 * time: plane[i] holds pixel i of all of them, bit j of word w being image first + 64 w + j. */
#ifndef EG_STATE_FUNCTIONS_H
#define EG_STATE_FUNCTIONS_H

#include "state/state.h"

/* One bit of 512 images. Handed over by address only: passing by value depends on the instruction set. */
typedef uint64_t eg_wide __attribute__((vector_size(64)));
enum { EG_WIDE_WORDS = 8, EG_WIDE_IMAGES = 512 };

typedef enum eg_parameter_type { EG_INTEGER, EG_UNSIGNED, EG_REAL, EG_CHOICE, EG_TEXT } eg_parameter_type;

typedef struct eg_parameter {
    const char *name;
    eg_parameter_type type;
    const char *fallback; /* default, as text; NULL: required; "": may be left out, `given` says so */
    const char *choices;  /* EG_CHOICE: "real|complex" */
    double least, most;   /* EG_INTEGER, EG_REAL; EG_UNSIGNED has the full 64 bits */
    const char *help;
} eg_parameter;

enum { EG_MAX_PARAMETERS = 8 };

typedef union eg_value {
    int64_t integer;
    uint64_t natural; /* EG_UNSIGNED */
    double real;
    int choice; /* index into choices */
    const char *text;
} eg_value;

/* What an evaluator gets: the lattice, the parsed parameters (in the order of the row), and what prepare() made. */
typedef struct eg_function_call {
    int height, width, pixels;
    uint64_t size;
    eg_value value[EG_MAX_PARAMETERS];
    bool given[EG_MAX_PARAMETERS];
    uint64_t images_at_a_time; /* of fill(), for a thread; prepare() may say: a multiple of 512 or a divisor of it; 0: many */
    uint64_t accepted;         /* functions of the number k of lit pixels: bit k is the label */
    void *prepared;            /* from eg_allocate within `budget`; released after the evaluation */
    eg_budget *budget;
} eg_function_call;

typedef enum eg_function_form { EG_FORM_BITS, EG_FORM_SIGNS, EG_FORM_REAL, EG_FORM_COMPLEX } eg_function_form;

typedef struct eg_function {
    const char *name;
    const char *help;    /* one line */
    const char *example; /* with the required parameters; NULL: the bare name will do */
    eg_parameter parameters[EG_MAX_PARAMETERS];
    /* Check parameters against the lattice and say the form, which is EG_FORM_BITS if left alone. May be NULL. */
    eegpu_status (*prepare)(eg_function_call *call, eg_function_form *form);
    /* BITS and SIGNS (a set bit is -1): 512 images from planes. */
    void (*slice)(const eg_function_call *call, const eg_wide *plane, eg_wide *result);
    /* BITS whose images are not found from planes: words first_word .. first_word + count - 1 of 64 images each. */
    eegpu_status (*fill_bits)(const eg_function_call *call, uint64_t first_word, uint64_t count, uint64_t *words);
    /* What is left to do once all words are there. */
    eegpu_status (*complete)(const eg_function_call *call, uint64_t *bits);
    /* REAL and COMPLEX: images first .. first + count - 1, complex ones as pairs. Both numbers are multiples of 512, or of
     * images_at_a_time if that is less, or the call is for all images of a smaller lattice. */
    eegpu_status (*fill)(const eg_function_call *call, uint64_t first, uint64_t count, double *amplitudes);
    /* What fill() evaluates, where it is a network, which another device may do as well. May be NULL. */
    const struct eg_cnn *(*network)(const eg_function_call *call);
    /* What fill() gives is the stream EG_RANDOM_AMPLITUDES under this seed (random.h). May be NULL: it is not. */
    uint64_t (*seed_of_stream)(const eg_function_call *call);
} eg_function;

/* In the order of `eegpu list`. */
#define EG_FUNCTION_LIST(X) \
    X(product)              \
    X(logistic)             \
    X(random)               \
    X(randomset)            \
    X(loops)                \
    X(connected)            \
    X(palindrome)           \
    X(parity)               \
    X(majority)             \
    X(threshold)            \
    X(ghz)                  \
    X(w)                    \
    X(dicke)                \
    X(innerproduct)         \
    X(disjoint)             \
    X(primes)               \
    X(multiple)             \
    X(dyck)                 \
    X(hardsquare)           \
    X(runs)                 \
    X(graph)                \
    X(ising)                \
    X(cnn)

#define EG_DECLARE_FUNCTION(name) extern const eg_function eg_function_##name;
EG_FUNCTION_LIST(EG_DECLARE_FUNCTION)
#undef EG_DECLARE_FUNCTION

/* All rows, in the order of the list. */
const eg_function *const *eg_functions(size_t *count);

/* Rows of the sources that are no built-in functions, for their keys; NULL past the last. They have no evaluators. */
const eg_function *eg_source_row(size_t number);
extern const eg_function eg_source_packed, eg_source_plugin;

/* The keys of SOURCE into `call`, strictly: each known, given once and in range, or its default. */
EG_MUST eg_parse_parameters(const eg_function *function, const eg_source_text *parts, eg_function_call *call);

/* The lattice of a function that is evaluated on all images: 4x4 unless the options name one, and not too large. */
EG_MUST eg_choose_lattice(const char *name, const eegpu_open_options *options, int *height, int *width);

#endif
