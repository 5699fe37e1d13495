/* A cut in a few characters of one line. Comes in: a cut; goes out: a picture where the lattice is small (two rows of it a
 * character, or in ASCII row after row), else the name of a rectangle or a list of pixels. Called by the tables. */
#include <string.h>

#include "base/bits.h"
#include "report/fields.h"

typedef enum style { PICTURE_BLOCKS, PICTURE_ASCII, NAMES } style;

static style style_of(const eg_report *report)
{
    int height = report->cuts->height, width = report->cuts->width;
    int bands = report->unicode ? (height + 1) / 2 : height;
    if ((int64_t)bands * width + bands - 1 > EG_REGION_COLUMNS)
        return NAMES;
    return report->unicode ? PICTURE_BLOCKS : PICTURE_ASCII;
}

const char *eg_region_legend(const eg_report *report)
{
    switch (style_of(report)) {
    case PICTURE_BLOCKS:
        return report->cuts->height == 1 ? "a pixel a character: \u2588 in A, \u00b7 in B"
                                         : "two lattice rows a character (\u2588 both in A, \u2580 the upper, \u2584 the lower, "
                                           "\u00b7 none), from top to bottom";
    case PICTURE_ASCII:
        return report->cuts->height == 1 ? "a pixel a character: # in A, . in B"
                                         : "lattice rows one after the other: # in A, . in B";
    case NAMES:
        break;
    }
    return "HxW rectangle at row,column of its first pixel, or the numbers of the pixels in A";
}

static void picture(const eg_report *report, const uint64_t *mask, char *text)
{
    static const char *const blocks[] = {"\u00b7", "\u2580", "\u2584", "\u2588"};
    int height = report->cuts->height, width = report->cuts->width, step = report->unicode ? 2 : 1;
    char *end = text;
    *end = '\0';
    for (int row = 0; row < height; row += step) {
        if (row > 0)
            end = stpcpy(end, step == 2 ? " " : "/");
        for (int column = 0; column < width; column++) {
            bool upper = eg_bit(mask, (uint64_t)(row * width + column));
            bool lower = step == 2 && row + 1 < height && eg_bit(mask, (uint64_t)((row + 1) * width + column));
            if (step == 1)
                end = stpcpy(end, upper ? "#" : ".");
            else
                end = stpcpy(end, height == 1 && upper ? blocks[3] : blocks[(upper ? 1 : 0) + (lower ? 2 : 0)]);
        }
    }
}

/* The pixels of A fill a rectangle: its name into `text`. */
static bool rectangle(const struct eegpu_cuts *cuts, const int *pixels, int count, char *text)
{
    int top = pixels[0] / cuts->width, bottom = pixels[count - 1] / cuts->width;
    int left = cuts->width, right = 0;
    for (int i = 0; i < count; i++) {
        int column = pixels[i] % cuts->width;
        left = column < left ? column : left;
        right = column > right ? column : right;
    }
    if ((bottom - top + 1) * (right - left + 1) != count)
        return false;
    snprintf(text, EG_REGION_TEXT_SIZE, "%dx%d at %d,%d", bottom - top + 1, right - left + 1, top, left);
    return true;
}

/* "0-3,7,9-...": as many as there is room for. */
static void list(const int *pixels, int count, char *text)
{
    int length = 0;
    text[0] = '\0';
    for (int i = 0, last; i < count; i = last + 1) {
        char piece[32];
        for (last = i; last + 1 < count && pixels[last + 1] == pixels[last] + 1;)
            last++;
        int size = last > i ? snprintf(piece, sizeof piece, "%s%d-%d", i > 0 ? "," : "", pixels[i], pixels[last])
                            : snprintf(piece, sizeof piece, "%s%d", i > 0 ? "," : "", pixels[i]);
        if (length + size > EG_REGION_COLUMNS - (last + 1 < count ? 4 : 0)) {
            strcpy(text + length, ",...");
            return;
        }
        strcpy(text + length, piece);
        length += size;
    }
}

const char *eg_region_text(const eg_report *report, size_t cut, char *text)
{
    int pixels[EG_MAX_PIXELS];
    if (style_of(report) != NAMES) {
        picture(report, eg_cut_mask(report->cuts, cut), text);
        return text;
    }
    int count = eegpu_cuts_pixels(report->cuts, cut, pixels);
    text[0] = '\0';
    if (count > 0 && !rectangle(report->cuts, pixels, count, text))
        list(pixels, count, text);
    return text;
}
