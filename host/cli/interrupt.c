/* Signals. Comes in: Ctrl-C and its like; goes out: a flag that the progress callback looks at, or the end of the program with
 * no unfinished output left. Installed by main.c. Nothing else may touch signals. */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "cli/cli.h"

static volatile sig_atomic_t stops;

static void on_stop(int number)
{
    (void)number;
    int kept = errno;
    if (stops != 0) {
        eg_output_remove_temporaries();
        _exit(130);
    }
    stops = 1;
    if (isatty(STDERR_FILENO)) {
        static const char note[] = "\neegpu: stopping after the cut that is being worked on; once more stops at once\n";
        ssize_t ignored = write(STDERR_FILENO, note, sizeof note - 1);
        (void)ignored;
    }
    errno = kept;
}

/* A reader such as `head` has gone: nobody is left to tell. */
static void on_closed_pipe(int number)
{
    eg_output_remove_temporaries();
    signal(number, SIG_DFL);
    raise(number);
}

static void handle(int number, void (*handler)(int))
{
    struct sigaction action, old;
    memset(&action, 0, sizeof action);
    sigemptyset(&action.sa_mask);
    action.sa_handler = handler;
    if (sigaction(number, NULL, &old) == 0 && old.sa_handler == SIG_IGN)
        return; /* nohup, a job in the background of a script, or a parent that looks at write errors itself */
    (void)sigaction(number, &action, NULL);
}

void eg_interrupt_install(void)
{
    handle(SIGINT, on_stop);
    handle(SIGTERM, on_stop);
    handle(SIGHUP, on_stop);
    handle(SIGPIPE, on_closed_pipe);
    handle(SIGXFSZ, SIG_IGN); /* a limit on the size of files is a failed write like others */
}

bool eg_interrupted(void) { return stops != 0; }

eegpu_status eg_interrupt_check(void)
{
    return stops != 0 ? eg_fail(EEGPU_INTERRUPTED, "stopped on request; no output was written") : EEGPU_OK;
}
