/* The sources that have keys but are no built-in functions: image sets, packed bits, plug-ins. Comes in as a name; goes out as
 * the constructor, and as rows for `eegpu list`. Called by state.c and the program. A new one is a line here. */
#include <string.h>

#include "state/functions.h"

/* images.c reads its keys itself; this row is for the list. */
static const eg_function images = {
    .name = "images",
    .help = "1 (or the square root of a frequency) on the images of a file, IDX (plain or gzip) or .npy of shape (n,H,W)",
    .example = "images:file=train-images.gz,labels=train-labels.gz,label=3,size=5x6",
    .parameters = {{"file", EG_TEXT, NULL, NULL, 0, 0, "the images"},
                   {"labels", EG_TEXT, "", NULL, 0, 0, "their labels, IDX or .npy of shape (n,)"},
                   {"label", EG_TEXT, "", NULL, 0, 0, "only the images with this label"},
                   {"size", EG_TEXT, "", NULL, 0, 0, "HxW, averaged to it by area; else as in the file"},
                   {"threshold", EG_TEXT, "0.5", NULL, 0, 0, "a pixel is lit where the mean of value/255 is larger, 0..1"},
                   {"weight", EG_CHOICE, "set", "set|count", 0, 0,
                    "1 on each distinct image, or the square root of its frequency"}},
};

typedef struct source {
    const eg_function *row;
    eg_constructor *open;
} source;

static const source sources[] = {
    {&images, eg_open_images}, {&eg_source_packed, eg_open_packed}, {&eg_source_plugin, eg_open_plugin}};
enum { SOURCE_COUNT = sizeof sources / sizeof *sources };

const eg_function *eg_source_row(size_t number) { return number < SOURCE_COUNT ? sources[number].row : NULL; }

eg_constructor *eg_find_source(const char *name)
{
    for (size_t k = 0; k < SOURCE_COUNT; k++)
        if (strcmp(sources[k].row->name, name) == 0)
            return sources[k].open;
    return NULL;
}
