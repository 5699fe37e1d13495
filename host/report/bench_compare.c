/* A bench read back, and two of them compared. See bench.h. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "report/bench.h"
#include "report/json_read.h"

/* ---- Reading ---- */

static const eg_json_node *typed(const eg_json_node *object, const char *name, eg_json_kind kind)
{
    const eg_json_node *node = object->kind == EG_JSON_OBJECT ? eg_json_member(object, name) : NULL;
    return node != NULL && node->kind == kind ? node : NULL;
}

static double number_of(const eg_json_node *object, const char *name)
{
    const eg_json_node *node = typed(object, name, EG_JSON_NUMBER);
    return node != NULL ? node->number : 0;
}

static void text_of(const eg_json_node *object, const char *name, char *text, size_t size)
{
    const eg_json_node *node = typed(object, name, EG_JSON_STRING);
    snprintf(text, size, "%s", node != NULL ? node->text : "");
}

static int find_device(const eg_bench *bench, const char *name)
{
    for (int d = 0; d < bench->device_count; d++)
        if (strcmp(bench->devices[d].name, name) == 0)
            return d;
    return -1;
}

static bool read_row(const eg_json_node *node, const eg_bench *bench, eg_bench_row *row)
{
    static const char *const units[] = {"GB/s", "GFLOP/s", "GOP/s"};
    const eg_json_node *seconds = typed(node, "seconds", EG_JSON_OBJECT);
    char device[32], unit[16], by[16];
    double size = number_of(node, "size");
    *row = (eg_bench_row){.rate = number_of(node, "rate"), .limit = number_of(node, "limit"), .unit = "", .against = EG_LIMIT_NONE};
    text_of(node, "name", row->name, sizeof row->name);
    text_of(node, "counts", row->counts, sizeof row->counts);
    text_of(node, "device", device, sizeof device);
    text_of(node, "unit", unit, sizeof unit);
    text_of(node, "limited_by", by, sizeof by);
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (strcmp(unit, units[i]) == 0)
            row->unit = units[i];
    static const char *const limits[] = {"copying", "multiplying", "counting", "reading"};
    for (int i = 0; i < EG_LIMIT_NONE; i++)
        if (strcmp(by, limits[i]) == 0)
            row->against = (eg_bench_limit)i;
    row->device = find_device(bench, device);
    if (seconds == NULL || !(size >= 1 && size < 1e9) || row->device < 0 || *row->name == '\0')
        return false;
    row->size = (int)size;
    row->timing.least = number_of(seconds, "min");
    row->timing.median = number_of(seconds, "median");
    row->timing.upper = number_of(seconds, "upper_quartile");
    row->timing.runs = (int)fmin(fmax(number_of(seconds, "runs"), 0), 1e9);
    return row->timing.least > 0 && row->timing.median >= row->timing.least && row->timing.upper >= row->timing.median &&
           row->timing.runs > 0;
}

static eegpu_status read_bench(const eg_json_node *top, const char *path, eg_bench *bench)
{
    const eg_json_node *kind = typed(top, "kind", EG_JSON_STRING), *devices = typed(top, "devices", EG_JSON_ARRAY);
    const eg_json_node *cases = typed(top, "cases", EG_JSON_ARRAY), *quick = typed(top, "quick", EG_JSON_BOOL);
    eegpu_status status = EEGPU_OK;
    if (kind != NULL && strcmp(kind->text, "bench") != 0)
        return eg_fail(EEGPU_BAD_INPUT,
                       "reading '%s': it is the JSON of another kind (%.40s); only the table of times, of eegpu bench --json FILE "
                       "without --growth, is read back",
                       path, kind->text);
    if (kind == NULL || devices == NULL || cases == NULL)
        return eg_fail(EEGPU_BAD_INPUT, "reading '%s': it is not the JSON of eegpu bench; make it with eegpu bench --json FILE",
                       path);
    bench->quick = quick != NULL && quick->number != 0;
    bench->threads = (int)fmin(fmax(number_of(top, "threads"), 1), 1e6);
    text_of(top, "blas", bench->blas, sizeof bench->blas);
    text_of(top, "blas_kernels", bench->blas_kernels, sizeof bench->blas_kernels);
    for (const eg_json_node *node = devices->child; node != NULL && bench->device_count < EG_BENCH_DEVICES; node = node->next) {
        eg_bench_device *device = &bench->devices[bench->device_count++];
        text_of(node, "name", device->name, sizeof device->name);
        text_of(node, "model", device->facts.model, sizeof device->facts.model);
    }
    for (const eg_json_node *node = cases->child; node != NULL; node = node->next) {
        eg_bench_row row;
        if (!read_row(node, bench, &row))
            return eg_fail(EEGPU_BAD_INPUT, "reading '%s': case number %zu is not what eegpu bench --json writes", path,
                           bench->count + 1);
        EG_TRY(eg_bench_add(bench, &row));
    }
done:
    return status;
}

eegpu_status eg_bench_read_json(const char *path, eg_bench *bench)
{
    eg_mapping mapping = {0};
    eg_json json = {0};
    eegpu_status status;
    *bench = (eg_bench){0};
    EG_TRY(eg_map_file(path, &mapping));
    EG_TRY(eg_json_read((const char *)mapping.bytes, mapping.size, path, &json));
    EG_TRY(read_bench(&json.nodes[0], path, bench));
done:
    eg_json_free(&json);
    eg_unmap(&mapping);
    return status;
}

/* ---- Comparing ---- */

enum { RUNS_THAT_TELL = 4 };
static const double least_noise = 0.02, noise_of_few_runs = 0.15;

/* The spread of the repeats. Few runs say little of it. */
static double spread(const eg_timing *timing)
{
    double noise = (timing->upper - timing->least) / timing->median;
    return fmax(noise, timing->runs < RUNS_THAT_TELL ? noise_of_few_runs : least_noise);
}

bool eg_bench_compare_row(const eg_bench *old, const eg_bench *bench, const eg_bench_row *row, eg_bench_comparison *comparison)
{
    int device = find_device(old, bench->devices[row->device].name);
    for (size_t i = 0; i < old->count; i++) {
        const eg_bench_row *before = &old->rows[i];
        if (before->device != device || before->size != row->size || strcmp(before->name, row->name) != 0)
            continue;
        double ratio = row->timing.median / before->timing.median, noise = spread(&row->timing) + spread(&before->timing);
        *comparison = (eg_bench_comparison){before, row, ratio, noise,
                                            ratio > 1 + noise         ? EG_SLOWER
                                            : ratio < 1 / (1 + noise) ? EG_FASTER
                                                                      : EG_SAME};
        return true;
    }
    return false;
}

static int by_ratio(const void *left, const void *right)
{
    double a = ((const eg_bench_comparison *)left)->ratio, b = ((const eg_bench_comparison *)right)->ratio;
    return (a < b) - (a > b);
}

static void write_lines(const eg_bench *bench, const eg_bench_comparison *all, size_t count, FILE *stream)
{
    static const char *const words[] = {"same within noise", "slower", "faster"};
    char before[24], after[24], size[24];
    fprintf(stream, "\n%-26s %14s %-10s %9s %9s %7s %7s\n", "case", "size", "device", "old", "new", "ratio", "noise");
    for (size_t i = 0; i < count; i++) {
        const eg_bench_row *row = all[i].new;
        snprintf(size, sizeof size, "%d %s", row->size, row->counts);
        fprintf(stream, "%-26s %14s %-10s %9s %9s %7.3f %5.0f %%  %s\n", row->name, size, bench->devices[row->device].name,
                eg_time_text(all[i].old->timing.median, before), eg_time_text(row->timing.median, after), all[i].ratio,
                100 * all[i].noise, words[all[i].change]);
    }
}

/* What the machine itself did: the mean ratio of a case that is a limit of others; 0: not in both. */
static double drift_of(const eg_bench_comparison *all, size_t count, const char *name)
{
    double sum = 0, cases = 0;
    for (size_t i = 0; i < count; i++)
        if (strcmp(all[i].new->name, name) == 0) {
            sum += log(all[i].ratio);
            cases++;
        }
    return cases > 0 ? exp(sum / cases) : 0;
}

/* Why ratios may say something else than what the program does. */
static void write_remarks(const eg_bench *old, const eg_bench *bench, const eg_bench_comparison *all, size_t count, FILE *stream)
{
    static const char *const limits[] = {"memory copy", "gram real"};
    const double worth_saying = 1.1;
    if (old->threads != bench->threads || old->quick != bench->quick)
        fprintf(stream, "Not alike: the old run had %d thread%s%s, this one %d%s.\n", old->threads, old->threads == 1 ? "" : "s",
                old->quick ? " and was --quick" : "", bench->threads, bench->quick ? " and is --quick" : "");
    if (strcmp(old->blas_kernels, bench->blas_kernels) != 0)
        fprintf(stream, "Not alike: the BLAS kernels were %s and are %s.\n",
                *old->blas_kernels != '\0' ? old->blas_kernels : "not known",
                *bench->blas_kernels != '\0' ? bench->blas_kernels : "not known");
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        double drift = drift_of(all, count, limits[i]);
        if (drift > worth_saying || (drift > 0 && drift < 1 / worth_saying))
            fprintf(stream,
                    "The machine itself: '%s' took %.2f times as long as then; ratios near that say nothing of the program.\n",
                    limits[i], drift);
    }
}

eegpu_status eg_bench_write_comparison(const eg_bench *old, const eg_bench *bench, size_t *slower, FILE *stream)
{
    eg_bench_comparison *all = NULL;
    size_t count = 0, faster = 0;
    eegpu_status status = EEGPU_OK;
    *slower = 0;
    EG_TRY(eg_allocate(NULL, bench->count + 1, sizeof *all, "the comparison of two benches", &all));
    for (size_t i = 0; i < bench->count; i++)
        count += eg_bench_compare_row(old, bench, &bench->rows[i], &all[count]);
    if (count == 0)
        EG_TRY(eg_fail(EEGPU_BAD_INPUT, "comparing two benches: no case is in both; were other cases, sizes or devices timed?"));
    for (size_t i = 0; i < count; i++) {
        *slower += all[i].change == EG_SLOWER;
        faster += all[i].change == EG_FASTER;
    }
    qsort(all, count, sizeof *all, by_ratio);
    write_lines(bench, all, count, stream);
    fprintf(stream, "\n%zu cases in both: %zu slower, %zu faster, %zu the same within noise.\n", count, *slower, faster,
            count - *slower - faster);
    write_remarks(old, bench, all, count, stream);
done:
    eg_release(NULL, all);
    return status;
}
