/* Plug-ins: good ones of each kind against the built-in functions bit by bit, on one and more processes; and everything that
 * a plug-in can do wrong, up to crashing, hanging and ending its process, with the image that the message must name. What the
 * plug-ins do is in plugin/. */
#include "check.h"
#include "temporary.h"

#include <errno.h>
#include <sys/wait.h>

#include "base/bits.h"
#include "base/process.h"
#include "state/state.h"

static char source[1024];

/* plugin:file=FOLDER/NAME.so and further keys */
static const char *plugin(const char *name, const char *keys)
{
    snprintf(source, sizeof source, "plugin:file=%s/%s.so%s", PLUGIN_FOLDER, name, keys);
    return source;
}

static eegpu_open_options lattice(int height, int width, int threads)
{
    eegpu_open_options options = eegpu_open_options_default();
    options.height = height;
    options.width = width;
    options.threads = threads;
    return options;
}

static eegpu_state *open_state(const char *text, int height, int width, int threads)
{
    eegpu_state *state = NULL;
    eegpu_open_options options = lattice(height, width, threads);
    (void)check_ok_at(eegpu_state_open(text, &options, &state), text, __FILE__, __LINE__);
    return state;
}

/* Opening fails, hands nothing out and leaves no child behind. */
static void check_refused(const char *text, const eegpu_open_options *options, eegpu_status status, const char *fragment)
{
    eegpu_state *state = NULL;
    check_fails_at(eegpu_state_open(text, options, &state), status, fragment, text, __FILE__, __LINE__);
    CHECK(state == NULL);
    CHECK(waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD);
    eegpu_state_close(state);
}

static uint64_t bytes_of(const eegpu_state *state)
{
    return state->kind == EG_BITS ? eg_ceil_div(state->size, 64) * 8 : state->size * (state->is_complex ? 16 : 8);
}

static void check_same(const eegpu_state *one, const eegpu_state *two)
{
    CHECK(one != NULL && two != NULL);
    if (one == NULL || two == NULL)
        return;
    CHECK_EQUAL(one->kind, two->kind);
    CHECK_EQUAL(one->pixels, two->pixels);
    CHECK_EQUAL(one->height, two->height);
    CHECK_EQUAL(one->ones, two->ones);
    CHECK(one->norm == two->norm);
    CHECK(memcmp(one->bit_of_pixel, two->bit_of_pixel, sizeof one->bit_of_pixel) == 0);
    if (one->kind == two->kind && one->pixels == two->pixels && one->is_complex == two->is_complex)
        CHECK(memcmp(one->kind == EG_BITS ? (const void *)one->bits : one->amplitudes,
                     two->kind == EG_BITS ? (const void *)two->bits : two->amplitudes, bytes_of(one)) == 0);
}

/* ---- Good ones ------------------------------------------------------------------------------------------------- */

/* The plug-in against a built-in function on many lattices, of less than a word and of many blocks. */
static void check_against(const char *name, const char *keys, const char *builtin)
{
    static const int sides[][2] = {{1, 1}, {1, 2}, {1, 3}, {1, 5}, {2, 3}, {1, 7}, {3, 3}, {0, 0}, {1, 13}, {3, 6}, {4, 5}};
    for (size_t k = 0; k < sizeof sides / sizeof *sides; k++)
        for (int processes = 1; processes <= 3; processes++) {
            eegpu_state *expected = open_state(builtin, sides[k][0], sides[k][1], 1);
            eegpu_state *state = open_state(plugin(name, keys), sides[k][0], sides[k][1], processes);
            check_same(state, expected);
            eegpu_state_close(state);
            eegpu_state_close(expected);
        }
}

static void test_good(void)
{
    check_against("good", "", "majority");
    check_against("good", ",kind=bits,symbol=eegpu_function,argument=2", "majority");
    check_against("good", ",symbol=parity", "parity:kind=sign");
    check_against("plain", "", "majority");
    check_against("plain", ",kind=bits", "majority");
    check_against("plain", ",kind=real", "majority");
}

static void test_complex(void)
{
    for (int processes = 1; processes <= 2; processes++) {
        eegpu_state *state = open_state(plugin("good", ",symbol=pairs,kind=complex,argument=0.5"), 3, 5, processes);
        CHECK(state != NULL && state->is_complex && state->kind == EG_AMPLITUDES);
        uint64_t good = 0;
        for (uint64_t s = 0; state != NULL && s < state->size; s++)
            good += state->amplitudes[2 * s] == 0.5 * (double)s && state->amplitudes[2 * s + 1] == 305;
        CHECK_EQUAL(good, 1 << 15);
        eegpu_state_close(state);
    }
}

/* A plain function without kind= is a 0/1 function as long as it can be. */
static void test_found_kind(void)
{
    eegpu_state *state = open_state(plugin("plain", ",symbol=weighed"), 4, 4, 2);
    CHECK(state != NULL && state->kind == EG_AMPLITUDES && !state->is_complex && state->bits == NULL);
    uint64_t good = 0;
    for (uint64_t s = 0; state != NULL && state->kind == EG_AMPLITUDES && s < state->size; s++)
        good += state->amplitudes[s] == (s == 65535 ? 0.25 : eg_popcount(s) % 2);
    CHECK_EQUAL(good, 65536);
    eegpu_state_close(state);

    state = open_state(plugin("plain", ",symbol=first_row"), 2, 3, 2);
    for (uint64_t s = 0; state != NULL && s < 64; s++) /* the first row is pixels 0, 1, 2: the upper bits */
        CHECK(state->amplitudes[s] == eg_popcount(s >> 3));
    eegpu_state_close(state);
}

/* A file beside us needs no ./ */
static void test_here(void)
{
    char *folder = getcwd(NULL, 0);
    CHECK(folder != NULL && chdir(PLUGIN_FOLDER) == 0);
    eegpu_state *state = open_state("plugin:file=plain.so", 2, 2, 1), *expected = open_state("majority", 2, 2, 1);
    check_same(state, expected);
    CHECK(folder != NULL && chdir(folder) == 0);
    free(folder);
    eegpu_state_close(state);
    eegpu_state_close(expected);
}

static void test_memory(void)
{
    eegpu_open_options options = lattice(4, 5, 2);
    eegpu_state *state = NULL;
    options.memory = 512 << 10; /* 2^20 bits are 128 KiB */
    if (CHECK_OK(eegpu_state_open(plugin("good", ""), &options, &state))) {
        CHECK_EQUAL(eegpu_state_describe(state).bytes, 128 << 10);
        CHECK(state->budget->used < (129 << 10)); /* what was shared has been given back */
    }
    eegpu_state_close(state);
    check_refused(plugin("good", ",symbol=parity"), &options, EEGPU_OUT_OF_MEMORY, "the real amplitudes of the 4x5 lattice");
    check_refused(plugin("plain", ",symbol=weighed"), &options, EEGPU_OUT_OF_MEMORY, "the real amplitudes of the 4x5 lattice");
    options.memory = 132 << 10;
    check_refused(plugin("good", ""), &options, EEGPU_OUT_OF_MEMORY, "what plug-in processes share");
    options = lattice(5, 9, 1);
    check_refused(plugin("good", ""), &options, EEGPU_USAGE, "5 x 9 pixels is too large");
    options = lattice(5, 8, 1);
    options.memory = 1 << 30;
    check_refused(plugin("good", ""), &options, EEGPU_OUT_OF_MEMORY, "enough for 33 pixels");
}

/* ---- Trouble --------------------------------------------------------------------------------------------------- */

#define PLACE "index 777 (image 0000/0011/0000/1001)"

typedef struct trouble {
    const char *name, *keys;
    eegpu_status status;
    const char *fragment;
} trouble;

static const trouble troubles[] = {
    {"absent", "", EEGPU_IO, "absent.so': No such file"},
    {"good", ",symbol=absent", EEGPU_BAD_INPUT, "no symbol 'absent'"},
    {"good", ",symbol=", EEGPU_USAGE, "key=value"},
    {"good", ",symbl=x", EEGPU_USAGE, "did you mean 'symbol'?"},
    {"good", ",kind=doubles", EEGPU_USAGE, "bits|real|complex"},
    {"good", ",kind=real", EEGPU_USAGE, "kind=real was asked for, but 'eegpu_function' is of kind bits"},
    {"good", ",symbol=parity,argument=1", EEGPU_USAGE, "takes no argument"},
    {"plain", ",argument=1", EEGPU_USAGE, "takes no argument"},
    {"plain", ",kind=complex", EEGPU_USAGE, "no complex values"},
    {"plain", ",symbol=weighed,kind=bits", EEGPU_BAD_INPUT, "it gave 0.25 for index 65535 (image 1111/1111/1111/1111)"},
    {"load_crash", "", EEGPU_BAD_INPUT, "loading plug-in"},
    {"load_crash", "", EEGPU_BAD_INPUT, "was ended by SIGABRT"},
    {"trouble", ",symbol=old", EEGPU_BAD_INPUT, "ABI version 2, but this is version 1"},
    {"trouble", ",symbol=strange", EEGPU_BAD_INPUT, "none of eegpu_plugin_kind"},
    {"trouble", ",symbol=empty", EEGPU_BAD_INPUT, "no function evaluate"},
    {"trouble", ",symbol=zero", EEGPU_BAD_INPUT, "0 on every image"},
    {"trouble", ",symbol=bits,argument=open-0", EEGPU_BAD_INPUT, "the file of weights?is not there"},
    {"trouble", ",symbol=bits,argument=openmute-0", EEGPU_BAD_INPUT, "open gave NULL and no message"},
    {"trouble", ",symbol=bits,argument=opencrash-0", EEGPU_BAD_INPUT, "it was ended by SIGABRT"},
    {"trouble", ",symbol=bits,argument=opencrash-0", EEGPU_BAD_INPUT, "opening plug-in"},
    {"trouble", ",symbol=bits,argument=closecrash-0", EEGPU_BAD_INPUT, "closing plug-in"},
    {"trouble", ",symbol=bits,argument=two-777", EEGPU_BAD_INPUT, "it gave 2 for " PLACE},
    {"trouble", ",symbol=bits,argument=two-0", EEGPU_BAD_INPUT, "it gave 2 for index 0 (image 0000/0000/0000/0000)"},
    {"trouble", ",symbol=bits,argument=over-65535", EEGPU_BAD_INPUT, "SIGSEGV (an access to memory that is not its own) at index"},
    {"trouble", ",symbol=bits,argument=read-777", EEGPU_BAD_INPUT, "SIGSEGV (an access to memory that is not its own) at " PLACE},
    {"trouble", ",symbol=bits,argument=stack-777", EEGPU_BAD_INPUT, "SIGSEGV (an access to memory that is not its own) at " PLACE},
    {"trouble", ",symbol=bits,argument=divide-777", EEGPU_BAD_INPUT, "division by zero) at " PLACE},
    {"trouble", ",symbol=bits,argument=abort-777", EEGPU_BAD_INPUT, "noticed) at " PLACE},
    {"trouble", ",symbol=bits,argument=exit-777", EEGPU_BAD_INPUT,
     "ended its process with code 3 (exit, or a checker in it) at " PLACE},
    {"trouble", ",symbol=bits,argument=leave-777", EEGPU_BAD_INPUT, "code 0 (exit, or a checker in it) at " PLACE},
    {"trouble", ",symbol=bits,argument=refuse-777", EEGPU_BAD_INPUT, "failed with code 7 for " PLACE},
    {"trouble", ",symbol=bits,argument=refusetogether-777", EEGPU_BAD_INPUT, "for none of them alone"},
    {"trouble", ",symbol=bits,argument=together-777", EEGPU_BAD_INPUT, "one by one they do not make it crash"},
    {"trouble", ",symbol=real,argument=read-777", EEGPU_BAD_INPUT, "not its own) at " PLACE},
    {"trouble", ",symbol=real,argument=nan-777", EEGPU_BAD_INPUT, "it gave NaN for " PLACE},
    {"trouble", ",symbol=real,argument=skip-777", EEGPU_BAD_INPUT, "it gave NaN for " PLACE},
    {"trouble", ",symbol=real,argument=inf-777", EEGPU_BAD_INPUT, "it gave infinity for " PLACE},
    {"trouble", ",symbol=pairs,argument=nan-777", EEGPU_BAD_INPUT, "it gave NaN for " PLACE},
};

static void test_troubles(void)
{
    for (size_t k = 0; k < sizeof troubles / sizeof *troubles; k++)
        for (int processes = 1; processes <= 3; processes += 2) {
            eegpu_open_options options = lattice(0, 0, processes);
            check_refused(plugin(troubles[k].name, troubles[k].keys), &options, troubles[k].status, troubles[k].fragment);
        }
    eegpu_open_options options = lattice(0, 0, 1);
    check_refused("plugin", &options, EEGPU_USAGE, "'plugin:file=libmine.so'");
    snprintf(source, sizeof source, "plugin:file=%s", write_bytes("libtext.so", "not a library", 13));
    check_refused(source, &options, EEGPU_BAD_INPUT, "must be a shared library");
    snprintf(source, sizeof source, "plugin:file=%s", temporary_path("."));
    check_refused(source, &options, EEGPU_BAD_INPUT, "loading plug-in");
    CHECK(access(temporary_folder, F_OK) == 0); /* an exit() in a child has not run our own handlers */
}

static void test_plain_troubles(void)
{
    static const trouble plain[] = {{"read-777", "", EEGPU_BAD_INPUT, "not its own) at " PLACE},
                                    {"exit-777", "", EEGPU_BAD_INPUT, "code 3 (exit, or a checker in it) at " PLACE},
                                    {"nan-777", "", EEGPU_BAD_INPUT, "it gave NaN for " PLACE},
                                    {"two-777", ",kind=bits", EEGPU_BAD_INPUT, "it gave 2 for " PLACE}};
    eegpu_open_options options = lattice(0, 0, 2);
    char keys[64];
    for (size_t k = 0; k < sizeof plain / sizeof *plain; k++) {
        setenv("EEGPU_TROUBLE", plain[k].name, 1);
        snprintf(keys, sizeof keys, ",symbol=plain%s", plain[k].keys);
        check_refused(plugin("trouble", keys), &options, plain[k].status, plain[k].fragment);
    }
    unsetenv("EEGPU_TROUBLE");
}

/* Of several failures the lowest image is told, however many processes there are. */
static void test_lowest(void)
{
    eegpu_open_options options = lattice(4, 5, 3);
    for (int turn = 0; turn < 5; turn++)
        check_refused(plugin("trouble", ",symbol=real,argument=nan-5"), &options, EEGPU_BAD_INPUT, "index 5 (image");
    check_refused(plugin("trouble", ",symbol=bits,argument=abort-1048575"), &options, EEGPU_BAD_INPUT, "index 1048575 (image");
}

/* ---- Progress -------------------------------------------------------------------------------------------------- */

typedef struct watcher {
    int calls, most; /* then stop */
    double last;
    bool falls;
} watcher;

static bool watch(void *user, const char *stage, double fraction)
{
    watcher *self = user;
    self->falls |= fraction < self->last || strcmp(stage, "evaluating the plug-in") != 0;
    self->last = fraction;
    return ++self->calls < self->most;
}

static void test_progress(void)
{
    watcher self = {.most = 1 << 30};
    eegpu_open_options options = lattice(4, 5, 2);
    eegpu_state *state = NULL;
    options.progress = watch;
    options.progress_user = &self;
    CHECK_OK(eegpu_state_open(plugin("good", ""), &options, &state));
    CHECK(self.calls >= 2 && self.last == 1 && !self.falls);
    eegpu_state_close(state);
}

static void test_interruption(void)
{
    static const char *const keys[] = {",symbol=bits,argument=hang-0", ",symbol=real,argument=hang-60000"};
    for (int k = 0; k < 2; k++)
        for (int processes = 1; processes <= 3; processes += 2) {
            watcher self = {.most = 5};
            eegpu_open_options options = lattice(4, 4, processes);
            options.progress = watch;
            options.progress_user = &self;
            double start = eg_seconds();
            check_refused(plugin("trouble", keys[k]), &options, EEGPU_INTERRUPTED, "stopped on request");
            CHECK(eg_seconds() - start < 20);
            CHECK_EQUAL(self.calls, 5);
        }
}

EG_SUITE("plug-ins", {"against built-in functions", test_good}, {"complex values", test_complex},
         {"kind as found", test_found_kind}, {"a file here", test_here}, {"memory and size", test_memory},
         {"trouble", test_troubles}, {"trouble in the short form", test_plain_troubles}, {"the lowest failure", test_lowest},
         {"progress", test_progress}, {"a plug-in that hangs", test_interruption})
