/* The page: verdict in words, what was measured, pictures, tables, how it was made. Called by `eegpu law`; it draws and computes
 * nothing. */
#include "report/html.h"

#include <ctype.h>
#include <math.h>

#include "report/encode.h"
#include "report/pictures.h"

static void write_heading(const eg_law_report *r, FILE *stream)
{
    char text[EG_HEADING_SIZE];
    eg_xml_string(stream, eg_source_heading(r->source, text));
}

static void open_page(const eg_law_report *r, FILE *stream)
{
    fputs("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
          "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
          "<meta name=\"color-scheme\" content=\"light dark\">\n"
          "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
          "<meta name=\"generator\" content=\"eegpu ",
          stream);
    eg_xml_string(stream, eegpu_version());
    fputs("\">\n<title>Entanglement of ", stream);
    write_heading(r, stream);
    fprintf(stream, "</title>\n<style>\n%s\n%s\n@media screen and (prefers-color-scheme:dark){%s%s}\n@media print{%s}\n</style>\n",
            eg_html_style(), eg_svg_style(), eg_html_dark_style(), eg_svg_dark_style(), eg_html_print_style());
    fputs("</head>\n<body>\n<a class=\"skip\" href=\"#content\">Skip to the verdict</a>\n<header>\n<h1>Entanglement of <code>",
          stream);
    write_heading(r, stream);
    fputs("</code></h1>\n</header>\n", stream);
}

static void write_navigation(const eg_law_report *r, FILE *stream)
{
    const eg_study *study = r->study;
    const struct {
        const char *id, *text;
        bool there;
    } sections[] = {
        {"pictures", "Pictures", true},
        {"fits", "Fits", true},
        {"shapes", "Shapes", true},
        {"parameters", "Parameters", study->parameters.known},
        {"topology", "Topological term", study->topology.known},
        {"theory", "Theory", study->theory.known},
        {"cuts", "All cuts", true},
        {"made", "How this was made", true},
    };
    fputs("<nav aria-label=\"Parts of this page\"><ul>\n", stream);
    for (size_t i = 0; i < sizeof sections / sizeof *sections; i++)
        if (sections[i].there)
            fprintf(stream, "<li><a href=\"#%s\">%s</a></li>\n", sections[i].id, sections[i].text);
    fputs("</ul></nav>\n", stream);
}

/* A sentence with a capital at its beginning and the signs that the rest of the page has. */
static void write_sentence(const char *text, FILE *stream)
{
    char piece[2] = "";
    for (const char *c = text; *c != '\0'; c++) {
        if (c[0] == 'R' && c[1] == '^' && c[2] == '2') {
            fputs("R\u00b2", stream);
            c += 2;
        } else if (c == text || *c == '&' || *c == '<' || *c == '>') {
            piece[0] = c == text ? (char)toupper((unsigned char)*c) : *c;
            eg_xml_string(stream, piece);
        } else {
            fputc(*c, stream);
        }
    }
}

static void write_verdict(const eg_law_report *r, FILE *stream)
{
    static const char *const words[] = {"Area law", "Volume law", "Logarithmic law", "Undecided", "Undecided"};
    const eg_law *law = &r->study->law;
    fprintf(stream, "<main id=\"content\">\n<section class=\"verdict\" aria-label=\"Verdict\">\n<p class=\"word\">%s</p>\n<p>",
            words[law->verdict]);
    write_sentence(law->reason, stream);
    fputs(".</p>\n", stream);
    if (*law->advice != '\0') {
        fputs("<p>What would tell: ", stream);
        eg_xml_string(stream, law->advice);
        fputs(".</p>\n", stream);
    }
    fputs("</section>\n", stream);
}

/* ---- What was measured ---- */

static void write_ranges(const eg_law_report *r, FILE *stream)
{
    const eg_study *study = r->study;
    double least, most;
    int largest[2];
    size_t trivial = eg_range_summary(study, largest);
    eg_effective_ranges(study, &least, &most);
    if (isfinite(least))
        fprintf(stream, "<dt>Effective range</dt><dd>S/(L_A log 2) is %.4g to %.4g</dd>\n", least, most);
    if (study->range_count == 0)
        return;
    fprintf(stream, "<dt>Range r</dt><dd>Assumption 1 (rows) holds for every cut with r = %d, Assumption 2 (columns) with r = %d",
            largest[0], largest[1]);
    if (trivial > 0)
        fprintf(stream, "; in %zu of %zu cuts at least one assumption holds only because R_r is the whole side", trivial,
                study->range_count);
    fputs("</dd>\n", stream);
}

static void write_facts(const eg_law_report *r, FILE *stream)
{
    const eg_study *study = r->study;
    const eegpu_record *largest = NULL;
    for (size_t i = 0; i < study->result->count; i++)
        if (largest == NULL || study->result->records[i].s_vn > largest->s_vn)
            largest = &study->result->records[i];
    fputs("<dl>\n<dt>Function</dt><dd><code>", stream);
    eg_xml_string(stream, r->source);
    fprintf(stream, "</code></dd>\n<dt>Lattice</dt><dd>%d \u00d7 %d, %d pixels</dd>\n<dt>Cuts</dt><dd>%zu of the family ",
            r->report.cuts->height, r->report.cuts->width, r->report.cuts->pixels, study->result->count);
    eg_xml_string(stream, r->report.cuts->family);
    fprintf(stream, ", %zu shapes</dd>\n<dt>Unit</dt><dd>%ss</dd>\n", study->law.count, r->report.unit);
    if (largest != NULL)
        fprintf(stream, "<dt>Largest entropy</dt><dd>%.6f %ss (cut %zu); Page\u2019s mean there is %.6f</dd>\n",
                eg_zero_below(largest->s_vn, largest->error) / r->report.log_base, r->report.unit, largest->cut,
                eegpu_page_entropy(largest->n_a, largest->n_b) / r->report.log_base);
    write_ranges(r, stream);
    if (r->read_from != NULL) {
        fputs("<dt>Read from</dt><dd><code>", stream);
        eg_xml_string(stream, r->read_from);
        fputs("</code>; spectra, the range, the parameters and the topological term need the function itself</dd>\n", stream);
    }
    fputs("</dl>\n", stream);
}

/* ---- Pictures ---- */

static eegpu_status write_pictures(const eg_law_report *r, FILE *stream)
{
    eegpu_status status = EEGPU_OK;
    fputs("<section aria-labelledby=\"pictures\">\n<h2 id=\"pictures\">Pictures</h2>\n<div class=\"pictures small\">\n", stream);
    for (int i = 0; i < EG_PICTURES; i++) {
        const eg_picture *picture = &eg_pictures[i];
        char caption[EG_CAPTION_SIZE] = "";
        if (i > 0 && picture->draw != eg_shown_draw && eg_pictures[i - 1].draw == eg_shown_draw)
            fputs("</div>\n<div class=\"pictures\">\n", stream);
        if (!picture->is_there(r, picture->number))
            continue;
        picture->caption(r, picture->number, caption);
        fputs("<figure>\n", stream);
        EG_TRY(picture->draw(r, picture, &(eg_svg){.stream = stream, .name = picture->name}));
        fprintf(stream, "<figcaption><h3>%s</h3>\n<p>", picture->heading);
        eg_xml_string(stream, caption);
        fputs("</p></figcaption>\n</figure>\n", stream);
    }
    fputs("</div>\n</section>\n", stream);
done:
    return status;
}

static void close_page(const eg_law_report *r, FILE *stream)
{
    fputs("<section aria-labelledby=\"made\">\n<h2 id=\"made\">How this was made</h2>\n<pre><code>", stream);
    eg_xml_string(stream, r->report.command);
    fputs("</code></pre>\n<dl><dt>Program</dt><dd>eegpu ", stream);
    eg_xml_string(stream, eegpu_version());
    if (r->read_from == NULL) {
        fputs("</dd><dt>Device</dt><dd>", stream);
        eg_xml_string(stream, r->study->result->device);
        fprintf(stream, "</dd><dt>Time</dt><dd>%.2f s", r->report.seconds);
    }
    fputs(
        "</dd><dt>Theory</dt><dd>Y.-H. Zhang, Entanglement Entropy of Target Functions for Image Classification and Convolutional "
        "Neural Network (2017), arXiv:1710.05520</dd></dl>\n</section>\n</main>\n</body>\n</html>\n",
        stream);
}

eegpu_status eg_law_write_html(const eg_law_report *report, FILE *stream)
{
    eegpu_status status;
    open_page(report, stream);
    write_navigation(report, stream);
    write_verdict(report, stream);
    write_facts(report, stream);
    EG_TRY(write_pictures(report, stream));
    eg_html_fits(report, stream);
    eg_html_shapes(report, stream);
    eg_html_parameters(report, stream);
    eg_html_topology(report, stream);
    eg_html_theory(report, stream);
    eg_html_cuts(report, stream);
    close_page(report, stream);
    status = eg_stream_check(stream, "the page");
done:
    return status;
}
