/* The program: finds the command, runs it, says one line when it failed, and exits. Nothing else in the tree exits. */
#include <ctype.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/text.h"
#include "cli/cli.h"

static const eg_command commands[] = {
    {"scan", EG_SCAN, "SOURCE", "entropies and Schmidt spectra of every cut of the lattice",
     "Measures, exactly, the entanglement of a function of an image: for every cut of the lattice into a region A and its "
     "complement "
     "B the Schmidt spectrum, the von Neumann and Renyi entropies, and a bound on their rounding error.",
     "  eegpu scan connected --lattice 4x5 --base 2 -o result.json\n", eg_command_scan},
    {"verify", EG_VERIFY, "SOURCE", "the same cuts by independent routes and devices, compared",
     "Measures every cut by Gram matrices with and without the exact reductions and by singular values, on the CPU and on every "
     "other "
     "device, and compares entropies and ranks within their errors; before that, every operation of the devices with the CPU's. "
     "Exit code "
     "3 when something differs by more than it may. A route that a cut is too large for is left out, and named.",
     "  eegpu verify connected --lattice 4x4\n", eg_command_verify},
    {"cnn", EG_CNN, NULL, "how the entropy of convolutional networks grows with channels and layers",
     "Draws convolutional networks with D channels and n_c convolutions from seeds, measures S across a straight cut of every one, "
     "and "
     "says whether S/L grows as n_c log D, so that D_0^(1/n_c) channels do with n_c convolutions what D_0 do with one. One network "
     "by "
     "itself, also with weights of a file: eegpu scan cnn:channels=8,layers=3. Everything runs on the CPU.",
     "  eegpu cnn --channels 1,2,4,8 --layers 1,2,3 --seeds 5 --lattice 4x4\n", eg_command_cnn},
    {"law", EG_LAW, "SOURCE|RESULT.json", "area law or volume law, range r, assumptions, parameters needed",
     "Says which law the entropies of the cuts follow (area, volume, logarithmic, or undecided and which cuts would tell), by fits "
     "to averages over cuts of one shape; for 0/1 functions the range r of the paper, exactly, with images that show why a smaller "
     "one "
     "will not do; the parameters of matrix product states; the topological term. R_r is the pixels of A within r steps of B; "
     "Assumption 1 is read as: images of A that are equal on R_r have the same row of M unless one of the rows is zero; Assumption "
     "2 "
     "as the same for the columns. Of the JSON of a scan (a name that ends in .json) only the law is found.",
     "  eegpu law loops --lattice 4x5 --check-theory\n", eg_command_law},
    {"bench", EG_BENCH, NULL, "every operation timed, beside the limits of the machine",
     "Times every operation and whole scans on the CPU and on every GPU, beside what the device reaches in the same run when it "
     "only "
     "copies, multiplies, counts or reads; some minutes without --quick. With --growth how the cost grows; with --tune it chooses "
     "the "
     "eigenvalue drivers of this machine.",
     "  eegpu bench --quick --json today.json --compare yesterday.json\n", eg_command_bench},
    {"make", EG_MAKE, "SOURCE", "write the 2^N amplitudes of a function as .npy",
     "Writes the 2^N amplitudes, not normalised, as a NumPy file: float64, or complex128 for a complex function, shape (2^N,).",
     "  eegpu make random:kind=complex,seed=7 --lattice 3x4 -o psi.npy\n", eg_command_make},
    {"info", EG_INFO, NULL, "what is there: version, processors, memory, BLAS, devices",
     "Says what eegpu found on this machine: version, compiler, processors, memory, the BLAS with its kernels, devices, and why "
     "one "
     "cannot be used.",
     "  eegpu info --json\n", eg_command_info},
    {"list", EG_LIST, NULL, "the built-in functions with their parameters, cut families, formats",
     "Lists the built-in functions with their parameters and defaults, the families of cuts and the output formats.",
     "  eegpu list\n", eg_command_list},
};
enum { COMMAND_COUNT = sizeof commands / sizeof *commands };

/* The command line as one could type it again. The caller frees it. */
static char *join_words(int count, char **words)
{
    char *text = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&text, &size);
    if (stream == NULL)
        return NULL;
    fputs("eegpu", stream);
    for (int i = 1; i < count; i++) {
        fputc(' ', stream);
        bool plain = *words[i] != '\0';
        for (const char *c = words[i]; *c != '\0'; c++)
            plain = plain && (isalnum((unsigned char)*c) || strchr("_@%+=:,./-", *c) != NULL);
        if (plain) {
            fputs(words[i], stream);
            continue;
        }
        fputc('\'', stream);
        for (const char *c = words[i]; *c != '\0'; c++)
            if (*c == '\'')
                fputs("'\\''", stream);
            else
                fputc(*c, stream);
        fputc('\'', stream);
    }
    return fclose(stream) == 0 ? text : NULL;
}

static int exit_code(eegpu_status status)
{
    static const int codes[] = {
#define CODE(name, meaning, code) code,
        EEGPU_STATUS_LIST(CODE)
#undef CODE
    };
    return codes[status];
}

/* One line, whatever stands in the names of files. */
static void say_failure(eegpu_status status)
{
    char text[EG_MESSAGE_SIZE];
    const char *message = eegpu_error_message();
    snprintf(text, sizeof text, "%s", *message != '\0' ? message : eegpu_status_meaning(status));
    for (char *c = text; *c != '\0'; c++)
        if (iscntrl((unsigned char)*c))
            *c = '?';
    fprintf(stderr, "eegpu: %s\n", text);
}

/* A text on standard output that must arrive. */
static eegpu_status write_text(const eg_command *command)
{
    eg_output output = {0};
    eegpu_status status;
    EG_TRY(eg_output_open("-", &output));
    if (command != NULL)
        eg_help_command(command, output.stream);
    else
        eg_help_program(commands, COMMAND_COUNT, output.stream);
    EG_TRY(eg_output_commit(&output));
done:
    eg_output_discard(&output);
    return status;
}

static eegpu_status write_version(void)
{
    eg_output output = {0};
    eegpu_status status;
    EG_TRY(eg_output_open("-", &output));
    fprintf(output.stream, "eegpu %s\n", eegpu_version());
    EG_TRY(eg_output_commit(&output));
done:
    eg_output_discard(&output);
    return status;
}

static eegpu_status run_command(const eg_command *command, int count, char **words)
{
    eg_settings settings;
    char *line = join_words(count, words);
    eegpu_status status;
    eg_settings_init(&settings);
    settings.command_line = line != NULL ? line : "eegpu";
    EG_TRY(eg_options_parse(command, count - 2, words + 2, &settings));
    status = settings.help ? write_text(command) : command->run(&settings);
done:
    free(line);
    return status;
}

static const eg_command *find_command(const char *name)
{
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    return NULL;
}

static eegpu_status run(int count, char **words)
{
    const char *name = words[1];
    char hint[128];
    if (strcmp(name, "help") == 0) {
        if (count > 3)
            return eg_fail(EEGPU_USAGE, "help takes one command: '%s' is one too many beside '%s'", words[3], words[2]);
        if (count == 2 || strcmp(words[2], "help") == 0 || *words[2] == '-')
            return write_text(NULL);
        name = words[2];
        if (find_command(name) != NULL)
            return write_text(find_command(name));
    }
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0)
        return write_text(NULL);
    if (strcmp(name, "--version") == 0)
        return write_version();
    if (find_command(name) != NULL)
        return run_command(find_command(name), count, words);
    if (*name == '-')
        return eg_fail(EEGPU_USAGE, "the command comes first, then '%s': eegpu scan SOURCE [OPTIONS]; see eegpu --help", name);
    eg_did_you_mean(name, commands, COMMAND_COUNT, sizeof *commands, hint, sizeof hint);
    return eg_fail(EEGPU_USAGE, "there is no command '%s'%s", name, *hint != '\0' ? hint : "; see eegpu --help");
}

int main(int count, char **words)
{
    setlocale(LC_CTYPE, ""); /* only for what characters the terminal has */
    if (count < 2) {
        eg_help_program(commands, COMMAND_COUNT, stderr);
        return exit_code(EEGPU_USAGE);
    }
    eg_interrupt_install();
    eegpu_status status = run(count, words);
    if (status != EEGPU_OK && eg_interrupted()) /* whatever it was that could not go on */
        status = EEGPU_INTERRUPTED;
    if (status != EEGPU_OK)
        say_failure(status);
    return exit_code(status);
}
