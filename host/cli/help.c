/* The texts of --help, made from the tables of commands and options. Called by main.c. */
#include <string.h>

#include "cli/options.h"

enum { INDENT = 26 };

void eg_write_wrapped(const char *text, int column, int indent, FILE *stream)
{
    bool first = true;
    while (*text != '\0') {
        int length = (int)strcspn(text, " ");
        if (!first && column + 1 + length > EG_HELP_COLUMNS) {
            fprintf(stream, "\n%*s", indent, "");
            column = indent;
            first = true;
        }
        fprintf(stream, "%s%.*s", first ? "" : " ", length, text);
        column += length + !first;
        first = false;
        text += length;
        text += strspn(text, " ");
    }
    fputc('\n', stream);
}

static void write_option(const eg_option *option, FILE *stream)
{
    char head[64], letter[8] = "";
    if (option->letter != '\0')
        snprintf(letter, sizeof letter, "-%c, ", option->letter);
    int column = snprintf(head, sizeof head, "  %s--%s%s%s", letter, option->name, option->value != NULL ? " " : "",
                          option->value != NULL ? option->value : "");
    fputs(head, stream);
    if (column > INDENT - 2) {
        fputc('\n', stream);
        column = 0;
    }
    fprintf(stream, "%*s", INDENT - column, "");
    eg_write_wrapped(option->help, INDENT, INDENT, stream);
}

static void write_source(FILE *stream)
{
    fputs("\nSOURCE\n"
          "  psi.npy                 2^N amplitudes, shape (2^N,) or (2,)*N, real or complex; or (n,H,W) images\n"
          "  images:file=F,...       a labelled image set, IDX (.gz too) or .npy: labels=, label=, size=HxW,\n"
          "                          threshold=, weight=set|count\n"
          "  packed:file=F           a 0/1 function as packed bits, 2^N/8 bytes or .npy of uint8 (np.packbits)\n"
          "  plugin:file=F.so,...    a C function of yours in a shared library: symbol=, kind=, argument=\n"
          "  NAME:KEY=VALUE,...      a built-in function; `eegpu list` has their names and keys\n",
          stream);
}

void eg_help_command(const eg_command *command, FILE *stream)
{
    size_t count = 0;
    const eg_option *options = eg_options(&count);
    fprintf(stream, "eegpu %s%s%s [OPTIONS]\n\n", command->name, command->operand != NULL ? " " : "",
            command->operand != NULL ? command->operand : "");
    eg_write_wrapped(command->more, 0, 0, stream);
    if (command->operand != NULL)
        write_source(stream);
    fputs("\nOptions\n", stream);
    for (size_t i = 0; i < count; i++)
        if (options[i].commands & command->bit)
            write_option(&options[i], stream);
    fprintf(stream, "\nExample\n%s", command->example);
}

void eg_help_program(const eg_command *commands, size_t count, FILE *stream)
{
    fprintf(stream, "eegpu %s: exact entanglement entropy of functions of images\n\n", eegpu_version());
    for (size_t i = 0; i < count; i++) {
        char head[64];
        int column = snprintf(head, sizeof head, "  eegpu %s%s%s", commands[i].name, commands[i].operand != NULL ? " " : "",
                              commands[i].operand != NULL ? commands[i].operand : "");
        fprintf(stream, "%s%*s", head, INDENT - column, "");
        eg_write_wrapped(commands[i].summary, INDENT, INDENT, stream);
    }
    fputs("  eegpu COMMAND --help    the options of a command, with an example; also eegpu help COMMAND\n"
          "  eegpu --version\n\n",
          stream);
    eg_write_wrapped(
        "Options may stand before or after SOURCE, as --name value or --name=value; of an option that is given twice the "
        "last counts. Data go to standard output, words to standard error.",
        0, 0, stream);
    fputs("Exit: 0 done, 1 failed, 2 usage, 3 numbers that disagree or a broken statement, 130 interrupted.\n\n"
          "Environment\n"
          "  EEGPU_PLUGIN_PATH       folders, separated by :, where eegpu_cuda.so is looked for first\n"
          "  EEGPU_TUNING            off: ignore the eigenvalue drivers that bench --tune found\n"
          "  OPENBLAS_CORETYPE       kernels of OpenBLAS, instead of those that eegpu takes for this CPU\n\n"
          "Example\n",
          stream);
    fputs(commands[0].example, stream);
}
