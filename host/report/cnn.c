/* A sweep over networks as a table for people or one JSON object. Comes in: points, cells, fits and matches; goes out: text. Called
 * by `eegpu cnn`. The sentences at the end say what was found, also where it is not what the paper expects. */
#include "report/cnn.h"

#include <math.h>
#include <string.h>

#include "report/encode.h"

static const char *const answer_names[] = {[EG_CNN_HOLDS] = "holds", [EG_CNN_FAILS] = "fails", [EG_CNN_UNTOLD] = "cannot be told"};

enum { CELL_SIZE = 40, VERDICT_SIZE = 512 };

/* ---- Sentences --------------------------------------------------------------------------------------------------- */

static void fit_verdict(const eg_cnn_scaling *scaling, char *text)
{
    if (scaling->best < 0) {
        snprintf(text, VERDICT_SIZE, "S/L: too few networks for a fit; take more channels, layers or seeds");
        return;
    }
    const char *best = eg_cnn_model_formula((eg_cnn_model)scaling->best);
    if (scaling->second < 0 && scaling->decided)
        snprintf(text, VERDICT_SIZE,
                 "S/L: %s describes it best: nothing is gained by a dependence on D or n_c (+- says how large one may be unseen); "
                 "this is not the paper's n_c log D",
                 best);
    else if (scaling->second < 0)
        snprintf(text, VERDICT_SIZE, "S/L: only %s could be fitted; take more channels, layers or seeds", best);
    else if (!scaling->decided)
        snprintf(text, VERDICT_SIZE,
                 "S/L: undecided between %s and %s (AICc differs by %.1f, less than %.0f); take more seeds or values", best,
                 eg_cnn_model_formula((eg_cnn_model)scaling->second), scaling->margin, EG_CNN_LEAST_MARGIN);
    else
        snprintf(text, VERDICT_SIZE,
                 "S/L: %s describes it best (R^2 %.2f), by %.1f in AICc before %s; this %s the paper's n_c log D", best,
                 scaling->fits[scaling->best].r_squared, scaling->margin, eg_cnn_model_formula((eg_cnn_model)scaling->second),
                 scaling->best == EG_CNN_PAPER ? "is" : "is not");
}

static void match_verdict(const eg_cnn_scaling *scaling, char *text)
{
    if (scaling->match_count == 0)
        snprintf(text, VERDICT_SIZE, "D ~ D_0^(1/n_c): cannot be told from this sweep; it takes two values of n_c and a D above 1");
    else
        snprintf(text, VERDICT_SIZE, "D ~ D_0^(1/n_c): holds for %zu of %zu pairs, fails for %zu, cannot be told for %zu",
                 scaling->answers[EG_CNN_HOLDS], scaling->match_count, scaling->answers[EG_CNN_FAILS],
                 scaling->answers[EG_CNN_UNTOLD]);
}

static void page_verdict(const eg_cnn_scaling *scaling, char *text)
{
    double share = scaling->largest_page_share;
    if (isnan(share))
        snprintf(text, VERDICT_SIZE, "every network is 0 on every image: there is no entropy to tell of");
    else
        snprintf(text, VERDICT_SIZE, "S reaches %.3g of Page's value: %s", share,
                 share >= EG_CNN_SATURATED ? "it saturates there, and fits that go on growing do not hold beyond"
                                           : "no saturation");
}

/* ---- The table --------------------------------------------------------------------------------------------------- */

/* A number in `width` columns, "-" if it is not known. */
static void write_number(FILE *stream, int width, int digits, double value)
{
    if (isnan(value))
        fprintf(stream, "%*s", width, "-");
    else
        fprintf(stream, "%*.*f", width, digits, value);
}

static void write_head(const eg_cnn_report *report, FILE *stream)
{
    const eg_cnn_sweep_options *options = report->options;
    fprintf(stream, "convolutional networks on %dx%d (%d pixels): %s, %s weights, kernel %d, poolings %d; a seed for each\n",
            report->cuts->height, report->cuts->width, report->cuts->pixels, eg_cnn_activation_name(options->activation),
            eg_cnn_init_name(options->init), options->kernel, options->pools);
    fprintf(
        stream,
        "entropies in %s, means over %zu cut%s (%s) and over networks; +-: standard deviation over networks; L: boundary L_A\n\n",
        report->unit, report->cuts->count, report->cuts->count == 1 ? "" : "s", report->cuts->family);
}

static void write_cells(const eg_cnn_report *report, FILE *stream)
{
    const eg_cnn_scaling *scaling = &report->sweep->scaling;
    fprintf(stream, "%4s %5s %11s %9s %6s %10s %10s %10s %10s %8s  %s\n", "n_c", "D", "parameters", "networks", "zero", "S", "+-",
            "S/L", "+-", "S/Page", "seeds");
    for (size_t i = 0; i < scaling->cell_count; i++) {
        const eg_cnn_cell *cell = &scaling->cells[i];
        fprintf(stream, "%4d %5d %11llu %9zu %6zu", cell->layers, cell->channels, (unsigned long long)cell->parameters,
                cell->count + cell->zeros, cell->zeros);
        write_number(stream, 11, 6, cell->s / report->log_base);
        write_number(stream, 11, 6, cell->s_spread / report->log_base);
        write_number(stream, 11, 6, cell->density / report->log_base);
        write_number(stream, 11, 6, cell->density_spread / report->log_base);
        write_number(stream, 9, 4, cell->page_share);
        fprintf(stream, "  %llu", (unsigned long long)cell->first_seed);
        if (cell->last_seed > cell->first_seed)
            fprintf(stream, "-%llu", (unsigned long long)cell->last_seed);
        fputc('\n', stream);
    }
}

static void write_fits(const eg_cnn_report *report, FILE *stream)
{
    const eg_cnn_scaling *scaling = &report->sweep->scaling;
    fprintf(stream, "\n%-36s %10s %10s %10s %10s %8s %10s\n", "S/L, log natural", "a", "b", "+-", "c", "R^2", "AICc");
    for (eg_cnn_model model = 0; model < EG_CNN_MODELS; model++) {
        const eg_cnn_fit *fit = &scaling->fits[model];
        bool lines = model == EG_CNN_LINES;
        int terms = lines ? 0 : fit->parameters - 1;
        fprintf(stream, "%-36s", eg_cnn_model_formula(model));
        if (!fit->solved) {
            fputs("  cannot be fitted to these networks\n", stream);
            continue;
        }
        write_number(stream, 11, 5, lines ? NAN : fit->intercept / report->log_base);
        write_number(stream, 11, 5, terms > 0 ? fit->slope[0] / report->log_base : NAN);
        write_number(stream, 11, 5, terms > 0 ? fit->slope_error[0] / report->log_base : NAN);
        write_number(stream, 11, 5, terms > 1 ? fit->slope[1] / report->log_base : NAN);
        write_number(stream, 9, 4, fit->r_squared);
        write_number(stream, 11, 2, isinf(fit->aicc) ? NAN : fit->aicc);
        fputc('\n', stream);
    }
    for (size_t l = 0; l < scaling->line_count; l++) {
        const eg_fit *line = &scaling->lines[l];
        fprintf(stream, "  n_c = %-3d %25s", scaling->line_layers[l], "");
        if (!line->solved) {
            fputs("  cannot be fitted\n", stream);
            continue;
        }
        write_number(stream, 11, 5, line->intercept / report->log_base);
        write_number(stream, 11, 5, line->slope[0] / report->log_base);
        write_number(stream, 11, 5, line->slope_error[0] / report->log_base);
        fprintf(stream, "%11s", "-");
        write_number(stream, 9, 4, line->r_squared);
        fputc('\n', stream);
    }
}

/* "1.41", "< 1", "> 8", "-" */
static const char *channels_text(const eg_cnn_report *report, double value, char *text)
{
    const eg_cnn_scaling *scaling = &report->sweep->scaling;
    int least = scaling->cells[0].channels, most = least;
    for (size_t i = 0; i < scaling->cell_count; i++) {
        least = scaling->cells[i].channels < least ? scaling->cells[i].channels : least;
        most = scaling->cells[i].channels > most ? scaling->cells[i].channels : most;
    }
    if (isnan(value))
        snprintf(text, CELL_SIZE, "-");
    else if (value == 0)
        snprintf(text, CELL_SIZE, "< %d", least);
    else if (isinf(value))
        snprintf(text, CELL_SIZE, "> %d", most);
    else
        snprintf(text, CELL_SIZE, "%.2f", value);
    return text;
}

static void write_matches(const eg_cnn_report *report, FILE *stream)
{
    const eg_cnn_scaling *scaling = &report->sweep->scaling;
    char found[CELL_SIZE], least[CELL_SIZE], most[CELL_SIZE];
    if (scaling->match_count == 0)
        return;
    fprintf(stream, "\nD at n_c with the S/L that D_0 channels have at n_c = %d\n", scaling->matches[0].layers_0);
    fprintf(stream, "%5s %4s %9s %8s  %-18s  %s\n", "D_0", "n_c", "expected", "found", "within 2 errors", "D ~ D_0^(1/n_c)");
    for (size_t i = 0; i < scaling->match_count; i++) {
        const eg_cnn_match *match = &scaling->matches[i];
        char range[2 * CELL_SIZE + 8];
        snprintf(range, sizeof range, "%s to %s", channels_text(report, match->least, least),
                 channels_text(report, match->most, most));
        fprintf(stream, "%5d %4d %9.2f %8s  %-18s  %s%s%s\n", match->channels_0, match->layers, match->expected,
                channels_text(report, match->found, found), range, answer_names[match->answer], *match->reason != '\0' ? ": " : "",
                match->reason);
    }
}

eegpu_status eg_cnn_write_table(const eg_cnn_report *report, FILE *stream)
{
    const eg_cnn_scaling *scaling = &report->sweep->scaling;
    char text[VERDICT_SIZE];
    double error = 0;
    for (size_t i = 0; i < report->sweep->count; i++)
        error = fmax(error, report->sweep->points[i].error);
    write_head(report, stream);
    write_cells(report, stream);
    write_fits(report, stream);
    write_matches(report, stream);
    fit_verdict(scaling, text);
    fprintf(stream, "\n%s\n", text);
    match_verdict(scaling, text);
    fprintf(stream, "%s\n", text);
    page_verdict(scaling, text);
    fprintf(stream, "%s\n", text);
    fprintf(stream, "largest error of an entropy %.1e %s; %zu networks in %.3g s on %s\n", error / report->log_base, report->unit,
            report->sweep->count, report->sweep->seconds, report->options->device->name);
    return eg_stream_check(stream, "the table");
}

/* ---- JSON -------------------------------------------------------------------------------------------------------- */

static void member(FILE *stream, const char *name, double value)
{
    fprintf(stream, ",\"%s\":", name);
    eg_json_number(stream, value);
}

static void text_member(FILE *stream, const char *name, const char *text)
{
    fprintf(stream, ",\"%s\":", name);
    eg_json_string(stream, text);
}

static void write_json_head(const eg_cnn_report *report, FILE *stream)
{
    const eg_cnn_sweep_options *options = report->options;
    const struct eegpu_cuts *cuts = report->cuts;
    fputs("{\"eegpu\":", stream);
    eg_json_string(stream, eegpu_version());
    text_member(stream, "command", report->command);
    fprintf(stream, ",\"lattice\":[%d,%d],\"pixels\":%d", cuts->height, cuts->width, cuts->pixels);
    text_member(stream, "unit", report->unit);
    text_member(stream, "cuts_family", cuts->family);
    fprintf(stream, ",\"cuts\":%zu,\"pools\":%d,\"kernel\":%d,\"seeds\":%d", cuts->count, options->pools, options->kernel,
            options->seeds);
    text_member(stream, "activation", eg_cnn_activation_name(options->activation));
    text_member(stream, "init", eg_cnn_init_name(options->init));
    text_member(stream, "device", options->device->name);
}

static void write_json_networks(const eg_cnn_report *report, FILE *stream)
{
    char source[EG_CNN_SOURCE_SIZE];
    fputs(",\"networks\":[\n", stream);
    for (size_t i = 0; i < report->sweep->count && !ferror(stream); i++) {
        const eg_cnn_point *point = &report->sweep->points[i];
        double unit = point->zero ? NAN : report->log_base;
        fprintf(stream, "{\"layers\":%d,\"channels\":%d,\"seed\":%llu,\"parameters\":%llu", point->layers, point->channels,
                (unsigned long long)point->seed, (unsigned long long)point->parameters);
        text_member(stream, "source", eg_cnn_sweep_source(report->options, point, source));
        fprintf(stream, ",\"zero\":%s", point->zero ? "true" : "false");
        member(stream, "s_vn", point->s / unit);
        member(stream, "error", point->error / unit);
        member(stream, "s_vn_per_boundary", point->density / unit);
        member(stream, "s_vn_per_page", point->zero ? NAN : point->page_share);
        member(stream, "seconds", point->seconds);
        fputs(i + 1 < report->sweep->count ? "},\n" : "}\n", stream);
    }
    fputc(']', stream);
}

static void write_json_cells(const eg_cnn_report *report, FILE *stream)
{
    const eg_cnn_scaling *scaling = &report->sweep->scaling;
    fputs(",\"cells\":[\n", stream);
    for (size_t i = 0; i < scaling->cell_count; i++) {
        const eg_cnn_cell *cell = &scaling->cells[i];
        fprintf(stream, "{\"layers\":%d,\"channels\":%d,\"parameters\":%llu,\"networks\":%zu,\"zero\":%zu", cell->layers,
                cell->channels, (unsigned long long)cell->parameters, cell->count + cell->zeros, cell->zeros);
        fprintf(stream, ",\"first_seed\":%llu,\"last_seed\":%llu", (unsigned long long)cell->first_seed,
                (unsigned long long)cell->last_seed);
        member(stream, "s_vn", cell->s / report->log_base);
        member(stream, "s_vn_spread", cell->s_spread / report->log_base);
        member(stream, "s_vn_per_boundary", cell->density / report->log_base);
        member(stream, "s_vn_per_boundary_spread", cell->density_spread / report->log_base);
        member(stream, "s_vn_per_page", cell->page_share);
        fputs(i + 1 < scaling->cell_count ? "},\n" : "}\n", stream);
    }
    fputc(']', stream);
}

static void write_json_lines(const eg_cnn_report *report, FILE *stream)
{
    const eg_cnn_scaling *scaling = &report->sweep->scaling;
    fputs(",\"lines\":[", stream);
    for (size_t l = 0; l < scaling->line_count; l++) {
        const eg_fit *line = &scaling->lines[l];
        double unit = line->solved ? report->log_base : NAN;
        fprintf(stream, "%s{\"layers\":%d", l > 0 ? "," : "", scaling->line_layers[l]);
        member(stream, "intercept", line->intercept / unit);
        member(stream, "slope", line->slope[0] / unit);
        member(stream, "slope_error", line->slope_error[0] / unit);
        member(stream, "r_squared", line->solved ? line->r_squared : NAN);
        fputc('}', stream);
    }
    fputc(']', stream);
}

static void write_json_fits(const eg_cnn_report *report, FILE *stream)
{
    const eg_cnn_scaling *scaling = &report->sweep->scaling;
    fputs(",\"fits\":[\n", stream);
    for (eg_cnn_model model = 0; model < EG_CNN_MODELS; model++) {
        const eg_cnn_fit *fit = &scaling->fits[model];
        bool lines = model == EG_CNN_LINES;
        fputs("{\"model\":", stream);
        eg_json_string(stream, eg_cnn_model_name(model));
        text_member(stream, "formula", eg_cnn_model_formula(model));
        fprintf(stream, ",\"solved\":%s,\"parameters\":%d", fit->solved ? "true" : "false", fit->parameters);
        member(stream, "intercept", fit->solved && !lines ? fit->intercept / report->log_base : NAN);
        for (int j = 0; j < 2; j++) {
            bool there = fit->solved && !lines && j < fit->parameters - 1;
            member(stream, j == 0 ? "slope" : "slope_layers", there ? fit->slope[j] / report->log_base : NAN);
            member(stream, j == 0 ? "slope_error" : "slope_layers_error", there ? fit->slope_error[j] / report->log_base : NAN);
        }
        member(stream, "residual", fit->solved ? fit->residual / report->log_base : NAN);
        member(stream, "r_squared", fit->solved ? fit->r_squared : NAN);
        member(stream, "aicc", fit->solved ? fit->aicc : NAN);
        if (lines)
            write_json_lines(report, stream);
        fputs(model + 1 < EG_CNN_MODELS ? "},\n" : "}\n", stream);
    }
    fputc(']', stream);
}

/* Where a number of channels is: a JSON number alone cannot tell one that is beyond the sweep from one that is not known. */
static const char *place_of(double channels)
{
    return isnan(channels) ? "unknown" : channels == 0 ? "below" : isinf(channels) ? "above" : "within";
}

static double number_of(double channels) { return channels > 0 ? channels : NAN; }

static void write_json_matches(const eg_cnn_scaling *scaling, FILE *stream)
{
    static const char *const words[] = {[EG_CNN_HOLDS] = "holds", [EG_CNN_FAILS] = "fails", [EG_CNN_UNTOLD] = "untold"};
    fputs(",\"equal_entropy\":[\n", stream);
    for (size_t i = 0; i < scaling->match_count; i++) {
        const eg_cnn_match *match = &scaling->matches[i];
        fprintf(stream, "{\"layers_0\":%d,\"channels_0\":%d,\"layers\":%d", match->layers_0, match->channels_0, match->layers);
        member(stream, "expected", match->expected);
        member(stream, "found", number_of(match->found));
        member(stream, "least", number_of(match->least));
        member(stream, "most", number_of(match->most));
        text_member(stream, "found_is", place_of(match->found));
        text_member(stream, "least_is", place_of(match->least));
        text_member(stream, "most_is", place_of(match->most));
        text_member(stream, "answer", words[match->answer]);
        text_member(stream, "reason", match->reason);
        fputs(i + 1 < scaling->match_count ? "},\n" : "}\n", stream);
    }
    fputc(']', stream);
}

eegpu_status eg_cnn_write_json(const eg_cnn_report *report, FILE *stream)
{
    const eg_cnn_scaling *scaling = &report->sweep->scaling;
    char text[VERDICT_SIZE];
    write_json_head(report, stream);
    write_json_networks(report, stream);
    write_json_cells(report, stream);
    write_json_fits(report, stream);
    write_json_matches(scaling, stream);
    text_member(stream, "verdict", scaling->decided ? eg_cnn_model_name((eg_cnn_model)scaling->best) : "undecided");
    text_member(stream, "best", scaling->best >= 0 ? eg_cnn_model_name((eg_cnn_model)scaling->best) : NULL);
    text_member(stream, "rival", scaling->second >= 0 ? eg_cnn_model_name((eg_cnn_model)scaling->second) : NULL);
    member(stream, "margin", scaling->margin);
    member(stream, "largest_s_vn_per_page", scaling->largest_page_share);
    fputs(",\"findings\":[", stream);
    fit_verdict(scaling, text);
    eg_json_string(stream, text);
    match_verdict(scaling, text);
    fputc(',', stream);
    eg_json_string(stream, text);
    page_verdict(scaling, text);
    fputc(',', stream);
    eg_json_string(stream, text);
    fputc(']', stream);
    member(stream, "foreseen_seconds", report->sweep->foreseen);
    member(stream, "seconds", report->sweep->seconds);
    fputs("}\n", stream);
    return eg_stream_check(stream, "the JSON");
}
