/* A small writer of SVG. Comes in: shapes in pixels from the upper left corner; goes out: one <svg> element, as part of a page or
 * as a file that stands alone (then with its own style, in light colours on white, for papers). Called by the pictures of a report;
 * knows nothing of what they show. Write errors are left to eg_stream_check(). */
#ifndef EG_REPORT_SVG_H
#define EG_REPORT_SVG_H

#include <stdio.h>

#include "base/status.h"

typedef struct eg_svg {
    FILE *stream;
    const char *name; /* of the picture: begins its ids, which are then unique on a page */
    bool alone;       /* a file of its own */
} eg_svg;

/* Rules for the classes below, for every page or file with pictures; the second are for dark screens. */
const char *eg_svg_style(void);
const char *eg_svg_dark_style(void);

/* `title` and `description` are what those hear who do not see the picture. */
void eg_svg_begin(const eg_svg *svg, int width, int height, const char *title, const char *description);
void eg_svg_end(const eg_svg *svg);

typedef enum eg_anchor { EG_AT_START, EG_AT_MIDDLE, EG_AT_END } eg_anchor;

/* `class` as eg_svg_style() has them, NULL: none. */
void eg_svg_text(const eg_svg *svg, double x, double y, eg_anchor anchor, const char *class, const char *text);
void eg_svg_line(const eg_svg *svg, double x1, double y1, double x2, double y2, const char *class);
void eg_svg_rectangle(const eg_svg *svg, double x, double y, double width, double height, const char *class);

/* Marks differ in shape, strokes in their dashes, so that colour is never needed. */
typedef enum eg_mark { EG_NO_MARK, EG_CIRCLE, EG_SQUARE, EG_TRIANGLE, EG_CROSS, EG_BAR } eg_mark;
typedef enum eg_stroke { EG_NO_STROKE, EG_SOLID, EG_DASHED, EG_DOTTED } eg_stroke;
enum { EG_INKS = 5 }; /* colours 1 to EG_INKS */

/* A mark as a part of the data of a path of the class eg_mark_class(). */
void eg_svg_mark(const eg_svg *svg, eg_mark mark, double x, double y);
const char *eg_mark_class(eg_mark mark);
const char *eg_stroke_class(eg_stroke stroke);

#endif
