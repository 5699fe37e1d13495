/* Elements of SVG as text. Called by plot.c and the pictures. */
#include "report/svg.h"

#include "report/encode.h"

const char *eg_svg_style(void)
{
    return ".eg text{fill:#1b1f24;font-size:14px}.eg .note{fill:#4d5661}.eg .strong{font-weight:600}"
           ".eg .on-a{fill:#fff;font-weight:600}.eg .frame{fill:none;stroke:#6b7580}.eg .rule{stroke:#e3e7eb}"
           ".eg .ground{fill:#fff}.eg .ink1{color:#0b5cad}.eg .ink2{color:#b34700}.eg .ink3{color:#1a7a3c}"
           ".eg .ink4{color:#7a3fa6}.eg .ink5{color:#4d5661}.eg .open{fill:none;stroke:currentColor;stroke-width:1.6}"
           ".eg .full{fill:currentColor;fill-opacity:.35;stroke:currentColor}"
           ".eg .line{fill:none;stroke:currentColor;stroke-width:2}.eg .dashed{stroke-dasharray:9 5}"
           ".eg .dotted{stroke-dasharray:2 4}.eg .a{fill:#0b5cad}.eg .b{fill:#f1f4f7}.eg .cell{fill:none;stroke:#8b95a0}"
           ".eg .edge{fill:none;stroke:#fff;stroke-width:2}"
           ".eg .cut{fill:none;stroke:#b34700;stroke-width:4;stroke-linecap:round}.eg .dot{fill:#8b95a0}"
           ".eg .lit{fill:#1b1f24}.eg .raster{fill:#0b5cad;shape-rendering:crispEdges}";
}

const char *eg_svg_dark_style(void)
{
    return ".eg text{fill:#e8eaed}.eg .note{fill:#b4bcc5}.eg .on-a{fill:#0d1117}.eg .frame{stroke:#8b95a0}"
           ".eg .rule{stroke:#2d343c}.eg .ink1{color:#79b8ff}.eg .ink2{color:#ffab70}.eg .ink3{color:#7ee2a0}"
           ".eg .ink4{color:#d2a8ff}.eg .ink5{color:#b4bcc5}.eg .a{fill:#79b8ff}.eg .b{fill:#242b33}"
           ".eg .cell{stroke:#6b7580}.eg .edge{stroke:#0d1117}.eg .cut{stroke:#ffab70}.eg .lit{fill:#e8eaed}"
           ".eg .raster{fill:#79b8ff}";
}

void eg_svg_begin(const eg_svg *svg, int width, int height, const char *title, const char *description)
{
    FILE *out = svg->stream;
    if (svg->alone)
        fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n", out);
    fprintf(out,
            "<svg class=\"eg\"%s role=\"img\" aria-labelledby=\"%s-title %s-text\" viewBox=\"0 0 %d "
            "%d\" width=\"%d\" height=\"%d\"%s>\n<title id=\"%s-title\">",
            svg->alone ? " xmlns=\"http://www.w3.org/2000/svg\"" : "", svg->name, svg->name, width, height, width, height,
            svg->alone ? " font-family=\"system-ui, 'Helvetica Neue', Arial, sans-serif\"" : "", svg->name);
    eg_xml_string(out, title);
    fprintf(out, "</title>\n<desc id=\"%s-text\">", svg->name);
    eg_xml_string(out, description);
    fputs("</desc>\n", out);
    if (svg->alone) {
        fprintf(out, "<style>%s</style>\n", eg_svg_style());
        eg_svg_rectangle(svg, 0, 0, width, height, "ground");
    }
}

void eg_svg_end(const eg_svg *svg) { fputs("</svg>\n", svg->stream); }

void eg_svg_text(const eg_svg *svg, double x, double y, eg_anchor anchor, const char *class, const char *text)
{
    static const char *const anchors[] = {"", " text-anchor=\"middle\"", " text-anchor=\"end\""};
    fprintf(svg->stream, "<text x=\"%.1f\" y=\"%.1f\"%s", x, y, anchors[anchor]);
    if (class != NULL)
        fprintf(svg->stream, " class=\"%s\"", class);
    fputc('>', svg->stream);
    eg_xml_string(svg->stream, text);
    fputs("</text>\n", svg->stream);
}

void eg_svg_line(const eg_svg *svg, double x1, double y1, double x2, double y2, const char *class)
{
    fprintf(svg->stream, "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" class=\"%s\"/>\n", x1, y1, x2, y2, class);
}

void eg_svg_rectangle(const eg_svg *svg, double x, double y, double width, double height, const char *class)
{
    fprintf(svg->stream, "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" class=\"%s\"/>\n", x, y, width, height, class);
}

void eg_svg_mark(const eg_svg *svg, eg_mark mark, double x, double y)
{
    static const char *const shapes[] = {
        "", "m-4 0a4 4 0 1 0 8 0a4 4 0 1 0-8 0", "m-3.5-3.5h7v7h-7z", "m0-5l4.5 8h-9z", "m-4-4l8 8m-8 0l8-8", "m-8 0h16"};
    if (mark != EG_NO_MARK)
        fprintf(svg->stream, "M%.1f %.1f%s", x, y, shapes[mark]);
}

const char *eg_mark_class(eg_mark mark) { return mark == EG_CROSS || mark == EG_BAR ? "open" : "full"; }

const char *eg_stroke_class(eg_stroke stroke)
{
    static const char *const classes[] = {"", "line", "line dashed", "line dotted"};
    return classes[stroke];
}
