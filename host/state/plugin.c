/* A user's C function as a state. Comes in as plugin:file=F,symbol=S,kind=K,argument=TEXT (eegpu.h tells what F must be); goes
 * out as bits or amplitudes. Called through sources.c. The library is never loaded here: child processes do that
 * (plugin_child.c), so that what crashes in it is a message that names the image. */
#include "state/plugin.h"

#include <string.h>

#include "base/bits.h"
#include "state/functions.h"

enum { FILE_KEY, SYMBOL_KEY, KIND_KEY, ARGUMENT_KEY };
enum { LEAST_BLOCK = 64, MOST_BLOCK = 1 << 16, BLOCKS = 1024 };

const eg_function eg_source_plugin = {
    .name = "plugin",
    .help = "a C function of yours in a shared library, evaluated on all cores; eegpu.h has complete examples",
    .example = "plugin:file=libmine.so",
    .parameters = {{"file", EG_TEXT, NULL, NULL, 0, 0, "the shared library"},
                   {"symbol", EG_TEXT, "eegpu_function", NULL, 0, 0, "the function, or the variable of type eegpu_plugin"},
                   {"kind", EG_CHOICE, "", "bits|real|complex", 0, 0, "what the values are; else as the plug-in says, or as found"},
                   {"argument", EG_TEXT, "", NULL, 0, 0, "text for the plug-in"}},
};

/* ---- Crashes --------------------------------------------------------------------------------------------------- */

static eegpu_status fail_at(const eg_plugin *plugin, const char *how, uint64_t image)
{
    char place[EG_PLACE_SIZE];
    return eg_fail(EEGPU_BAD_INPUT, "evaluating plug-in '%s': it %s at %s; no output was written", plugin->file, how,
                   eg_state_place(plugin->state, image, place));
}

/* The images of the batch that crashed, one by one in a process of their own: which of them is it? */
static eegpu_status find_crash(const eg_plugin *plugin, const eg_process_job *crashed)
{
    eg_plugin alone = *plugin;
    alone.batch = 1;
    eg_process_job job = *crashed;
    job.processes = 1;
    job.first = crashed->at;
    job.last = crashed->at + crashed->batch;
    job.grain = crashed->batch;
    job.take = NULL;
    job.context = &alone;
    eegpu_status status = eg_run_processes(&job);
    if (status == EEGPU_INTERRUPTED)
        return status;
    if (status != EEGPU_OK && job.crashed && job.phase == EG_PLUGIN_EVALUATING)
        return fail_at(plugin, job.how, job.at);
    char first[EG_PLACE_SIZE], last[EG_PLACE_SIZE];
    return eg_fail(
        EEGPU_BAD_INPUT,
        "evaluating plug-in '%s': it %s somewhere from %s to %s, but one by one they do not make it crash; no output was "
        "written",
        plugin->file, crashed->how, eg_state_place(plugin->state, crashed->at, first),
        eg_state_place(plugin->state, crashed->at + crashed->batch - 1, last));
}

/* What ended a job, in words; other failures have said it themselves. */
static eegpu_status explain(const eg_plugin *plugin, const eg_process_job *job, eegpu_status status)
{
    static const char *const doing[] = {
        [EG_PLUGIN_LOADING] = "loading", [EG_PLUGIN_OPENING] = "opening", [EG_PLUGIN_CLOSING] = "closing"};
    if (status == EEGPU_OK || status == EEGPU_INTERRUPTED || !job->crashed)
        return status;
    if (job->phase == EG_PLUGIN_LOADING || job->phase == EG_PLUGIN_OPENING || job->phase == EG_PLUGIN_CLOSING)
        return eg_fail(EEGPU_BAD_INPUT, "%s plug-in '%s': it %s; no output was written", doing[job->phase], plugin->file, job->how);
    return job->batch == 1 ? fail_at(plugin, job->how, job->at) : find_crash(plugin, job);
}

/* ---- Evaluation ------------------------------------------------------------------------------------------------ */

static void take_form(void *context, uint64_t first, uint64_t count, const unsigned char *result)
{
    eg_plugin *plugin = context;
    eg_plugin_form form;
    (void)first, (void)count;
    memcpy(&form, result, sizeof form);
    plugin->kind = form.kind;
    plugin->plain = form.plain;
}

static void take_values(void *context, uint64_t first, uint64_t count, const unsigned char *result)
{
    const eg_plugin *plugin = context;
    uint64_t item = eg_plugin_item(plugin->kind);
    if (plugin->kind == EEGPU_PLUGIN_BITS)
        memcpy(plugin->bits + first / 64, result, eg_ceil_div(count, 64) * sizeof(uint64_t));
    else
        memcpy((unsigned char *)plugin->amplitudes + first * item, result, count * item);
}

/* Load it once to know what it is, before room is made for its values. */
static eegpu_status probe(eg_plugin *plugin, eg_budget *budget)
{
    eg_process_job job = {.processes = 1, .last = 1, .grain = 1, .result_size = sizeof(eg_plugin_form), .work = eg_plugin_probe};
    job.take = take_form;
    job.context = plugin;
    job.budget = budget;
    return explain(plugin, &job, eg_run_processes(&job));
}

/* `other` on return: a value is neither 0 nor 1. Blocks are whole words and depend on the size alone. */
static eegpu_status evaluate(eg_plugin *plugin, eegpu_state *state, const eegpu_open_options *options, int threads, bool *other)
{
    eegpu_status status;
    uint64_t size = state->size, grain = size / BLOCKS;
    eg_progress progress;
    eg_process_job job = {.processes = threads, .last = size, .work = eg_plugin_work, .leave = eg_plugin_leave};
    if (plugin->kind == EEGPU_PLUGIN_BITS)
        EG_TRY(eg_state_allocate_bits(state));
    else
        EG_TRY(eg_state_allocate_amplitudes(state, plugin->kind == EEGPU_PLUGIN_COMPLEX, &plugin->amplitudes));
    plugin->bits = state->bits;
    job.grain = grain < LEAST_BLOCK ? LEAST_BLOCK : grain > MOST_BLOCK ? MOST_BLOCK : grain;
    job.result_size = plugin->kind == EEGPU_PLUGIN_BITS ? job.grain / 8 : job.grain * eg_plugin_item(plugin->kind);
    job.take = take_values;
    job.context = plugin;
    job.budget = state->budget;
    job.progress = &progress;
    plugin->batch = EG_PLUGIN_BATCH;
    eg_progress_begin(&progress, options->progress, options->progress_user, "evaluating the plug-in", (double)size);
    status = explain(plugin, &job, eg_run_processes(&job));
    eg_progress_end(&progress);
    *other = status == EEGPU_BAD_INPUT && !job.crashed && job.note == EG_PLUGIN_NOT_BITS;
done:
    return status;
}

eegpu_status eg_open_plugin(eegpu_state *state, const eg_source_text *parts, const eegpu_open_options *options, int threads)
{
    eegpu_status status;
    eg_function_call call = {.budget = state->budget};
    eg_plugin plugin = {.state = state};
    bool other = false;
    int height, width;
    EG_TRY(eg_choose_lattice(eg_source_plugin.name, options, &height, &width));
    EG_TRY(eg_parse_parameters(&eg_source_plugin, parts, &call));
    eg_state_set_lattice(state, height, width, EEGPU_MSB);
    plugin.file = call.value[FILE_KEY].text;
    plugin.symbol = call.value[SYMBOL_KEY].text;
    plugin.asked_kind = call.given[KIND_KEY] ? call.value[KIND_KEY].choice : EG_PLUGIN_ANY_KIND;
    plugin.argument = call.given[ARGUMENT_KEY] ? call.value[ARGUMENT_KEY].text : NULL;
    EG_TRY(probe(&plugin, state->budget));
    status = evaluate(&plugin, state, options, threads, &other);
    if (other && plugin.plain && plugin.asked_kind == EG_PLUGIN_ANY_KIND) {
        eg_release(state->budget, state->bits);
        state->bits = NULL;
        plugin.kind = EEGPU_PLUGIN_REAL;
        status = evaluate(&plugin, state, options, threads, &other);
    }
    EG_TRY(status);
    status = eg_state_finish(state, threads);
    if (status != EEGPU_OK)
        (void)eg_fail_while(status, "evaluating plug-in '%s'", plugin.file);
done:
    return status;
}
