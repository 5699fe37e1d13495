/* One device, timed: every case of the table at its large sizes, and whole scans, beside what the device can do at most, which is measured in
 * the same run: the speed of copying and that of multiplying matrices. Prints a table and writes it as JSON.
 *   bench_device [--device NAME] [--json FILE] [--largest ROWS] [--filter TEXT] [--threads N]
 * ROWS is the largest matrix (4096; functions of up to 2 log2 ROWS pixels), TEXT a part of the names of the cases to time. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/timing.h"
#include "base/file.h"
#include "base/parallel.h"
#include "base/text.h"
#include "report/encode.h"
#include "scan/scan.h"

enum { MOST_ROWS = 512, MOST_NAME = 48 };

typedef struct timed {
    char name[MOST_NAME];
    int size;
    const char *unit;
    eg_case_rate kind;
    eg_timing timing;
    double rate; /* in `unit`; 0: none is counted */
    double limit;
} timed;

typedef struct bench {
    const char *device_name, *json, *filter;
    int64_t largest, threads;
    eg_device *device;
    timed rows[MOST_ROWS];
    size_t count;
    double copying, multiplying; /* GB/s, GFLOP/s: the best that was seen */
} bench;

static bool is_wanted(const bench *b, const char *name) { return b->filter == NULL || strstr(name, b->filter) != NULL; }

/* A size within --largest: rows as they are, pixels and bits as those of the two sides and of one side of such a matrix. */
static bool is_within(const bench *b, const char *unit, int size)
{
    double bits = log2((double)b->largest);
    return strcmp(unit, "rows") == 0 ? size <= b->largest : size <= (strcmp(unit, "pixels") == 0 ? 2 * bits : bits) + 1e-9;
}

/* A failure of one row, such as too little memory, is said, and the others go on. */
static void say_left_out(const char *name, int size)
{
    fprintf(stderr, "left out: %s, %d: %s\n", name, size, eegpu_error_message());
}

static void add_row(bench *b, const timed *row)
{
    if (b->count == MOST_ROWS)
        return;
    b->rows[b->count++] = *row;
    printf("%-26s %8d %14.6f %14.6f %6d %12.4g %s\n", row->name, row->size, row->timing.least, row->timing.median, row->timing.runs,
           row->rate, row->rate > 0 ? row->unit : "");
    fflush(stdout);
}

/* ---- Cases ---- */

static eegpu_status time_size(bench *b, const eg_case *row, int size, eg_case_place *place)
{
    eg_instance *instance = NULL;
    timed one = {.size = size, .unit = eg_case_speed_unit(row), .kind = row->rate};
    eegpu_status status = EEGPU_OK;
    snprintf(one.name, sizeof one.name, "%s", row->name);
    EG_TRY(eg_case_open(row, size, place, &instance));
    EG_TRY(eg_time_case(instance, &one.timing));
    one.rate = eg_case_speed(row, size, one.timing.least);
    if (strcmp(row->name, EG_CASE_OF_COPYING) == 0)
        b->copying = fmax(b->copying, one.rate);
    if (strcmp(row->name, EG_CASE_OF_MULTIPLYING) == 0)
        b->multiplying = fmax(b->multiplying, one.rate);
    if (is_wanted(b, row->name))
        add_row(b, &one);
done:
    eg_case_close(instance);
    return status;
}

/* All rows; those that measure the limits in any case. */
static eegpu_status time_cases(bench *b)
{
    eg_case_place place = {0};
    const eg_case *row = NULL;
    eegpu_status status = EEGPU_OK;
    EG_TRY(eg_case_place_open(b->device, (int)b->threads, &place));
    for (size_t i = 0; (row = eg_case_number(i)) != NULL; i++) {
        bool is_limit = strcmp(row->name, EG_CASE_OF_COPYING) == 0 || strcmp(row->name, EG_CASE_OF_MULTIPLYING) == 0;
        for (int k = 0; k < EG_CASE_LARGE_SIZES && row->large[k] > 0; k++) {
            if (!is_within(b, row->unit, row->large[k]) || !(is_limit || is_wanted(b, row->name)))
                continue;
            if (time_size(b, row, row->large[k], &place) != EEGPU_OK)
                say_left_out(row->name, row->large[k]);
        }
    }
done:
    eg_case_place_close(&place);
    return status;
}

/* ---- Whole scans ---- */

typedef struct scan_case {
    const char *name, *source, *family;
    int pixels[8]; /* 0 ends */
} scan_case;

static const scan_case scans[] = {
    {"scan prefix", "random:seed=7", "prefix", {20, 22, 24, 26, 28, 30}},
    {"scan contiguous", "random:seed=7", "contiguous", {20, 22, 24, 26, 28, 30}},
    {"scan prefix complex", "random:kind=complex,seed=7", "prefix", {20, 22, 24, 26, 28}},
    {"scan prefix of bits", "randomset:seed=7", "prefix", {20, 22, 24, 26, 28, 30}},
};

typedef struct scan_job {
    const bench *bench;
    eegpu_state *state;
    eegpu_cuts *cuts;
} scan_job;

static eegpu_status run_scan(void *context)
{
    scan_job *job = context;
    eegpu_scan_options options = eegpu_scan_options_default();
    eegpu_result *result = NULL;
    options.threads = (int)job->bench->threads;
    eegpu_status status = eg_scan_on(job->state, job->cuts, &options, job->bench->device, &result);
    eegpu_result_free(result);
    return status;
}

static eegpu_status time_scan(bench *b, const scan_case *which, int pixels)
{
    timed one = {.size = pixels, .unit = ""};
    eegpu_open_options options = {.height = pixels % 4 == 0 ? 4 : 2, .threads = (int)b->threads};
    scan_job job = {.bench = b};
    eegpu_status status = EEGPU_OK;
    options.width = pixels / options.height;
    snprintf(one.name, sizeof one.name, "%s", which->name);
    EG_TRY(eegpu_state_open(which->source, &options, &job.state));
    EG_TRY(eegpu_cuts_create(options.height, options.width, which->family, 0, &job.cuts));
    EG_TRY(eg_time_runs(NULL, run_scan, &job, &one.timing));
    add_row(b, &one);
done:
    eegpu_cuts_free(job.cuts);
    eegpu_state_close(job.state);
    return status;
}

static void time_scans(bench *b)
{
    for (size_t i = 0; i < sizeof scans / sizeof *scans; i++)
        for (int k = 0; k < 8 && scans[i].pixels[k] > 0; k++)
            if (is_wanted(b, scans[i].name) && is_within(b, "pixels", scans[i].pixels[k]) &&
                time_scan(b, &scans[i], scans[i].pixels[k]) != EEGPU_OK)
                say_left_out(scans[i].name, scans[i].pixels[k]);
}

/* ---- JSON ---- */

static void set_limits(bench *b)
{
    for (size_t i = 0; i < b->count; i++)
        if (b->rows[i].rate > 0 && b->rows[i].kind != EG_RATE_INTEGERS)
            b->rows[i].limit = b->rows[i].kind == EG_RATE_BYTES ? b->copying : b->multiplying;
}

static void write_facts(const bench *b, FILE *stream)
{
    const eg_device_facts *facts = &b->device->facts;
    const struct {
        const char *name, *text;
    } texts[] = {{"model", facts->model}, {"capability", facts->capability}, {"driver", facts->driver}, {"runtime", facts->runtime},
                 {"blas", facts->blas},   {"solver", facts->solver}};
    fprintf(stream, "\"facts\":{\"threads\":%lld", (long long)b->threads);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (*texts[i].text != '\0') {
            fprintf(stream, ",\"%s\":", texts[i].name);
            eg_json_string(stream, texts[i].text);
        }
    if (facts->memory > 0)
        fprintf(stream, ",\"memory\":%llu,\"memory_free\":%llu", (unsigned long long)facts->memory,
                (unsigned long long)facts->memory_free);
    fputs("},", stream);
}

static void write_number(const char *name, double value, FILE *stream)
{
    fprintf(stream, ",\"%s\":", name);
    eg_json_number(stream, value > 0 ? value : NAN);
}

static void write_row(const timed *row, FILE *stream)
{
    fputs("{\"name\":", stream);
    eg_json_string(stream, row->name);
    fprintf(stream, ",\"size\":%d,\"seconds\":{\"min\":", row->size);
    eg_json_number(stream, row->timing.least);
    fputs(",\"median\":", stream);
    eg_json_number(stream, row->timing.median);
    fprintf(stream, ",\"runs\":%d}", row->timing.runs);
    write_number("rate", row->rate, stream);
    fputs(",\"unit\":", stream);
    eg_json_string(stream, row->rate > 0 ? row->unit : "");
    write_number("limit", row->limit, stream);
    write_number("percent", row->limit > 0 ? 100 * row->rate / row->limit : 0, stream);
    fputc('}', stream);
}

static eegpu_status write_json(const bench *b)
{
    eg_output output = {0};
    eegpu_status status;
    EG_TRY(eg_output_open(b->json, &output));
    fputs("{\"device\":", output.stream);
    eg_json_string(output.stream, *b->device->facts.model != '\0' ? b->device->facts.model : b->device->name);
    fputc(',', output.stream);
    write_facts(b, output.stream);
    fputs("\"cases\":[\n", output.stream);
    for (size_t i = 0; i < b->count; i++) {
        write_row(&b->rows[i], output.stream);
        fputs(i + 1 < b->count ? ",\n" : "\n", output.stream);
    }
    fputs("]}\n", output.stream);
    EG_TRY(eg_output_commit(&output));
done:
    eg_output_discard(&output);
    return status;
}

/* ---- The program ---- */

static eegpu_status parse(int count, char **words, bench *b)
{
    for (int i = 1; i < count; i += 2) {
        const char *value = i + 1 < count ? words[i + 1] : NULL;
        eegpu_status status = EEGPU_OK;
        if (value == NULL)
            return eg_fail(EEGPU_USAGE, "%s needs a value", words[i]);
        if (strcmp(words[i], "--device") == 0)
            b->device_name = value;
        else if (strcmp(words[i], "--json") == 0)
            b->json = value;
        else if (strcmp(words[i], "--filter") == 0)
            b->filter = value;
        else if (strcmp(words[i], "--largest") == 0)
            status = eg_parse_integer(value, "--largest", 16, 65536, &b->largest);
        else if (strcmp(words[i], "--threads") == 0)
            status = eg_parse_integer(value, "--threads", 1, 4096, &b->threads);
        else
            return eg_fail(EEGPU_USAGE, "no option '%s': --device, --json, --largest, --filter, --threads", words[i]);
        if (status != EEGPU_OK)
            return status;
    }
    return EEGPU_OK;
}

int main(int count, char **words)
{
    static bench b = {.device_name = "cpu", .largest = 4096};
    eegpu_status status = EEGPU_OK;
    b.threads = eg_processor_count();
    EG_TRY(parse(count, words, &b));
    EG_TRY(eg_device_open(b.device_name, &b.device));
    printf("%s %s\n%-26s %8s %14s %14s %6s %12s\n", b.device->name, b.device->facts.model, "case", "size", "least [s]",
           "median [s]", "runs", "rate");
    EG_TRY(time_cases(&b));
    time_scans(&b);
    set_limits(&b);
    printf("copying %.4g GB/s, multiplying %.4g GFLOP/s\n", b.copying, b.multiplying);
    if (b.json != NULL)
        EG_TRY(write_json(&b));
done:
    if (status != EEGPU_OK)
        fprintf(stderr, "bench_device: %s\n", eegpu_error_message());
    eg_device_close(b.device);
    return status == EEGPU_OK ? 0 : 1;
}
