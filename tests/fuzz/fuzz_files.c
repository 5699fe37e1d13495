/* Readers under random bytes: .npy, IDX images and labels (plain and gzip), SOURCE texts. The first byte of the input chooses.
 * Built with -fsanitize=fuzzer -DEG_LIBFUZZER it is a libFuzzer target; without, `fuzz_files [RUNS [SEED]]` changes a few good
 * files at random. Nothing is checked but that no input crashes, and that what is opened has a positive finite norm. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "state/npy.h"
#include "state/state.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { KINDS = 4, MEMORY_LIMIT = 1 << 24, MOST_BYTES = 1 << 16 };

static char folder[256], path[300], images[300];

static void remove_files(void)
{
    unlink(path);
    unlink(images);
    rmdir(folder);
}

static void make_folder(void)
{
    const char *base = getenv("TMPDIR");
    snprintf(folder, sizeof folder, "%s/eegpu-fuzz-XXXXXX", base != NULL && *base != '\0' ? base : "/tmp");
    if (mkdtemp(folder) == NULL) {
        perror("mkdtemp");
        abort();
    }
    snprintf(path, sizeof path, "%s/input", folder);
    snprintf(images, sizeof images, "%s/images", folder);
    atexit(remove_files);
}

static void store(const char *name, const void *data, size_t size)
{
    FILE *stream = fopen(name, "wb");
    if (stream == NULL || fwrite(data, 1, size, stream) != size || fclose(stream) != 0)
        abort();
}

static void open_and_close(const char *source, int height, int width)
{
    eegpu_open_options options = eegpu_open_options_default();
    eegpu_state *state = NULL;
    options.memory = MEMORY_LIMIT;
    options.threads = 1;
    options.height = height;
    options.width = width;
    eegpu_status status = eegpu_state_open(source, &options, &state);
    if (status == EEGPU_OK ? !(state->norm > 0 && isfinite(state->norm)) : state != NULL || *eegpu_error_message() == '\0')
        abort();
    eegpu_state_close(state);
}

static void try_source(const uint8_t *data, size_t size)
{
    char text[2 * EG_MAX_SOURCE_TEXT];
    eg_source_text parts;
    size = size < sizeof text - 1 ? size : sizeof text - 1;
    memcpy(text, data, size);
    text[size] = '\0';
    if (eg_source_split(text, &parts) != EEGPU_OK)
        return;
    for (int i = 0; i < parts.count; i++)
        if (*parts.key[i] == '\0' || *parts.value[i] == '\0')
            abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2 || size > MOST_BYTES)
        return 0;
    char source[1024];
    int kind = data[0] % KINDS;
    if (kind == 3) {
        try_source(data + 1, size - 1);
        return 0;
    }
    if (folder[0] == '\0') {
        static const char four[] = "\0\0\10\3\0\0\0\4\0\0\0\1\0\0\0\2\377\0\0\377\377\377\0";
        make_folder();
        store(images, four, sizeof four); /* the last byte is the text's own 0 */
    }
    store(path, data + 1, size - 1);
    if (kind == 0) { /* whatever the bytes say */
        open_and_close(path, 0, 0);
    } else if (kind == 1) { /* images, averaged */
        snprintf(source, sizeof source, "images:file=%s,size=3x5,threshold=0.35,weight=count", path);
        open_and_close(source, 0, 0);
    } else { /* labels of four good images */
        eg_mapping mapping = {data + 1, size - 1};
        eg_npy array;
        (void)!eg_npy_parse(&mapping, "memory", &array);
        snprintf(source, sizeof source, "images:file=%s,labels=%s,label=3", images, path);
        open_and_close(source, 2, 2);
    }
    return 0;
}

#ifndef EG_LIBFUZZER

typedef struct seed {
    size_t size;
    const char *bytes;
} seed;

#define SEED(text)            \
    {                         \
        sizeof text - 1, text \
    }

static const seed seeds[] = {
    SEED("\0\x93NUMPY\1\0\0\0{'descr': '<f8', 'fortran_order': False, 'shape': (2, 2), }\n"
         "\0\0\0\0\0\0\xf0?\0\0\0\0\0\0\0@\0\0\0\0\0\0\xf8?\0\0\0\0\0\0\xe0?"),
    SEED("\0\x93NUMPY\1\0\0\0{'descr':'|u1','fortran_order':False,'shape':(8,),}    \n\1\0\1\2\3\4\0\1"),
    SEED("\1\x93NUMPY\2\0\0\0\0\0{'descr':'|b1','fortran_order':True,'shape':(2,2,3)}\n\1\0\1\1\0\0\0\1\1\1\1\0"),
    SEED("\1\0\0\10\3\0\0\0\2\0\0\0\2\0\0\0\3\377\0\377\1\2\3\4\5\6\377\0\0"),
    SEED("\1\037\213\010\000\000\000\000\000\002\003\143\140\340\140\146\140\140\140\202\142\346\377\014\377\031\231\230\131\130"
         "\331\376\063\060\000\000\367\030\354\026\034\000\000\000"),
    SEED("\2\0\0\10\1\0\0\0\4\3\3\1\2"),
    SEED("\2\x93NUMPY\1\0\0\0{'descr':'>i2','fortran_order':False,'shape':(4,)}\n\0\3\0\3\0\0\1\0"),
    SEED("\3random:seed=12,p=0.5,type=real"),
    SEED("\3images:file=a.npy,labels=b.npy,label=3,size=5x6,threshold=0.35,weight=set"),
};

/* The length of a .npy header is put in here rather than counted by hand. */
static void set_header_length(uint8_t *bytes, size_t size)
{
    uint8_t *end = memchr(bytes, '\n', size);
    if (memcmp(bytes + 1, "\x93NUMPY", 6) == 0 && end != NULL)
        bytes[9] = (uint8_t)(end + 1 - bytes - (bytes[7] == 1 ? 11 : 13));
}

static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    return *state ^= *state << 17;
}

/* Change, cut or repeat a few bytes; returns the new size. */
static size_t change(uint8_t *bytes, size_t size, size_t room, uint64_t *state)
{
    for (uint64_t times = next_random(state) % 4; times > 0 && size > 1; times--) {
        size_t at = 1 + next_random(state) % (size - 1), length = 1 + next_random(state) % 8;
        switch (next_random(state) % 5) {
        case 0:
            bytes[at] = (uint8_t)next_random(state);
            break;
        case 1:
            bytes[at] ^= (uint8_t)(1u << next_random(state) % 8);
            break;
        case 2:
            size = at;
            break;
        case 3:
            if (size + length <= room && at + length <= size) {
                memmove(bytes + at + length, bytes + at, size - at);
                size += length;
            }
            break;
        default:
            memset(bytes + at, next_random(state) & 1 ? 0xff : '9', length < size - at ? length : size - at);
        }
    }
    return size;
}

int main(int count, char **arguments)
{
    uint64_t runs = count > 1 ? strtoull(arguments[1], NULL, 10) : 2000;
    uint64_t state = (count > 2 ? strtoull(arguments[2], NULL, 10) : 1) * 0x9E3779B97F4A7C15u + 1;
    for (uint64_t run = 0; run < runs; run++) {
        uint8_t bytes[1024];
        const seed *start = &seeds[run % (sizeof seeds / sizeof *seeds)];
        memcpy(bytes, start->bytes, start->size);
        set_header_length(bytes, start->size);
        size_t size = run < sizeof seeds / sizeof *seeds ? start->size : change(bytes, start->size, sizeof bytes, &state);
        LLVMFuzzerTestOneInput(bytes, size);
    }
    printf("%llu inputs, no crash\n", (unsigned long long)runs);
    return 0;
}

#endif
