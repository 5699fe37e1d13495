/* Plug-ins that do what none should: argument=WHAT-IMAGE says what, and at which image. The short form takes the same text from
 * the variable EEGPU_TROUBLE of the environment. */
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "eegpu.h"

typedef struct trouble {
    char what[32];
    unsigned long long image;
} trouble;

/* The stack of a call that calls itself without end. */
static volatile int depth, endless = 1;
static int descend(int level)
{
    volatile char room[4096];
    room[level % 4096] = (char)level;
    return endless ? descend(level + 1) + room[0] : depth;
}

static void read_trouble(const char *text, trouble *what)
{
    *what = (trouble){.image = 0};
    if (text != NULL)
        (void)sscanf(text, "%31[a-z]-%llu", what->what, &what->image);
}

static bool is(const trouble *what, const char *word) { return strcmp(what->what, word) == 0; }

/* Trouble of its own kind: returns a code, or not at all. */
static int make_trouble(const trouble *what, uint64_t count)
{
    static volatile int *volatile nowhere;
    if (is(what, "read"))
        return *nowhere;
    if (is(what, "divide"))
        return raise(SIGFPE); /* what a division by zero gives on many machines, but not on all */
    if (is(what, "abort"))
        abort();
    if (is(what, "exit"))
        exit(3);
    if (is(what, "leave"))
        _exit(0);
    if (is(what, "stack"))
        return descend(0);
    if (is(what, "together") && count > 1)
        abort();
    while (is(what, "hang"))
        sleep(1);
    if (is(what, "refuse"))
        return 7;
    return is(what, "refusetogether") && count > 1 ? 8 : 0;
}

static void *open_trouble(int height, int width, const char *argument, char *message, size_t message_size)
{
    (void)height, (void)width;
    static trouble what;
    read_trouble(argument, &what);
    if (is(&what, "open")) {
        snprintf(message, message_size, "the file of weights\nis not there");
        return NULL;
    }
    if (is(&what, "openmute"))
        return NULL;
    if (is(&what, "opencrash"))
        abort();
    return &what;
}

static int evaluate_bits(void *context, uint64_t first, uint64_t count, void *out)
{
    const trouble *what = context;
    unsigned char *bytes = out;
    bool here = what->image >= first && what->image < first + count;
    for (uint64_t k = 0; k < count; k++)
        bytes[k] = (first + k) % 2;
    if (here && is(what, "two"))
        bytes[what->image - first] = 2;
    if (here && is(what, "over"))
        bytes[count] = 1;
    return here ? make_trouble(what, count) : 0;
}

static int evaluate_real(void *context, uint64_t first, uint64_t count, void *out)
{
    const trouble *what = context;
    double *values = out;
    bool here = what->image >= first && what->image < first + count;
    for (uint64_t k = 0; k < count; k++)
        if (!here || !is(what, "skip") || first + k != what->image)
            values[k] = (double)(first + k);
    if (here && (is(what, "nan") || is(what, "inf")))
        values[what->image - first] = is(what, "nan") ? NAN : -INFINITY;
    return here ? make_trouble(what, count) : 0;
}

static int evaluate_complex(void *context, uint64_t first, uint64_t count, void *out)
{
    const trouble *what = context;
    double *pairs = out;
    for (uint64_t k = 0; k < 2 * count; k++)
        pairs[k] = is(what, "nan") && 2 * (what->image - first) + 1 == k ? NAN : 1;
    return 0;
}

static void close_trouble(void *context)
{
    if (is(context, "closecrash"))
        abort();
}

static int nothing(void *context, uint64_t first, uint64_t count, void *out)
{
    (void)context, (void)first;
    memset(out, 0, count);
    return 0;
}

EEGPU_API const eegpu_plugin bits = {EEGPU_PLUGIN_ABI, EEGPU_PLUGIN_BITS, open_trouble, evaluate_bits, close_trouble};
EEGPU_API const eegpu_plugin real = {EEGPU_PLUGIN_ABI, EEGPU_PLUGIN_REAL, open_trouble, evaluate_real, close_trouble};
EEGPU_API const eegpu_plugin pairs = {EEGPU_PLUGIN_ABI, EEGPU_PLUGIN_COMPLEX, open_trouble, evaluate_complex, close_trouble};
EEGPU_API const eegpu_plugin old = {EEGPU_PLUGIN_ABI + 1, EEGPU_PLUGIN_BITS, NULL, nothing, NULL};
EEGPU_API const eegpu_plugin strange = {EEGPU_PLUGIN_ABI, 3, NULL, nothing, NULL};
EEGPU_API const eegpu_plugin empty = {EEGPU_PLUGIN_ABI, EEGPU_PLUGIN_BITS, NULL, NULL, NULL};
EEGPU_API const eegpu_plugin zero = {EEGPU_PLUGIN_ABI, EEGPU_PLUGIN_BITS, NULL, nothing, NULL};

EEGPU_API double plain(const unsigned char *pixels, int height, int width)
{
    static trouble what;
    if (what.what[0] == '\0')
        read_trouble(getenv("EEGPU_TROUBLE"), &what);
    uint64_t image = 0;
    for (int i = 0; i < height * width; i++)
        image = image << 1 | pixels[i];
    if (image != what.image)
        return (double)(image % 2);
    (void)make_trouble(&what, 1);
    return is(&what, "nan") ? NAN : is(&what, "two") ? 2 : 0;
}
