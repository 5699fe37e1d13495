/* `eegpu law`: opens the output and the function with its cuts, or the JSON of a scan, studies, writes, and fails when a statement
 * of the paper is broken. Comes in: settings. Called by main.c. What is measured is scan/'s business, how it looks is report/'s. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/pages.h"
#include "report/scan_read.h"

typedef struct law_job {
    const eg_settings *settings;
    bool from_file;
    eg_output output;
    eg_pages pages;
    eegpu_state *state;
    eegpu_cuts *cuts;
    eg_scan_file file;
    eg_study study;
    eg_gallery gallery;
    eg_terminal terminal;
    double seconds;
} law_job;

static bool ends_in_json(const char *path)
{
    size_t length = path != NULL ? strlen(path) : 0;
    return length > 5 && strcmp(path + length - 5, ".json") == 0;
}

/* Options that say what to measure, or how, mean nothing for entropies that were measured before. */
static eegpu_status refuse_for_file(const eg_settings *settings)
{
    const char *given = settings->lattice.height > 0                ? "--lattice"
                        : strcmp(settings->cuts, "contiguous") != 0 ? "--cuts"
                        : settings->max_size > 0                    ? "--max-size"
                        : settings->memory > 0                      ? "--memory"
                        : strcmp(settings->device, "auto") != 0     ? "--device"
                        : settings->check_theory                    ? "--check-theory"
                        : settings->bit_order != 0                  ? "--bit-order"
                        : settings->yes                             ? "--yes"
                                                                    : NULL;
    if (given == NULL)
        return EEGPU_OK;
    return eg_fail(EEGPU_USAGE,
                   "%s needs the function, and '%s' holds the entropies of a scan: give its SOURCE instead, or leave %s out", given,
                   settings->source, given);
}

static eegpu_status study_file(law_job *job)
{
    eegpu_status status;
    EG_TRY(refuse_for_file(job->settings));
    EG_TRY(eg_scan_file_read(job->settings->source, &job->file));
    eegpu_result *result = job->file.result;
    job->file.result = NULL;
    EG_TRY(eg_study_of_result(job->file.cuts, result, job->file.images, &job->study));
    if (eg_pages_wanted(job->settings))
        EG_TRY(eg_gallery_make(NULL, job->file.cuts, NULL, &job->study, &job->gallery));
done:
    return status;
}

/* What takes a minute is said; what takes ten needs --yes. */
static eegpu_status foresee(law_job *job, const eegpu_scan_options *options, int parts)
{
    const double worth_saying = 60, long_seconds = 600;
    char time[48];
    double seconds = 0;
    eegpu_status status;
    EG_TRY(eg_study_foresee(job->state, job->cuts, options, parts, &seconds));
    if (seconds < worth_saying)
        goto done;
    eg_duration_text(seconds, time, sizeof time);
    if (seconds >= long_seconds && !job->settings->yes)
        status = eg_fail(
            EEGPU_USAGE,
            "studying %zu cuts of this function would take about %s or more; start it with --yes, or take fewer cuts (--max-size, "
            "--cuts), a smaller lattice, or `eegpu scan` and then `eegpu law RESULT.json` for the law alone",
            eegpu_cuts_count(job->cuts), time);
    else if (!job->settings->quiet)
        fprintf(stderr, "eegpu: this study will take about %s or more\n", time);
done:
    return status;
}

static eegpu_status study_function(law_job *job)
{
    const eg_settings *settings = job->settings;
    eegpu_scan_options options = eegpu_scan_options_default();
    int parts = EG_STUDY_RANGE | EG_STUDY_PARAMETERS | EG_STUDY_TOPOLOGY | (settings->check_theory ? EG_STUDY_THEORY : 0);
    eegpu_status status;
    options.device = settings->device;
    options.threads = (int)settings->threads;
    options.progress = eg_terminal_progress;
    options.progress_user = &job->terminal;
    EG_TRY(eg_inputs_open(settings, &job->terminal, &job->state, &job->cuts));
    double start = eg_seconds();
    EG_TRY(foresee(job, &options, parts));
    EG_TRY(eg_study_function(job->state, job->cuts, &options, parts, &job->study));
    if (eg_pages_wanted(settings))
        EG_TRY(eg_gallery_make(job->state, job->cuts, &options, &job->study, &job->gallery));
    job->seconds = eg_seconds() - start;
done:
    return status;
}

static eegpu_status write_report(law_job *job)
{
    const eg_settings *settings = job->settings;
    bool is_bits = settings->base == EG_BASE_2;
    eegpu_status status;
    eg_law_report law = {
        .report = {.command = settings->command_line,
                   .state = job->state,
                   .cuts = job->from_file ? job->file.cuts : job->cuts,
                   .result = job->study.result,
                   .log_base = is_bits ? M_LN2 : 1,
                   .unit = is_bits ? "bit" : "nat",
                   .seconds = job->seconds,
                   .columns = eg_terminal_columns(settings->output == NULL || strcmp(settings->output, "-") == 0),
                   .unicode = job->terminal.unicode},
        .source = job->from_file ? job->file.source : job->state->source,
        .read_from = job->from_file ? settings->source : NULL,
        .study = &job->study,
        .gallery = &job->gallery,
    };
    EG_TRY(eg_pages_write(&law, &job->pages));
    status = eg_wants_json(settings) ? eg_law_write_json(&law, job->output.stream) : eg_law_write_table(&law, job->output.stream);
done:
    return status;
}

/* The result is in place even when a statement is broken; then the failure is that. */
static eegpu_status run_law(law_job *job)
{
    const char *path = job->settings->output != NULL ? job->settings->output : "-";
    eegpu_status status;
    EG_TRY(eg_table_or_json_check(job->settings));
    EG_TRY(eg_pages_open(job->settings, path, &job->pages));
    EG_TRY(eg_output_open(path, &job->output));
    EG_TRY(job->from_file ? study_file(job) : study_function(job));
    eg_terminal_clear(&job->terminal);
    EG_TRY(write_report(job));
    EG_TRY(eg_interrupt_check());
    EG_TRY(eg_pages_commit(&job->pages));
    EG_TRY(eg_output_commit(&job->output));
    for (int i = 0; job->study.theory.known && i < EG_THEORY_CHECKS; i++) {
        const eg_theory_check *check = &job->study.theory.checks[i];
        if (check->outcome == EG_CHECK_BROKEN)
            EG_TRY(eg_fail(EEGPU_DISAGREEMENT, "%s is broken by cut %lld: %.17g is more than %.17g: please report this function",
                           check->name, (long long)check->cut, check->value, check->bound));
    }
    if (!job->from_file)
        eg_terminal_say_device(&job->terminal, job->settings, job->study.result->device, eg_why_cpu(job->state));
done:
    return status;
}

eegpu_status eg_command_law(const eg_settings *settings)
{
    law_job job = {.settings = settings, .from_file = ends_in_json(settings->source)};
    eg_terminal_begin(&job.terminal, settings->quiet);
    eegpu_status status = run_law(&job);
    eg_terminal_clear(&job.terminal);
    eg_output_discard(&job.output);
    eg_pages_discard(&job.pages);
    eg_gallery_free(&job.gallery);
    eg_study_free(&job.study);
    eg_scan_file_free(&job.file);
    eegpu_cuts_free(job.cuts);
    eegpu_state_close(job.state);
    return status;
}
