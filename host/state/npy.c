/* The .npy format and .npz archives of it. Comes in as a mapped file or as arrays in memory; goes out as a checked
 * description of the array, or as bytes on a stream. Called by the readers in this folder, the cut masks and the report.
 * Headers are read by a small parser for the one Python dictionary that NumPy writes; nothing is evaluated. Archives are
 * stored, not compressed, and written front to back, so that a pipe will do. */
#include "state/npy.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

/* ---- Reading a header ------------------------------------------------------------------------------------------ */

/* The text of the dictionary, and the reason when it cannot be read. */
typedef struct parser {
    const char *at, *end;
    eg_npy *array;
    char reason[160];
} parser;

static bool refuse(parser *text, const char *format, ...) EG_FORMAT(2, 3);
static bool refuse(parser *text, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text->reason, sizeof text->reason, format, arguments);
    va_end(arguments);
    return false;
}

static void skip_spaces(parser *text)
{
    while (text->at < text->end && strchr(" \t\r\n", *text->at) != NULL && *text->at != '\0')
        text->at++;
}

static bool next_is(parser *text, char mark)
{
    skip_spaces(text);
    if (text->at == text->end || *text->at != mark)
        return false;
    text->at++;
    return true;
}

/* 'word' or "word", without escapes, into `word`. */
static bool read_quoted(parser *text, char *word, size_t room, const char *what)
{
    skip_spaces(text);
    if (text->at == text->end || (*text->at != '\'' && *text->at != '"'))
        return refuse(text, "%s is not in quotes", what);
    char quote = *text->at++;
    size_t length = 0;
    while (text->at < text->end && *text->at != quote) {
        if (length + 1 == room || (unsigned char)*text->at < ' ' || (unsigned char)*text->at > '~')
            return refuse(text, "%s is not a short plain word", what);
        word[length++] = *text->at++;
    }
    word[length] = '\0';
    if (text->at == text->end)
        return refuse(text, "the quote around %s is not closed", what);
    text->at++;
    return true;
}

static bool read_bool(parser *text, bool *value)
{
    skip_spaces(text);
    size_t left = (size_t)(text->end - text->at);
    *value = left >= 4 && memcmp(text->at, "True", 4) == 0;
    if (!*value && !(left >= 5 && memcmp(text->at, "False", 5) == 0))
        return refuse(text, "'fortran_order' is neither True nor False");
    text->at += *value ? 4 : 5;
    return true;
}

static bool read_size(parser *text, uint64_t *size)
{
    skip_spaces(text);
    if (text->at < text->end && *text->at == '-')
        return refuse(text, "the shape has a negative size");
    if (text->at == text->end || *text->at < '0' || *text->at > '9')
        return refuse(text, "the shape has something other than whole numbers");
    *size = 0;
    for (; text->at < text->end && *text->at >= '0' && *text->at <= '9'; text->at++)
        if (__builtin_mul_overflow(*size, 10, size) || __builtin_add_overflow(*size, (uint64_t)(*text->at - '0'), size))
            return refuse(text, "the shape has a size of 2^64 or more");
    return true;
}

/* (), (4,), (2, 3), (2, 3,) */
static bool read_shape(parser *text)
{
    eg_npy *array = text->array;
    array->axes = 0;
    array->count = 1;
    if (!next_is(text, '('))
        return refuse(text, "'shape' is not a tuple");
    for (bool comma = true; !next_is(text, ')'); comma = next_is(text, ',')) {
        if (!comma)
            return refuse(text, "the shape is not closed or lacks a comma");
        if (array->axes == EG_MAX_AXES)
            return refuse(text, "the shape has more than %d axes", EG_MAX_AXES);
        uint64_t size = 0;
        if (!read_size(text, &size))
            return false;
        array->shape[array->axes++] = size;
        if (__builtin_mul_overflow(array->count, size, &array->count))
            return refuse(text, "the product of the shape is 2^64 or more");
        skip_spaces(text);
        if (array->axes == 1 && text->at < text->end && *text->at == ')')
            return refuse(text, "'shape' is a number, not a tuple");
    }
    return true;
}

static bool read_dtype(parser *text)
{
    static const char *const known[] = {"b1", "u1", "u2", "u4", "u8", "i1", "i2", "i4", "i8", "f4", "f8", "c8", "c16"};
    eg_npy *array = text->array;
    char descr[40];
    skip_spaces(text);
    if (text->at < text->end && *text->at == '[')
        return refuse(text, "its dtype is structured (has named fields); save one field as a plain array");
    if (!read_quoted(text, descr, sizeof descr, "'descr'"))
        return false;
    const char *type = descr;
    char order = '=';
    if (*type != '\0' && strchr("<>=|", *type) != NULL)
        order = *type++;
    array->swapped = order == (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? '>' : '<');
    if (strcmp(type, "?") == 0)
        type = "b1";
    for (size_t k = 0; k < sizeof known / sizeof *known; k++) {
        if (strcmp(type, known[k]) != 0)
            continue;
        array->kind = type[0];
        array->item_size = atoi(type + 1);
        if (order == '|' && array->item_size > 1)
            return refuse(text, "its dtype '%s' does not tell the byte order", descr);
        return true;
    }
    if (type[0] == 'O')
        return refuse(text, "its dtype '%s' is Python objects, not numbers; save it with a number dtype such as float64", descr);
    return refuse(text,
                  "its dtype '%s' is not one of bool, u1 to u8, i1 to i8, f4, f8, c8, c16; convert it, for example with "
                  ".astype('f8')",
                  descr);
}

/* {'descr': ..., 'fortran_order': ..., 'shape': ...} in any order, each once. */
static bool read_dictionary(parser *text)
{
    static const char *const keys[] = {"descr", "fortran_order", "shape"};
    bool seen[3] = {false};
    if (!next_is(text, '{'))
        return refuse(text, "the header does not begin with '{'");
    for (bool comma = true; !next_is(text, '}'); comma = next_is(text, ',')) {
        char key[40];
        int k = 0;
        if (!comma)
            return refuse(text, "the header is not closed or lacks a comma");
        if (!read_quoted(text, key, sizeof key, "a key of the header"))
            return false;
        while (k < 3 && strcmp(key, keys[k]) != 0)
            k++;
        if (k == 3 || seen[k])
            return refuse(text, "the header has the %s key '%s'", k == 3 ? "unknown" : "repeated", key);
        seen[k] = true;
        if (!next_is(text, ':'))
            return refuse(text, "the header lacks ':' after '%s'", key);
        if (!(k == 0 ? read_dtype(text) : k == 1 ? read_bool(text, &text->array->fortran_order) : read_shape(text)))
            return false;
    }
    for (int k = 0; k < 3; k++)
        if (!seen[k])
            return refuse(text, "the header lacks the key '%s'", keys[k]);
    skip_spaces(text);
    return text->at == text->end || refuse(text, "the header goes on after '}'");
}

/* Where the dictionary is; fills text and returns the offset of the data, 0 with a reason on failure. */
static uint64_t find_dictionary(const eg_mapping *mapping, parser *text)
{
    const unsigned char *bytes = mapping->bytes;
    if (mapping->size < 10 || memcmp(bytes, "\x93NUMPY", 6) != 0)
        return refuse(text, "it does not begin as a .npy file does (magic bytes \\x93NUMPY)");
    int major = bytes[6];
    if (major < 1 || major > 3 || bytes[7] != 0)
        return refuse(text, "its format version %d.%d is not 1.0, 2.0 or 3.0", major, bytes[7]);
    uint64_t start = major == 1 ? 10 : 12;
    if (mapping->size < start)
        return refuse(text, "it ends within the header");
    uint64_t length = bytes[8] | (uint64_t)bytes[9] << 8;
    if (major > 1)
        length |= (uint64_t)bytes[10] << 16 | (uint64_t)bytes[11] << 24;
    if (length > mapping->size - start)
        return refuse(text, "its header should have %llu bytes, but the file ends before", (unsigned long long)length);
    if (length == 0 || bytes[start + length - 1] != '\n')
        return refuse(text, "its header does not end with a new line");
    text->at = (const char *)bytes + start;
    text->end = text->at + length;
    return start + length;
}

eegpu_status eg_npy_parse(const eg_mapping *mapping, const char *path, eg_npy *array)
{
    *array = (eg_npy){.kind = 0};
    parser text = {.array = array};
    uint64_t offset = find_dictionary(mapping, &text), bytes;
    if (offset == 0 || !read_dictionary(&text))
        return eg_fail(EEGPU_BAD_INPUT, "reading '%s': %s", path, text.reason);
    uint64_t there = mapping->size - offset;
    if (__builtin_mul_overflow(array->count, (uint64_t)array->item_size, &bytes))
        return eg_fail(EEGPU_BAD_INPUT, "reading '%s': its shape asks for 2^64 bytes or more", path);
    if (bytes != there)
        return eg_fail(EEGPU_BAD_INPUT,
                       "reading '%s': its header promises %llu bytes of data, the file has %llu; it is %s, save it again", path,
                       (unsigned long long)bytes, (unsigned long long)there, there < bytes ? "cut short" : "too long");
    array->data = mapping->bytes + offset;
    return EEGPU_OK;
}

bool eg_npy_integer(const eg_npy *array, uint64_t index, int64_t *value)
{
    int size = array->item_size;
    const unsigned char *item = array->data + index * (uint64_t)size;
    bool last_first = array->swapped == (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__);
    uint64_t bits = 0;
    for (int k = 0; k < size; k++)
        bits = bits << 8 | item[last_first ? size - 1 - k : k];
    int spare = 64 - 8 * size;
    *value = array->kind == 'i' ? (int64_t)(bits << spare) >> spare : (int64_t)bits;
    return array->kind == 'i' || (array->kind == 'b' ? bits <= 1 : *value >= 0);
}

/* ---- Writing --------------------------------------------------------------------------------------------------- */

enum { HEADER_ROOM = 2048 };

static eegpu_status put(FILE *stream, const void *bytes, uint64_t size, const char *what)
{
    if (size > 0 && fwrite(bytes, 1, size, stream) != size)
        return eg_fail(EEGPU_IO, "writing %s: %s", what, strerror(errno));
    return EEGPU_OK;
}

/* A version 1 header into `header` (HEADER_ROOM bytes: 64 axes of 20 digits fit); returns its length. */
static size_t format_header(char *header, const char *descr, int axes, const uint64_t *shape)
{
    char *text = header + 10;
    size_t room = HEADER_ROOM - 10 - 64;
    size_t length = (size_t)snprintf(text, room, "{'descr': '%s', 'fortran_order': False, 'shape': (", descr);
    for (int axis = 0; axis < axes; axis++)
        length += (size_t)snprintf(text + length, room - length, "%s%llu%s", axis == 0 ? "" : " ", (unsigned long long)shape[axis],
                                   axis + 1 < axes || axes == 1 ? "," : "");
    length += (size_t)snprintf(text + length, room - length, "), }");
    while ((10 + length + 1) % 64 != 0)
        text[length++] = ' ';
    text[length++] = '\n';
    memcpy(header, "\x93NUMPY\x01\x00", 8);
    header[8] = (char)(length & 255);
    header[9] = (char)(length >> 8);
    return 10 + length;
}

eegpu_status eg_npy_write_header(FILE *stream, const char *descr, int axes, const uint64_t *shape)
{
    char header[HEADER_ROOM];
    return put(stream, header, format_header(header, descr, axes, shape), "the header of a .npy file");
}

/* ---- Archives -------------------------------------------------------------------------------------------------- */

/* ZIP as in PKWARE's APPNOTE.TXT 6.3: local headers and data, then the directory. Sizes or offsets that do not fit 32 bits
 * are 0xFFFFFFFF there and follow in a zip64 field. */
enum { ZIP_NAME_ROOM = 256, ZIP_RECORD_ROOM = 512 };

static const uint64_t zip_small = 0xFFFFFFFF;

typedef struct zip_entry {
    char name[ZIP_NAME_ROOM];
    uint32_t crc;
    uint64_t size, offset;
} zip_entry;

struct eg_npz {
    FILE *stream;
    uint64_t offset, count, room;
    zip_entry *entries;
};

/* A record of little-endian fields. */
typedef struct record {
    unsigned char bytes[ZIP_RECORD_ROOM];
    size_t length;
} record;

static void field(record *to, int size, uint64_t value)
{
    for (int k = 0; k < size; k++)
        to->bytes[to->length++] = (unsigned char)(value >> (8 * k));
}

static uint64_t at_most_small(uint64_t value) { return value < zip_small ? value : zip_small; }

static void append_name(record *to, const zip_entry *entry)
{
    memcpy(to->bytes + to->length, entry->name, strlen(entry->name));
    to->length += strlen(entry->name);
}

/* The fields that local header and directory share: version needed (4.5 for zip64), flags, stored, 1 January 1980 (so that the
 * same arrays are the same bytes), checksum, sizes, name length, and the length of the zip64 field. */
static void shared_fields(record *to, const zip_entry *entry, bool wide, uint64_t extra)
{
    const struct {
        int size;
        uint64_t value;
    } fields[] = {{2, wide ? 45 : 20},
                  {2, 0},
                  {2, 0},
                  {2, 0},
                  {2, 0x0021},
                  {4, entry->crc},
                  {4, at_most_small(entry->size)},
                  {4, at_most_small(entry->size)},
                  {2, strlen(entry->name)},
                  {2, extra}};
    for (size_t k = 0; k < sizeof fields / sizeof *fields; k++)
        field(to, fields[k].size, fields[k].value);
}

static record local_header(const zip_entry *entry)
{
    record local = {.length = 0};
    bool wide = entry->size >= zip_small;
    field(&local, 4, 0x04034b50);
    shared_fields(&local, entry, wide, wide ? 20 : 0);
    append_name(&local, entry);
    if (wide) {
        field(&local, 2, 1);
        field(&local, 2, 16);
        field(&local, 8, entry->size);
        field(&local, 8, entry->size);
    }
    return local;
}

static record directory_entry(const zip_entry *entry)
{
    record central = {.length = 0};
    bool wide_size = entry->size >= zip_small, wide_offset = entry->offset >= zip_small;
    uint64_t extra = (wide_size ? 16u : 0u) + (wide_offset ? 8u : 0u);
    field(&central, 4, 0x02014b50);
    field(&central, 2, 45);
    shared_fields(&central, entry, extra > 0, extra > 0 ? extra + 4 : 0);
    field(&central, 6, 0); /* no comment, disk 0, internal attributes */
    field(&central, 4, 0); /* external attributes */
    field(&central, 4, at_most_small(entry->offset));
    append_name(&central, entry);
    if (extra > 0) {
        field(&central, 2, 1);
        field(&central, 2, extra);
        for (int k = 0; wide_size && k < 2; k++)
            field(&central, 8, entry->size);
        if (wide_offset)
            field(&central, 8, entry->offset);
    }
    return central;
}

static record directory_end(uint64_t count, uint64_t start, uint64_t size, uint64_t end)
{
    record tail = {.length = 0};
    if (count >= 0xFFFF || start >= zip_small || size >= zip_small) {
        field(&tail, 4, 0x06064b50); /* zip64 end of directory */
        field(&tail, 8, 44);
        field(&tail, 2, 45);
        field(&tail, 2, 45);
        field(&tail, 8, 0);
        field(&tail, 8, count);
        field(&tail, 8, count);
        field(&tail, 8, size);
        field(&tail, 8, start);
        field(&tail, 4, 0x07064b50); /* and where that is */
        field(&tail, 4, 0);
        field(&tail, 8, end);
        field(&tail, 4, 1);
    }
    uint64_t few = count < 0xFFFF ? count : 0xFFFF;
    field(&tail, 4, 0x06054b50);
    field(&tail, 4, 0);
    field(&tail, 2, few);
    field(&tail, 2, few);
    field(&tail, 4, at_most_small(size));
    field(&tail, 4, at_most_small(start));
    field(&tail, 2, 0);
    return tail;
}

static eegpu_status put_counted(eg_npz *archive, const void *bytes, uint64_t size)
{
    archive->offset += size;
    return put(archive->stream, bytes, size, "a .npz archive");
}

eegpu_status eg_npz_begin(FILE *stream, eg_npz **archive)
{
    *archive = calloc(1, sizeof **archive);
    if (*archive == NULL)
        return eg_fail(EEGPU_OUT_OF_MEMORY, "writing a .npz archive: no memory for %zu bytes", sizeof **archive);
    (*archive)->stream = stream;
    return EEGPU_OK;
}

/* Room for one more entry. */
static eegpu_status grow(eg_npz *archive)
{
    if (archive->count < archive->room)
        return EEGPU_OK;
    uint64_t room = archive->room * 2 + 16;
    zip_entry *entries = realloc(archive->entries, room * sizeof *entries);
    if (entries == NULL)
        return eg_fail(EEGPU_OUT_OF_MEMORY, "writing a .npz archive: no memory for a directory of %llu arrays",
                       (unsigned long long)room);
    archive->entries = entries;
    archive->room = room;
    return EEGPU_OK;
}

static uint32_t checksum(uint32_t crc, const void *bytes, uint64_t size) { return (uint32_t)crc32_z(crc, bytes, size); }

eegpu_status eg_npz_add(eg_npz *archive, const char *name, const char *descr, int axes, const uint64_t *shape, const void *data,
                        uint64_t bytes)
{
    eegpu_status status;
    char header[HEADER_ROOM];
    size_t length = format_header(header, descr, axes, shape);
    EG_TRY(grow(archive));
    zip_entry *entry = &archive->entries[archive->count];
    if (snprintf(entry->name, sizeof entry->name, "%s.npy", name) >= (int)sizeof entry->name) {
        status = eg_fail(EEGPU_USAGE, "writing a .npz archive: the name '%.40s...' is too long", name);
        goto done;
    }
    entry->crc = checksum(0, header, length);
    if (bytes > 0)
        entry->crc = checksum(entry->crc, data, bytes);
    entry->size = length + bytes;
    entry->offset = archive->offset;
    record local = local_header(entry);
    EG_TRY(put_counted(archive, local.bytes, local.length));
    EG_TRY(put_counted(archive, header, length));
    EG_TRY(put_counted(archive, data, bytes));
    archive->count++;
done:
    return status;
}

eegpu_status eg_npz_end(eg_npz *archive)
{
    eegpu_status status = EEGPU_OK;
    uint64_t start = archive->offset;
    for (uint64_t k = 0; k < archive->count; k++) {
        record central = directory_entry(&archive->entries[k]);
        EG_TRY(put_counted(archive, central.bytes, central.length));
    }
    record tail = directory_end(archive->count, start, archive->offset - start, archive->offset);
    EG_TRY(put_counted(archive, tail.bytes, tail.length));
done:
    eg_npz_abandon(archive);
    return status;
}

void eg_npz_abandon(eg_npz *archive)
{
    if (archive == NULL)
        return;
    free(archive->entries);
    free(archive);
}
