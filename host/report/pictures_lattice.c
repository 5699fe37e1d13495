/* Pictures of the lattice: a cut into A and B, and the images that show why a range will not do. Called through the table of
 * pictures.c. */
#include <math.h>

#include "base/bits.h"
#include "report/pictures.h"

enum { MARGIN = 16, MOST_WIDTH = 520, MOST_HEIGHT = 330, ROW = 24 };

/* Where a lattice is drawn, and how large a pixel of it is. */
typedef struct place {
    const struct eegpu_cuts *cuts;
    double x, y, cell;
} place;

static double cell_size(const struct eegpu_cuts *cuts, double width, double height, double most)
{
    return fmin(most, fmin(width / cuts->width, height / cuts->height));
}

static double x_of(const place *p, int column) { return p->x + column * p->cell; }
static double y_of(const place *p, int row) { return p->y + row * p->cell; }

static bool in_a(const place *p, const uint64_t *mask, int row, int column)
{
    return eg_bit(mask, (uint64_t)(row * p->cuts->width + column));
}

/* The pixels of a mask, each run of a row as one piece. */
static void fill(const eg_svg *svg, const place *p, const uint64_t *mask, const char *class)
{
    fprintf(svg->stream, "<path class=\"%s\" d=\"", class);
    for (int row = 0; row < p->cuts->height; row++)
        for (int column = 0, last; column < p->cuts->width; column = last + 1) {
            for (last = column; last < p->cuts->width && in_a(p, mask, row, last);)
                last++;
            if (last > column)
                fprintf(svg->stream, "M%.2f %.2fh%.2fv%.2fh-%.2fz", x_of(p, column), y_of(p, row), (last - column) * p->cell,
                        p->cell, (last - column) * p->cell);
        }
    fputs("\"/>\n", svg->stream);
}

/* Outlines of the pixels, where they can be told apart. */
static void grid(const eg_svg *svg, const place *p, const char *class)
{
    double width = p->cuts->width * p->cell, height = p->cuts->height * p->cell;
    fprintf(svg->stream, "<path class=\"%s\" d=\"M%.2f %.2fh%.2fv%.2fh-%.2fz", class, p->x, p->y, width, height, width);
    for (int row = 1; row < p->cuts->height && p->cell >= 5; row++)
        fprintf(svg->stream, "M%.2f %.2fh%.2f", p->x, y_of(p, row), width);
    for (int column = 1; column < p->cuts->width && p->cell >= 5; column++)
        fprintf(svg->stream, "M%.2f %.2fv%.2f", x_of(p, column), p->y, height);
    fputs("\"/>\n", svg->stream);
}

/* The line between A and B. */
static void border(const eg_svg *svg, const place *p, const uint64_t *mask)
{
    fputs("<path class=\"cut\" d=\"", svg->stream);
    for (int row = 0; row < p->cuts->height && p->cell >= 3; row++)
        for (int column = 0; column < p->cuts->width; column++) {
            bool here = in_a(p, mask, row, column);
            if (column + 1 < p->cuts->width && in_a(p, mask, row, column + 1) != here)
                fprintf(svg->stream, "M%.2f %.2fv%.2f", x_of(p, column + 1), y_of(p, row), p->cell);
            if (row + 1 < p->cuts->height && in_a(p, mask, row + 1, column) != here)
                fprintf(svg->stream, "M%.2f %.2fh%.2f", x_of(p, column), y_of(p, row + 1), p->cell);
        }
    fputs("\"/>\n", svg->stream);
}

static bool on_boundary(const place *p, const uint64_t *mask, int row, int column)
{
    return in_a(p, mask, row, column) &&
           ((row > 0 && !in_a(p, mask, row - 1, column)) || (row + 1 < p->cuts->height && !in_a(p, mask, row + 1, column)) ||
            (column > 0 && !in_a(p, mask, row, column - 1)) || (column + 1 < p->cuts->width && !in_a(p, mask, row, column + 1)));
}

static void ring(const eg_svg *svg, double x, double y, double radius)
{
    fprintf(svg->stream, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"%.1f\" class=\"edge\"/>\n", x, y, radius);
}

/* Numbers and rings, where there is room for them. */
static void label(const eg_svg *svg, const place *p, const uint64_t *mask)
{
    for (int row = 0; row < p->cuts->height && p->cell >= 10; row++)
        for (int column = 0; column < p->cuts->width; column++) {
            double x = x_of(p, column) + p->cell / 2, y = y_of(p, row) + p->cell / 2;
            char number[16];
            if (on_boundary(p, mask, row, column))
                ring(svg, x, y, p->cell >= 26 ? p->cell / 2 - 5 : p->cell / 4);
            snprintf(number, sizeof number, "%d", row * p->cuts->width + column);
            if (p->cell >= 26)
                eg_svg_text(svg, x, y + 5, EG_AT_MIDDLE, in_a(p, mask, row, column) ? "on-a" : "note", number);
        }
}

/* ---- A cut ---- */

bool eg_shown_is_there(const eg_law_report *r, int number) { return number < r->gallery->shown_count; }

void eg_shown_caption(const eg_law_report *r, int number, char *text)
{
    const eg_shown_cut *shown = &r->gallery->shown[number];
    const eegpu_record *record = &r->study->result->records[shown->cut];
    char entropy[64] = "0 to rounding";
    if (record->s_vn > record->error)
        snprintf(entropy, sizeof entropy, "%.6g %ss", record->s_vn / r->report.log_base, r->report.unit);
    snprintf(text, EG_CAPTION_SIZE, "Cut %zu, %s: S = %s; Page's mean would be %.6g.", shown->cut, shown->why, entropy,
             eegpu_page_entropy(record->n_a, record->n_b) / r->report.log_base);
}

/* What the shapes mean, a row each from `y` on. */
static void legend(const eg_svg *svg, const eegpu_record *record, bool rings, double y)
{
    char count[32], text[96];
    double x = MARGIN;
    eg_svg_rectangle(svg, x, y - 8, 16, 16, "a");
    snprintf(text, sizeof text, "A: %s", eg_count_text((uint64_t)record->n_a, "pixel", count));
    eg_svg_text(svg, x + 28, y + 5, EG_AT_START, NULL, text);
    eg_svg_rectangle(svg, x, y - 8 + ROW, 16, 16, "a");
    if (rings)
        ring(svg, x + 8, y + ROW, 5);
    snprintf(text, sizeof text, "boundary L_A: %s of A next to B", eg_count_text((uint64_t)record->boundary, "pixel", count));
    eg_svg_text(svg, x + 28, y + 5 + ROW, EG_AT_START, NULL, text);
    eg_svg_rectangle(svg, x, y - 8 + 2 * ROW, 16, 16, "b");
    eg_svg_rectangle(svg, x, y - 8 + 2 * ROW, 16, 16, "cell");
    snprintf(text, sizeof text, "B: %s", eg_count_text((uint64_t)record->n_b, "pixel", count));
    eg_svg_text(svg, x + 28, y + 5 + 2 * ROW, EG_AT_START, NULL, text);
    eg_svg_line(svg, x, y + 3 * ROW, x + 16, y + 3 * ROW, "cut");
    snprintf(text, sizeof text, "the cut: %s", eg_count_text((uint64_t)record->bonds, "bond", count));
    eg_svg_text(svg, x + 28, y + 5 + 3 * ROW, EG_AT_START, NULL, text);
}

eegpu_status eg_shown_draw(const eg_law_report *r, const eg_picture *picture, const eg_svg *svg)
{
    const struct eegpu_cuts *cuts = r->report.cuts;
    size_t cut = r->gallery->shown[picture->number].cut;
    const eegpu_record *record = &r->study->result->records[cut];
    const uint64_t *mask = eg_cut_mask(cuts, cut);
    place p = {cuts, MARGIN, MARGIN, cell_size(cuts, MOST_WIDTH, MOST_HEIGHT, 48)};
    double width = fmax(cuts->width * p.cell, 290), height = cuts->height * p.cell;
    char description[EG_CAPTION_SIZE];
    snprintf(description, sizeof description,
             "A lattice of %d rows and %d columns, pixels numbered row by row; A has %d of them, %d on its boundary; %d bonds are "
             "cut. The "
             "pixels of A are listed in the table of all cuts, row %zu.",
             cuts->height, cuts->width, record->n_a, record->boundary, record->bonds, cut);
    eg_svg_begin(svg, (int)ceil(width) + 2 * MARGIN, (int)ceil(height) + 2 * MARGIN + 10 + 4 * ROW, picture->heading, description);
    eg_svg_rectangle(svg, p.x, p.y, cuts->width * p.cell, height, "b");
    fill(svg, &p, mask, "a");
    grid(svg, &p, "cell");
    border(svg, &p, mask);
    label(svg, &p, mask);
    legend(svg, record, p.cell >= 10, MARGIN + height + 28);
    eg_svg_end(svg);
    return EEGPU_OK;
}

/* ---- The images that show why a range will not do ---- */

/* The side of the widest cut that needs its range; NULL: none. */
static const eg_range_side *widest_side(const eg_law_report *r, int *which)
{
    int64_t widest = eg_widest_cut(r->study);
    if (widest < 0)
        return NULL;
    const eg_range *range = &r->study->ranges[widest];
    *which = range->side[1].r > range->side[0].r;
    return range->side[*which].one != NULL ? &range->side[*which] : NULL;
}

bool eg_counter_example_is_there(const eg_law_report *r, int number)
{
    int which;
    (void)number;
    return widest_side(r, &which) != NULL;
}

void eg_counter_example_caption(const eg_law_report *r, int number, char *text)
{
    int which = 0;
    const eg_range_side *side = widest_side(r, &which);
    char name = which == 0 ? 'A' : 'B', other = which == 0 ? 'B' : 'A';
    (void)number;
    snprintf(text, EG_CAPTION_SIZE,
             "Assumption %d fails at r = %d for cut %lld: the two images of %c agree on its pixels within %d of %c, and together "
             "with the image "
             "of %c the first has f = 1 and the second f = 0, though neither has f = 0 with all images of %c.",
             which + 1, side->r - 1, (long long)eg_widest_cut(r->study), name, side->r - 1, other, other, other);
}

static void dot(const eg_svg *svg, double x, double y)
{
    fprintf(svg->stream, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"2\" class=\"dot\"/>\n", x, y);
}

/* The pixels of one side of a cut, lit or dark; of the other side a dot each. */
static void image(const eg_svg *svg, place p, const uint64_t *mask, bool side_a, const uint64_t *lit, const char *title)
{
    eg_svg_text(svg, p.x, p.y - 8, EG_AT_START, "strong", title);
    for (int row = 0; row < p.cuts->height; row++)
        for (int column = 0; column < p.cuts->width; column++)
            if (in_a(&p, mask, row, column) == side_a)
                eg_svg_rectangle(svg, x_of(&p, column), y_of(&p, row), p.cell, p.cell, "cell");
            else
                dot(svg, x_of(&p, column) + p.cell / 2, y_of(&p, row) + p.cell / 2);
    fill(svg, &p, lit, "lit");
}

eegpu_status eg_counter_example_draw(const eg_law_report *r, const eg_picture *picture, const eg_svg *svg)
{
    const struct eegpu_cuts *cuts = r->report.cuts;
    const uint64_t *mask = eg_cut_mask(cuts, (size_t)eg_widest_cut(r->study));
    int which = 0;
    const eg_range_side *side = widest_side(r, &which);
    bool stacked = cuts->width > 2 * cuts->height;
    double cell = cell_size(cuts, stacked ? MOST_WIDTH : 160, stacked ? 80 : 280, 32);
    double step_x = stacked ? 0 : fmax(cuts->width * cell, 116) + 28, step_y = stacked ? cuts->height * cell + 40 : 0;
    double width = fmax(2 * step_x + fmax(cuts->width * cell, 116), 330), top = MARGIN + 22;
    double below = top + 2 * step_y + cuts->height * cell + 24;
    const uint64_t *const images[] = {side->one, side->two, side->other};
    char titles[3][32], caption[EG_CAPTION_SIZE];
    snprintf(titles[0], sizeof titles[0], "one image of %c", "AB"[which]);
    snprintf(titles[1], sizeof titles[1], "another of %c", "AB"[which]);
    snprintf(titles[2], sizeof titles[2], "an image of %c", "BA"[which]);
    eg_counter_example_caption(r, 0, caption);
    eg_svg_begin(svg, (int)ceil(width) + 2 * MARGIN, (int)ceil(below) + 14, picture->heading, caption);
    for (int i = 0; i < 3; i++)
        image(svg, (place){cuts, MARGIN + i * step_x, top + i * step_y, cell}, mask, (which == 0) == (i < 2), images[i], titles[i]);
    eg_svg_rectangle(svg, MARGIN, below - 11, 13, 13, "lit");
    eg_svg_text(svg, MARGIN + 20, below, EG_AT_START, NULL, "lit");
    eg_svg_rectangle(svg, MARGIN + 66, below - 11, 13, 13, "cell");
    eg_svg_text(svg, MARGIN + 86, below, EG_AT_START, NULL, "dark");
    dot(svg, MARGIN + 152, below - 5);
    eg_svg_text(svg, MARGIN + 166, below, EG_AT_START, NULL, "on the other side");
    eg_svg_end(svg);
    return EEGPU_OK;
}
