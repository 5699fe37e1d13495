/* Loops over child processes. Comes in: a job and code of others to be run for it. Goes out: the finished blocks, one by one,
 * or what went wrong and at which item. Called by the plug-ins. Parent and child talk by single bytes over a socket, whose end
 * also tells that a child is gone. Children are forked, not threads that call fork: what is left of the program in them is this
 * file, the job and the C library. */
#include "base/process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { TICK_MS = 50, SHORT_TICK_MS = 1 };

/* The bytes of the conversation. */
enum { READY = 'r', FAILED = 'f', NEXT = 'n', END = 'e' };

typedef struct child {
    pid_t pid; /* 0: none, or gone */
    int socket;
    uint64_t first, count; /* its block: the numbers on the desk may be damaged */
    bool dismissed;        /* has no block: it is leaving */
    bool killed;
    bool silent; /* has closed its end */
} child;

typedef struct crew {
    eg_process_job *job;
    unsigned char *area; /* the desks */
    uint64_t stride;
    int count, alive;
    child *children;
    struct pollfd *polls;
    uint64_t next;     /* first item that nobody has */
    uint64_t reported; /* items told to the progress */
    bool failed;
    uint64_t failed_first; /* the block */
    eegpu_status status;
    char message[EG_MESSAGE_SIZE];
} crew;

static eg_desk *desk_of(const crew *all, int number) { return (eg_desk *)(void *)(all->area + all->stride * (uint64_t)number); }

static unsigned char *result_of(eg_desk *desk) { return (unsigned char *)(desk + 1); }

static bool tell(int socket, char word) { return send(socket, &word, 1, MSG_NOSIGNAL) == 1; }

/* ---- In a child ------------------------------------------------------------------------------------------------ */

/* When code of others calls exit, that must not run what the program has registered, nor write what it has buffered. */
static void leave_at_once(int code, void *unused)
{
    (void)unused;
    fflush(stdout); /* emptied at the start: only what was printed here */
    _Exit(code);
}

/* Cut what ties the child to the program: signals, files, buffered output. Returns the socket's new number. */
static int settle(int socket, pid_t parent)
{
    static const int parents_matter[] = {SIGINT, SIGTERM, SIGHUP}; /* sent to all: the parent then stops its children */
    sigset_t none;
    struct rlimit no_core = {0, 0};
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _Exit(1);
    for (int number = 1; number < NSIG; number++)
        (void)signal(number, SIG_DFL);
    for (size_t k = 0; k < sizeof parents_matter / sizeof *parents_matter; k++)
        (void)signal(parents_matter[k], SIG_IGN);
    sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    (void)setrlimit(RLIMIT_CORE, &no_core);
    int kept = fcntl(socket, F_DUPFD_CLOEXEC, STDERR_FILENO + 1), nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
    __fpurge(stdout);
    (void)dup2(nothing, STDIN_FILENO);
    if (fcntl(STDERR_FILENO, F_GETFD) < 0)
        (void)dup2(nothing, STDERR_FILENO);
    (void)dup2(STDERR_FILENO, STDOUT_FILENO);
    if (kept > STDERR_FILENO + 1)
        (void)close_range(STDERR_FILENO + 1, (unsigned)kept - 1, 0);
    (void)close_range((unsigned)kept + 1, ~0U, 0);
    (void)on_exit(leave_at_once, NULL);
    return kept;
}

static _Noreturn void work_as_child(const eg_process_job *job, eg_desk *desk, int socket, pid_t parent)
{
    char order = END;
    socket = settle(socket, parent);
    do {
        desk->status = job->work(job->context, desk);
        if (desk->status != EEGPU_OK)
            eg_error_save(desk->message);
    } while (tell(socket, desk->status == EEGPU_OK ? READY : FAILED) && recv(socket, &order, 1, 0) == 1 && order == NEXT);
    if (job->leave != NULL)
        job->leave(job->context, desk);
    atomic_store(&desk->finished, true);
    fflush(stdout);
    _Exit(0);
}

/* ---- Starting and ending children ------------------------------------------------------------------------------ */

/* False when there is no block left to hand out. After a failure the blocks behind it do not matter. */
static bool hand_out(crew *all, int number)
{
    const eg_process_job *job = all->job;
    child *one = &all->children[number];
    eg_desk *desk = desk_of(all, number);
    if (all->failed || all->next >= job->last)
        return false;
    desk->first = one->first = all->next;
    desk->count = one->count = job->last - all->next < job->grain ? job->last - all->next : job->grain;
    desk->result = result_of(desk);
    all->next += one->count;
    return true;
}

/* Signals wait while there are two of us, so that a handler of the program never runs in a child. */
static bool start_child(crew *all, int number)
{
    int ends[2];
    sigset_t every, old;
    pid_t parent = getpid();
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
        return false;
    sigfillset(&every);
    (void)pthread_sigmask(SIG_SETMASK, &every, &old);
    pid_t pid = fork();
    if (pid == 0)
        work_as_child(all->job, desk_of(all, number), ends[1], parent);
    int reason = errno;
    (void)pthread_sigmask(SIG_SETMASK, &old, NULL);
    close(ends[1]);
    if (pid < 0) {
        close(ends[0]);
        errno = reason;
        return false;
    }
    all->children[number].pid = pid;
    all->children[number].socket = ends[0];
    all->alive++;
    return true;
}

/* As many as can be had will do; none will not. */
static eegpu_status start_children(crew *all)
{
    for (int k = 0; k < all->count; k++) {
        uint64_t next = all->next;
        if (!hand_out(all, k))
            break;
        if (!start_child(all, k)) {
            all->next = next;
            break;
        }
    }
    return all->alive > 0 ? EEGPU_OK
                          : eg_fail(EEGPU_OUT_OF_MEMORY, "starting a process: %s; close other programs", strerror(errno));
}

static void kill_child(child *one)
{
    one->killed = true;
    (void)kill(one->pid, SIGKILL);
}

/* The failure of the lowest block counts, so those who work on later ones can go. */
static void note_failure(crew *all, int number, eegpu_status status, const char *message, const char *how)
{
    eg_process_job *job = all->job;
    const child *one = &all->children[number];
    const eg_desk *desk = desk_of(all, number);
    uint64_t last = one->first + one->count - 1, at = desk->at, batch = desk->batch;
    if (all->failed && all->failed_first <= one->first)
        return;
    all->failed = true;
    all->failed_first = one->first;
    all->status = status > EEGPU_OK && status < EEGPU_INTERRUPTED ? status : EEGPU_BAD_INPUT;
    snprintf(all->message, sizeof all->message, "%.*s", EG_MESSAGE_SIZE - 1, message);
    job->crashed = how != NULL;
    snprintf(job->how, sizeof job->how, "%s", how != NULL ? how : "");
    job->phase = desk->phase;
    job->note = desk->note;
    job->at = at < one->first ? one->first : at > last ? last : at;
    job->batch = batch < 1 ? 1 : batch > last - job->at ? last - job->at + 1 : batch;
    for (int k = 0; k < all->count; k++)
        if (all->children[k].pid != 0 && !all->children[k].dismissed && all->children[k].first > all->failed_first)
            kill_child(&all->children[k]);
}

/* "was ended by SIGSEGV (...)" */
static const char *describe_end(int ended, char *text, size_t size)
{
    static const struct {
        int signal;
        const char *meaning;
    } known[] = {{SIGSEGV, "an access to memory that is not its own"},
                 {SIGBUS, "an access to memory that is not there"},
                 {SIGFPE, "arithmetic that cannot be done, such as a division by zero"},
                 {SIGABRT, "abort, or damage to its memory that was noticed"},
                 {SIGILL, "an instruction that this processor does not have"},
                 {SIGTRAP, "a check in it that failed"},
                 {SIGKILL, "from outside; when memory runs out, the system does that"}};
    if (!WIFSIGNALED(ended)) {
        snprintf(text, size, "ended its process with code %d (exit, or a checker in it)", WEXITSTATUS(ended));
        return text;
    }
    int number = WTERMSIG(ended);
    const char *name = sigabbrev_np(number), *meaning = sigdescr_np(number);
    for (size_t k = 0; k < sizeof known / sizeof *known; k++)
        if (known[k].signal == number)
            meaning = known[k].meaning;
    if (name != NULL && meaning != NULL)
        snprintf(text, size, "was ended by SIG%s (%s)", name, meaning);
    else
        snprintf(text, size, "was ended by signal %d", number);
    return text;
}

/* `wait_options`: WNOHANG to look whether it has ended. Another part of the program may have waited for it already. */
static void bury(crew *all, int number, int wait_options)
{
    child *one = &all->children[number];
    const eg_desk *desk = desk_of(all, number);
    char how[160], message[200];
    int ended = 0;
    pid_t got;
    do
        got = waitpid(one->pid, &ended, wait_options);
    while (got < 0 && errno == EINTR);
    if (got == 0)
        return;
    close(one->socket);
    one->pid = 0;
    all->alive--;
    if (one->killed || desk->finished)
        return;
    snprintf(how, sizeof how, "has ended, nobody knows how");
    if (got > 0)
        describe_end(ended, how, sizeof how);
    snprintf(message, sizeof message, "a process %s", how);
    note_failure(all, number, EEGPU_BAD_INPUT, message, how);
}

/* ---- In the parent --------------------------------------------------------------------------------------------- */

/* What child `number` says: one byte, or nothing any more. */
static void listen_to(crew *all, int number)
{
    child *one = &all->children[number];
    eg_desk *desk = desk_of(all, number);
    char word;
    ssize_t got = recv(one->socket, &word, 1, MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got <= 0) {
        one->silent = true;
        return;
    }
    if (word == FAILED)
        note_failure(all, number, desk->status, desk->message, NULL);
    else if (all->job->take != NULL && !one->killed)
        all->job->take(all->job->context, one->first, one->count, result_of(desk));
    one->dismissed = word == FAILED || !hand_out(all, number);
    (void)tell(one->socket, one->dismissed ? END : NEXT); /* if it is gone, its end says so */
}

static eegpu_status report(crew *all)
{
    uint64_t done = 0;
    for (int k = 0; k < all->count; k++)
        done += desk_of(all, k)->done;
    double more = (double)(done - all->reported);
    all->reported = done;
    return eg_progress_add(all->job->progress, more);
}

/* Until no child is left. */
static eegpu_status serve(crew *all)
{
    eegpu_status status = EEGPU_OK;
    bool silent = false;
    while (all->alive > 0) {
        for (int k = 0; k < all->count; k++) {
            const child *one = &all->children[k];
            all->polls[k] = (struct pollfd){.fd = one->pid != 0 && !one->silent ? one->socket : -1, .events = POLLIN};
        }
        int heard = poll(all->polls, (nfds_t)all->count, silent ? SHORT_TICK_MS : TICK_MS);
        silent = false;
        for (int k = 0; k < all->count; k++) {
            const child *one = &all->children[k];
            if (heard > 0 && all->polls[k].revents != 0)
                listen_to(all, k);
            if (one->pid != 0 && (one->silent || heard == 0))
                bury(all, k, WNOHANG);
            silent |= one->pid != 0 && one->silent;
        }
        EG_TRY(report(all));
    }
    if (all->failed) {
        eg_error_restore(all->message);
        status = all->status;
    }
done:
    return status;
}

static void end_children(crew *all)
{
    for (int k = 0; all->children != NULL && k < all->count; k++)
        if (all->children[k].pid != 0) {
            kill_child(&all->children[k]);
            bury(all, k, 0);
        }
}

eegpu_status eg_run_processes(eg_process_job *job)
{
    static const char what[] = "what plug-in processes share with the program";
    eegpu_status status;
    uint64_t blocks = (job->last - job->first - 1) / job->grain + 1, page = (uint64_t)sysconf(_SC_PAGESIZE), bytes = 0;
    crew all = {.job = job, .next = job->first};
    all.count = job->processes > 0 && (uint64_t)job->processes > blocks ? (int)blocks : job->processes;
    all.stride = (sizeof(eg_desk) + job->result_size + page - 1) / page * page;
    job->crashed = false;
    EG_TRY(eg_budget_take(job->budget, all.stride * (uint64_t)all.count, what));
    bytes = all.stride * (uint64_t)all.count;
    EG_TRY(eg_allocate_zero(job->budget, (uint64_t)all.count, sizeof(child), what, &all.children));
    EG_TRY(eg_allocate_zero(job->budget, (uint64_t)all.count, sizeof(struct pollfd), what, &all.polls));
    void *area = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (area == MAP_FAILED) {
        status = eg_fail(EEGPU_OUT_OF_MEMORY, "no room for %s (%llu bytes): %s", what, (unsigned long long)bytes, strerror(errno));
        goto done;
    }
    all.area = area;
    EG_TRY(start_children(&all));
    status = serve(&all);
done:
    end_children(&all);
    if (all.area != NULL)
        munmap(all.area, bytes);
    eg_release(job->budget, all.children);
    eg_release(job->budget, all.polls);
    eg_budget_give(job->budget, bytes);
    return status;
}
