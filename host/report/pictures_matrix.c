/* The picture of the matrix of a cut after its exact reductions. Called through the table of pictures.c. */
#include <math.h>

#include "report/pictures.h"

enum { LEFT = 40, TOP = 14, MOST_WIDTH = 500, MOST_HEIGHT = 380, MOST_CELL = 40, SHADES = 4 };

static bool is_boxed(const eg_raster *raster)
{
    return raster->rows > (uint64_t)raster->height || raster->columns > (uint64_t)raster->width;
}

bool eg_matrix_is_there(const eg_law_report *r, int number)
{
    (void)number;
    return r->gallery->raster.rows > 0;
}

void eg_matrix_caption(const eg_law_report *r, int number, char *text)
{
    const eg_raster *raster = &r->gallery->raster;
    const eegpu_record *record = &r->study->result->records[raster->cut];
    char blocks[32];
    (void)number;
    snprintf(
        text, EG_CAPTION_SIZE,
        "The matrix M of cut %zu: rows are images of A, columns images of B. Of %.10g rows and %.10g columns %llu and %llu remain "
        "when empty ones are left out and equal ones merged; they form %s%s. %s",
        raster->cut, record->rows, record->cols, (unsigned long long)raster->rows, (unsigned long long)raster->columns,
        eg_count_text(raster->blocks, "independent block", blocks),
        raster->blocks > 1 ? ", drawn one after another along the diagonal" : "",
        is_boxed(raster) ? "Each box stands for several entries: the darker, the more of them are not zero." : "Filled: not zero.");
}

/* 0: empty, else 1 to SHADES; what is not zero is seen however little it is. */
static int shade(double part, double most, bool boxed)
{
    if (!(part > 0))
        return 0;
    return boxed ? (int)fmin(SHADES, 1 + floor(SHADES * sqrt(part / most) * 0.999)) : SHADES;
}

/* Boxes of one shade, each run of a row as one piece, in units of boxes. */
static void write_shade(const eg_raster *raster, int wanted, double most, FILE *stream)
{
    bool boxed = is_boxed(raster);
    fprintf(stream, "<path class=\"raster\" fill-opacity=\"%.2f\" d=\"", (double)wanted / SHADES);
    for (int y = 0; y < raster->height; y++) {
        const double *row = raster->part + y * raster->width;
        for (int x = 0, end; x < raster->width; x = end + 1) {
            for (end = x; end < raster->width && shade(row[end], most, boxed) == wanted;)
                end++;
            if (end > x)
                fprintf(stream, "M%d %dh%dv1h-%dz", x, y, end - x, end - x);
        }
    }
    fputs("\"/>\n", stream);
}

eegpu_status eg_matrix_draw(const eg_law_report *r, const eg_picture *picture, const eg_svg *svg)
{
    const eg_raster *raster = &r->gallery->raster;
    double across = fmin(MOST_CELL, (double)MOST_WIDTH / raster->width),
           down = fmin(MOST_CELL, (double)MOST_HEIGHT / raster->height);
    double most = 0;
    char text[96], description[EG_CAPTION_SIZE];
    across = fmin(across, 3 * down);
    down = fmin(down, 3 * across);
    double width = across * raster->width, height = down * raster->height;
    for (int i = 0; i < raster->height * raster->width; i++)
        most = fmax(most, raster->part[i]);
    snprintf(description, sizeof description, "A matrix of %llu rows and %llu columns in %llu independent blocks.",
             (unsigned long long)raster->rows, (unsigned long long)raster->columns, (unsigned long long)raster->blocks);
    eg_svg_begin(svg, (int)ceil(fmax(width, 200)) + LEFT + 20, (int)ceil(fmax(height, 110)) + TOP + 40, picture->heading,
                 description);
    fprintf(svg->stream, "<g transform=\"translate(%d %d) scale(%.4f %.4f)\">\n", LEFT, TOP, across, down);
    for (int wanted = is_boxed(raster) ? 1 : SHADES; wanted <= SHADES; wanted++)
        write_shade(raster, wanted, most, svg->stream);
    fputs("</g>\n", svg->stream);
    eg_svg_rectangle(svg, LEFT, TOP, width, height, "frame");
    snprintf(text, sizeof text, "%llu columns (images of B)", (unsigned long long)raster->columns);
    eg_svg_text(svg, LEFT, TOP + height + 24, EG_AT_START, NULL, text);
    snprintf(text, sizeof text, "%llu rows (A)", (unsigned long long)raster->rows);
    fprintf(svg->stream, "<g transform=\"translate(24 %.1f) rotate(-90)\">", TOP + fmax(height, 100));
    eg_svg_text(svg, 0, 0, EG_AT_START, NULL, text);
    fputs("</g>\n", svg->stream);
    eg_svg_end(svg);
    return EEGPU_OK;
}
