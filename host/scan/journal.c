/* Writes and reads the journal of journal.h, one line a finished cut. Comes in: records, or the file of an earlier scan; goes
 * out: complete lines, or the records that are done. Numbers are written as hexadecimal floats, so that a resumed scan gives the
 * same bits; a line that was cut short does not count. Called by scan.c and record.c; spectra are not kept. */
#include "scan/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

enum { MARK_LENGTH = 18 }; /* '#', 16 digits of a hash of what stands before, '\n' */

static const eg_route routes[] = {EG_ROUTE_GRAM, EG_ROUTE_SVD};

/* What must agree for records to be exchanged: the function itself, not only its name. */
static XXH128_hash_t scan_key(const eegpu_state *state, const struct eegpu_cuts *cuts, const eegpu_scan_options *options,
                              const eg_device *device)
{
    int64_t numbers[] = {1,
                         state->kind,
                         state->height,
                         state->width,
                         state->bit_order,
                         state->is_complex,
                         options->method,
                         options->no_reduce,
                         options->renyi_count,
                         options->renyi_asked,
                         options->keep_spectra,
                         (int64_t)cuts->count};
    XXH3_state_t storage, *hash = &storage;
    XXH3_128bits_reset(hash);
    XXH3_128bits_update(hash, EEGPU_VERSION, sizeof EEGPU_VERSION);
    XXH3_128bits_update(hash, numbers, sizeof numbers);
    XXH3_128bits_update(hash, device->backend->name, strlen(device->backend->name));
    XXH3_128bits_update(hash, options->renyi, (size_t)options->renyi_count * sizeof *options->renyi);
    XXH3_128bits_update(hash, cuts->masks, cuts->count * cuts->words * sizeof *cuts->masks);
    if (state->kind == EG_IMAGES) {
        XXH3_128bits_update(hash, state->images.pixels, state->images.count * state->images.words * 8);
        XXH3_128bits_update(hash, state->images.multiplicity, state->images.count * 8);
    } else {
        XXH3_128bits_update(hash, state->bit_of_pixel, sizeof state->bit_of_pixel);
        if (state->kind == EG_BITS)
            XXH3_128bits_update(hash, state->bits, (state->size + 63) / 64 * 8);
        else
            XXH3_128bits_update(hash, state->amplitudes, state->size * (state->is_complex ? 16 : 8));
    }
    return XXH3_128bits_digest(hash);
}

static void write_numbers(FILE *stream, int renyi_count, const eegpu_record *r)
{
    fprintf(stream, "%zu %a %a %" PRIu64 " %d %a %a %a %a %a %a %" PRIu64 " %" PRIu64 " %" PRIu64 " %s %a", r->cut, r->s_vn,
            r->error, r->rank, r->rank_exact, r->rank_doubt, r->rank_tolerance, r->p_max, r->purity, r->rows, r->cols,
            r->reduced_rows, r->reduced_cols, r->blocks, r->method, r->seconds);
    for (int i = 0; i < renyi_count; i++)
        fprintf(stream, " %a %a", r->renyi[i], r->renyi_error[i]);
    fprintf(stream, " %zu", r->spectrum_count);
    for (size_t k = 0; k < r->spectrum_count; k++)
        fprintf(stream, " %a", r->spectrum[k]);
}

/* The next blank-separated word of a line, or "" at its end. */
static const char *next_word(char **line)
{
    char *word = strtok_r(NULL, " ", line);
    return word ? word : "";
}

static double next_real(char **line) { return strtod(next_word(line), NULL); }
static uint64_t next_integer(char **line) { return strtoull(next_word(line), NULL, 10); }

/* A complete line into its record. *is_good stays false for a line that was cut short or makes no sense. */
static eegpu_status read_record(char *text, int renyi_count, eegpu_result *result, bool *finished, bool *is_good)
{
    size_t length = strlen(text);
    char *mark = strrchr(text, '#'), *line = NULL;
    *is_good = false;
    if (mark == NULL || mark == text || strlen(mark) != MARK_LENGTH || mark[MARK_LENGTH - 1] != '\n' ||
        strtoull(mark + 1, NULL, 16) != XXH3_64bits(text, (size_t)(mark - text)))
        return EEGPU_OK;
    *mark = '\0';
    char *first = strtok_r(text, " ", &line);
    if (first == NULL)
        return EEGPU_OK;
    uint64_t cut = strtoull(first, NULL, 10);
    if (cut >= result->count)
        return EEGPU_OK;
    eegpu_record *r = &result->records[cut], read = *r;
    read.s_vn = next_real(&line);
    read.error = next_real(&line);
    read.rank = next_integer(&line);
    read.rank_exact = next_integer(&line) != 0;
    read.rank_doubt = next_real(&line);
    read.rank_tolerance = next_real(&line);
    read.p_max = next_real(&line);
    read.purity = next_real(&line);
    read.rows = next_real(&line);
    read.cols = next_real(&line);
    read.reduced_rows = next_integer(&line);
    read.reduced_cols = next_integer(&line);
    read.blocks = next_integer(&line);
    const char *method = next_word(&line);
    read.method = NULL;
    for (size_t i = 0; i < sizeof routes / sizeof *routes; i++)
        if (strcmp(method, eg_route_name(routes[i])) == 0)
            read.method = eg_route_name(routes[i]);
    read.seconds = next_real(&line);
    for (int i = 0; i < renyi_count; i++) {
        read.renyi[i] = next_real(&line);
        read.renyi_error[i] = next_real(&line);
    }
    read.spectrum_count = next_integer(&line);
    if (read.method == NULL || read.spectrum_count > length)
        return EEGPU_OK;
    double *spectrum = NULL;
    if (read.spectrum_count > 0) {
        spectrum = malloc(read.spectrum_count * sizeof *spectrum);
        if (spectrum == NULL)
            return eg_fail(EEGPU_OUT_OF_MEMORY, "reading the journal: no memory for a spectrum of %zu numbers",
                           read.spectrum_count);
        for (size_t k = 0; k < read.spectrum_count; k++)
            spectrum[k] = next_real(&line);
    }
    free(result->spectra[cut]);
    read.spectrum = result->spectra[cut] = spectrum;
    *r = read;
    finished[cut] = *is_good = true;
    return EEGPU_OK;
}

/* Records up to the first line that is not whole go into the result; the file then ends after them. A head that was cut short is an
 * empty journal. */
static eegpu_status read_lines(eg_journal *journal, const char *head, int renyi_count, eegpu_result *result, bool *finished)
{
    char *line = NULL;
    size_t room = 0;
    long good_until = 0;
    eegpu_status status = EEGPU_OK;
    ssize_t length = getline(&line, &room, journal->stream);
    bool is_new = length < 0 || (strncmp(line, head, (size_t)length) == 0 && (size_t)length < strlen(head));
    if (ferror(journal->stream)) {
        status = eg_fail(EEGPU_IO, "reading the journal '%s': %s", journal->path, strerror(errno));
    } else if (!is_new && strcmp(line, head) != 0) {
        status = eg_fail(EEGPU_USAGE,
                         "the journal '%s' belongs to another scan (another function, other cuts or options): name another file or "
                         "remove it",
                         journal->path);
    } else if (!is_new) {
        good_until = length;
        for (bool is_good = true; status == EEGPU_OK && is_good && (length = getline(&line, &room, journal->stream)) > 0;) {
            status = read_record(line, renyi_count, result, finished, &is_good);
            good_until += is_good ? length : 0;
        }
    }
    free(line);
    if (status != EEGPU_OK)
        return status;
    rewind(journal->stream);
    if (ftruncate(fileno(journal->stream), good_until) != 0 || fseek(journal->stream, good_until, SEEK_SET) != 0 ||
        (is_new && (fputs(head, journal->stream) < 0 || fflush(journal->stream) != 0)))
        return eg_fail(EEGPU_IO, "writing the journal '%s': %s", journal->path, strerror(errno));
    return EEGPU_OK;
}

/* The file itself: a regular one that no other scan is writing. */
static eegpu_status open_file(eg_journal *journal)
{
    struct stat about;
    int file = open(journal->path, O_RDWR | O_CREAT | O_NONBLOCK | O_CLOEXEC, 0666);
    if (file < 0 || fstat(file, &about) != 0 || (journal->stream = fdopen(file, "r+")) == NULL) {
        eegpu_status status = eg_fail(EEGPU_IO, "opening the journal '%s': %s", journal->path, strerror(errno));
        if (file >= 0)
            close(file);
        return status;
    }
    if (!S_ISREG(about.st_mode))
        return eg_fail(EEGPU_USAGE, "the journal '%s' is not a regular file; name another", journal->path);
    if (flock(file, LOCK_EX | LOCK_NB) != 0)
        return eg_fail(EEGPU_IO, "the journal '%s' is in use by another scan: wait for it, or name another file", journal->path);
    return EEGPU_OK;
}

eegpu_status eg_journal_open(const eegpu_state *state, const struct eegpu_cuts *cuts, const eegpu_scan_options *options,
                             const eg_device *device, eegpu_result *result, bool *finished, eg_journal *journal)
{
    char head[80];
    *journal = (eg_journal){.path = options->journal, .lock = PTHREAD_MUTEX_INITIALIZER};
    if (options->journal == NULL)
        return EEGPU_OK;
    eegpu_status status = open_file(journal);
    if (status != EEGPU_OK)
        goto done;
    XXH128_hash_t key = scan_key(state, cuts, options, device);
    snprintf(head, sizeof head, "eegpu-journal 1 %016" PRIx64 "%016" PRIx64 "\n", key.high64, key.low64);
    status = read_lines(journal, head, options->renyi_count, result, finished);
done:
    if (status != EEGPU_OK)
        eg_journal_close(journal);
    return status;
}

eegpu_status eg_journal_add(eg_journal *journal, int renyi_count, const eegpu_record *record)
{
    if (journal->stream == NULL)
        return EEGPU_OK;
    char *text = NULL;
    size_t size = 0;
    FILE *memory = open_memstream(&text, &size);
    if (memory == NULL)
        return eg_fail(EEGPU_OUT_OF_MEMORY, "writing the journal '%s': no memory", journal->path);
    write_numbers(memory, renyi_count, record);
    bool bad = fclose(memory) != 0;
    pthread_mutex_lock(&journal->lock);
    bad = bad || fprintf(journal->stream, "%s#%016" PRIx64 "\n", text, XXH3_64bits(text, size)) < 0 || fflush(journal->stream) != 0;
    pthread_mutex_unlock(&journal->lock);
    free(text);
    return bad ? eg_fail(EEGPU_IO, "writing the journal '%s': %s", journal->path, strerror(errno)) : EEGPU_OK;
}

void eg_journal_close(eg_journal *journal)
{
    if (journal->stream != NULL)
        fclose(journal->stream);
    journal->stream = NULL;
}
