/* Progress on a terminal: one line with a bar, the share done, the rate and the time left, redrawn in place and cleared at the
 * end. Comes in: stage and fraction from the engine. On anything but a terminal nothing is drawn. Called by the commands. */
#include <langinfo.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "backend/plugin.h"
#include "base/progress.h"
#include "base/text.h"
#include "cli/cli.h"
#include "scan/scan.h"

enum { DEFAULT_COLUMNS = 100, LEAST_COLUMNS = 20, BAR_COLUMNS = 30 };

static const double seconds_between_lines = 0.1, seconds_before_first = 0.3;

static int window_columns(int descriptor)
{
    struct winsize size;
    return isatty(descriptor) && ioctl(descriptor, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

const char *eg_duration_text(double seconds, char *text, size_t size)
{
    if (seconds < 120)
        snprintf(text, size, "%.0f seconds", seconds);
    else if (seconds < 7200)
        snprintf(text, size, "%.0f minutes", seconds / 60);
    else if (seconds < 48 * 3600.0)
        snprintf(text, size, "%.0f hours", seconds / 3600);
    else
        snprintf(text, size, "%.3g days", seconds / 86400);
    return text;
}

int eg_terminal_columns(bool to_standard_output)
{
    const char *asked = getenv("COLUMNS");
    int64_t columns;
    if (asked != NULL && eg_parse_integer(asked, "COLUMNS", LEAST_COLUMNS, 10000, &columns) == EEGPU_OK)
        return (int)columns;
    int window = to_standard_output ? window_columns(STDOUT_FILENO) : 0;
    return window >= LEAST_COLUMNS ? window : DEFAULT_COLUMNS;
}

void eg_terminal_begin(eg_terminal *terminal, bool quiet)
{
    *terminal = (eg_terminal){.show = !quiet && isatty(STDERR_FILENO), .unicode = strcmp(nl_langinfo(CODESET), "UTF-8") == 0};
}

void eg_terminal_clear(eg_terminal *terminal)
{
    if (terminal->drawn > 0)
        fprintf(stderr, "\r%*s\r", terminal->drawn, "");
    terminal->drawn = 0;
}

const char *eg_why_cpu(const eegpu_state *state)
{
    static _Thread_local char text[96];
    if (state->kind == EG_IMAGES)
        return "sets of images are measured there";
    snprintf(text, sizeof text, "2^%d amplitudes; a GPU is considered from 2^%d", state->pixels, EG_GPU_FROM_PIXELS);
    return text;
}

void eg_terminal_say_device(eg_terminal *terminal, const eg_settings *settings, const char *device, const char *why_cpu)
{
    const char *why = eg_backend_why_no_gpu();
    if (settings->quiet || strcmp(settings->device, "auto") != 0)
        return;
    eg_terminal_clear(terminal);
    if (strcmp(device, "cpu") != 0)
        fprintf(stderr, "eegpu: device %s\n", device);
    else
        fprintf(stderr, "eegpu: device cpu (%s%s)\n", *why != '\0' ? "no GPU: " : "", *why != '\0' ? why : why_cpu);
}

/* "02:17", "1:02:17"; "--:--": longer, or not known. */
static const char *clock_text(double seconds, char *text, size_t size)
{
    if (!(seconds < 359999))
        snprintf(text, size, "--:--");
    else if (seconds >= 3600)
        snprintf(text, size, "%d:%02d:%02d", (int)seconds / 3600, (int)seconds / 60 % 60, (int)seconds % 60);
    else
        snprintf(text, size, "%02d:%02d", (int)seconds / 60, (int)seconds % 60);
    return text;
}

static void draw(eg_terminal *terminal, double fraction, double elapsed)
{
    char bar[3 * BAR_COLUMNS + 1], *end = bar, left[32], line[256];
    for (int i = 0; i < BAR_COLUMNS; i++) {
        bool full = (i + 0.5) / BAR_COLUMNS <= fraction;
        end = stpcpy(end, terminal->unicode ? (full ? "\u2588" : "\u2591") : full ? "#" : ".");
    }
    clock_text(fraction > 0 ? elapsed * (1 - fraction) / fraction : INFINITY, left, sizeof left);
    int room = window_columns(STDERR_FILENO) - 1;
    int width = snprintf(line, sizeof line, "%5.1f %%  %.3g %%/s  %s left  %s", 100 * fraction, 100 * fraction / elapsed, left,
                         terminal->stage);
    bool has_bar = room <= 0 || width + BAR_COLUMNS + 2 <= room;
    if (room > 0 && width > room)
        line[width = room] = '\0';
    int columns = width + (has_bar ? BAR_COLUMNS + 2 : 0);
    int rest = terminal->drawn > columns ? terminal->drawn - columns : 0;
    fprintf(stderr, "\r%s%s%s%*s", has_bar ? bar : "", has_bar ? "  " : "", line, rest, "");
    fflush(stderr);
    terminal->drawn = columns;
}

bool eg_terminal_progress(void *user, const char *stage, double fraction)
{
    eg_terminal *terminal = user;
    double now = eg_seconds();
    if (terminal->show) {
        if (strncmp(terminal->stage, stage, sizeof terminal->stage - 1) != 0) {
            snprintf(terminal->stage, sizeof terminal->stage, "%s", stage);
            terminal->begun = now;
        }
        if (now - terminal->begun > seconds_before_first && now - terminal->drawn_at > seconds_between_lines) {
            draw(terminal, fraction, now - terminal->begun);
            terminal->drawn_at = now;
        }
    }
    return !eg_interrupted();
}
