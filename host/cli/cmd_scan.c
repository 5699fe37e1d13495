/* `eegpu scan`: opens the outputs, the function and the cuts, scans, writes. Comes in: settings. Called by main.c. How a scan
 * goes is scan/'s business, how it looks is report/'s. */
#include <math.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/cli.h"
#include "report/report.h"
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
} scan_job;

static bool ends_in(const char *text, const char *ending)
{
    size_t length = strlen(text), size = strlen(ending);
    return length > size && strcmp(text + length - size, ending) == 0;
}

/* --format, else the ending of the output, else the first row of the writers. */
static const eg_writer *choose_writer(const eg_settings *settings)
{
    size_t count = 0;
    const eg_writer *writers = eg_writers(&count);
    if (settings->format >= 0)
        return &writers[settings->format];
    for (size_t i = 0; i < count && settings->output != NULL; i++) {
        char ending[16];
        snprintf(ending, sizeof ending, ".%s", writers[i].name);
        if (ends_in(settings->output, ending))
            return &writers[i];
    }
    return &writers[0];
}

/* Two names of one regular file. */
static bool same_file(const char *a, const char *b)
{
    struct stat first, second;
    return stat(a, &first) == 0 && stat(b, &second) == 0 && S_ISREG(first.st_mode) && first.st_dev == second.st_dev &&
           first.st_ino == second.st_ino;
}

/* Two outputs that cannot both be written. */
static bool clash(const char *a, const char *b) { return strcmp(a, b) == 0 ? strcmp(a, "/dev/null") != 0 : same_file(a, b); }

/* Outputs are opened before work starts, and no two of them may be the same. */
static eegpu_status open_outputs(scan_job *job)
{
    const eg_settings *settings = job->settings;
    const char *report = settings->output != NULL ? settings->output : "-";
    struct {
        const char *option, *path;
        eg_output *output;
    } outputs[] = {{"output", report, &job->report_file},
                   {"spectrum", settings->dry_run ? NULL : settings->spectrum, &job->spectrum_file},
                   {"vectors", settings->dry_run ? NULL : settings->vectors, &job->vectors_file},
                   {"journal", settings->journal, NULL}};
    for (size_t i = 0; i < sizeof outputs / sizeof *outputs; i++) {
        for (size_t k = 0; k < i && outputs[i].path != NULL; k++)
            if (outputs[k].path != NULL && clash(outputs[i].path, outputs[k].path))
                return eg_fail(EEGPU_USAGE, "--%s and --%s would both be written to '%s'; give each its own file",
                               outputs[k].option, outputs[i].option, outputs[i].path);
        if (outputs[i].path != NULL && same_file(outputs[i].path, settings->source))
            return eg_fail(EEGPU_USAGE, "--%s would replace the function '%s'; give it another name", outputs[i].option,
                           settings->source);
        if (outputs[i].path == NULL || outputs[i].output == NULL)
            continue;
        eegpu_status status = eg_output_open(outputs[i].path, outputs[i].output);
        if (status != EEGPU_OK)
            return status;
    }
    return EEGPU_OK;
}

static eegpu_status open_function(scan_job *job)
{
    const eg_settings *settings = job->settings;
    eegpu_open_options options = eegpu_open_options_default();
    options.height = settings->lattice.height;
    options.width = settings->lattice.width;
    options.bit_order = settings->bit_order == 1 ? EEGPU_LSB : EEGPU_MSB;
    options.threads = (int)settings->threads;
    options.memory = settings->memory;
    options.progress = eg_terminal_progress;
    options.progress_user = &job->terminal;
    return eegpu_state_open(settings->source, &options, &job->state);
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

/* What `auto` takes, and why: the reason why it is not a GPU. */
static void say_device(scan_job *job)
{
    const eg_backend *chosen = NULL, *gpu = NULL;
    if (job->settings->quiet || strcmp(job->settings->device, "auto") != 0)
        return;
    eg_terminal_clear(&job->terminal);
    if (eg_backend_choose("auto", &chosen) != EEGPU_OK)
        return; /* the scan will say so */
    if (strcmp(chosen->name, "cpu") == 0 && eg_backend_choose("cuda", &gpu) != EEGPU_OK)
        fprintf(stderr, "eegpu: device cpu (no GPU: %s)\n", eg_backend_why_no_gpu());
    else
        fprintf(stderr, "eegpu: device %s\n", chosen->name);
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
        say_device(job);
        EG_TRY(eegpu_scan(job->state, job->cuts, &job->options, &job->result));
        report.result = job->result;
        report.seconds = eg_seconds() - start;
        eg_terminal_clear(&job->terminal);
        EG_TRY(write_results(job, &report));
    }
done:
    eg_plan_free(&plan);
    return status;
}

eegpu_status eg_command_scan(const eg_settings *settings)
{
    scan_job job = {.settings = settings, .writer = choose_writer(settings)};
    eegpu_status status;
    eg_terminal_begin(&job.terminal, settings->quiet);
    set_options(&job);
    EG_TRY(open_outputs(&job));
    EG_TRY(open_function(&job));
    eegpu_state_info info = eegpu_state_describe(job.state);
    EG_TRY(eegpu_cuts_create(info.height, info.width, settings->cuts, (int)settings->max_size, &job.cuts));
    EG_TRY(scan_and_write(&job));
    EG_TRY(eg_interrupt_check());
    EG_TRY(eg_output_commit(&job.vectors_file));
    EG_TRY(eg_output_commit(&job.spectrum_file));
    EG_TRY(eg_output_commit(&job.report_file));
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
