/* What the commands of the program share: the terminal and the way to stop. */
#ifndef EG_CLI_CLI_H
#define EG_CLI_CLI_H

#include "cli/options.h"

/* ---- Stopping (interrupt.c) ---- */

/* From now on Ctrl-C, SIGTERM and SIGHUP ask to stop; the second time the program ends at once. Either way, and when a pipe that is
 * written to is closed, no unfinished output stays behind. */
void eg_interrupt_install(void);
bool eg_interrupted(void);

/* EEGPU_INTERRUPTED if it was asked to stop; before outputs are put in place. */
EG_MUST eg_interrupt_check(void);

/* ---- The terminal (terminal.c) ---- */

typedef struct eg_terminal {
    bool show;    /* standard error is a terminal, and --quiet was not given */
    bool unicode; /* the locale has block characters */
    int drawn;    /* columns of the line that stands there; 0: none */
    char stage[48];
    double begun, drawn_at; /* seconds */
} eg_terminal;

void eg_terminal_begin(eg_terminal *terminal, bool quiet);
void eg_terminal_clear(eg_terminal *terminal);

/* An eegpu_progress with the terminal as its user: draws the bar, and returns false once it was asked to stop. */
bool eg_terminal_progress(void *terminal, const char *stage, double fraction);

/* What `auto` took, and why it was not a GPU, in one line; nothing when a device was named. Said last: where something fails, the
 * failure is the only line. `why_cpu`: when no GPU was looked for; eg_why_cpu() says it of a scan, in static storage of the
 * thread. */
void eg_terminal_say_device(eg_terminal *terminal, const eg_settings *settings, const char *device, const char *why_cpu);
const char *eg_why_cpu(const eegpu_state *state);

/* "90 seconds", "5 minutes", "3 hours", "2.5 days" into `text`; returns it. */
const char *eg_duration_text(double seconds, char *text, size_t size);

/* Columns for a table on standard output: COLUMNS, else the terminal's, else 100. */
int eg_terminal_columns(bool to_standard_output);

/* ---- Names of files (names.c) ---- */

typedef struct eg_output_name {
    const char *option; /* "output" */
    const char *path;   /* NULL: not asked for */
} eg_output_name;

/* EEGPU_USAGE if an output would replace an input (SOURCE, a file that it names, the file of --cuts) or another output. */
EG_MUST eg_output_names_check(const eg_settings *settings, const eg_output_name *outputs, size_t count);

/* The folder of a path into `folder` (PATH_MAX bytes); returns the name in it. */
const char *eg_folder_of(const char *path, char *folder);

/* SOURCE is a built-in function, and not a file of that name. */
bool eg_source_is_function(const char *source);

/* Table or JSON, of the commands that write one of the two: --format, else the ending of the output (names.c). */
bool eg_wants_json(const eg_settings *settings);

/* EEGPU_USAGE if the output's name asks for something else, in the beginning. */
EG_MUST eg_table_or_json_check(const eg_settings *settings);

/* ---- Inputs (inputs.c) ---- */

/* The function and the cuts that the settings name, the cuts first if the lattice is known: what is wrong with them is said before
 * the function is evaluated. What was opened before a failure is the caller's as well. */
EG_MUST eg_inputs_open(const eg_settings *settings, eg_terminal *terminal, eegpu_state **state, eegpu_cuts **cuts);

/* ---- Commands ---- */

eegpu_status eg_command_scan(const eg_settings *settings);
eegpu_status eg_command_verify(const eg_settings *settings);
eegpu_status eg_command_law(const eg_settings *settings);
eegpu_status eg_command_cnn(const eg_settings *settings);
eegpu_status eg_command_bench(const eg_settings *settings);
eegpu_status eg_command_make(const eg_settings *settings);
eegpu_status eg_command_info(const eg_settings *settings);
eegpu_status eg_command_list(const eg_settings *settings);

#endif
