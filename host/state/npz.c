/* .npz archives, read strictly. Comes in as a file; goes out as its arrays in memory. The directory at the end of the file says
 * what there is; local headers must agree with it. Deflated members are unpacked by zlib. Called by cnn_weights.c; writing is
 * in npy.c. */
#include "state/npz.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

/* Sizes of the fixed parts of the records (PKWARE's APPNOTE.TXT 6.3), and the most bytes a deflated byte stands for. */
enum { LOCAL_SIZE = 30, CENTRAL_SIZE = 46, END_SIZE = 22, MOST_COMMENT = 65535, MOST_RATIO = 1032, NAME_ROOM = 256 };
enum { STORED = 0, DEFLATED = 8, ENCRYPTED = 1 };

static const uint64_t in_zip64 = 0xFFFFFFFF;

typedef struct archive {
    const char *path;
    eg_mapping file;
    uint64_t directory, directory_end, count;
} archive;

typedef struct member {
    char name[NAME_ROOM];
    uint64_t flags, method, crc, packed_size, size, offset;
} member;

static uint64_t field(const unsigned char *bytes, int size)
{
    uint64_t value = 0;
    for (int k = size; k-- > 0;)
        value = value << 8 | bytes[k];
    return value;
}

static eegpu_status refuse(const archive *zip, const char *what)
{
    return eg_fail(EEGPU_BAD_INPUT, "reading '%s': %s", zip->path, what);
}

static eegpu_status refuse_member(const archive *zip, const member *one, const char *what)
{
    return eg_fail(EEGPU_BAD_INPUT, "reading '%s': its member '%s' %s", zip->path, one->name, what);
}

/* The end record is the last thing in the file but for a comment, whose length it knows. */
static eegpu_status find_directory(archive *zip)
{
    const unsigned char *bytes = zip->file.bytes;
    uint64_t size = zip->file.size, back = END_SIZE;
    if (size < 4 || memcmp(bytes, "PK", 2) != 0)
        return refuse(zip, "it does not begin as a .npz archive does; write it with numpy.savez");
    while (back <= size && back <= END_SIZE + MOST_COMMENT &&
           !(field(bytes + size - back, 4) == 0x06054b50 && field(bytes + size - back + 20, 2) == back - END_SIZE))
        back++;
    if (back > size || back > END_SIZE + MOST_COMMENT)
        return refuse(zip, "the directory at its end is missing; it is cut short, save it again");
    const unsigned char *end = bytes + size - back;
    uint64_t length = field(end + 12, 4);
    zip->count = field(end + 10, 2);
    zip->directory = field(end + 16, 4);
    if (field(end + 4, 4) != 0 || field(end + 8, 2) != zip->count)
        return refuse(zip, "it is one of several parts of an archive");
    if (zip->count == 0xFFFF || zip->directory == in_zip64 || length == in_zip64)
        return refuse(zip, "it has 65535 arrays or 4 GiB or more; split it");
    if (zip->directory + length != size - back)
        return refuse(zip, "its directory is not where its end says; it is damaged, save it again");
    zip->directory_end = zip->directory + length;
    return EEGPU_OK;
}

/* The directory entry at *at; moves *at past it. */
static eegpu_status read_entry(const archive *zip, uint64_t *at, member *one)
{
    const unsigned char *entry = zip->file.bytes + *at;
    uint64_t left = zip->directory_end - *at;
    if (left < CENTRAL_SIZE || field(entry, 4) != 0x02014b50)
        return refuse(zip, "its directory is damaged, save it again");
    uint64_t name_size = field(entry + 28, 2), all = CENTRAL_SIZE + name_size + field(entry + 30, 2) + field(entry + 32, 2);
    if (all > left || name_size == 0)
        return refuse(zip, "its directory is damaged, save it again");
    if (name_size >= NAME_ROOM || memchr(entry + CENTRAL_SIZE, '\0', name_size) != NULL)
        return refuse(zip, "a name in its directory is too long or no text");
    *one = (member){.flags = field(entry + 8, 2),
                    .method = field(entry + 10, 2),
                    .crc = field(entry + 16, 4),
                    .packed_size = field(entry + 20, 4),
                    .size = field(entry + 24, 4),
                    .offset = field(entry + 42, 4)};
    memcpy(one->name, entry + CENTRAL_SIZE, name_size);
    *at += all;
    if (one->flags & ENCRYPTED)
        return refuse_member(zip, one, "is encrypted");
    if (one->method != STORED && one->method != DEFLATED)
        return refuse_member(zip, one, "is compressed in another way than numpy.savez_compressed does it");
    if (one->packed_size == in_zip64 || one->size == in_zip64 || one->offset == in_zip64)
        return refuse_member(zip, one, "has 4 GiB or more; split it");
    if (one->method == STORED ? one->size != one->packed_size : one->size / MOST_RATIO > one->packed_size)
        return refuse_member(zip, one, "has sizes that cannot be; the file is damaged, save it again");
    return EEGPU_OK;
}

/* Where the member's data begin. */
static eegpu_status find_data(const archive *zip, const member *one, const unsigned char **data)
{
    uint64_t name_size = strlen(one->name);
    const unsigned char *local = zip->file.bytes + one->offset;
    if (one->offset > zip->directory || zip->directory - one->offset < LOCAL_SIZE + name_size || field(local, 4) != 0x04034b50 ||
        field(local + 8, 2) != one->method || field(local + 26, 2) != name_size ||
        memcmp(local + LOCAL_SIZE, one->name, name_size) != 0)
        return refuse_member(zip, one, "is not where the directory says; the file is damaged, save it again");
    uint64_t start = one->offset + LOCAL_SIZE + name_size + field(local + 28, 2);
    if (start > zip->directory || zip->directory - start < one->packed_size)
        return refuse_member(zip, one, "is cut short, save the file again");
    *data = zip->file.bytes + start;
    return EEGPU_OK;
}

/* Deflated bytes to exactly `size` others. Both sizes are below 4 GiB. */
static bool inflate_all(const unsigned char *from, uint64_t packed_size, unsigned char *to, uint64_t size)
{
    z_stream stream = {
        .next_in = (unsigned char *)(uintptr_t)from, .avail_in = (uInt)packed_size, .next_out = to, .avail_out = (uInt)size};
    if (inflateInit2(&stream, -MAX_WBITS) != Z_OK)
        return false;
    int result = inflate(&stream, Z_FINISH);
    bool good = result == Z_STREAM_END && stream.avail_in == 0 && stream.avail_out == 0;
    inflateEnd(&stream);
    return good;
}

static eegpu_status unpack(const archive *zip, const member *one, eg_budget *budget, unsigned char **bytes)
{
    eegpu_status status;
    const unsigned char *data = NULL;
    EG_TRY(find_data(zip, one, &data));
    EG_TRY(eg_allocate(budget, one->size + 1, 1, "an array of weights", bytes));
    if (one->method == STORED)
        memcpy(*bytes, data, one->size);
    else if (!inflate_all(data, one->packed_size, *bytes, one->size))
        return refuse_member(zip, one, "cannot be unpacked; the file is damaged, save it again");
    if (crc32_z(0, *bytes, one->size) != one->crc)
        return refuse_member(zip, one, "has another checksum than the directory says; the file is damaged, save it again");
done:
    return status;
}

static eegpu_status read_array(const archive *zip, const member *one, eg_budget *budget, eg_npz_arrays *arrays)
{
    eegpu_status status;
    char place[1024];
    eg_npz_array *array = &arrays->list[arrays->count];
    size_t stem = strlen(one->name) > 4 ? strlen(one->name) - 4 : 0;
    if (stem == 0 || strcmp(one->name + stem, ".npy") != 0)
        return refuse_member(zip, one, "is no .npy array");
    for (uint64_t k = 0; k < arrays->count; k++)
        if (strlen(arrays->list[k].name) == stem && strncmp(arrays->list[k].name, one->name, stem) == 0)
            return refuse_member(zip, one, "is there twice");
    arrays->count++; /* what it owns from here on is freed with the others */
    EG_TRY(eg_allocate_zero(budget, stem + 1, 1, "a name of an array", &array->name));
    memcpy(array->name, one->name, stem);
    EG_TRY(unpack(zip, one, budget, &array->bytes));
    snprintf(place, sizeof place, "%.700s, member %s", zip->path, one->name);
    EG_TRY(eg_npy_parse(&(eg_mapping){array->bytes, one->size}, place, &array->array));
done:
    return status;
}

eegpu_status eg_npz_read(const char *path, eg_budget *budget, eg_npz_arrays *arrays)
{
    eegpu_status status;
    archive zip = {.path = path};
    *arrays = (eg_npz_arrays){.budget = budget};
    EG_TRY(eg_map_file(path, &zip.file));
    EG_TRY(find_directory(&zip));
    EG_TRY(eg_allocate_zero(budget, zip.count + 1, sizeof *arrays->list, "the list of arrays", &arrays->list));
    uint64_t at = zip.directory;
    for (uint64_t k = 0; k < zip.count; k++) {
        member one;
        EG_TRY(read_entry(&zip, &at, &one));
        EG_TRY(read_array(&zip, &one, budget, arrays));
    }
    if (at != zip.directory_end)
        status = refuse(&zip, "its directory has more than its end says; it is damaged, save it again");
done:
    eg_unmap(&zip.file);
    if (status != EEGPU_OK)
        eg_npz_free(arrays);
    return status;
}

void eg_npz_free(eg_npz_arrays *arrays)
{
    for (uint64_t k = 0; k < arrays->count; k++) {
        eg_release(arrays->budget, arrays->list[k].name);
        eg_release(arrays->budget, arrays->list[k].bytes);
    }
    eg_release(arrays->budget, arrays->list);
    *arrays = (eg_npz_arrays){0};
}

/* The place in a Fortran-ordered array of what is number `index` in C order. */
static uint64_t fortran_place(const eg_npy *array, uint64_t index)
{
    uint64_t place = 0, stride = array->count;
    for (int axis = array->axes; axis-- > 0; index /= array->shape[axis]) {
        stride /= array->shape[axis];
        place += index % array->shape[axis] * stride;
    }
    return place;
}

double eg_npy_real(const eg_npy *array, uint64_t index)
{
    uint64_t place = array->fortran_order ? fortran_place(array, index) : index, size = (uint64_t)array->item_size;
    const unsigned char *item = array->data + place * size;
    bool last_first = array->swapped == (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__);
    uint64_t bits = 0;
    for (uint64_t k = 0; k < size; k++)
        bits = bits << 8 | item[last_first ? size - 1 - k : k];
    if (size == sizeof(float)) {
        uint32_t narrow = (uint32_t)bits;
        float value;
        memcpy(&value, &narrow, sizeof value);
        return value;
    }
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}
