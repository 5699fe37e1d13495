/* `eegpu bench`: opens outputs and devices, measures or reads, writes, compares. Comes in: settings. Called by main.c. What is
 * timed is scan/'s business, how it looks is report/'s. */
#include <string.h>

#include "backend/plugin.h"
#include "base/file.h"
#include "cli/cli.h"
#include "report/bench.h"

enum { TABLE, JSON, HTML, SVG, OUTPUTS, USUAL_TUNING = 4096, QUICK_TUNING = 2048 };

typedef struct bench_job {
    const eg_settings *settings;
    eg_output outputs[OUTPUTS];
    eg_device *devices[EG_BENCH_DEVICES];
    int device_count;
    eg_bench bench, old;
    eg_growth growth;
    eg_tune tune;
    eg_terminal terminal;
} bench_job;

/* ---- What is asked for ---- */

static eegpu_status check_options(const eg_settings *settings)
{
    const eg_bench_settings *s = &settings->bench;
    const struct {
        bool given;
        const char *name;
        bool with_tables, with_growth, with_tuning, with_from;
    } options[] = {
        {s->filter != NULL, "filter", true, false, false, false},
        {s->compare != NULL, "compare", true, false, false, true},
        {s->from != NULL, "from", true, false, false, true},
        {s->fail_if_slower, "fail-if-slower", true, false, false, true},
        {s->json != NULL, "json", true, true, false, true},
        {settings->html != NULL, "html", true, true, false, true},
        {s->svg != NULL, "svg", true, true, false, true},
        {settings->threads > 0, "threads", true, true, false, false},
        {s->quick, "quick", true, true, true, false},
        {s->largest > 0, "largest", true, true, true, false},
        {strcmp(settings->device, "auto") != 0, "device", true, true, false, false},
    };
    if (s->growth && s->tune)
        return eg_fail(EEGPU_USAGE, "--growth and --tune are two measurements; ask for one after the other");
    for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
        const char *with = s->growth && !options[i].with_growth       ? "growth"
                           : s->tune && !options[i].with_tuning       ? "tune"
                           : s->from != NULL && !options[i].with_from ? "from"
                                                                      : NULL;
        if (options[i].given && with != NULL)
            return eg_fail(EEGPU_USAGE, "--%s has no meaning with --%s; leave it out", options[i].name, with);
    }
    if (s->fail_if_slower && s->compare == NULL)
        return eg_fail(EEGPU_USAGE, "--fail-if-slower needs something to compare with: --compare OLD.json");
    return EEGPU_OK;
}

/* What is read stands where the check of names looks for inputs. */
static eegpu_status open_outputs(bench_job *job)
{
    const eg_settings *settings = job->settings;
    const eg_bench_settings *s = &settings->bench;
    eg_settings inputs = *settings;
    const eg_output_name names[] = {{"json", s->json}, {"html", settings->html}, {"svg", s->svg}};
    bool table = true;
    eegpu_status status = EEGPU_OK;
    inputs.source = s->from != NULL ? s->from : "";
    inputs.cuts = s->compare != NULL ? s->compare : "contiguous";
    EG_TRY(eg_output_names_check(&inputs, names, sizeof names / sizeof *names));
    for (int i = 0; i < OUTPUTS - 1; i++) {
        if (names[i].path == NULL)
            continue;
        table = table && strcmp(names[i].path, "-") != 0;
        EG_TRY(eg_output_open(names[i].path, &job->outputs[JSON + i]));
    }
    if (table)
        EG_TRY(eg_output_open("-", &job->outputs[TABLE]));
done:
    return status;
}

/* The CPU, and what --device names beside it: for `auto` every GPU. */
static eegpu_status open_devices(bench_job *job)
{
    const char *name = job->settings->device;
    char next[16];
    eegpu_status status;
    EG_TRY(eg_device_open("cpu", &job->devices[job->device_count]));
    job->device_count++;
    if (strcmp(name, "cpu") == 0)
        goto done;
    EG_TRY(eg_device_open(name, &job->devices[job->device_count]));
    if (strcmp(name, "auto") != 0) {
        job->device_count++;
        goto done;
    }
    if (strcmp(job->devices[job->device_count]->name, "cpu") == 0) {
        eg_device_close(job->devices[job->device_count]);
        job->devices[job->device_count] = NULL;
        goto done;
    }
    for (job->device_count++; job->device_count < EG_BENCH_DEVICES; job->device_count++) {
        snprintf(next, sizeof next, "cuda:%d", job->device_count - 1);
        if (eg_device_open(next, &job->devices[job->device_count]) != EEGPU_OK)
            break;
    }
done:
    return status;
}

/* ---- Times ---- */

static eegpu_status measure(bench_job *job)
{
    const eg_bench_settings *s = &job->settings->bench;
    const eg_bench_options options = {.quick = s->quick,
                                      .largest = s->largest,
                                      .filter = s->filter,
                                      .threads = (int)job->settings->threads,
                                      .progress = eg_terminal_progress,
                                      .progress_user = &job->terminal};
    eegpu_status status;
    EG_TRY(open_devices(job));
    EG_TRY(eg_bench_run(job->devices, job->device_count, &options, &job->bench));
    eg_terminal_clear(&job->terminal);
    for (size_t i = 0; i < job->bench.note_count && !job->settings->quiet; i++)
        fprintf(stderr, "eegpu: %s\n", job->bench.notes[i]);
done:
    return status;
}

static void write_bench(bench_job *job)
{
    const eg_svg svg = {.stream = job->outputs[SVG].stream, .name = "limits", .alone = true};
    if (job->outputs[TABLE].stream != NULL)
        eg_bench_write_table(&job->bench, job->outputs[TABLE].stream);
    if (job->outputs[JSON].stream != NULL)
        eg_bench_write_json(&job->bench, job->settings->command_line, job->outputs[JSON].stream);
    if (job->outputs[HTML].stream != NULL)
        eg_bench_write_html(&job->bench, job->outputs[HTML].stream);
    if (svg.stream != NULL)
        eg_bench_draw(&job->bench, &svg);
}

/* A remark on the terminal where the table cannot be. */
static eegpu_status compare(bench_job *job, size_t *slower)
{
    FILE *stream = job->outputs[TABLE].stream != NULL ? job->outputs[TABLE].stream : stderr;
    return eg_bench_write_comparison(&job->old, &job->bench, slower, stream);
}

static eegpu_status commit(bench_job *job)
{
    eegpu_status status;
    EG_TRY(eg_interrupt_check());
    for (int i = 0; i < OUTPUTS; i++)
        if (job->outputs[i].stream != NULL)
            EG_TRY(eg_output_commit(&job->outputs[i]));
done:
    return status;
}

static eegpu_status bench(bench_job *job)
{
    const eg_bench_settings *s = &job->settings->bench;
    size_t slower = 0;
    eegpu_status status = EEGPU_OK;
    if (s->compare != NULL)
        EG_TRY(eg_bench_read_json(s->compare, &job->old));
    EG_TRY(s->from != NULL ? eg_bench_read_json(s->from, &job->bench) : measure(job));
    write_bench(job);
    if (s->compare != NULL)
        EG_TRY(compare(job, &slower));
    EG_TRY(commit(job));
    if (s->fail_if_slower && slower > 0)
        status = eg_fail(EEGPU_BAD_INPUT, "%zu %s slower than in '%s', beyond the spread of the repeats", slower,
                         slower == 1 ? "case is" : "cases are", s->compare);
done:
    return status;
}

/* ---- Growth and tuning ---- */

static eegpu_status grow(bench_job *job)
{
    const eg_bench_settings *s = &job->settings->bench;
    const eg_growth_options options = {.quick = s->quick,
                                       .largest = s->largest,
                                       .threads = (int)job->settings->threads,
                                       .progress = eg_terminal_progress,
                                       .progress_user = &job->terminal};
    const eg_svg svg = {.stream = job->outputs[SVG].stream, .name = "growth", .alone = true};
    eegpu_status status;
    EG_TRY(eg_device_open(job->settings->device, &job->devices[0]));
    job->device_count = 1;
    EG_TRY(eg_growth_measure(job->devices[0], &options, &job->growth));
    eg_terminal_clear(&job->terminal);
    if (job->outputs[TABLE].stream != NULL)
        eg_growth_write_table(&job->growth, job->outputs[TABLE].stream);
    if (job->outputs[JSON].stream != NULL)
        eg_growth_write_json(&job->growth, job->settings->command_line, job->outputs[JSON].stream);
    if (job->outputs[HTML].stream != NULL)
        EG_TRY(eg_growth_write_html(&job->growth, job->outputs[HTML].stream));
    if (svg.stream != NULL)
        EG_TRY(eg_growth_draw(&job->growth, &svg));
    EG_TRY(commit(job));
done:
    return status;
}

static eegpu_status tune(bench_job *job)
{
    const eg_bench_settings *s = &job->settings->bench;
    const eg_tune_options options = {.largest = s->largest > 0 ? (int)s->largest
                                                : s->quick     ? QUICK_TUNING
                                                               : USUAL_TUNING,
                                     .effort = s->quick ? &eg_effort_quick : &eg_effort_full,
                                     .progress = eg_terminal_progress,
                                     .progress_user = &job->terminal};
    eg_tuning_row rows[EG_TUNING_ROWS];
    char path[EG_TUNING_PATH];
    eegpu_status status;
    if (options.largest < EG_TUNING_SMALLEST)
        return eg_fail(EEGPU_USAGE, "--tune begins with n = %d; --largest must not be below", EG_TUNING_SMALLEST);
    EG_TRY(eg_tuning_prepare(path));
    EG_TRY(eg_tune_measure(&options, &job->tune));
    eg_terminal_clear(&job->terminal);
    eg_tune_write_table(&job->tune, job->outputs[TABLE].stream);
    EG_TRY(eg_interrupt_check());
    for (size_t i = 0; i < job->tune.count; i++)
        rows[i] = job->tune.rows[i].choice;
    EG_TRY(eg_tuning_write(rows, job->tune.count, path));
    fprintf(job->outputs[TABLE].stream, "\nKept in %s\n", path);
    EG_TRY(commit(job));
done:
    return status;
}

eegpu_status eg_command_bench(const eg_settings *settings)
{
    static bench_job job; /* large */
    eegpu_status status;
    job = (bench_job){.settings = settings};
    eg_terminal_begin(&job.terminal, settings->quiet);
    EG_TRY(check_options(settings));
    EG_TRY(open_outputs(&job));
    status = settings->bench.growth ? grow(&job) : settings->bench.tune ? tune(&job) : bench(&job);
done:
    eg_terminal_clear(&job.terminal);
    for (int i = 0; i < OUTPUTS; i++)
        eg_output_discard(&job.outputs[i]);
    eg_bench_free(&job.bench);
    eg_bench_free(&job.old);
    for (int i = 0; i < job.device_count; i++)
        eg_device_close(job.devices[i]);
    return status;
}
