/* `eegpu cnn`: opens the output, says how long the sweep will take if that is long, sweeps, writes. Comes in: settings. Called by
 * main.c. What is computed is scan/'s and measure/'s business, how it looks is report/'s. */
#include <math.h>
#include <string.h>

#include "cli/cli.h"
#include "cut/cut.h"
#include "report/cnn.h"
#include "state/state.h"

static const double long_seconds = 60; /* from here on a sweep needs --yes */

typedef struct cnn_job {
    const eg_settings *settings;
    eg_output output;
    eegpu_cuts *cuts;
    eg_cnn_sweep sweep;
    eg_cnn_sweep_options options;
    eg_device *device;
    eg_terminal terminal;
} cnn_job;

/* The straight cut across the middle of the longer side (of equal ones the height); of an odd one A is the smaller part. */
static eegpu_status cut_middle(int height, int width, eegpu_cuts **cuts)
{
    eegpu_status status;
    int pixels[EG_MAX_DENSE_PIXELS], count = 0;
    if (height * width < 2 || height * width > EG_MAX_DENSE_PIXELS)
        return eg_fail(EEGPU_USAGE, "--lattice %dx%d: a sweep over networks takes 2 to %d pixels", height, width,
                       EG_MAX_DENSE_PIXELS);
    for (int i = 0; i < height * width; i++)
        if (height >= width ? i / width < height / 2 : i % width < width / 2)
            pixels[count++] = i;
    EG_TRY(eegpu_cuts_from_pixels(height, width, pixels, count, cuts));
    snprintf((*cuts)->family, sizeof(*cuts)->family, "middle");
done:
    return status;
}

static eegpu_status make_cuts(cnn_job *job)
{
    const eg_settings *settings = job->settings;
    int height = settings->lattice.height > 0 ? settings->lattice.height : 4;
    int width = settings->lattice.height > 0 ? settings->lattice.width : 4;
    if (settings->networks.cuts == NULL || strcmp(settings->networks.cuts, "middle") == 0) {
        if (settings->max_size > 0)
            return eg_fail(EEGPU_USAGE, "--max-size chooses among the cuts of a family: give one with --cuts, such as lines");
        return cut_middle(height, width, &job->cuts);
    }
    return eegpu_cuts_create(height, width, settings->networks.cuts, (int)settings->max_size, &job->cuts);
}

static void set_options(cnn_job *job)
{
    const eg_network_settings *asked = &job->settings->networks;
    eg_cnn_sweep_options *options = &job->options;
    *options = (eg_cnn_sweep_options){.channel_count = 4,
                                      .channels = {1, 2, 4, 8},
                                      .layer_count = 3,
                                      .layers = {1, 2, 3},
                                      .seeds = asked->seeds > 0 ? (int)asked->seeds : 5,
                                      .pools = (int)asked->pools,
                                      .kernel = asked->kernel > 0 ? (int)asked->kernel : 3,
                                      .activation = (eg_cnn_activation)asked->activation,
                                      .init = (eg_cnn_init)asked->init,
                                      .threads = (int)job->settings->threads,
                                      .memory = job->settings->memory,
                                      .progress = eg_terminal_progress,
                                      .progress_user = &job->terminal};
    if (asked->channels.count > 0) {
        options->channel_count = asked->channels.count;
        memcpy(options->channels, asked->channels.values, sizeof options->channels);
    }
    if (asked->layers.count > 0) {
        options->layer_count = asked->layers.count;
        memcpy(options->layers, asked->layers.values, sizeof options->layers);
    }
}

/* A long sweep is announced, and starts only with --yes. */
static eegpu_status foresee(cnn_job *job, double *seconds)
{
    eegpu_status status;
    char time[48];
    EG_TRY(eg_cnn_sweep_foresee(job->cuts, &job->options, seconds));
    if (*seconds < long_seconds)
        goto done;
    eg_duration_text(*seconds, time, sizeof time);
    int networks = job->options.channel_count * job->options.layer_count * job->options.seeds;
    if (!job->settings->yes)
        status =
            eg_fail(EEGPU_USAGE,
                    "this sweep of %d networks on %dx%d would take about %s; start it with --yes, or take a smaller lattice, fewer "
                    "channels, layers or seeds",
                    networks, job->cuts->height, job->cuts->width, time);
    else if (!job->settings->quiet)
        fprintf(stderr, "eegpu: this sweep of %d networks will take about %s\n", networks, time);
done:
    return status;
}

/* Names are compared with what this command reads: the file of regions. */
static eegpu_status open_output(cnn_job *job)
{
    const char *path = job->settings->output != NULL ? job->settings->output : "-";
    eg_settings reads = *job->settings;
    eegpu_status status;
    reads.source = "";
    if (job->settings->networks.cuts != NULL && strcmp(job->settings->networks.cuts, "middle") != 0)
        reads.cuts = job->settings->networks.cuts;
    EG_TRY(eg_output_names_check(&reads, &(eg_output_name){"output", path}, 1));
    EG_TRY(eg_output_open(path, &job->output));
done:
    return status;
}

static eegpu_status sweep_and_write(cnn_job *job)
{
    const eg_settings *settings = job->settings;
    double seconds = 0;
    eegpu_status status;
    EG_TRY(eg_table_or_json_check(settings));
    EG_TRY(open_output(job));
    EG_TRY(make_cuts(job));
    EG_TRY(eg_device_open(eg_cnn_sweep_device(job->cuts, &job->options, settings->device), &job->device));
    job->options.device = job->device;
    EG_TRY(foresee(job, &seconds));
    EG_TRY(eg_cnn_sweep_run(job->cuts, &job->options, seconds, &job->sweep));
    eg_terminal_clear(&job->terminal);
    eg_cnn_report report = {.command = settings->command_line,
                            .cuts = job->cuts,
                            .options = &job->options,
                            .sweep = &job->sweep,
                            .log_base = settings->base == EG_BASE_2 ? M_LN2 : 1,
                            .unit = settings->base == EG_BASE_2 ? "bit" : "nat"};
    EG_TRY((eg_wants_json(settings) ? eg_cnn_write_json : eg_cnn_write_table)(&report, job->output.stream));
    EG_TRY(eg_interrupt_check());
    EG_TRY(eg_output_commit(&job->output));
    eg_terminal_say_device(&job->terminal, settings, job->device->name, "this sweep is too short for a GPU to pay");
done:
    return status;
}

eegpu_status eg_command_cnn(const eg_settings *settings)
{
    cnn_job job = {.settings = settings};
    eg_terminal_begin(&job.terminal, settings->quiet);
    set_options(&job);
    eegpu_status status = sweep_and_write(&job);
    eg_terminal_clear(&job.terminal);
    eg_output_discard(&job.output);
    eg_cnn_sweep_free(&job.sweep);
    eg_device_close(job.device);
    eegpu_cuts_free(job.cuts);
    return status;
}
