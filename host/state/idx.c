/* IDX files, plain or gzip. Comes in as a path; goes out as the shape and then the bytes, front to back. Called by images.c.
 * Headers are big-endian: 0, 0, type 0x08 (unsigned byte), number of axes, then one 32-bit size an axis. Holds no more of
 * the data than zlib's own buffer. */
#include "state/idx.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

enum { UNSIGNED_BYTE = 0x08, HEADER_SIZE = 4, MOST_AXES = 3 };

/* Deflate cannot shrink data by more than this. */
static const uint64_t best_compression = 1032;

bool eg_idx_recognise(const unsigned char *bytes, uint64_t size, int axes)
{
    if (size >= 2 && bytes[0] == 0x1f && bytes[1] == 0x8b)
        return true;
    return size >= 4 && bytes[0] == 0 && bytes[1] == 0 && bytes[2] == UNSIGNED_BYTE && bytes[3] == axes;
}

/* A read that must succeed, whatever it is of. */
static eegpu_status take(eg_idx *file, void *bytes, uint64_t size, const char *what)
{
    while (size > 0) {
        unsigned piece = size < (1u << 30) ? (unsigned)size : 1u << 30;
        int got = gzread(file->stream, bytes, piece), code = Z_OK;
        if (got == (int)piece) {
            bytes = (char *)bytes + piece;
            size -= piece;
            continue;
        }
        const char *reason = gzerror(file->stream, &code);
        if (code == Z_ERRNO)
            return eg_fail(EEGPU_IO, "reading '%s': %s", file->path, strerror(errno));
        if (code != Z_OK && code != Z_BUF_ERROR)
            return eg_fail(EEGPU_BAD_INPUT, "reading '%s': the gzip data are damaged (%s)", file->path, reason);
        return eg_fail(EEGPU_BAD_INPUT, "reading '%s': it ends within %s, %llu bytes are missing or more; it is cut short",
                       file->path, what, (unsigned long long)(size - (got > 0 ? (uint64_t)got : 0)));
    }
    return EEGPU_OK;
}

static eegpu_status read_header(eg_idx *file, int axes)
{
    eegpu_status status;
    unsigned char header[HEADER_SIZE + 4 * MOST_AXES];
    EG_TRY(take(file, header, HEADER_SIZE + 4 * (uint64_t)axes, "the IDX header"));
    if (header[0] != 0 || header[1] != 0 || header[2] != UNSIGNED_BYTE || header[3] != axes) {
        status = eg_fail(EEGPU_BAD_INPUT,
                         "reading '%s': it begins with 0x%02x%02x%02x%02x, but an IDX file of %s begins with 0x000008%02x",
                         file->path, header[0], header[1], header[2], header[3], axes == EG_IDX_LABELS ? "labels" : "images", axes);
        goto done;
    }
    file->left = 1;
    for (int axis = 0; axis < axes; axis++) {
        const unsigned char *size = header + HEADER_SIZE + 4 * axis;
        file->shape[axis] = (uint64_t)size[0] << 24 | (uint64_t)size[1] << 16 | (uint64_t)size[2] << 8 | size[3];
        if (__builtin_mul_overflow(file->left, file->shape[axis], &file->left)) {
            status = eg_fail(EEGPU_BAD_INPUT, "reading '%s': its header promises 2^64 bytes or more", file->path);
            goto done;
        }
    }
done:
    return status;
}

/* Refuse a header that the file's length contradicts, before room is made for what it promises. */
static eegpu_status check_length(const eg_idx *file, int axes)
{
    struct stat entry;
    if (stat(file->path, &entry) != 0 || !S_ISREG(entry.st_mode))
        return EEGPU_OK;
    uint64_t size = (uint64_t)entry.st_size, header = HEADER_SIZE + 4 * (uint64_t)axes;
    bool plain = gzdirect(file->stream) != 0;
    if (plain ? size - header == file->left : file->left / best_compression <= size)
        return EEGPU_OK;
    return eg_fail(EEGPU_BAD_INPUT, "reading '%s': its header promises %llu bytes of data, but the file has %llu%s", file->path,
                   (unsigned long long)file->left, (unsigned long long)(plain ? size - header : size),
                   plain ? "" : " bytes of gzip, which cannot hold them");
}

eegpu_status eg_idx_open(const char *path, int axes, eg_idx *file)
{
    eegpu_status status;
    *file = (eg_idx){.path = path};
    errno = 0;
    file->stream = gzopen(path, "rbe");
    if (file->stream == NULL)
        return eg_fail(EEGPU_IO, "cannot read '%s': %s", path, errno != 0 ? strerror(errno) : "no memory for zlib");
    gzbuffer(file->stream, 1 << 17);
    EG_TRY(read_header(file, axes));
    EG_TRY(check_length(file, axes));
done:
    if (status != EEGPU_OK)
        eg_idx_close(file);
    return status;
}

eegpu_status eg_idx_read(eg_idx *file, void *bytes, uint64_t size)
{
    file->left -= size;
    return take(file, bytes, size, "the data");
}

eegpu_status eg_idx_expect_end(eg_idx *file)
{
    unsigned char more;
    int got = gzread(file->stream, &more, 1), code = Z_OK;
    const char *reason = gzerror(file->stream, &code);
    if (got < 0 || code != Z_OK)
        return eg_fail(EEGPU_BAD_INPUT, "reading '%s': the gzip data are damaged at their end (%s)", file->path, reason);
    if (got > 0)
        return eg_fail(EEGPU_BAD_INPUT, "reading '%s': it goes on after the data that its header promises", file->path);
    return EEGPU_OK;
}

eegpu_status eg_idx_rewind(eg_idx *file, int axes)
{
    if (gzrewind(file->stream) != 0)
        return eg_fail(EEGPU_IO, "reading '%s' a second time: it cannot be rewound; save it to a regular file", file->path);
    return read_header(file, axes);
}

void eg_idx_close(eg_idx *file)
{
    if (file->stream != NULL)
        gzclose_r(file->stream);
    file->stream = NULL;
}
