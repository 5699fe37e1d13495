/* Values as text. Comes in: numbers and strings; goes out: characters on a stream. Called by the writers of this folder and
 * by the program. It knows nothing of records. */
#include "report/encode.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Literal formats: with "%.*g" the C library takes a slower way. */
static void print_digits(double value, int digits, char *text)
{
    if (digits == 15)
        snprintf(text, EG_NUMBER_TEXT_SIZE, "%.15g", value);
    else if (digits == 16)
        snprintf(text, EG_NUMBER_TEXT_SIZE, "%.16g", value);
    else
        snprintf(text, EG_NUMBER_TEXT_SIZE, "%.17g", value);
}

static const char *find_shortest(double value, char *text)
{
    for (int digits = 15; digits <= 17; digits++) {
        print_digits(value, digits, text);
        if (strtod(text, NULL) == value)
            break;
    }
    if (isnan(value))
        snprintf(text, EG_NUMBER_TEXT_SIZE, "nan"); /* never "-nan" */
    return text;
}

/* Cuts that are equal by a symmetry have the same numbers; finding the digits anew would be most of the time that a long table
 * takes. */
const char *eg_number_text(double value, char *text)
{
    enum { REMEMBERED_BITS = 12 };
    static _Thread_local struct {
        uint64_t bits;
        char text[EG_NUMBER_TEXT_SIZE];
    } remembered[1 << REMEMBERED_BITS];
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    uint64_t place = bits * UINT64_C(0x9E3779B97F4A7C15) >> (64 - REMEMBERED_BITS);
    if (remembered[place].bits != bits || remembered[place].text[0] == '\0') {
        remembered[place].bits = bits;
        find_shortest(value, remembered[place].text);
    }
    return memcpy(text, remembered[place].text, EG_NUMBER_TEXT_SIZE);
}

void eg_whole_number(FILE *stream, uint64_t value)
{
    char digits[20];
    size_t first = sizeof digits;
    do
        digits[--first] = (char)('0' + value % 10);
    while ((value /= 10) != 0);
    fwrite(digits + first, 1, sizeof digits - first, stream);
}

void eg_json_number(FILE *stream, double value)
{
    char text[EG_NUMBER_TEXT_SIZE];
    fputs(isfinite(value) ? eg_number_text(value, text) : "null", stream);
}

/* Bytes of the well-formed UTF-8 sequence at `s`, 0 if it is none (overlong forms and surrogates are none). */
static int sequence_length(const unsigned char *s)
{
    static const struct {
        unsigned char first, last, second_least, second_most;
        int length;
    } forms[] = {
        {0x00, 0x7F, 0, 0, 1},       {0xC2, 0xDF, 0x80, 0xBF, 2}, {0xE0, 0xE0, 0xA0, 0xBF, 3},
        {0xE1, 0xEC, 0x80, 0xBF, 3}, {0xED, 0xED, 0x80, 0x9F, 3}, {0xEE, 0xEF, 0x80, 0xBF, 3},
        {0xF0, 0xF0, 0x90, 0xBF, 4}, {0xF1, 0xF3, 0x80, 0xBF, 4}, {0xF4, 0xF4, 0x80, 0x8F, 4},
    };
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        if (s[0] < forms[i].first || s[0] > forms[i].last)
            continue;
        if (forms[i].length > 1 && (s[1] < forms[i].second_least || s[1] > forms[i].second_most))
            return 0;
        for (int k = 2; k < forms[i].length; k++)
            if ((s[k] & 0xC0) != 0x80)
                return 0;
        return forms[i].length;
    }
    return 0;
}

void eg_json_string(FILE *stream, const char *text)
{
    if (text == NULL) {
        fputs("null", stream);
        return;
    }
    fputc('"', stream);
    for (const unsigned char *s = (const unsigned char *)text; *s != '\0';) {
        int length = sequence_length(s);
        if (*s == '"' || *s == '\\')
            fprintf(stream, "\\%c", *s);
        else if (*s < 0x20 || *s == 0x7F || length == 0)
            fprintf(stream, "\\u%04x", *s);
        else
            fwrite(s, 1, (size_t)length, stream);
        s += length > 0 ? length : 1;
    }
    fputc('"', stream);
}

void eg_csv_string(FILE *stream, const char *text)
{
    if (strpbrk(text, "\",\r\n ") == NULL) {
        fputs(text, stream);
        return;
    }
    fputc('"', stream);
    for (; *text != '\0'; text++) {
        if (*text == '"')
            fputc('"', stream);
        fputc(*text, stream);
    }
    fputc('"', stream);
}

void eg_xml_string(FILE *stream, const char *text)
{
    for (const unsigned char *s = (const unsigned char *)text; *s != '\0';) {
        int length = sequence_length(s);
        bool is_space = *s == '\t' || *s == '\n' || *s == '\r';
        bool is_no_character = length == 3 && s[0] == 0xEF && s[1] == 0xBF && s[2] >= 0xBE;
        const char *entity = *s == '&'    ? "&amp;"
                             : *s == '<'  ? "&lt;"
                             : *s == '>'  ? "&gt;"
                             : *s == '"'  ? "&quot;"
                             : *s == '\'' ? "&#39;"
                                          : NULL;
        if (entity != NULL)
            fputs(entity, stream);
        else if (length == 0 || is_no_character || *s == 0x7F || (*s < 0x20 && !is_space))
            fputs("\xEF\xBF\xBD", stream);
        else
            fwrite(s, 1, (size_t)length, stream);
        s += length > 0 ? length : 1;
    }
}

/* A sequence of UTF-8 that says how to write, not what: C1 controls, line separators, marks of direction. */
static bool is_control(const unsigned char *s, int length)
{
    unsigned code = length == 1   ? s[0]
                    : length == 2 ? (s[0] & 31u) << 6 | (s[1] & 63u)
                    : length == 3 ? (s[0] & 15u) << 12 | (s[1] & 63u) << 6 | (s[2] & 63u)
                                  : 0x10000;
    return code < 0x20 || (code >= 0x7F && code < 0xA0) || code == 0x61C || code == 0x200E || code == 0x200F ||
           (code >= 0x2028 && code <= 0x202E) || (code >= 0x2066 && code <= 0x2069);
}

void eg_terminal_string(FILE *stream, const char *text)
{
    for (const unsigned char *s = (const unsigned char *)text; *s != '\0';) {
        int length = sequence_length(s);
        if (length == 0 || is_control(s, length))
            fputc('?', stream);
        else
            fwrite(s, 1, (size_t)length, stream);
        s += length > 0 ? length : 1;
    }
}

int eg_display_width(const char *text)
{
    int width = 0;
    for (; *text != '\0'; text++)
        width += ((unsigned char)*text & 0xC0) != 0x80; /* bytes that continue a sequence take no room */
    return width;
}

eegpu_status eg_stream_check(FILE *stream, const char *what)
{
    errno = 0;
    if (fflush(stream) == 0 && !ferror(stream))
        return EEGPU_OK;
    return eg_fail(EEGPU_IO, "writing %s: %s; is there room on the disk?", what,
                   errno != 0 ? strerror(errno) : "the stream failed");
}
