/* The bars of the bench, and its page. See bench.h. */
#include <string.h>

#include "report/bench.h"
#include "report/encode.h"

enum { LEFT = 300, BAR_WIDTH = 440, RIGHT = 190, ROW = 24, TOP = 52, BELOW = 16 };

/* The largest size that has a limit of every case on every device. */
static bool is_shown(const eg_bench *bench, size_t i)
{
    const eg_bench_row *row = &bench->rows[i];
    for (size_t k = i + 1; k < bench->count; k++) {
        const eg_bench_row *other = &bench->rows[k];
        if (other->device == row->device && other->limit > 0 && strcmp(other->name, row->name) == 0)
            return false;
    }
    return row->limit > 0;
}

static void draw_scale(const eg_svg *svg, double height)
{
    char text[16];
    for (int percent = 0; percent <= 100; percent += 25) {
        double x = LEFT + BAR_WIDTH * percent / 100.0;
        snprintf(text, sizeof text, "%d %%", percent);
        eg_svg_line(svg, x, TOP - 6, x, TOP + height, "rule");
        eg_svg_text(svg, x, TOP - 12, EG_AT_MIDDLE, "note", text);
    }
}

static void draw_row(const eg_bench *bench, const eg_bench_row *row, double y, const eg_svg *svg)
{
    char text[96];
    double percent = eg_bench_percent(row), shown = percent < 100 ? percent : 100;
    snprintf(text, sizeof text, "%s, %d %s%s%s", row->name, row->size, row->counts, bench->device_count > 1 ? ", " : "",
             bench->device_count > 1 ? bench->devices[row->device].name : "");
    eg_svg_text(svg, LEFT - 8, y + ROW - 8, EG_AT_END, NULL, text);
    fprintf(svg->stream, "<g class=\"ink%d\">", row->device % EG_INKS + 1);
    eg_svg_rectangle(svg, LEFT, y + 4, BAR_WIDTH * shown / 100, ROW - 8, "full");
    fputs("</g>\n", svg->stream);
    snprintf(text, sizeof text, "%.0f %%  %.3g %s", percent, row->rate, row->unit);
    eg_svg_text(svg, LEFT + BAR_WIDTH + 10, y + ROW - 8, EG_AT_START, "note", text);
}

void eg_bench_draw(const eg_bench *bench, const eg_svg *svg)
{
    int rows = 0, at = 0;
    for (size_t i = 0; i < bench->count; i++)
        rows += is_shown(bench, i);
    eg_svg_begin(svg, LEFT + BAR_WIDTH + RIGHT, TOP + rows * ROW + BELOW, "Operations beside the limits of the machine",
                 "For every operation at its largest size, how much of the rate it reaches at which the device copies, multiplies, "
                 "counts or reads");
    eg_svg_text(svg, LEFT, 20, EG_AT_START, "strong", "percent of the limit measured in the same run");
    draw_scale(svg, rows * ROW);
    for (size_t i = 0; i < bench->count; i++)
        if (is_shown(bench, i))
            draw_row(bench, &bench->rows[i], TOP + ROW * at++, svg);
    eg_svg_end(svg);
}

/* ---- The page ---- */

void eg_bench_open_page(const char *title, FILE *stream)
{
    fputs("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
          "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
          "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n<title>",
          stream);
    eg_xml_string(stream, title);
    fprintf(stream,
            "</title>\n<style>\nbody{font-family:system-ui,'Helvetica Neue',Arial,sans-serif;margin:2rem "
            "auto;max-width:62rem;padding:0 "
            "1rem}svg{max-width:100%%;height:auto}pre{overflow-x:auto;font-size:.85rem}\n%s\n@media "
            "(prefers-color-scheme:dark){body{background:#0d1117;color:#e8eaed}%s}\n</style>\n</head>\n<body>\n<h1>",
            eg_svg_style(), eg_svg_dark_style());
    eg_xml_string(stream, title);
    fputs("</h1>\n", stream);
}

void eg_bench_close_page(FILE *stream) { fputs("</body>\n</html>\n", stream); }

void eg_bench_write_html(const eg_bench *bench, FILE *stream)
{
    const eg_svg svg = {.stream = stream, .name = "limits"};
    eg_bench_open_page("eegpu bench", stream);
    eg_bench_draw(bench, &svg);
    fputs("<h2>All cases</h2>\n<pre>",
          stream); /* nothing in the table needs to be escaped but names of devices, which eegpu makes */
    eg_bench_write_table(bench, stream);
    fputs("</pre>\n", stream);
    eg_bench_close_page(stream);
}
