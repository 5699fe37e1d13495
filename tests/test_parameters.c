/* Parameters of the built-in functions: every refusal of a bad one, edge lists of graph from files good and bad, memory
 * limits. What the functions are is tested in test_functions.c. */
#include <ftw.h>
#include <unistd.h>

#include "check.h"
#include "state/functions.h"

static eegpu_status try_open(const char *source, int height, int width)
{
    eegpu_state *state = NULL;
    eegpu_open_options options = eegpu_open_options_default();
    options.height = height;
    options.width = width;
    options.threads = 1;
    eegpu_status status = eegpu_state_open(source, &options, &state);
    eegpu_state_close(state);
    return status;
}

static eegpu_state *open_state(const char *source, int height, int width, int threads)
{
    eegpu_state *state = NULL;
    eegpu_open_options options = eegpu_open_options_default();
    options.height = height;
    options.width = width;
    options.threads = threads;
    options.bit_order = EEGPU_LSB; /* must not matter */
    if (!check_ok_at(eegpu_state_open(source, &options, &state), source, __FILE__, __LINE__)) {
        eegpu_state_close(state);
        return NULL;
    }
    return state;
}

/* ---- Graphs from files --------------------------------------------------------------------------------------------- */

static char folder[256], edge_file[320];

static int remove_entry(const char *path, const struct stat *entry, int type, struct FTW *where)
{
    (void)entry, (void)type, (void)where;
    return remove(path);
}

static void make_folder(void)
{
    const char *base = getenv("TMPDIR");
    snprintf(folder, sizeof folder, "%s/eegpu-test-XXXXXX", base != NULL && *base ? base : "/tmp");
    CHECK(mkdtemp(folder) != NULL);
    snprintf(edge_file, sizeof edge_file, "%s/edges.txt", folder);
}

static void write_edges(const char *text)
{
    FILE *stream = fopen(edge_file, "w");
    CHECK(stream != NULL && fputs(text, stream) >= 0 && fclose(stream) == 0);
}

static void test_graph_file(void)
{
    static const struct {
        const char *text, *message; /* message NULL: good */
    } cases[] = {
        {"0 4\n# ring\n1 2 # chord\n\n\t 5   3\r\n", NULL},
        {"0 6\n", "line 1: '6' is not a pixel number; pixels are 0 .. 5"},
        {"0 1\n0 -1\n", "line 2: '-1' is not a pixel number"},
        {"0 1x\n", "'1x' is not a pixel number"},
        {"0\n", "there is only one"},
        {"0 1 2\n", "there is also '2'"},
        {"3 3\n", "joins pixel 3 with itself"},
        {"0 1\n1 0\n", "line 2: edge 1 0 is there twice"},
    };
    char source[400];
    make_folder();
    snprintf(source, sizeof source, "graph:edges=%s", edge_file);
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        write_edges(cases[k].text);
        if (cases[k].message != NULL) {
            CHECK_FAILS(try_open(source, 2, 3), EEGPU_BAD_INPUT, cases[k].message);
            continue;
        }
        int wrong = 0;
        eegpu_state *state = open_state(source, 2, 3, 1);
        for (uint64_t index = 0; state != NULL && index < 64; index++) {
            int x[6];
            for (int i = 0; i < 6; i++)
                x[i] = (int)(index >> (5 - i) & 1);
            int sum = x[0] * x[4] + x[1] * x[2] + x[3] * x[5];
            wrong += state->amplitudes[index] != (sum % 2 ? -1.0 : 1.0);
        }
        CHECK_EQUAL(wrong, 0);
        eegpu_state_close(state);
    }
    write_edges("# the edges of the lattice, by hand\n0 1\n1 2\n3 4\n4 5\n0 3\n1 4\n2 5\n");
    eegpu_state *lattice = open_state("graph", 2, 3, 1), *listed = open_state(source, 2, 3, 1);
    if (lattice != NULL && listed != NULL)
        CHECK(memcmp(lattice->amplitudes, listed->amplitudes, 64 * sizeof(double)) == 0);
    eegpu_state_close(lattice);
    eegpu_state_close(listed);
    snprintf(source, sizeof source, "graph:edges=%s/absent.txt", folder);
    CHECK_FAILS(try_open(source, 2, 3), EEGPU_IO, "absent.txt");
    snprintf(source, sizeof source, "graph:edges=%s", folder);
    CHECK_FAILS(try_open(source, 2, 3), EEGPU_IO, folder);
    CHECK_EQUAL(nftw(folder, remove_entry, 8, FTW_DEPTH | FTW_PHYS), 0);
}

/* ---- Refusals ------------------------------------------------------------------------------------------------------ */

static void test_refusals(void)
{
    static const struct {
        const char *source;
        int height, width;
        const char *message;
    } cases[] = {
        {"conected", 4, 4, "did you mean 'connected'?"},
        {"conected", 4, 4, "eegpu list"},
        {"nothing_like_it", 4, 4, "eegpu list"},
        {"random:sed=3", 4, 4, "did you mean 'seed'?"},
        {"random:sed=3", 4, 4, "kind, seed"},
        {"ghz:k=3", 4, 4, "function ghz has no parameters"},
        {"random:seed=1,seed=2", 4, 4, "'seed' is given twice"},
        {"random:seed=-1", 4, 4, "key 'seed' of random"},
        {"random:seed=18446744073709551616", 4, 4, "key 'seed' of random"},
        {"random:seed=1.5", 4, 4, "key 'seed' of random"},
        {"random:seed=", 4, 4, "seed"},
        {"random:kind=quaternion", 4, 4, "key 'kind' of random is 'quaternion'; it must be one of real|complex"},
        {"random:kind=rea", 4, 4, "real|complex"},
        {"random:kind=real|complex", 4, 4, "real|complex"},
        {"connected:neighbours=6", 4, 4, "4|8"},
        {"loops:rule=pixels", 4, 4, "checkerboard|pixel"},
        {"threshold", 4, 4, "function threshold needs key 'k'"},
        {"threshold", 4, 4, "'threshold:k=5'"},
        {"dicke", 4, 4, "'dicke:k=3'"},
        {"multiple", 4, 4, "'multiple:q=7'"},
        {"ising", 4, 4, "'ising:beta=0.4'"},
        {"threshold:k=17", 4, 4, "k must be 0 .. 16"},
        {"dicke:k=20", 4, 4, "k must be 0 .. 16"},
        {"dicke:k=-1", 4, 4, "key 'k' of dicke"},
        {"dicke:k=41", 4, 4, "key 'k' of dicke"},
        {"dicke:k=3x", 4, 4, "key 'k' of dicke"},
        {"multiple:q=0", 4, 4, "key 'q' of multiple"},
        {"multiple:q=1099511627777", 4, 4, "key 'q' of multiple"},
        {"ising:beta=nan", 4, 4, "key 'beta' of ising"},
        {"ising:beta=hot", 4, 4, "key 'beta' of ising"},
        {"ising:beta=100", 4, 4, "it can be up to 58.3"},
        {"dyck", 3, 5, "odd number of pixels"},
        {"primes", 1, 1, "at least 2 pixels"},
        {"innerproduct:kind=set", 1, 1, "at least 2 pixels"},
        {"randomset:density=1.5", 4, 4, "key 'density' of randomset"},
        {"randomset:density=-0.1", 4, 4, "key 'density' of randomset"},
        {"randomset:count=0", 4, 4, "key 'count' of randomset"},
        {"randomset:count=65537", 4, 4, "only 65536 images"},
        {"randomset:count=5,density=0.5", 4, 4, "not both"},
        {"connected", 41, 1, "at most 40"},
        {"connected", 1, 41, "at most 40"},
        {"connected", 64, 64, "at most 40"},
    };
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++)
        check_fails_at(try_open(cases[k].source, cases[k].height, cases[k].width), EEGPU_USAGE, cases[k].message, cases[k].source,
                       __FILE__, __LINE__);
    CHECK_FAILS(try_open("randomset:density=0", 4, 4), EEGPU_BAD_INPUT, "0 on every image");
    CHECK(try_open("connected", -1, -1) == EEGPU_USAGE);
    CHECK(try_open("connected", 0, 4) == EEGPU_USAGE);
}

/* What eg_source_split() refuses already, eg_open_function() refuses too. */
static void test_parts(void)
{
    eg_budget budget;
    eegpu_state state = {.budget = &budget};
    eegpu_open_options options = eegpu_open_options_default();
    eg_source_text twice = {.name = "random", .count = 2, .key = {"seed", "seed"}, .value = {"1", "2"}};
    eg_source_text empty = {.name = "random", .count = 1, .key = {"seed"}, .value = {""}};
    eg_source_text none = {.name = "random", .count = 1, .key = {"seed"}, .value = {NULL}};
    eg_budget_init(&budget, 0);
    CHECK_FAILS(eg_open_function(&state, &twice, &options, 1), EEGPU_USAGE, "key 'seed' of random is given twice");
    CHECK_FAILS(eg_open_function(&state, &empty, &options, 1), EEGPU_USAGE, "key 'seed' of random has no value");
    CHECK_FAILS(eg_open_function(&state, &none, &options, 1), EEGPU_USAGE, "key 'seed' of random has no value");
    options.height = 3;
    CHECK_FAILS(eg_open_function(&state, &(eg_source_text){.name = "w"}, &options, 1), EEGPU_USAGE, "3 x 0");
}

static void test_memory(void)
{
    eegpu_state *state = NULL;
    eegpu_open_options options = eegpu_open_options_default();
    options.height = 5;
    options.width = 8;
    options.memory = UINT64_C(1) << 20;
    CHECK_FAILS(eegpu_state_open("connected", &options, &state), EEGPU_OUT_OF_MEMORY, "memory");
    CHECK_FAILS(eegpu_state_open("random", &options, &state), EEGPU_OUT_OF_MEMORY, "memory");
    options.height = options.width = 4;
    options.memory = 16;
    CHECK_FAILS(eegpu_state_open("primes", &options, &state), EEGPU_OUT_OF_MEMORY, "sieve");
    CHECK_FAILS(eegpu_state_open("ising:beta=1", &options, &state), EEGPU_OUT_OF_MEMORY, "weights");
    CHECK(state == NULL);
}

EG_SUITE("parameters", {"graphs from files", test_graph_file}, {"refusals", test_refusals},
         {"refusals without a source text", test_parts}, {"memory limits", test_memory})
