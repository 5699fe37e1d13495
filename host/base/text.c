/* Reading numbers and names strictly. Comes in: text that a user typed, and what it is for. Goes out: the value, or a message
 * with the text and what was expected. Called by the option tables, the sources and the family names. Decimal points are
 * points, whatever the locale of the program around the library. */
#include "base/text.h"

#include <ctype.h>
#include <inttypes.h>
#include <locale.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/memory.h"

enum { MAX_LATTICE = 4096, MAX_DIGITS = 18, MAX_NAME = 63 };

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

/* The decimal digits at *text, which moves behind them; false if there are none or the number does not fit. */
static bool read_digits(const char **text, uint64_t *value)
{
    if (!is_digit(**text))
        return false;
    for (*value = 0; is_digit(**text); ++*text)
        if (__builtin_mul_overflow(*value, 10, value) || __builtin_add_overflow(*value, (uint64_t)(**text - '0'), value))
            return false;
    return true;
}

eegpu_status eg_parse_integer(const char *text, const char *what, int64_t least, int64_t most, int64_t *value)
{
    const char *rest = text + (*text == '-');
    uint64_t size, limit = *text == '-' ? (uint64_t)INT64_MAX + 1 : INT64_MAX;
    if (read_digits(&rest, &size) && *rest == '\0' && size <= limit) {
        int64_t number = *text == '-' ? (int64_t)(0 - size) : (int64_t)size;
        if (number >= least && number <= most) {
            *value = number;
            return EEGPU_OK;
        }
    }
    if (most == INT64_MAX)
        return eg_fail(EEGPU_USAGE, "%s: '%s' cannot be used; expected a whole number, at least %" PRId64, what, text, least);
    return eg_fail(EEGPU_USAGE, "%s: '%s' cannot be used; expected a whole number from %" PRId64 " to %" PRId64, what, text, least,
                   most);
}

eegpu_status eg_parse_unsigned(const char *text, const char *what, uint64_t *value)
{
    const char *rest = text;
    uint64_t number;
    if (!read_digits(&rest, &number) || *rest != '\0')
        return eg_fail(EEGPU_USAGE, "%s: '%s' cannot be used; expected a whole number from 0 to %" PRIu64, what, text, UINT64_MAX);
    *value = number;
    return EEGPU_OK;
}

static locale_t plain_locale;

static void make_plain_locale(void) { plain_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0); }

/* A number at the start of `text`: digits come first (no blanks, signs, "inf" or "nan"), *end is behind it. */
static bool read_real(const char *text, char **end, double *value)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, make_plain_locale);
    if (!is_digit(text[0]) && !(text[0] == '.' && is_digit(text[1])))
        return false;
    *value = plain_locale != (locale_t)0 ? strtod_l(text, end, plain_locale) : strtod(text, end);
    return isfinite(*value);
}

eegpu_status eg_parse_real(const char *text, const char *what, double least, double most, double *value)
{
    bool negative = *text == '-';
    double number;
    char *end;
    if (read_real(text + negative, &end, &number) && *end == '\0') {
        number = negative ? -number : number;
        if (number >= least && number <= most) {
            *value = number;
            return EEGPU_OK;
        }
    }
    if (isinf(least) && isinf(most))
        return eg_fail(EEGPU_USAGE, "%s: '%s' cannot be used; expected a finite number", what, text);
    if (isinf(most))
        return eg_fail(EEGPU_USAGE, "%s: '%s' cannot be used; expected a finite number, at least %g", what, text, least);
    if (isinf(least))
        return eg_fail(EEGPU_USAGE, "%s: '%s' cannot be used; expected a finite number, at most %g", what, text, most);
    return eg_fail(EEGPU_USAGE, "%s: '%s' cannot be used; expected a number from %g to %g", what, text, least, most);
}

/* Bytes that the unit at the end of a size stands for; 0 if it is none. A single letter is a power of 1024, as in 512M. */
static double unit_bytes(const char *unit)
{
    static const struct {
        const char *name;
        double bytes;
    } units[] = {{"", 1},     {"B", 1},      {"K", 0x1p10},   {"KiB", 0x1p10}, {"kB", 1e3},   {"M", 0x1p20},   {"MiB", 0x1p20},
                 {"MB", 1e6}, {"G", 0x1p30}, {"GiB", 0x1p30}, {"GB", 1e9},     {"T", 0x1p40}, {"TiB", 0x1p40}, {"TB", 1e12}};
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (strcasecmp(unit, units[i].name) == 0)
            return units[i].bytes;
    return 0;
}

eegpu_status eg_parse_size(const char *text, const char *what, uint64_t *bytes)
{
    double number, result = 0;
    char *end;
    bool hexadecimal = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
    if (!hexadecimal && read_real(text, &end, &number)) {
        if (strcmp(end, "%") == 0)
            result = number <= 100 ? floor((double)eg_memory_available() * number / 100) : 0;
        else
            result = floor(number * unit_bytes(end));
    }
    if (!(result >= 1 && result < 0x1p63))
        return eg_fail(EEGPU_USAGE,
                       "%s: '%s' cannot be used; expected a number of bytes such as 6GiB, 512M, 1e9, or 80%% of what is available",
                       what, text);
    *bytes = (uint64_t)result;
    return EEGPU_OK;
}

eegpu_status eg_parse_lattice(const char *text, const char *what, int *height, int *width)
{
    const char *rest = text;
    uint64_t h = 0, w = 0;
    bool good = read_digits(&rest, &h) && *rest++ == 'x' && read_digits(&rest, &w) && *rest == '\0';
    if (!good || h < 1 || w < 1 || h > MAX_LATTICE || w > MAX_LATTICE || h * w > MAX_LATTICE)
        return eg_fail(EEGPU_USAGE,
                       "%s: '%s' cannot be used; expected HEIGHTxWIDTH such as 4x5, with at least 1 and at most %d pixels", what,
                       text, MAX_LATTICE);
    *height = (int)h;
    *width = (int)w;
    return EEGPU_OK;
}

eegpu_status eg_parse_fraction(const char *text, const char *what, uint64_t *numerator, uint64_t *denominator)
{
    uint64_t above = 0, below = 1;
    int digits = 0;
    bool point = false, good = true;
    for (const char *c = text; good && *c; c++) {
        if (*c == '.' && !point) {
            point = true;
        } else if (is_digit(*c) && digits < MAX_DIGITS) {
            digits++;
            above = above * 10 + (uint64_t)(*c - '0');
            below = point ? below * 10 : 1;
        } else {
            good = false;
        }
    }
    if (!good || digits == 0 || above > below)
        return eg_fail(EEGPU_USAGE,
                       "%s: '%s' cannot be used; expected a decimal number from 0 to 1 of at most %d digits, such as 0.35", what,
                       text, MAX_DIGITS);
    *numerator = above;
    *denominator = below;
    return EEGPU_OK;
}

/* Letters to insert, delete, replace or swap with their neighbour to get from `a` to `b`. Both at most MAX_NAME long. */
static size_t edit_distance(const char *a, const char *b)
{
    size_t rows[3][MAX_NAME + 1], length = strlen(b);
    for (size_t j = 0; j <= length; j++)
        rows[0][j] = j;
    for (size_t i = 1; a[i - 1]; i++) {
        size_t *now = rows[i % 3], *last = rows[(i + 2) % 3], *before = rows[(i + 1) % 3];
        now[0] = i;
        for (size_t j = 1; j <= length; j++) {
            int x = tolower((unsigned char)a[i - 1]), y = tolower((unsigned char)b[j - 1]);
            size_t best = last[j - 1] + (x != y);
            best = last[j] + 1 < best ? last[j] + 1 : best;
            best = now[j - 1] + 1 < best ? now[j - 1] + 1 : best;
            if (i > 1 && j > 1 && x == tolower((unsigned char)b[j - 2]) && y == tolower((unsigned char)a[i - 2]))
                best = before[j - 2] + 1 < best ? before[j - 2] + 1 : best;
            now[j] = best;
        }
    }
    return rows[strlen(a) % 3][length];
}

const char *eg_nearest_name(const char *text, const void *names, size_t count, size_t stride)
{
    const char *nearest = NULL;
    size_t length = strlen(text), least = SIZE_MAX;
    for (size_t i = 0; i < count && length <= MAX_NAME; i++) {
        const char *name;
        memcpy(&name, (const char *)names + i * stride, sizeof name);
        if (name == NULL || strlen(name) > MAX_NAME)
            continue;
        size_t longer = strlen(name) > length ? strlen(name) : length;
        size_t distance = edit_distance(text, name);
        if (length >= 2 && strncasecmp(text, name, length) == 0)
            distance = 1; /* a name begun */
        if (2 * distance <= longer && distance < least) {
            least = distance;
            nearest = name;
        }
    }
    return nearest;
}

const char *eg_did_you_mean(const char *text, const void *names, size_t count, size_t stride, char *buffer, size_t size)
{
    const char *nearest = eg_nearest_name(text, names, count, stride);
    snprintf(buffer, size, nearest != NULL ? "; did you mean '%s'?" : "%s", nearest != NULL ? nearest : "");
    return buffer;
}
