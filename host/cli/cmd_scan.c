/* `eegpu scan`: opens the outputs, the function and the cuts, scans, writes. Comes in: settings. Called by main.c. How a scan
 * goes is scan/'s business, how it looks is report/'s. */
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/cli.h"
#include "report/report.h"
#include "report/stages.h"
#include "scan/scan.h"

typedef struct scan_job {
    const eg_settings *settings;
    const eg_writer *writer;
    eg_output report_file, spectrum_file, vectors_file;
    eegpu_state *state;
    eegpu_cuts *cuts;
    eegpu_result *result;
    eegpu_scan_options options;
    eg_terminal terminal;
    double opening_seconds;
} scan_job;

static bool ends_in(const char *text, const char *ending)
{
    size_t length = strlen(text), size = strlen(ending);
    return length > size && strcmp(text + length - size, ending) == 0;
}

/* --format, else the ending of the output, else the first row of the writers. Arrays are not what it writes. */
static eegpu_status choose_writer(const eg_settings *settings, const eg_writer **writer)
{
    size_t count = 0;
    const eg_writer *writers = eg_writers(&count);
    const char *path = settings->output;
    *writer = &writers[settings->format >= 0 ? settings->format : 0];
    if (settings->format >= 0 || path == NULL)
        return EEGPU_OK;
    for (size_t i = 0; i < count; i++) {
        char ending[16];
        snprintf(ending, sizeof ending, ".%s", writers[i].name);
        if (ends_in(path, ending))
            *writer = &writers[i];
    }
    if (ends_in(path, ".npz") || ends_in(path, ".npy"))
        return eg_fail(EEGPU_USAGE,
                       "--output '%s': entropies are not written as arrays; .csv is CSV, .json is JSON, other endings are a table; "
                       "for spectra give --spectrum FILE.npz, for vectors --vectors FILE.npz",
                       path);
    return EEGPU_OK;
}

/* Could the journal be opened? It is opened only once the function is there, which may take long. */
static eegpu_status try_journal(const char *path)
{
    struct stat file;
    char folder[PATH_MAX];
    if (path == NULL)
        return EEGPU_OK;
    bool exists = stat(path, &file) == 0;
    if (exists && !S_ISREG(file.st_mode))
        return eg_fail(EEGPU_USAGE, "the journal '%s' is not a regular file; name another", path);
    eg_folder_of(path, folder);
    if ((!exists && errno != ENOENT) || access(exists ? path : folder, exists ? R_OK | W_OK : W_OK | X_OK) != 0)
        return eg_fail(EEGPU_IO, "opening the journal '%s': %s", path, strerror(errno));
    return EEGPU_OK;
}

/* Outputs are opened before work starts. */
static eegpu_status open_outputs(scan_job *job)
{
    const eg_settings *settings = job->settings;
    const eg_output_name names[] = {{"output", settings->output != NULL ? settings->output : "-"},
                                    {"spectrum", settings->dry_run ? NULL : settings->spectrum},
                                    {"vectors", settings->dry_run ? NULL : settings->vectors},
                                    {"journal", settings->journal}};
    eg_output *const outputs[] = {&job->report_file, &job->spectrum_file, &job->vectors_file};
    eegpu_status status;
    EG_TRY(eg_output_names_check(settings, names, sizeof names / sizeof *names));
    EG_TRY(try_journal(settings->journal));
    for (size_t i = 0; i < sizeof outputs / sizeof *outputs; i++)
        if (names[i].path != NULL)
            EG_TRY(eg_output_open(names[i].path, outputs[i]));
done:
    return status;
}

static void set_options(scan_job *job)
{
    const eg_settings *settings = job->settings;
    eegpu_scan_options *options = &job->options;
    *options = eegpu_scan_options_default();
    options->method = (eegpu_method)settings->method;
    options->device = settings->device;
    options->no_reduce = settings->reduce == EG_REDUCE_OFF;
    options->threads = (int)settings->threads;
    if (settings->renyi.count > 0) {
        options->renyi_asked = true;
        options->renyi_count = settings->renyi.count;
        memcpy(options->renyi, settings->renyi.orders, sizeof options->renyi);
    }
    options->keep_spectra = settings->spectrum != NULL;
    options->journal = settings->journal;
    options->progress = eg_terminal_progress;
    options->progress_user = &job->terminal;
}

static eegpu_status write_results(scan_job *job, const eg_report *report)
{
    eegpu_status status;
    eg_progress progress = {0};
    EG_TRY(job->writer->write(report, job->report_file.stream));
    if (job->spectrum_file.stream != NULL)
        EG_TRY(eg_write_spectra(report, job->spectrum_file.stream));
    if (job->vectors_file.stream != NULL) {
        eg_progress_begin(&progress, eg_terminal_progress, &job->terminal, "Schmidt vectors", (double)eegpu_cuts_count(job->cuts));
        status = eg_write_vectors(report, (int)job->settings->threads, &progress, job->vectors_file.stream);
        eg_progress_end(&progress);
    }
done:
    return status;
}

static eegpu_status scan_and_write(scan_job *job)
{
    const eg_settings *settings = job->settings;
    eg_plan plan = {0};
    eegpu_status status = EEGPU_OK;
    eg_report report = {
        .command = settings->command_line,
        .state = job->state,
        .cuts = job->cuts,
        .options = &job->options,
        .log_base = settings->base == EG_BASE_2 ? M_LN2 : 1,
        .unit = settings->base == EG_BASE_2 ? "bit" : "nat",
        .columns = eg_terminal_columns(settings->output == NULL || strcmp(settings->output, "-") == 0),
        .unicode = job->terminal.unicode,
    };
    if (settings->dry_run) {
        EG_TRY(eg_scan_plan(job->state, job->cuts, &job->options, &plan));
        EG_TRY(job->writer->write_plan(&report, &plan, job->report_file.stream));
    } else {
        double start = eg_seconds();
        eg_statistics statistics;
        EG_TRY(eg_scan_counted(job->state, job->cuts, &job->options, settings->stats ? &statistics : NULL, &job->result));
        report.statistics = settings->stats ? &statistics : NULL;
        report.opening_seconds = job->opening_seconds;
        report.result = job->result;
        report.seconds = eg_seconds() - start;
        eg_terminal_clear(&job->terminal);
        EG_TRY(write_results(job, &report));
        if (settings->stats)
            eg_stages_write(&report, stderr);
    }
done:
    eg_plan_free(&plan);
    return status;
}

eegpu_status eg_command_scan(const eg_settings *settings)
{
    scan_job job = {.settings = settings};
    eegpu_status status;
    eg_terminal_begin(&job.terminal, settings->quiet);
    set_options(&job);
    EG_TRY(open_outputs(&job));
    EG_TRY(choose_writer(settings, &job.writer));
    job.opening_seconds = -eg_seconds();
    EG_TRY(eg_inputs_open(settings, &job.terminal, &job.state, &job.cuts));
    job.opening_seconds += eg_seconds();
    EG_TRY(scan_and_write(&job));
    EG_TRY(eg_interrupt_check());
    EG_TRY(eg_output_commit(&job.vectors_file));
    EG_TRY(eg_output_commit(&job.spectrum_file));
    EG_TRY(eg_output_commit(&job.report_file));
    if (job.result != NULL)
        eg_terminal_say_device(&job.terminal, settings, job.result->device, eg_why_cpu(job.state));
done:
    eg_terminal_clear(&job.terminal);
    eg_output_discard(&job.vectors_file);
    eg_output_discard(&job.spectrum_file);
    eg_output_discard(&job.report_file);
    eegpu_result_free(job.result);
    eegpu_cuts_free(job.cuts);
    eegpu_state_close(job.state);
    return status;
}
