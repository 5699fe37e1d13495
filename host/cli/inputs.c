/* The inputs of the commands that cut: the function and the cuts. Comes in: settings; goes out: both, opened. Called by scan and
 * verify. */
#include "cli/cli.h"
#include "state/functions.h"

static eegpu_status open_function(const eg_settings *settings, eg_terminal *terminal, eegpu_state **state)
{
    eegpu_open_options options = eegpu_open_options_default();
    options.height = settings->lattice.height;
    options.width = settings->lattice.width;
    options.bit_order = settings->bit_order == 1 ? EEGPU_LSB : EEGPU_MSB;
    options.threads = (int)settings->threads;
    options.memory = settings->memory;
    options.device = settings->device;
    options.progress = eg_terminal_progress;
    options.progress_user = terminal;
    return eegpu_state_open(settings->source, &options, state);
}

static eegpu_status create_cuts(const eg_settings *settings, eg_lattice lattice, eegpu_cuts **cuts)
{
    return eegpu_cuts_create(lattice.height, lattice.width, settings->cuts, (int)settings->max_size, cuts);
}

eegpu_status eg_inputs_open(const eg_settings *settings, eg_terminal *terminal, eegpu_state **state, eegpu_cuts **cuts)
{
    eg_lattice lattice = settings->lattice;
    eegpu_status status;
    if (eg_source_is_function(settings->source)) {
        eegpu_open_options options = {.height = lattice.height, .width = lattice.width};
        if (settings->bit_order == 1)
            return eg_fail(EEGPU_USAGE,
                           "--bit-order lsb is for files of amplitudes: built-in functions have no bit order; leave it out");
        EG_TRY(eg_choose_lattice(settings->source, &options, &lattice.height, &lattice.width));
    }
    if (lattice.height > 0)
        EG_TRY(create_cuts(settings, lattice, cuts));
    EG_TRY(open_function(settings, terminal, state));
    if (*cuts == NULL) {
        eegpu_state_info info = eegpu_state_describe(*state);
        EG_TRY(create_cuts(settings, (eg_lattice){info.height, info.width}, cuts));
    }
done:
    return status;
}
