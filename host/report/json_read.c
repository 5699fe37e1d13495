/* A recursive descent over the text, no deeper than DEPTH. Nodes and decoded strings each are one block of memory: there are no
 * more nodes than characters that can begin or separate one, and no string is longer than its text. Called by scan_read.c. */
#include "report/json_read.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

enum { DEPTH = 64, MOST_MEMBERS = 1024 }; /* of one object: each new name is compared with all before */

typedef struct reader {
    const char *at, *end, *begin, *what;
    eg_json_node *nodes;
    char *strings;
    size_t node_count;
    int depth;
} reader;

static eegpu_status refuse(const reader *r, const char *expected)
{
    size_t line = 1;
    for (const char *c = r->begin; c < r->at; c++)
        line += *c == '\n';
    if (r->at >= r->end)
        return eg_fail(EEGPU_BAD_INPUT,
                       "reading '%s': the text ends in line %zu where %s should come: the file is truncated; make it again",
                       r->what, line, expected);
    return eg_fail(EEGPU_BAD_INPUT, "reading '%s', line %zu: no JSON: expected %s; make the file again", r->what, line, expected);
}

static void skip_blanks(reader *r)
{
    while (r->at < r->end && (*r->at == ' ' || *r->at == '\n' || *r->at == '\t' || *r->at == '\r'))
        r->at++;
}

static bool take(reader *r, char c)
{
    skip_blanks(r);
    if (r->at >= r->end || *r->at != c)
        return false;
    r->at++;
    return true;
}

/* ---- Strings ---- */

static int hex_digits(reader *r, unsigned *code)
{
    *code = 0;
    for (int i = 0; i < 4; i++, r->at++) {
        char c = r->at < r->end ? *r->at : '\0';
        int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
        if (digit < 0)
            return 0;
        *code = *code * 16 + (unsigned)digit;
    }
    return 1;
}

static void put_utf8(reader *r, unsigned code)
{
    if (code < 0x80) {
        *r->strings++ = (char)code;
    } else if (code < 0x800) {
        *r->strings++ = (char)(0xc0 | code >> 6);
        *r->strings++ = (char)(0x80 | (code & 63));
    } else if (code < 0x10000) {
        *r->strings++ = (char)(0xe0 | code >> 12);
        *r->strings++ = (char)(0x80 | (code >> 6 & 63));
        *r->strings++ = (char)(0x80 | (code & 63));
    } else {
        *r->strings++ = (char)(0xf0 | code >> 18);
        *r->strings++ = (char)(0x80 | (code >> 12 & 63));
        *r->strings++ = (char)(0x80 | (code >> 6 & 63));
        *r->strings++ = (char)(0x80 | (code & 63));
    }
}

static eegpu_status read_escape(reader *r)
{
    static const char letters[] = "\"\\/bfnrt", meanings[] = "\"\\/\b\f\n\r\t";
    const char *letter = r->at < r->end && *r->at != '\0' ? strchr(letters, *r->at) : NULL;
    unsigned code, low;
    if (letter != NULL) {
        *r->strings++ = meanings[letter - letters];
        r->at++;
        return EEGPU_OK;
    }
    if (r->at >= r->end || *r->at != 'u')
        return refuse(r, "an escape such as \\n or \\u0041");
    r->at++;
    if (!hex_digits(r, &code) || code == 0)
        return refuse(r, "four hexadecimal digits, not all 0");
    if (code >= 0xd800 && code < 0xdc00) {
        if (r->end - r->at < 2 || r->at[0] != '\\' || r->at[1] != 'u')
            return refuse(r, "the second half of a pair \\ud800\\udc00");
        r->at += 2;
        if (!hex_digits(r, &low) || low < 0xdc00 || low > 0xdfff)
            return refuse(r, "the second half of a pair \\ud800\\udc00");
        code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
    } else if (code >= 0xdc00 && code < 0xe000) {
        return refuse(r, "a character, not half a pair");
    }
    put_utf8(r, code);
    return EEGPU_OK;
}

static eegpu_status read_string(reader *r, const char **text)
{
    *text = r->strings;
    if (!take(r, '"'))
        return refuse(r, "a string");
    while (r->at < r->end && *r->at != '"') {
        unsigned char c = (unsigned char)*r->at;
        if (c < 0x20)
            return refuse(r, "the end of a string before a control character");
        r->at++;
        if (c != '\\') {
            *r->strings++ = (char)c;
            continue;
        }
        eegpu_status status = read_escape(r);
        if (status != EEGPU_OK)
            return status;
    }
    if (r->at >= r->end)
        return refuse(r, "the end of a string");
    r->at++;
    *r->strings++ = '\0';
    return EEGPU_OK;
}

/* ---- Values ---- */

static size_t digits(const char *at, const char *end)
{
    size_t count = 0;
    while (at + count < end && at[count] >= '0' && at[count] <= '9')
        count++;
    return count;
}

static eegpu_status read_number(reader *r, double *number)
{
    enum { LONGEST = 64 };
    char text[LONGEST + 1];
    const char *c = r->at + (*r->at == '-');
    size_t whole = digits(c, r->end), after = 1;
    bool good = whole > 0 && (whole == 1 || *c != '0');
    c += whole;
    if (good && c < r->end && *c == '.') {
        after = digits(++c, r->end);
        good = after > 0;
        c += after;
    }
    if (good && c < r->end && (*c == 'e' || *c == 'E')) {
        c++;
        c += c < r->end && (*c == '+' || *c == '-');
        after = digits(c, r->end);
        good = after > 0;
        c += after;
    }
    size_t length = (size_t)(c - r->at);
    if (!good || length > LONGEST) {
        r->at = c < r->end ? r->at : c;
        return refuse(r, "a number");
    }
    memcpy(text, r->at, length);
    text[length] = '\0';
    *number = strtod(text, NULL);
    if (!isfinite(*number))
        return refuse(r, "a number within the range of doubles");
    r->at = c;
    return EEGPU_OK;
}

static eegpu_status read_value(reader *r, const char *name, eg_json_node **node);

static eegpu_status read_children(reader *r, eg_json_node *parent)
{
    char close = parent->kind == EG_JSON_OBJECT ? '}' : ']';
    eg_json_node *last = NULL, *child = NULL;
    eegpu_status status = EEGPU_OK;
    if (++r->depth > DEPTH)
        return refuse(r, "fewer brackets within brackets");
    if (take(r, close))
        goto done;
    do {
        const char *name = NULL;
        if (close == '}') {
            skip_blanks(r);
            EG_TRY(read_string(r, &name));
            if (parent->count == MOST_MEMBERS)
                return eg_fail(EEGPU_BAD_INPUT, "reading '%s': an object of more than %d members: not a result of eegpu", r->what,
                               MOST_MEMBERS);
            if (eg_json_member(parent, name) != NULL)
                return eg_fail(EEGPU_BAD_INPUT, "reading '%s': the member \"%s\" is there twice in one object", r->what, name);
            if (!take(r, ':'))
                return refuse(r, "a colon");
        }
        EG_TRY(read_value(r, name, &child));
        if (last == NULL)
            parent->child = child;
        else
            last->next = child;
        last = child;
        parent->count++;
    } while (take(r, ','));
    if (!take(r, close))
        return refuse(r, close == '}' ? "a comma or a closing brace" : "a comma or a closing bracket");
done:
    r->depth--;
    return status;
}

static eegpu_status read_word(reader *r, eg_json_node *node)
{
    static const struct {
        const char *word;
        eg_json_kind kind;
        double number;
    } words[] = {{"null", EG_JSON_NULL, 0}, {"true", EG_JSON_BOOL, 1}, {"false", EG_JSON_BOOL, 0}};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        size_t length = strlen(words[i].word), left = (size_t)(r->end - r->at);
        if (strncmp(r->at, words[i].word, left < length ? left : length) != 0)
            continue;
        r->at += left < length ? left : length;
        if (left < length)
            return refuse(r, words[i].word);
        node->kind = words[i].kind;
        node->number = words[i].number;
        return EEGPU_OK;
    }
    return refuse(r, "a value");
}

static eegpu_status read_value(reader *r, const char *name, eg_json_node **result)
{
    skip_blanks(r);
    eg_json_node *node = &r->nodes[r->node_count++];
    *node = (eg_json_node){.name = name};
    *result = node;
    if (r->at >= r->end)
        return refuse(r, "a value");
    switch (*r->at) {
    case '{':
    case '[':
        node->kind = *r->at++ == '{' ? EG_JSON_OBJECT : EG_JSON_ARRAY;
        return read_children(r, node);
    case '"':
        node->kind = EG_JSON_STRING;
        return read_string(r, &node->text);
    default:
        if (*r->at != '-' && (*r->at < '0' || *r->at > '9'))
            return read_word(r, node);
        node->kind = EG_JSON_NUMBER;
        return read_number(r, &node->number);
    }
}

eegpu_status eg_json_read(const char *text, size_t size, const char *what, eg_json *json)
{
    reader r = {.at = text, .end = text + size, .begin = text, .what = what};
    eg_json_node *top = NULL;
    size_t most = 2;
    eegpu_status status = EEGPU_OK;
    *json = (eg_json){.nodes = NULL};
    for (size_t i = 0; i < size; i++)
        most += text[i] == ',' || text[i] == '[' || text[i] == '{';
    EG_TRY(eg_allocate(NULL, most, sizeof *json->nodes, "the values of a JSON file", &json->nodes));
    EG_TRY(eg_allocate(NULL, size + 1, 1, "the strings of a JSON file", &json->strings));
    r.nodes = json->nodes;
    r.strings = json->strings;
    EG_TRY(read_value(&r, NULL, &top));
    skip_blanks(&r);
    if (r.at < r.end)
        EG_TRY(refuse(&r, "nothing more"));
    json->count = r.node_count;
done:
    if (status != EEGPU_OK)
        eg_json_free(json);
    return status;
}

void eg_json_free(eg_json *json)
{
    eg_release(NULL, json->nodes);
    eg_release(NULL, json->strings);
    *json = (eg_json){.nodes = NULL};
}

const eg_json_node *eg_json_member(const eg_json_node *object, const char *name)
{
    for (const eg_json_node *child = object->child; child != NULL; child = child->next)
        if (child->name != NULL && strcmp(child->name, name) == 0)
            return child;
    return NULL;
}
