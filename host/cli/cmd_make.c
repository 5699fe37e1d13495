/* `eegpu make`: writes the amplitudes of a function. Comes in: settings; goes out: a .npy file. Called by main.c. */
#include <sys/stat.h>

#include "base/file.h"
#include "cli/cli.h"

/* Would the output be refused? To be known before the work; what is no regular file is not opened twice. */
static eegpu_status try_output(const char *path)
{
    struct stat file;
    eg_output output = {0};
    eegpu_status status = EEGPU_OK;
    if (stat(path, &file) != 0 || S_ISREG(file.st_mode) || S_ISDIR(file.st_mode))
        status = eg_output_open(path, &output);
    eg_output_discard(&output);
    return status;
}

eegpu_status eg_command_make(const eg_settings *settings)
{
    eg_terminal terminal;
    eegpu_state *state = NULL;
    eegpu_open_options options = eegpu_open_options_default();
    eegpu_status status;
    eg_terminal_begin(&terminal, settings->quiet);
    if (settings->output == NULL)
        return eg_fail(EEGPU_USAGE,
                       "make needs the name of the file to write: eegpu make SOURCE -o psi.npy, or -o - for standard output");
    EG_TRY(eg_output_names_check(settings, &(eg_output_name){"output", settings->output}, 1));
    EG_TRY(try_output(settings->output));
    options.height = settings->lattice.height;
    options.width = settings->lattice.width;
    options.threads = (int)settings->threads;
    options.memory = settings->memory;
    options.device = settings->device;
    options.progress = eg_terminal_progress;
    options.progress_user = &terminal;
    EG_TRY(eegpu_state_open(settings->source, &options, &state));
    eg_terminal_clear(&terminal);
    EG_TRY(eg_interrupt_check());
    EG_TRY(eegpu_state_write(state, settings->bit_order == 1 ? EEGPU_LSB : EEGPU_MSB, settings->output));
done:
    eg_terminal_clear(&terminal);
    eegpu_state_close(state);
    return status;
}
