/* Temporary files of a test: a folder of its own, gone at exit; files of given bytes; a small .npy writer that knows nothing of
 * the library's. Paths that are returned live in a ring of buffers: use them soon. */
#ifndef EG_TESTS_TEMPORARY_H
#define EG_TESTS_TEMPORARY_H

#include <dirent.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char temporary_folder[256];

static void remove_temporary_folder(void)
{
    DIR *folder = opendir(temporary_folder);
    char path[1024];
    for (struct dirent *entry; folder != NULL && (entry = readdir(folder)) != NULL;) {
        snprintf(path, sizeof path, "%s/%s", temporary_folder, entry->d_name);
        unlink(path);
    }
    if (folder != NULL)
        closedir(folder);
    rmdir(temporary_folder);
}

static inline const char *temporary_path(const char *name)
{
    static char paths[8][1024];
    static unsigned turn;
    if (temporary_folder[0] == '\0') {
        const char *base = getenv("TMPDIR");
        snprintf(temporary_folder, sizeof temporary_folder, "%s/eegpu-test-XXXXXX", base != NULL && *base != '\0' ? base : "/tmp");
        if (mkdtemp(temporary_folder) == NULL) {
            perror("mkdtemp");
            abort();
        }
        atexit(remove_temporary_folder);
    }
    char *path = paths[turn++ % 8];
    snprintf(path, 1024, "%s/%s", temporary_folder, name);
    return path;
}

static inline const char *write_two(const char *name, const void *first, size_t first_size, const void *second, size_t second_size)
{
    const char *path = temporary_path(name);
    FILE *stream = fopen(path, "wb");
    if (stream == NULL || fwrite(first, 1, first_size, stream) != first_size ||
        fwrite(second, 1, second_size, stream) != second_size || fclose(stream) != 0) {
        perror(path);
        abort();
    }
    return path;
}

static inline const char *write_bytes(const char *name, const void *bytes, size_t size)
{
    return write_two(name, bytes, size, "", 0);
}

/* All bytes of a file, to be freed; NULL on failure. */
static inline unsigned char *read_bytes(const char *path, size_t *size)
{
    FILE *stream = fopen(path, "rb");
    unsigned char *bytes = malloc(1 << 20);
    *size = stream != NULL && bytes != NULL ? fread(bytes, 1, 1 << 20, stream) : 0;
    if (stream != NULL)
        fclose(stream);
    if (*size == 0) {
        free(bytes);
        bytes = NULL;
    }
    return bytes;
}

/* A new .npy file with this header text, as it stands, and these data. */
static inline const char *write_npy_text(int version, const char *text, const void *data, size_t size)
{
    static unsigned made;
    char name[32];
    unsigned char header[1024] = "\x93NUMPY";
    size_t length = strlen(text), start = version == 1 ? 10 : 12;
    header[6] = (unsigned char)version;
    header[8] = (unsigned char)(length & 255);
    header[9] = (unsigned char)(length >> 8);
    memcpy(header + start, text, length);
    snprintf(name, sizeof name, "array-%u.npy", made++);
    return write_two(name, header, start + length, data, size);
}

/* The same, padded as NumPy does. */
static inline const char *write_npy(const char *descr, bool fortran, const char *shape, const void *data, size_t size)
{
    char text[512];
    int length = snprintf(text, sizeof text, "{'descr': '%s', 'fortran_order': %s, 'shape': %s, }", descr,
                          fortran ? "True" : "False", shape);
    while ((10 + length + 1) % 64 != 0)
        text[length++] = ' ';
    text[length++] = '\n';
    text[length] = '\0';
    return write_npy_text(1, text, data, size);
}

#endif
