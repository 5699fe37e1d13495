/* The table of the bench, and its JSON. See bench.h. */
#include "report/bench.h"

#include <math.h>
#include <string.h>

#include "report/encode.h"

const char *eg_time_text(double seconds, char *text)
{
    static const struct {
        double factor;
        const char *unit;
    } units[] = {{1, "s"}, {1e3, "ms"}, {1e6, "us"}};
    int k = 0;
    while (k < 2 && seconds * units[k].factor < 0.9995)
        k++;
    double value = seconds * units[k].factor;
    snprintf(text, 24, "%.*f %s", value < 9.995 ? 2 : value < 99.95 ? 1 : 0, value, units[k].unit);
    return text;
}

/* ---- Table ---- */

static void write_head(const eg_bench *bench, FILE *stream)
{
    bool has_blas = *bench->blas_kernels != '\0';
    for (int d = 0; d < bench->device_count; d++) {
        const eg_device_facts *facts = &bench->devices[d].facts;
        fprintf(stream, "%s", bench->devices[d].name);
        if (strcmp(bench->devices[d].name, "cpu") == 0)
            fprintf(stream, ": %d %s%s%s", bench->threads, bench->threads == 1 ? "thread" : "threads",
                    has_blas ? ", BLAS kernels " : "", bench->blas_kernels);
        else if (*facts->model != '\0')
            fprintf(stream, ": %s", facts->model);
        fputc('\n', stream);
    }
    fprintf(stream, "\n%-26s %14s", "case", "size");
    for (int d = 0; d < bench->device_count; d++)
        fprintf(stream, "   %9.9s %9s %5s %13s %5s", bench->devices[d].name, "median", "runs", "rate", "limit");
    for (int d = 1; d < bench->device_count; d++)
        fprintf(stream, "  %7s", "ratio");
    fputc('\n', stream);
}

static void write_cell(const eg_bench_row *row, FILE *stream)
{
    char least[24], median[24], rate[32] = "", limit[16] = "";
    if (row == NULL) {
        fprintf(stream, "   %9s %9s %5s %13s %5s", "", "", "", "", "");
        return;
    }
    if (row->rate > 0)
        snprintf(rate, sizeof rate, "%.3g %s", row->rate, row->unit);
    if (row->limit > 0)
        snprintf(limit, sizeof limit, "%.0f %%", eg_bench_percent(row));
    fprintf(stream, "   %9s %9s %5d %13s %5s", eg_time_text(row->timing.least, least), eg_time_text(row->timing.median, median),
            row->timing.runs, rate, limit);
}

static bool same_case(const eg_bench_row *a, const eg_bench_row *b) { return a->size == b->size && strcmp(a->name, b->name) == 0; }

void eg_bench_write_table(const eg_bench *bench, FILE *stream)
{
    write_head(bench, stream);
    for (size_t i = 0, next; i < bench->count; i = next) {
        const eg_bench_row *of[EG_BENCH_DEVICES] = {NULL}, *row = &bench->rows[i];
        char size[24];
        for (next = i; next < bench->count && same_case(row, &bench->rows[next]); next++)
            of[bench->rows[next].device] = &bench->rows[next];
        snprintf(size, sizeof size, "%d %s", row->size, row->counts);
        fprintf(stream, "%-26s %14s", row->name, size);
        for (int d = 0; d < bench->device_count; d++)
            write_cell(of[d], stream);
        for (int d = 1; d < bench->device_count; d++)
            if (of[0] != NULL && of[d] != NULL)
                fprintf(stream, "  %7.2f", of[0]->timing.least / of[d]->timing.least);
            else
                fprintf(stream, "  %7s", "");
        fputc('\n', stream);
    }
    fprintf(stream,
            "\nThe least time, the median, and the rate of the least; limit: how much that is of what the device did in this "
            "run when it only\ncopied, multiplied, counted or read%s.\n",
            bench->device_count > 1 ? "; ratio: time of the first device over that of another" : "");
}

/* ---- JSON ---- */

static void write_pair(FILE *stream, const char *before, const char *name, const char *text)
{
    fprintf(stream, "%s\"%s\":", before, name);
    eg_json_string(stream, text);
}

static void write_number(FILE *stream, const char *name, double value)
{
    fprintf(stream, ",\"%s\":", name);
    eg_json_number(stream, value > 0 ? value : NAN);
}

static void write_device(const eg_bench_device *device, FILE *stream)
{
    const eg_device_facts *facts = &device->facts;
    const struct {
        const char *name, *text;
    } texts[] = {{"model", facts->model}, {"capability", facts->capability}, {"driver", facts->driver}, {"runtime", facts->runtime},
                 {"blas", facts->blas},   {"solver", facts->solver}};
    write_pair(stream, "{", "name", device->name);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (*texts[i].text != '\0')
            write_pair(stream, ",", texts[i].name, texts[i].text);
    if (facts->memory > 0)
        fprintf(stream, ",\"memory\":%llu,\"memory_free\":%llu", (unsigned long long)facts->memory,
                (unsigned long long)facts->memory_free);
    fputc('}', stream);
}

static void write_row(const eg_bench *bench, const eg_bench_row *row, FILE *stream)
{
    static const char *const limits[] = {"copying", "multiplying", "counting", "reading"};
    write_pair(stream, "{", "name", row->name);
    fprintf(stream, ",\"size\":%d", row->size);
    write_pair(stream, ",", "counts", row->counts);
    write_pair(stream, ",", "device", bench->devices[row->device].name);
    fputs(",\"seconds\":{\"min\":", stream);
    eg_json_number(stream, row->timing.least);
    fputs(",\"median\":", stream);
    eg_json_number(stream, row->timing.median);
    fputs(",\"upper_quartile\":", stream);
    eg_json_number(stream, row->timing.upper);
    fprintf(stream, ",\"runs\":%d}", row->timing.runs);
    write_number(stream, "rate", row->rate);
    write_pair(stream, ",", "unit", row->rate > 0 ? row->unit : "");
    write_number(stream, "limit", row->limit);
    write_pair(stream, ",", "limited_by", row->limit > 0 ? limits[row->against] : NULL);
    write_number(stream, "percent", eg_bench_percent(row));
    fputc('}', stream);
}

void eg_bench_write_json(const eg_bench *bench, const char *command, FILE *stream)
{
    write_pair(stream, "{", "eegpu", eegpu_version());
    write_pair(stream, ",", "command", command);
    write_pair(stream, ",", "kind", "bench");
    fprintf(stream, ",\"quick\":%s,\"threads\":%d", bench->quick ? "true" : "false", bench->threads);
    write_pair(stream, ",", "blas", *bench->blas != '\0' ? bench->blas : NULL);
    write_pair(stream, ",", "blas_kernels", *bench->blas_kernels != '\0' ? bench->blas_kernels : NULL);
    fputs(",\n\"devices\":[", stream);
    for (int d = 0; d < bench->device_count; d++) {
        fputs(d > 0 ? "," : "", stream);
        write_device(&bench->devices[d], stream);
    }
    fputs("],\n\"cases\":[\n", stream);
    for (size_t i = 0; i < bench->count; i++) {
        write_row(bench, &bench->rows[i], stream);
        fputs(i + 1 < bench->count ? ",\n" : "\n", stream);
    }
    fputs("],\n\"notes\":[", stream);
    for (size_t i = 0; i < bench->note_count; i++) {
        fputs(i > 0 ? "," : "", stream);
        eg_json_string(stream, bench->notes[i]);
    }
    fputs("]}\n", stream);
}
