/* Plug-ins in the full form that do what they should, one a kind, and one that knows its argument and lattice. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "eegpu.h"

typedef struct lattice {
    int height, width;
    double factor;
} lattice;

static void *open_lattice(int height, int width, const char *argument, char *message, size_t message_size)
{
    lattice *context = malloc(sizeof *context);
    if (context == NULL) {
        snprintf(message, message_size, "no memory");
        return NULL;
    }
    *context = (lattice){height, width, *argument != '\0' ? atof(argument) : 1};
    if (context->factor == 3)
        printf("a plug-in may print, this goes to standard error\n");
    return context;
}

static int evaluate_majority(void *context, uint64_t first, uint64_t count, void *out)
{
    const lattice *where = context;
    unsigned char *bytes = out;
    for (uint64_t k = 0; k < count; k++)
        bytes[k] = 2 * __builtin_popcountll(first + k) > where->height * where->width;
    return 0;
}

static int evaluate_parity(void *context, uint64_t first, uint64_t count, void *out)
{
    double *values = out;
    if (context != NULL) /* there is no open */
        return 1;
    for (uint64_t k = 0; k < count; k++)
        values[k] = __builtin_popcountll(first + k) % 2 != 0 ? -1 : 1;
    return 0;
}

static int evaluate_pairs(void *context, uint64_t first, uint64_t count, void *out)
{
    const lattice *where = context;
    double *pairs = out;
    for (uint64_t k = 0; k < count; k++) {
        pairs[2 * k] = where->factor * (double)(first + k);
        pairs[2 * k + 1] = 100 * where->height + where->width;
    }
    return 0;
}

EEGPU_API const eegpu_plugin eegpu_function = {EEGPU_PLUGIN_ABI, EEGPU_PLUGIN_BITS, open_lattice, evaluate_majority, free};
EEGPU_API const eegpu_plugin parity = {EEGPU_PLUGIN_ABI, EEGPU_PLUGIN_REAL, NULL, evaluate_parity, NULL};
EEGPU_API eegpu_plugin pairs = {EEGPU_PLUGIN_ABI, EEGPU_PLUGIN_COMPLEX, open_lattice, evaluate_pairs, free};
