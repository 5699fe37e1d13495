/* The table of all options, and the parser that walks along it. Called by main.c. */
#include "cli/options.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "report/report.h"

enum { WHAT_SIZE = 64, HINT_SIZE = 128 };

static const char *what_of(const eg_option *option, char *text)
{
    snprintf(text, WHAT_SIZE, "--%s", option->name);
    return text;
}

/* ---- Values ------------------------------------------------------------------------------------------------------ */

static eegpu_status parse_text(const eg_option *option, const char *text, void *target)
{
    if (*text == '\0')
        return eg_fail(EEGPU_USAGE, "--%s: the value is empty; expected %s", option->name, option->value);
    memcpy(target, &text, sizeof text);
    return EEGPU_OK;
}

static eegpu_status parse_whole(const eg_option *option, const char *text, void *target)
{
    char what[WHAT_SIZE];
    return eg_parse_integer(text, what_of(option, what), option->least, option->most, target);
}

static eegpu_status parse_size(const eg_option *option, const char *text, void *target)
{
    char what[WHAT_SIZE];
    return eg_parse_size(text, what_of(option, what), target);
}

static eegpu_status parse_lattice(const eg_option *option, const char *text, void *target)
{
    char what[WHAT_SIZE];
    eg_lattice *lattice = target;
    return eg_parse_lattice(text, what_of(option, what), &lattice->height, &lattice->width);
}

/* The number of `text` among the words of option->value, "auto|gram|svd". */
static eegpu_status parse_choice(const eg_option *option, const char *text, void *target)
{
    const char *word = option->value;
    for (int number = 0;; number++) {
        size_t length = strcspn(word, "|");
        if (strlen(text) == length && strncmp(text, word, length) == 0) {
            *(int *)target = number;
            return EEGPU_OK;
        }
        if (word[length] == '\0')
            return eg_fail(EEGPU_USAGE, "--%s: '%s' cannot be used; expected %s", option->name, text, option->value);
        word += length + 1;
    }
}

/* One of the choices, or cuda:K; for tests also emulated and emulated:K, which --help does not name. */
static eegpu_status parse_device(const eg_option *option, const char *text, void *target)
{
    int64_t number;
    int kind;
    size_t length = strcspn(text, ":");
    bool is_emulated = length == 8 && strncmp(text, "emulated", length) == 0;
    bool is_cuda = length == 4 && strncmp(text, "cuda", length) == 0;
    if (text[length] == ':' && (is_cuda || is_emulated)) {
        eegpu_status status = eg_parse_integer(text + length + 1, "--device cuda:K", 0, 1023, &number);
        if (status != EEGPU_OK)
            return status;
    } else if (!is_emulated && parse_choice(option, text, &kind) != EEGPU_OK) {
        return eg_fail(EEGPU_USAGE, "--%s: '%s' cannot be used; expected auto, cpu, cuda or cuda:K", option->name, text);
    }
    memcpy(target, &text, sizeof text);
    return EEGPU_OK;
}

static eegpu_status parse_order(const char *text, double *order)
{
    if (strcmp(text, "inf") == 0) {
        *order = INFINITY;
        return EEGPU_OK;
    }
    eegpu_status status = eg_parse_real(text, "--renyi (orders such as 0,0.5,2,inf)", 0, INFINITY, order);
    *order += 0.0; /* -0 is 0 */
    return status;
}

static eegpu_status parse_renyi(const eg_option *option, const char *text, void *target)
{
    eg_orders list = {0};
    char word[64];
    for (;; text++) {
        size_t length = strcspn(text, ",");
        double order = 0;
        if (list.count == EEGPU_MAX_RENYI)
            return eg_fail(EEGPU_USAGE, "--%s: more than %d orders; ask for the others in a second run", option->name, list.count);
        snprintf(word, sizeof word, "%.*s", length < sizeof word ? (int)length : (int)sizeof word - 1, text);
        if (parse_order(word, &order) != EEGPU_OK)
            return EEGPU_USAGE;
        for (int i = 0; i < list.count; i++)
            if (list.orders[i] == order)
                return eg_fail(EEGPU_USAGE, "--%s: the order %s is there twice; leave one out", option->name, word);
        list.orders[list.count++] = order;
        text += length;
        if (*text == '\0')
            break;
    }
    *(eg_orders *)target = list;
    return EEGPU_OK;
}

static int compare_whole(const void *left, const void *right)
{
    int a = *(const int *)left, b = *(const int *)right;
    return (a > b) - (a < b);
}

/* "1,2,4", in any order; goes out ascending. */
static eegpu_status parse_list(const eg_option *option, const char *text, void *target)
{
    eg_whole_list list = {0};
    char word[32], what[WHAT_SIZE];
    for (;; text++) {
        size_t length = strcspn(text, ",");
        int64_t value = 0;
        if (list.count == EG_LIST_SIZE)
            return eg_fail(EEGPU_USAGE, "--%s: more than %d values; leave some for a second run", option->name, EG_LIST_SIZE);
        snprintf(word, sizeof word, "%.*s", length < sizeof word ? (int)length : (int)sizeof word - 1, text);
        if (eg_parse_integer(word, what_of(option, what), option->least, option->most, &value) != EEGPU_OK)
            return EEGPU_USAGE;
        for (int i = 0; i < list.count; i++)
            if (list.values[i] == value)
                return eg_fail(EEGPU_USAGE, "--%s: %s is there twice; leave one out", option->name, word);
        list.values[list.count++] = (int)value;
        text += length;
        if (*text == '\0')
            break;
    }
    qsort(list.values, (size_t)list.count, sizeof *list.values, compare_whole);
    *(eg_whole_list *)target = list;
    return EEGPU_OK;
}

/* ---- The table --------------------------------------------------------------------------------------------------- */

#define AT(member) offsetof(eg_settings, member)
#define CUTTING (EG_SCAN | EG_VERIFY | EG_LAW)
#define WORKING (CUTTING | EG_MAKE)
#define ALL (WORKING | EG_INFO | EG_LIST)

static const eg_option options[] = {
    {"lattice", 0, "HxW", WORKING, AT(lattice), parse_lattice, 0, 0,
     "height and width in pixels; default: the shape of the file, else 1xN for 2^N amplitudes, 4x4 for built-in functions"},
    {"cuts", 0, "FAMILY", CUTTING, AT(cuts), parse_text, 0, 0,
     "contiguous (the default), prefix, lines, connected, all, or a file of regions; `eegpu list` explains them"},
    {"max-size", 0, "K", CUTTING, AT(max_size), parse_whole, 1, 4096, "only cuts whose smaller side has at most K pixels"},
    {"renyi", 0, "LIST", EG_SCAN, AT(renyi), parse_renyi, 0, 0,
     "orders of the Renyi entropies, default 0,2,inf; an order below 1 asked for here makes `--method auto` take svd"},
    {"base", 0, "e|2", EG_SCAN | EG_LAW, AT(base), parse_choice, 0, 0,
     "unit of all entropies: e for nats (the default), 2 for bits"},
    {"device", 0, "auto|cpu|cuda", EG_SCAN | EG_LAW, AT(device), parse_device, 0, 0,
     "where to compute (cuda:K for GPU number K); auto takes a GPU if there is one and says so"},
    {"device", 0, "auto|cpu|cuda", EG_VERIFY, AT(device), parse_device, 0, 0,
     "which device to verify beside the CPU (cuda:K for GPU number K); auto takes a GPU if there is one; cpu: none; "
     "cuda makes a missing GPU a failure"},
    {"device", 0, "auto|cpu|cuda", EG_MAKE, AT(device), parse_device, 0, 0,
     "where the function cnn is evaluated (cuda:K for GPU number K), to the same bits; auto takes a GPU if there is one and it "
     "pays; other functions are evaluated on the CPU"},
    {"device", 0, "auto|cpu|cuda", EG_CNN, AT(device), parse_device, 0, 0,
     "where networks are evaluated and scanned (cuda:K for GPU number K); auto takes a GPU if there is one and it pays, and says "
     "so"},
    {"all", 0, NULL, EG_VERIFY, AT(all), NULL, 0, 0,
     "a row for every cut; without it the table has those that differ, and the 20 that differ most for their bounds; with --quiet "
     "the verdict alone"},
    {"method", 0, "auto|gram|svd", EG_SCAN, AT(method), parse_choice, 0, 0,
     "gram: eigenvalues of M M^H, fast; svd: singular values of M, also right for the rank and for tiny p; auto: gram unless an "
     "order of --renyi needs svd"},
    {"reduce", 0, "auto|off", EG_SCAN, AT(reduce), parse_choice, 0, 0,
     "off: leave out the exact reductions (empty and equal rows, blocks); the entropies stay the same"},
    {"threads", 0, "N", WORKING, AT(threads), parse_whole, 1, 4096, "default: all processors that this process may use"},
    {"memory", 0, "SIZE", WORKING, AT(memory), parse_size, 0, 0,
     "most memory to use, such as 6GiB, 512M or 50%; default: 80% of what is free"},
    {"bit-order", 0, "msb|lsb", CUTTING, AT(bit_order), parse_choice, 0, 0,
     "of a file of 2^N amplitudes: is pixel 0 the most significant bit of the index (the default: C order) or the least (Qiskit)"},
    {"bit-order", 0, "msb|lsb", EG_MAKE, AT(bit_order), parse_choice, 0, 0,
     "msb (the default): pixel 0 is the most significant bit of the index; lsb: the least (Qiskit); a file of amplitudes is turned "
     "from the one order into the other"},
    {"format", 0, "table|csv|json", EG_SCAN, AT(format), parse_choice, 0, 0,
     "default: by the ending of the output file (.csv, .json), else table"},
    {"format", 0, "table|json", EG_VERIFY | EG_LAW, AT(format), parse_choice, 0, 0,
     "default: by the ending of the output file (.json), else table"},
    {"output", 'o', "FILE", CUTTING, AT(output), parse_text, 0, 0, "where the result goes; - is standard output, the default"},
    {"output", 'o', "FILE", EG_MAKE, AT(output), parse_text, 0, 0, "the .npy file to write (must be given); - is standard output"},
    {"spectrum", 0, "FILE.npz", EG_SCAN, AT(spectrum), parse_text, 0, 0,
     "write all spectra: p_0000, p_0001, ... (descending) and the masks `regions`"},
    {"vectors", 0, "FILE.npz", EG_SCAN, AT(vectors), parse_text, 0, 0,
     "write the Schmidt vectors f = sum_i a_i f_A^i f_B^i of every cut: a_0000, fa_0000, fb_0000, ...; fa_0000 is (rank, 2^N_A), "
     "its "
     "row i is f_A^i, so that M = (fa.T * a) @ fb, f having norm 1"},
    {"journal", 0, "FILE", EG_SCAN, AT(journal), parse_text, 0, 0,
     "note finished cuts here; a scan that was interrupted goes on from there when it is started again with the same journal"},
    {"dry-run", 0, NULL, EG_SCAN, AT(dry_run), NULL, 0, 0,
     "print what would be done for every cut, the memory and a rough time, and compute nothing"},
    {"channels", 0, "LIST", EG_CNN, AT(networks.channels), parse_list, 1, 256, "channels D of the convolutions, default 1,2,4,8"},
    {"layers", 0, "LIST", EG_CNN, AT(networks.layers), parse_list, 1, 16, "numbers of convolutions n_c, default 1,2,3"},
    {"seeds", 0, "K", EG_CNN, AT(networks.seeds), parse_whole, 1, 10000,
     "networks of each kind, default 5; every network of the sweep has a seed of its own: 0, 1, 2, ..."},
    {"lattice", 0, "HxW", EG_CNN, AT(lattice), parse_lattice, 0, 0, "height and width in pixels, default 4x4"},
    {"cuts", 0, "FAMILY", EG_CNN, AT(networks.cuts), parse_text, 0, 0,
     "middle (the default): the straight cut across the middle; or a family or file of regions, over which S and S/L are averaged"},
    {"max-size", 0, "K", EG_CNN, AT(max_size), parse_whole, 1, 4096, "only cuts whose smaller side has at most K pixels"},
    {"pools", 0, "P", EG_CNN, AT(networks.pools), parse_whole, 0, 16,
     "2x2 max-poolings, one after each of the last P convolutions; default 0"},
    {"kernel", 0, "K", EG_CNN, AT(networks.kernel), parse_whole, 1, 15, "side of the kernels, odd; default 3"},
    {"activation", 0, "relu|tanh", EG_CNN, AT(networks.activation), parse_choice, 0, 0,
     "function between the layers, default relu"},
    {"init", 0, "he|xavier", EG_CNN, AT(networks.init), parse_choice, 0, 0,
     "normal weights of variance 2/fan_in (the default) or 2/(fan_in + fan_out); biases are 0"},
    {"yes", 0, NULL, EG_CNN | EG_LAW, AT(yes), NULL, 0, 0, "start what will take long"},
    {"base", 0, "e|2", EG_CNN, AT(base), parse_choice, 0, 0, "unit of all entropies: e for nats (the default), 2 for bits"},
    {"threads", 0, "N", EG_CNN, AT(threads), parse_whole, 1, 4096, "default: all processors that this process may use"},
    {"memory", 0, "SIZE", EG_CNN, AT(memory), parse_size, 0, 0,
     "most memory to use, such as 6GiB, 512M or 50%; default: 80% of what is free"},
    {"format", 0, "table|json", EG_CNN, AT(format), parse_choice, 0, 0,
     "default: by the ending of the output file (.json), else table"},
    {"output", 'o', "FILE", EG_CNN, AT(output), parse_text, 0, 0, "where the result goes; - is standard output, the default"},
    {"quiet", 0, NULL, EG_CNN, AT(quiet), NULL, 0, 0, "no progress and no remarks on standard error; errors are still said"},
    {"help", 'h', NULL, EG_CNN, AT(help), NULL, 0, 0, "this text"},
    {"html", 0, "FILE", EG_LAW, AT(html), parse_text, 0, 0,
     "also write a page that opens offline: the verdict, pictures, all numbers as tables"},
    {"svg", 0, "FOLDER", EG_LAW, AT(svg), parse_text, 0, 0,
     "also write the pictures as files: boundary.svg, spectrum.svg, ...; the folder is made if there is none"},
    {"check-theory", 0, NULL, EG_LAW, AT(check_theory), NULL, 0, 0,
     "also check the properties and theorems of the paper on the numbers of this function; exit code 3 if one is broken"},
    {"stats", 0, NULL, EG_SCAN, AT(stats), NULL, 0, 0,
     "say on standard error, and in the JSON, where the time went: seconds, bytes and flops of every stage"},
    {"quick", 0, NULL, EG_BENCH, AT(bench.quick), NULL, 0, 0, "small sizes and few repeats: half a minute in all"},
    {"filter", 0, "TEXT", EG_BENCH, AT(bench.filter), parse_text, 0, 0, "only cases with TEXT in their name, such as gram or scan"},
    {"largest", 0, "N", EG_BENCH, AT(bench.largest), parse_whole, 16, 65536,
     "rows of the largest matrix; functions have up to 2 log2 N pixels; default: 4096 on the CPU, 8192 on a GPU. The CPU stops at "
     "8192"},
    {"device", 0, "auto|cpu|cuda", EG_BENCH, AT(device), parse_device, 0, 0,
     "what to time beside the CPU (cuda:K for GPU number K); auto: every GPU; cpu: nothing"},
    {"json", 0, "FILE", EG_BENCH, AT(bench.json), parse_text, 0, 0,
     "write the times as JSON; - is standard output, instead of the table"},
    {"html", 0, "FILE", EG_BENCH, AT(html), parse_text, 0, 0,
     "write a page: bars, percent of the limit of every case, and the table"},
    {"svg", 0, "FILE", EG_BENCH, AT(bench.svg), parse_text, 0, 0, "write the bars, or with --growth the curves, as a picture"},
    {"compare", 0, "OLD.json", EG_BENCH, AT(bench.compare), parse_text, 0, 0,
     "also say what became slower or faster than in an earlier --json, beyond the spread of the repeats of both"},
    {"fail-if-slower", 0, NULL, EG_BENCH, AT(bench.fail_if_slower), NULL, 0, 0,
     "with --compare: exit code 1 when a case became slower"},
    {"from", 0, "FILE.json", EG_BENCH, AT(bench.from), parse_text, 0, 0, "measure nothing and take the times of an earlier --json"},
    {"growth", 0, NULL, EG_BENCH, AT(bench.growth), NULL, 0, 0,
     "instead: time and memory of scans against pixels and against the number of cuts, with fitted exponents"},
    {"tune", 0, NULL, EG_BENCH, AT(bench.tune), NULL, 0, 0,
     "instead: find the fastest eigenvalue driver by size and threads and keep the table in ~/.cache/eegpu for later runs "
     "(EEGPU_TUNING=off ignores it)"},
    {"threads", 0, "N", EG_BENCH, AT(threads), parse_whole, 1, 4096, "default: all processors that this process may use"},
    {"quiet", 0, NULL, EG_BENCH, AT(quiet), NULL, 0, 0, "no progress and no remarks on standard error; errors are still said"},
    {"help", 'h', NULL, EG_BENCH, AT(help), NULL, 0, 0, "this text"},
    {"json", 0, NULL, EG_INFO | EG_LIST, AT(json), NULL, 0, 0, "as one JSON object"},
    {"quiet", 0, NULL, WORKING, AT(quiet), NULL, 0, 0, "no progress and no remarks on standard error; errors are still said"},
    {"help", 'h', NULL, ALL, AT(help), NULL, 0, 0, "this text"},
};

const eg_option *eg_options(size_t *count)
{
    *count = sizeof options / sizeof *options;
    return options;
}

void eg_settings_init(eg_settings *settings) { *settings = (eg_settings){.cuts = "contiguous", .device = "auto", .format = -1}; }

/* ---- The parser -------------------------------------------------------------------------------------------------- */

/* The option called by `length` letters of `name`, or by its letter when name is NULL. */
static const eg_option *find(const eg_command *command, const char *name, size_t length, char letter)
{
    for (size_t i = 0; i < sizeof options / sizeof *options; i++)
        if ((options[i].commands & command->bit) &&
            (name != NULL ? strlen(options[i].name) == length && strncmp(options[i].name, name, length) == 0
                          : options[i].letter == letter))
            return &options[i];
    return NULL;
}

static eegpu_status unknown_option(const eg_command *command, const char *word, int length)
{
    const char *names[sizeof options / sizeof *options];
    char hint[HINT_SIZE], name[64];
    size_t count = 0;
    for (size_t i = 0; i < sizeof options / sizeof *options; i++)
        if (options[i].commands & command->bit)
            names[count++] = options[i].name;
    snprintf(name, sizeof name, "%.*s", length, word);
    const char *nearest = eg_nearest_name(name + strspn(name, "-"), names, count, sizeof *names);
    if (nearest != NULL)
        snprintf(hint, sizeof hint, "did you mean '--%s'?", nearest);
    else
        snprintf(hint, sizeof hint, "see eegpu %s --help", command->name);
    return eg_fail(EEGPU_USAGE, "%s has no option '%.*s'; %s", command->name, length, word, hint);
}

/* Take the option at *words; *taken words belong to it. */
static eegpu_status take_option(const eg_command *command, int count, char **words, eg_settings *settings, int *taken)
{
    const char *word = words[0], *value = NULL;
    const eg_option *option;
    *taken = 1;
    if (word[1] == '-') {
        size_t length = strcspn(word + 2, "=");
        value = word[2 + length] == '=' ? word + 3 + length : NULL;
        option = find(command, word + 2, length, 0);
        if (option == NULL)
            return unknown_option(command, word, (int)(2 + length));
    } else {
        value = word[2] != '\0' ? word + 2 : NULL;
        option = find(command, NULL, 0, word[1]);
        if (option == NULL)
            return unknown_option(command, word, (int)strlen(word));
    }
    void *target = (char *)settings + option->offset;
    if (option->value == NULL) {
        if (value != NULL)
            return eg_fail(EEGPU_USAGE, "--%s takes no value; leave '%s' out", option->name, value);
        *(bool *)target = true;
        return EEGPU_OK;
    }
    if (value == NULL) {
        if (count < 2 || strncmp(words[1], "--", 2) == 0)
            return eg_fail(EEGPU_USAGE, "--%s needs a value: --%s %s", option->name, option->name, option->value);
        value = words[1];
        *taken = 2;
    }
    return option->parse(option, value, target);
}

eegpu_status eg_options_parse(const eg_command *command, int count, char **words, eg_settings *settings)
{
    bool only_operands = false;
    for (int i = 0, taken; i < count; i += taken) {
        taken = 1;
        if (!only_operands && strcmp(words[i], "--") == 0) {
            only_operands = true;
        } else if (!only_operands && words[i][0] == '-' && words[i][1] != '\0') {
            eegpu_status status = take_option(command, count - i, words + i, settings, &taken);
            if (status != EEGPU_OK)
                return status;
        } else if (command->operand == NULL) {
            return eg_fail(EEGPU_USAGE, "%s: '%s' is not expected; see eegpu %s --help", command->name, words[i], command->name);
        } else if (settings->source != NULL) {
            return eg_fail(EEGPU_USAGE, "%s takes one %s: '%s' is one too many beside '%s'", command->name, command->operand,
                           words[i], settings->source);
        } else {
            settings->source = words[i];
        }
    }
    if (command->operand != NULL && settings->source == NULL && !settings->help)
        return eg_fail(EEGPU_USAGE, "%s needs a %s, a file or a built-in function: eegpu %s connected; see eegpu %s --help",
                       command->name, command->operand, command->name, command->name);
    return EEGPU_OK;
}
