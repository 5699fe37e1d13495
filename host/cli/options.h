/* The options of the program as one table, from which the parser and --help are made. A new option is one row; a new command is one
 * row in main.c and one bit here. Comes in: the words of the command line. Goes out: settings, checked. */
#ifndef EG_CLI_OPTIONS_H
#define EG_CLI_OPTIONS_H

#include <stdio.h>

#include "base/status.h"

/* Which commands know an option. */
enum { EG_SCAN = 1, EG_MAKE = 2, EG_INFO = 4, EG_LIST = 8, EG_VERIFY = 16, EG_LAW = 32, EG_CNN = 64, EG_BENCH = 128 };

typedef struct eg_lattice {
    int height, width; /* 0 x 0: not given */
} eg_lattice;

typedef struct eg_orders {
    int count; /* 0: not given */
    double orders[EEGPU_MAX_RENYI];
} eg_orders;

enum { EG_LIST_SIZE = 16 };

typedef struct eg_whole_list {
    int count; /* 0: not given */
    int values[EG_LIST_SIZE];
} eg_whole_list;

/* Of `eegpu cnn`; zeros and NULL: not given. */
typedef struct eg_network_settings {
    eg_whole_list channels, layers;
    const char *cuts;
    int64_t seeds, pools, kernel;
    int activation, init; /* numbers of the choice */
} eg_network_settings;

/* Of `eegpu bench`. */
typedef struct eg_bench_settings {
    const char *filter, *json, *compare, *from, *svg;
    int64_t largest; /* 0: not given */
    bool quick, growth, tune, fail_if_slower;
} eg_bench_settings;

typedef struct eg_settings {
    bool help;
    const char *command_line; /* for the record */
    const char *source;
    eg_lattice lattice;
    const char *cuts;
    int64_t max_size, threads;
    eg_orders renyi;
    int base, method, reduce, bit_order, format; /* numbers of the choice; format -1: not given */
    const char *device;
    uint64_t memory;
    const char *output, *spectrum, *vectors, *journal, *html, *svg;
    bool dry_run, quiet, json, check_theory, stats, all, yes;
    eg_network_settings networks;
    eg_bench_settings bench;
} eg_settings;

enum { EG_BASE_E, EG_BASE_2 };
enum { EG_REDUCE_AUTO, EG_REDUCE_OFF };

typedef struct eg_option {
    const char *name;  /* without the dashes */
    char letter;       /* 0: none */
    const char *value; /* what stands for the value in --help; NULL: a flag */
    int commands;
    size_t offset; /* of the target in eg_settings */
    eegpu_status (*parse)(const struct eg_option *option, const char *text, void *target);
    int64_t least, most; /* of whole numbers */
    const char *help;
} eg_option;

const eg_option *eg_options(size_t *count);

typedef struct eg_command {
    const char *name;
    int bit;
    const char *operand; /* "SOURCE", or NULL: none */
    const char *summary; /* one line */
    const char *more;    /* a paragraph */
    const char *example;
    eegpu_status (*run)(const eg_settings *settings);
} eg_command;

/* All zero and the defaults. */
void eg_settings_init(eg_settings *settings);

/* The words behind the command. Options may stand before or after the operand, "--" ends them, of a repeated one the last counts.
 * EEGPU_USAGE with one line that says what is wrong. */
EG_MUST eg_options_parse(const eg_command *command, int count, char **words, eg_settings *settings);

/* --help and lists are no wider than this. */
enum { EG_HELP_COLUMNS = 100 };

/* The words of `text` from column `column` on; lines that follow start at `indent`. */
void eg_write_wrapped(const char *text, int column, int indent, FILE *stream);

void eg_help_program(const eg_command *commands, size_t count, FILE *stream);
void eg_help_command(const eg_command *command, FILE *stream);

#endif
