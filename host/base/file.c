/* Files. Outputs: comes in a path, goes out a stream to a hidden file beside it, which takes the target's place only when all
 * was written; what is no regular file (/dev/null, a pipe) is written to directly. Inputs: goes out a read-only mapping.
 * Called by readers and writers; the signal handler of the program calls eg_output_remove_temporaries. */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/memory.h"

enum { MAX_OPEN = 32, MAX_TRIES = 1000 };

/* Names of the temporaries that exist, in static memory: a signal handler can neither lock nor trust freed memory. The lock
 * is for the others. */
static struct slot {
    atomic_bool named;
    char path[PATH_MAX];
} slots[MAX_OPEN];
static pthread_mutex_t slots_lock = PTHREAD_MUTEX_INITIALIZER;

static bool remember_temporary(const char *path)
{
    bool found = false;
    pthread_mutex_lock(&slots_lock);
    for (struct slot *slot = slots; !found && slot < slots + MAX_OPEN && strlen(path) < PATH_MAX; slot++)
        if (!atomic_load(&slot->named)) {
            strcpy(slot->path, path);
            atomic_store(&slot->named, true);
            found = true;
        }
    pthread_mutex_unlock(&slots_lock);
    return found;
}

static void forget_temporary(const char *path)
{
    pthread_mutex_lock(&slots_lock);
    for (struct slot *slot = slots; slot < slots + MAX_OPEN; slot++)
        if (atomic_load(&slot->named) && strcmp(slot->path, path) == 0)
            atomic_store(&slot->named, false);
    pthread_mutex_unlock(&slots_lock);
}

void eg_output_remove_temporaries(void)
{
    int kept = errno;
    for (struct slot *slot = slots; slot < slots + MAX_OPEN; slot++)
        if (atomic_load(&slot->named))
            (void)unlink(slot->path);
    errno = kept;
}

static eegpu_status cannot_write(const char *path, const char *reason)
{
    return eg_fail(EEGPU_IO, "cannot write '%s': %s", path, reason);
}

/* A new file that nobody else has, in the directory of output->path; *descriptor is -1 on failure. */
static eegpu_status create_temporary(eg_output *output, int *descriptor)
{
    static _Atomic unsigned counter;
    const char *slash = strrchr(output->path, '/');
    int directory = slash != NULL ? (int)(slash + 1 - output->path) : 0;
    *descriptor = -1;
    for (int tries = 0; *descriptor < 0 && tries < MAX_TRIES; tries++) {
        free(output->temporary);
        output->temporary = NULL;
        if (asprintf(&output->temporary, "%.*s.eegpu-%ld-%u.tmp", directory, output->path, (long)getpid(),
                     atomic_fetch_add(&counter, 1)) < 0) {
            output->temporary = NULL;
            return eg_fail(EEGPU_OUT_OF_MEMORY, "no room for the name of an output file");
        }
        *descriptor = open(output->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (*descriptor < 0 && errno != EEXIST)
            break;
    }
    if (*descriptor < 0) {
        char reason[256];
        snprintf(reason, sizeof reason, "no file can be made in its directory (%s)", strerror(errno));
        free(output->temporary);
        output->temporary = NULL; /* it is not ours */
        return cannot_write(output->path, reason);
    }
    if (!remember_temporary(output->temporary))
        return cannot_write(output->path, "its name is too long, or too many outputs are open at once");
    return EEGPU_OK;
}

/* The target exists as a regular file: it must be writable, and its replacement gets its owner and permissions. */
static eegpu_status open_beside(eg_output *output, const struct stat *target)
{
    int descriptor = -1;
    eegpu_status status = EEGPU_OK;
    if (target != NULL && access(output->path, W_OK) != 0)
        return cannot_write(output->path, strerror(errno));
    EG_TRY(create_temporary(output, &descriptor));
    if (target != NULL) {
        bool same_owner = fchown(descriptor, target->st_uid, target->st_gid) == 0;
        (void)fchmod(descriptor, target->st_mode & (same_owner ? 07777 : 0777));
    }
    output->stream = fdopen(descriptor, "wb");
    if (output->stream == NULL)
        status = cannot_write(output->path, strerror(errno));
done:
    if (status != EEGPU_OK && descriptor >= 0)
        close(descriptor);
    return status;
}

eegpu_status eg_output_open(const char *path, eg_output *output)
{
    struct stat target;
    eegpu_status status = EEGPU_OK;
    *output = (eg_output){0};
    if (strcmp(path, "-") == 0) {
        if (fcntl(STDOUT_FILENO, F_GETFD) < 0) /* the next file that is opened would take its place */
            return cannot_write("standard output", "it is closed; give the name of a file");
        output->stream = stdout;
        return EEGPU_OK;
    }
    if (*path == '\0')
        return eg_fail(EEGPU_USAGE, "the name of an output file is empty; give a name, or - for standard output");
    bool exists = stat(path, &target) == 0;
    if (!exists && errno != ENOENT)
        return cannot_write(path, strerror(errno));
    if (exists && S_ISDIR(target.st_mode))
        return cannot_write(path, "it is a directory; give the name of a file in it");
    output->path = exists ? realpath(path, NULL) : NULL; /* through links: the file they name is replaced, not the link */
    if (output->path == NULL)
        output->path = strdup(path);
    if (output->path == NULL)
        return eg_fail(EEGPU_OUT_OF_MEMORY, "no room for the name of an output file");
    if (!exists || S_ISREG(target.st_mode))
        EG_TRY(open_beside(output, exists ? &target : NULL));
    else if ((output->stream = fopen(path, "wbe")) == NULL)
        status = cannot_write(path, strerror(errno));
done:
    if (status != EEGPU_OK)
        eg_output_discard(output);
    return status;
}

eegpu_status eg_output_expect(const eg_output *output, uint64_t bytes)
{
    struct statvfs disk;
    char need[24], have[24];
    if (output->temporary == NULL || fstatvfs(fileno(output->stream), &disk) != 0)
        return EEGPU_OK;
    uint64_t room = (uint64_t)disk.f_bavail * disk.f_frsize;
    if (bytes <= room)
        return EEGPU_OK;
    return eg_fail(EEGPU_IO, "writing '%s': it takes %s, and its disk has %s free", output->path, eg_bytes_text(bytes, need),
                   eg_bytes_text(room, have));
}

eegpu_status eg_output_commit(eg_output *output)
{
    static const char lost[] = "an earlier write failed (is the disk full?)";
    const char *name = output->path != NULL ? output->path : "standard output";
    eegpu_status status = EEGPU_OK;
    if (output->stream == NULL)
        return EEGPU_OK;
    if (fflush(output->stream) != 0)
        status = cannot_write(name, strerror(errno));
    else if (ferror(output->stream))
        status = cannot_write(name, lost);
    if (output->path != NULL && fclose(output->stream) != 0 && status == EEGPU_OK)
        status = cannot_write(name, strerror(errno));
    output->stream = NULL;
    if (status == EEGPU_OK && output->temporary != NULL) {
        if (rename(output->temporary, output->path) != 0) {
            status = cannot_write(name, strerror(errno));
        } else {
            forget_temporary(output->temporary);
            free(output->temporary);
            output->temporary = NULL;
        }
    }
    eg_output_discard(output);
    return status;
}

void eg_output_discard(eg_output *output)
{
    if (output->stream != NULL && output->path != NULL)
        fclose(output->stream);
    if (output->temporary != NULL) {
        unlink(output->temporary);
        forget_temporary(output->temporary);
    }
    free(output->temporary);
    free(output->path);
    *output = (eg_output){0};
}

eegpu_status eg_map_file(const char *path, eg_mapping *mapping)
{
    struct stat file;
    void *bytes = MAP_FAILED;
    eegpu_status status = EEGPU_OK;
    int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* does not wait for the other end of a pipe */
    *mapping = (eg_mapping){0};
    if (descriptor < 0 || fstat(descriptor, &file) != 0)
        status = eg_fail(EEGPU_IO, "cannot read '%s': %s", path, strerror(errno));
    else if (S_ISDIR(file.st_mode))
        status = eg_fail(EEGPU_IO, "cannot read '%s': it is a directory; give the name of a file in it", path);
    else if (!S_ISREG(file.st_mode))
        status = eg_fail(EEGPU_IO, "cannot read '%s': it is not a regular file; save its content to one first", path);
    else if (file.st_size == 0)
        status = eg_fail(EEGPU_BAD_INPUT, "cannot use '%s': the file is empty", path);
    else if ((bytes = mmap(NULL, (size_t)file.st_size, PROT_READ, MAP_PRIVATE, descriptor, 0)) == MAP_FAILED)
        status = eg_fail(EEGPU_IO, "cannot map '%s' (%lld bytes) into memory: %s", path, (long long)file.st_size, strerror(errno));
    else
        *mapping = (eg_mapping){.bytes = bytes, .size = (uint64_t)file.st_size};
    if (descriptor >= 0)
        close(descriptor);
    return status;
}

void eg_unmap(eg_mapping *mapping)
{
    if (mapping->bytes != NULL)
        munmap((void *)(uintptr_t)mapping->bytes, mapping->size);
    *mapping = (eg_mapping){0};
}
