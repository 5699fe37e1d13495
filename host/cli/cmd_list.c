/* `eegpu list`: the tables of functions, cut families and formats, for people or as a JSON object. Called by main.c. */
#include <math.h>
#include <string.h>

#include "cli/cli.h"
#include "report/encode.h"
#include "report/report.h"
#include "state/functions.h"

enum { INDENT = 26 };

static const char *const type_names[] = {
    [EG_INTEGER] = "integer", [EG_UNSIGNED] = "integer", [EG_REAL] = "real", [EG_CHOICE] = "choice", [EG_TEXT] = "text"};

/* "real|complex", "integer 0..20" */
static const char *domain_text(const eg_parameter *parameter, char *text, size_t size)
{
    bool ranged = parameter->type == EG_INTEGER || parameter->type == EG_REAL;
    if (parameter->type == EG_CHOICE)
        snprintf(text, size, "%s", parameter->choices);
    else if (ranged && isfinite(parameter->least) && isfinite(parameter->most) && fabs(parameter->most) < 1e9)
        snprintf(text, size, "%s %g..%g", type_names[parameter->type], parameter->least, parameter->most);
    else if (ranged && isfinite(parameter->least) && fabs(parameter->least) < 1e9)
        snprintf(text, size, "%s >= %g", type_names[parameter->type], parameter->least);
    else
        snprintf(text, size, "%s", type_names[parameter->type]);
    return text;
}

static void write_parameter(const eg_parameter *parameter, FILE *stream)
{
    char head[96], domain[64];
    if (parameter->fallback == NULL)
        snprintf(head, sizeof head, "%s (required)", parameter->name);
    else if (*parameter->fallback == '\0')
        snprintf(head, sizeof head, "%s (optional)", parameter->name);
    else
        snprintf(head, sizeof head, "%s=%s", parameter->name, parameter->fallback);
    int column = fprintf(stream, "    %-21s ", head);
    column += fprintf(stream, "%s: ", domain_text(parameter, domain, sizeof domain));
    eg_write_wrapped(parameter->help, column, INDENT, stream);
}

static void write_row(const char *name, const char *help, FILE *stream)
{
    int column = fprintf(stream, "  %-23s ", name);
    eg_write_wrapped(help, column, INDENT, stream);
}

static void write_function(const eg_function *function, FILE *stream)
{
    write_row(function->name, function->help, stream);
    for (int k = 0; k < EG_MAX_PARAMETERS && function->parameters[k].name != NULL; k++)
        write_parameter(&function->parameters[k], stream);
}

static void write_text(FILE *stream)
{
    size_t count = 0;
    const eg_function *const *functions = eg_functions(&count);
    fputs("Functions: eegpu scan NAME:KEY=VALUE,... --lattice HxW (the values shown are the defaults)\n", stream);
    for (size_t i = 0; i < count; i++)
        write_function(functions[i], stream);
    fputs("\nFiles and plug-ins: eegpu scan FILE.npy for 2^N amplitudes, or eegpu scan NAME:file=FILE,KEY=VALUE,...\n", stream);
    for (size_t i = 0; eg_source_row(i) != NULL; i++)
        write_function(eg_source_row(i), stream);
    const eg_cut_family *families = eg_cut_families(&count);
    fputs("\nCuts: --cuts FAMILY, or --cuts FILE (text: pixel numbers, one region a line; or .npy masks)\n", stream);
    for (size_t i = 0; i < count; i++)
        write_row(families[i].name, families[i].help, stream);
    const eg_writer *writers = eg_writers(&count);
    fputs("\nFormats: --format FORMAT\n", stream);
    for (size_t i = 0; i < count; i++)
        write_row(writers[i].name, writers[i].help, stream);
}

/* "key":"text", with a comma before all but the first. */
static void write_member(const char *key, const char *text, bool first, FILE *stream)
{
    fprintf(stream, "%s\"%s\":", first ? "" : ",", key);
    eg_json_string(stream, text);
}

static void write_json_bound(const char *key, double value, FILE *stream)
{
    fprintf(stream, ",\"%s\":", key);
    eg_json_number(stream, value);
}

static void write_json_function(const eg_function *function, FILE *stream)
{
    fputs("{", stream);
    write_member("name", function->name, true, stream);
    write_member("help", function->help, false, stream);
    fputs(",\"parameters\":[", stream);
    for (int k = 0; k < EG_MAX_PARAMETERS && function->parameters[k].name != NULL; k++) {
        const eg_parameter *parameter = &function->parameters[k];
        bool optional = parameter->fallback != NULL && *parameter->fallback == '\0';
        fputs(k > 0 ? ",{" : "{", stream);
        write_member("name", parameter->name, true, stream);
        write_member("type", type_names[parameter->type], false, stream);
        fprintf(stream, ",\"required\":%s", parameter->fallback == NULL ? "true" : "false");
        write_member("default", optional ? NULL : parameter->fallback, false, stream);
        if (parameter->type == EG_CHOICE)
            write_member("choices", parameter->choices, false, stream);
        if (parameter->type == EG_INTEGER || parameter->type == EG_REAL) {
            write_json_bound("least", parameter->least, stream);
            write_json_bound("most", parameter->most, stream);
        }
        write_member("help", parameter->help, false, stream);
        fputc('}', stream);
    }
    fputs("]}", stream);
}

static void write_json(FILE *stream)
{
    size_t count = 0;
    const eg_function *const *functions = eg_functions(&count);
    fputs("{\"functions\":[\n", stream);
    for (size_t i = 0; i < count; i++) {
        write_json_function(functions[i], stream);
        fputs(i + 1 < count ? ",\n" : "\n", stream);
    }
    fputs("],\"sources\":[\n", stream);
    for (size_t i = 0; eg_source_row(i) != NULL; i++) {
        write_json_function(eg_source_row(i), stream);
        fputs(eg_source_row(i + 1) != NULL ? ",\n" : "\n", stream);
    }
    const eg_cut_family *families = eg_cut_families(&count);
    fputs("],\"cuts\":[\n", stream);
    for (size_t i = 0; i < count; i++) {
        fputc('{', stream);
        write_member("name", families[i].name, true, stream);
        write_member("help", families[i].help, false, stream);
        fputs(i + 1 < count ? "},\n" : "}\n", stream);
    }
    const eg_writer *writers = eg_writers(&count);
    fputs("],\"formats\":[\n", stream);
    for (size_t i = 0; i < count; i++) {
        fputc('{', stream);
        write_member("name", writers[i].name, true, stream);
        write_member("help", writers[i].help, false, stream);
        fputs(i + 1 < count ? "},\n" : "}\n", stream);
    }
    fputs("]}\n", stream);
}

eegpu_status eg_command_list(const eg_settings *settings)
{
    eg_output output = {0};
    eegpu_status status;
    EG_TRY(eg_output_open("-", &output));
    if (settings->json)
        write_json(output.stream);
    else
        write_text(output.stream);
    EG_TRY(eg_output_commit(&output));
done:
    eg_output_discard(&output);
    return status;
}
