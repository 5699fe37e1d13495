/* `eegpu verify`: opens the output, the function, the cuts and the devices, verifies, writes, and fails when something differs.
 * Comes in: settings. Called by main.c. What is compared is scan/'s business, how it looks is report/'s. */
#include <string.h>

#include "backend/plugin.h"
#include "base/file.h"
#include "cli/cli.h"
#include "report/verification.h"

enum { MOST_VERIFIED = 2 };

typedef struct verify_job {
    const eg_settings *settings;
    eg_output output;
    eegpu_state *state;
    eegpu_cuts *cuts;
    eg_device *devices[MOST_VERIFIED];
    size_t device_count;
    eg_verification verification;
    eg_terminal terminal;
} verify_job;

/* The CPU; and what --device names, for `auto` the first GPU if there is one. */
static eegpu_status open_devices(verify_job *job)
{
    const char *name = job->settings->device;
    eg_device *other = NULL;
    eegpu_status status;
    EG_TRY(eg_device_open("cpu", &job->devices[0]));
    job->device_count = 1;
    if (strcmp(name, "cpu") == 0)
        goto done;
    EG_TRY(eg_device_open(name, &other));
    if (strcmp(other->name, "cpu") == 0)
        eg_device_close(other);
    else
        job->devices[job->device_count++] = other;
done:
    return status;
}

static bool to_standard_output(const eg_settings *settings)
{
    return settings->output == NULL || strcmp(settings->output, "-") == 0;
}

/* Why `auto` has found no GPU; NULL: it has, or was not asked. */
static const char *why_no_gpu(const verify_job *job)
{
    bool is_missing = strcmp(job->settings->device, "auto") == 0 && job->device_count == 1;
    return is_missing ? eg_backend_why_no_gpu() : NULL;
}

/* What `auto` found, unless a table has just said it. Said last: where something fails, the failure is the only line. */
static void say_devices(verify_job *job)
{
    bool is_said = to_standard_output(job->settings) && !eg_wants_json(job->settings);
    if (job->settings->quiet || is_said || strcmp(job->settings->device, "auto") != 0)
        return;
    eg_terminal_clear(&job->terminal);
    if (job->device_count > 1)
        fprintf(stderr, "eegpu: devices cpu and %s\n", job->devices[1]->name);
    else
        fprintf(stderr, "eegpu: device cpu (no GPU: %s)\n", eg_backend_why_no_gpu());
}

static eegpu_status verify_and_write(verify_job *job)
{
    const eg_settings *settings = job->settings;
    eegpu_scan_options options = eegpu_scan_options_default();
    eg_report report = {
        .command = settings->command_line,
        .state = job->state,
        .cuts = job->cuts,
        .options = &options,
        .log_base = 1,
        .unit = "nat",
        .columns = eg_terminal_columns(to_standard_output(settings)),
        .unicode = job->terminal.unicode,
    };
    eg_verification_view view = {
        .no_gpu = why_no_gpu(job),
        .all = settings->all,
        .verdict_only = settings->quiet && !settings->all && to_standard_output(settings),
    };
    eegpu_status status;
    options.threads = (int)settings->threads;
    options.progress = eg_terminal_progress;
    options.progress_user = &job->terminal;
    double start = eg_seconds();
    EG_TRY(eg_verify(job->state, job->cuts, &options, job->devices, job->device_count, &job->verification));
    report.seconds = eg_seconds() - start;
    eg_terminal_clear(&job->terminal);
    EG_TRY((eg_wants_json(settings) ? eg_verification_write_json : eg_verification_write_table)(&report, &job->verification, &view,
                                                                                                job->output.stream));
done:
    return status;
}

/* The result is in place even when something differs, or nothing could be compared; then the failure is that. */
static eegpu_status verify(verify_job *job)
{
    const char *path = job->settings->output != NULL ? job->settings->output : "-";
    eegpu_status status;
    EG_TRY(eg_table_or_json_check(job->settings));
    EG_TRY(eg_output_names_check(job->settings, &(eg_output_name){"output", path}, 1));
    EG_TRY(eg_output_open(path, &job->output));
    EG_TRY(open_devices(job));
    EG_TRY(eg_inputs_open(job->settings, &job->terminal, &job->state, &job->cuts));
    EG_TRY(verify_and_write(job));
    EG_TRY(eg_interrupt_check());
    EG_TRY(eg_output_commit(&job->output));
    if (job->verification.disagreements > 0)
        status = eg_fail(EEGPU_DISAGREEMENT, "%s%s", job->verification.message,
                         job->verification.disagreements > 1 ? "; and this is not the only difference" : "");
    else if (eg_verify_is_empty(&job->verification))
        status = eg_fail(EEGPU_OUT_OF_MEMORY, "%s", job->verification.message);
    else
        say_devices(job);
done:
    return status;
}

eegpu_status eg_command_verify(const eg_settings *settings)
{
    verify_job job = {.settings = settings};
    eg_terminal_begin(&job.terminal, settings->quiet);
    eegpu_status status = verify(&job);
    eg_terminal_clear(&job.terminal);
    eg_output_discard(&job.output);
    eg_verification_free(&job.verification);
    for (size_t i = 0; i < job.device_count; i++)
        eg_device_close(job.devices[i]);
    eegpu_cuts_free(job.cuts);
    eegpu_state_close(job.state);
    return status;
}
