/* The error record: one message per thread. Comes in: a status and a format. Goes out: one line of text, whatever a user's
 * names and paths contain. Called by everything that can fail. It does not print. */
#include "base/status.h"

#include <stdio.h>
#include <string.h>

static _Thread_local char record[EG_MESSAGE_SIZE];

/* Names and paths of a user may hold anything: control characters would break the line, or drive the terminal. */
static void make_one_line(char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text < 0x20 || *text == 0x7f)
            *text = '?';
}

static bool is_inside_character(char byte) { return ((unsigned char)byte & 0xC0) == 0x80; } /* UTF-8 continuation */

/* What does not fit is left out in the middle: a message ends with what to try. */
static void set_record(char *text)
{
    static const char gap[] = " [...] ";
    const size_t room = EG_MESSAGE_SIZE - 1, tail = room / 3;
    size_t length = strlen(text);
    make_one_line(text);
    if (length <= room) {
        memcpy(record, text, length + 1);
        return;
    }
    size_t head = room - tail - (sizeof gap - 1), rest = length - tail;
    while (head > 0 && is_inside_character(text[head]))
        head--;
    while (is_inside_character(text[rest]))
        rest++;
    memcpy(record, text, head);
    memcpy(record + head, gap, sizeof gap - 1);
    memcpy(record + head + sizeof gap - 1, text + rest, length - rest + 1);
}

eegpu_status eg_fail(eegpu_status status, const char *format, ...)
{
    char text[8 * EG_MESSAGE_SIZE]; /* apart from the record: the arguments may point into it */
    va_list arguments;
    va_start(arguments, format);
    if (vsnprintf(text, sizeof text, format, arguments) < 0)
        snprintf(text, sizeof text, "%s", eegpu_status_meaning(status));
    va_end(arguments);
    set_record(text);
    return status;
}

eegpu_status eg_fail_while(eegpu_status status, const char *format, ...)
{
    char text[8 * EG_MESSAGE_SIZE];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(text, sizeof text - EG_MESSAGE_SIZE - 2, format, arguments);
    va_end(arguments);
    size_t end = length < 0 ? 0 : strnlen(text, sizeof text - EG_MESSAGE_SIZE - 2);
    snprintf(text + end, sizeof text - end, "%s%s", end > 0 ? ": " : "", record);
    set_record(text);
    return status;
}

void eg_error_save(char *text) { memcpy(text, record, sizeof record); }

void eg_error_restore(const char *text) { snprintf(record, sizeof record, "%s", text); }

const char *eegpu_error_message(void) { return record; }

const char *eegpu_status_meaning(eegpu_status status)
{
    static const char *const meanings[] = {
#define MEANING(name, meaning, exit_code) [EEGPU_##name] = meaning,
        EEGPU_STATUS_LIST(MEANING)
#undef MEANING
    };
    size_t number = (size_t)status;
    return number < sizeof meanings / sizeof *meanings ? meanings[number] : "an unknown status";
}

const char *eegpu_version(void) { return EEGPU_VERSION; }
