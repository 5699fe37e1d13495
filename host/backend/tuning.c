/* The table of eigenvalue drivers: its file, and the choice by it. See tuning.h. The file is a head line, a line a row, and a last
 * line, so that one that was cut off is not believed. */
#include "backend/tuning.h"

#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/parallel.h"

enum { TWO_STAGE_FROM = 2048, TWO_STAGE_FROM_COMPLEX = 1024, LARGEST_FILE = 1 << 16, LARGEST_SIDE = 1 << 20 };

static const char head_line[] = "eegpu eigenvalues 1\n", last_line[] = "end\n";

static struct {
    pthread_once_t once;
    eg_tuning tuning;
} table = {.once = PTHREAD_ONCE_INIT};

eg_driver eg_tuning_rule(bool is_complex, int n, int threads)
{
    int from = is_complex ? TWO_STAGE_FROM_COMPLEX : TWO_STAGE_FROM;
    return (eg_driver){.two_stage = n >= from && threads == 1, .all_threads = true};
}

/* ---- The file ---- */

/* $XDG_CACHE_HOME/eegpu, which must be absolute to count, or ~/.cache/eegpu. */
static bool find_folder(char *folder, size_t size)
{
    const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    int length = -1;
    if (cache != NULL && *cache == '/')
        length = snprintf(folder, size, "%s/eegpu", cache);
    else if (home != NULL && *home == '/')
        length = snprintf(folder, size, "%s/.cache/eegpu", home);
    return length > 0 && (size_t)length < size;
}

/* The kernels of the BLAS and the number of threads are part of the name: a table of others does not count. */
static bool find_path(char *path)
{
    eegpu_blas_info blas = {0};
    char folder[EG_TUNING_PATH - 128], kernels[48];
    if (!find_folder(folder, sizeof folder) || eegpu_blas_describe(&blas) != EEGPU_OK)
        return false;
    snprintf(kernels, sizeof kernels, "%s", blas.kernels);
    for (char *c = kernels; *c != '\0'; c++)
        if (*c == '/')
            *c = '-';
    snprintf(path, EG_TUNING_PATH, "%s/eigenvalues-%s-%d.txt", folder, kernels, eg_processor_count());
    return true;
}

static bool parse_row(const char *line, eg_tuning_row *row)
{
    char kind[8], driver[12], blas[4];
    int end = 0;
    if (sscanf(line, "%7s %d %d %11s %3s %lf %lf%n", kind, &row->n, &row->threads, driver, blas, &row->seconds,
               &row->seconds_of_rule, &end) != 7 ||
        line[end] != '\n')
        return false;
    row->is_complex = strcmp(kind, "complex") == 0;
    row->driver = (eg_driver){.two_stage = strcmp(driver, "two-stage") == 0, .all_threads = strcmp(blas, "all") == 0};
    return (row->is_complex || strcmp(kind, "real") == 0) && (row->driver.two_stage || strcmp(driver, "one-stage") == 0) &&
           (row->driver.all_threads || strcmp(blas, "one") == 0) && row->n >= 1 && row->n <= LARGEST_SIDE && row->threads >= 1 &&
           row->seconds > 0 && isfinite(row->seconds) && row->seconds_of_rule > 0 && isfinite(row->seconds_of_rule);
}

static bool parse_table(const char *text, eg_tuning *tuning)
{
    if (strncmp(text, head_line, sizeof head_line - 1) != 0)
        return false;
    for (text += sizeof head_line - 1; strcmp(text, last_line) != 0; text = strchr(text, '\n') + 1) {
        if (tuning->count == EG_TUNING_ROWS || strchr(text, '\n') == NULL || !parse_row(text, &tuning->rows[tuning->count]))
            return false;
        tuning->count++;
    }
    return tuning->count > 0;
}

/* The whole of a small file; NULL: it is not there, cannot be read or is not small. */
static char *read_text(const char *path)
{
    FILE *file = fopen(path, "re");
    char *text = file != NULL ? malloc(LARGEST_FILE + 1) : NULL;
    size_t size = text != NULL ? fread(text, 1, LARGEST_FILE + 1, file) : 0;
    bool is_whole = text != NULL && !ferror(file) && size <= LARGEST_FILE && memchr(text, '\0', size) == NULL;
    if (file != NULL)
        fclose(file);
    if (!is_whole) {
        free(text);
        return NULL;
    }
    text[size] = '\0';
    return text;
}

static void read_once(void)
{
    eg_tuning *tuning = &table.tuning;
    const char *asked = getenv("EEGPU_TUNING");
    struct stat entry;
    bool has_path = find_path(tuning->path), is_there = has_path && stat(tuning->path, &entry) == 0;
    char *text = is_there && S_ISREG(entry.st_mode) ? read_text(tuning->path) : NULL; /* opening a pipe would wait */
    if (asked != NULL && strcmp(asked, "off") == 0)
        snprintf(tuning->remark, sizeof tuning->remark, "off (EEGPU_TUNING=off)");
    else if (!is_there)
        snprintf(tuning->remark, sizeof tuning->remark, "built-in rule (no table; eegpu bench --tune makes one)");
    else if (text == NULL || !parse_table(text, tuning))
        snprintf(tuning->remark, sizeof tuning->remark,
                 "built-in rule (the table is broken and is ignored; eegpu bench --tune makes it anew)");
    else
        tuning->in_use = true;
    if (tuning->in_use)
        snprintf(tuning->remark, sizeof tuning->remark, "measured on this machine");
    else
        tuning->count = 0;
    free(text);
}

const eg_tuning *eg_tuning_read(void)
{
    pthread_once(&table.once, read_once);
    return &table.tuning;
}

/* The folder and the one that it is in. */
static eegpu_status make_folders(const char *path)
{
    char folder[EG_TUNING_PATH];
    for (int up = 2; up >= 1; up--) {
        snprintf(folder, sizeof folder, "%s", path);
        for (int i = 0; i < up; i++)
            *strrchr(folder, '/') = '\0';
        if (*folder != '\0' && mkdir(folder, 0777) != 0 && errno != EEXIST)
            return eg_fail(EEGPU_IO,
                           "making the folder '%s' for the table of eigenvalue drivers: %s; name a folder that can be "
                           "written in XDG_CACHE_HOME",
                           folder, strerror(errno));
    }
    return EEGPU_OK;
}

eegpu_status eg_tuning_prepare(char *path)
{
    if (!find_path(path))
        return eg_fail(EEGPU_IO,
                       "the table of eigenvalue drivers: no folder for it is known, or there is no BLAS; set XDG_CACHE_HOME");
    return make_folders(path);
}

eegpu_status eg_tuning_write(const eg_tuning_row *rows, size_t count, const char *path)
{
    eg_output output = {0};
    eegpu_status status;
    EG_TRY(eg_output_open(path, &output));
    fputs(head_line, output.stream);
    for (size_t i = 0; i < count; i++)
        fprintf(output.stream, "%s %d %d %s %s %.6g %.6g\n", rows[i].is_complex ? "complex" : "real", rows[i].n, rows[i].threads,
                rows[i].driver.two_stage ? "two-stage" : "one-stage", rows[i].driver.all_threads ? "all" : "one", rows[i].seconds,
                rows[i].seconds_of_rule);
    fputs(last_line, output.stream);
    EG_TRY(eg_output_commit(&output));
done:
    eg_output_discard(&output);
    return status;
}

/* ---- The choice ---- */

/* That of the measured size nearest in ratio, the largest for all above; the rule below the smallest, and for other numbers of
 * threads. */
eg_driver eg_tuning_driver(bool is_complex, int n, int threads)
{
    const eg_tuning *tuning = eg_tuning_read();
    const eg_tuning_row *nearest = NULL;
    double distance = INFINITY;
    for (size_t i = 0; i < tuning->count; i++) {
        const eg_tuning_row *row = &tuning->rows[i];
        double off = fabs(log((double)row->n / (n > 0 ? n : 1)));
        if (row->is_complex == is_complex && row->threads == threads && off < distance) {
            nearest = row;
            distance = off;
        }
    }
    return nearest != NULL && nearest->n <= 1.5 * n ? nearest->driver : eg_tuning_rule(is_complex, n, threads);
}
