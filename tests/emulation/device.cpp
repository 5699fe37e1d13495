/* The emulated device: "device memory" is host memory that the host may not touch, a stream is a queue of things to do. Called by
 * runtime.cpp, cublas.cpp and cusolver.cpp; knows nothing of kernels. Environment variables, read at every call:
 *
 *   EEGPU_EMULATED_FAIL=NAME:N[:CODE]  the N-th call of that function fails; any:N the N-th call of all that are counted
 *   EEGPU_EMULATED_WRONG=NAME:N        from the N-th call on that function gives a wrong result (those that ask is_wrong())
 *   EEGPU_EMULATED_MEMORY=BYTES        how large the device is (2 GiB)
 *   EEGPU_EMULATED_TAKEN=BYTES         how much of it another program holds
 *   EEGPU_EMULATED_LAZY=1              a stream does its work only when something waits for it
 *   EEGPU_EMULATED_DRIVER=VERSION      the driver's CUDA version, 0: no driver
 *   EEGPU_EMULATED_COUNT=FILE          append the number of counted calls when the program ends
 *
 * When the program ends with something not given back, it is listed on stderr and the program exits with code 99. */
#include "device.h"

#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <map>
#include <string>
#include <vector>

#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__)
#define EG_DEVICE_ASAN
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define EG_DEVICE_ASAN
#endif
#endif
#ifdef EG_DEVICE_ASAN
#include <sanitizer/asan_interface.h>
#endif

using emulated::stop;

/* What a queue holds: work, and changes of memory, which are made even when the device is broken. */
struct task {
    std::function<void()> run;
    bool is_work;
    std::vector<const void *> buffers = {};                         /* of the device, that the work may touch */
    std::shared_ptr<emulated::recording> mark = {}, waits_for = {}; /* of events: what it records, what it waits for */
};

struct CUstream_st {
    std::deque<task> queue;
    bool blocking;  /* waits for the default stream, and that one for it */
    bool destroyed; /* goes when its work is done */
};

struct emulated::recording {
    cudaStream_t stream;
    bool done;
};

namespace
{

/* Behind every buffer, so that a write past its end is seen in builds without the address sanitizer too, when it is freed. */
constexpr size_t margin_bytes = 64;
constexpr unsigned char margin_byte = 0xa5;

struct buffer {
    size_t bytes;
    emulated::place where;
    bool ordered; /* from cudaMallocAsync */
    bool present; /* its stream has come to the allocation */
    bool leaving; /* cudaFreeAsync was called */
    int device;
};

struct object {
    const char *kind;
    int device;
};

thread_local int device_of_thread = 0;

/* Never destroyed, so that it outlives every other destructor of the program. */
struct device {
    std::recursive_mutex mutex;
    std::map<char *, buffer> buffers;
    size_t used = 0;
    std::vector<cudaStream_t> streams;
    CUstream_st default_stream = {{}, true, false};
    std::map<const void *, object> objects;
    std::vector<const void *> named; /* buffers in the arguments of the call that has begun */
    std::map<std::string, long long> calls;
    long long counted_calls = 0;
    cudaError_t broken = cudaSuccess;
    int depth = 0; /* of device work: finishing one stream may make another go on */
    pid_t process = getpid();
};

device &the()
{
    static device *made = new device;
    return *made;
}

const char *word(const char *name)
{
    char variable[64];
    snprintf(variable, sizeof variable, "EEGPU_EMULATED_%s", name);
    return getenv(variable);
}

void hide(char *start, size_t bytes)
{
#ifdef EG_DEVICE_ASAN
    __asan_poison_memory_region(start, bytes);
#endif
    (void)start, (void)bytes;
}

void show(char *start, size_t bytes)
{
#ifdef EG_DEVICE_ASAN
    __asan_unpoison_memory_region(start, bytes);
#endif
    (void)start, (void)bytes;
}

void for_device_buffers(void (*change)(char *, size_t))
{
#ifdef EG_DEVICE_ASAN
    for (auto &entry : the().buffers)
        if (entry.second.where == emulated::place::device && entry.second.present)
            change(entry.first, entry.second.bytes);
#endif
    (void)change;
}

/* Between the two, device memory can be touched. */
void enter()
{
    if (the().depth++ == 0)
        for_device_buffers(show);
}

void leave()
{
    if (--the().depth == 0)
        for_device_buffers(hide);
}

} // namespace

namespace emulated
{

void stop(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fputs("eegpu emulation: ", stderr);
    vfprintf(stderr, format, arguments);
    fputs("\n", stderr);
    va_end(arguments);
    abort();
}

device_lock::device_lock() { the().mutex.lock(); }
device_lock::~device_lock() { the().mutex.unlock(); }

/* ---- Faults ---- */

long long setting(const char *name, long long otherwise)
{
    const char *value = word(name);
    return value && *value ? strtoll(value, nullptr, 10) : otherwise;
}

cudaError_t broken() { return the().broken; }

/* Errors of a kernel's run: the device's state is lost, and every later call returns them. */
static bool breaks(cudaError_t error)
{
    switch (error) {
    case cudaErrorIllegalAddress:
    case cudaErrorLaunchTimeout:
    case cudaErrorAssert:
    case cudaErrorHardwareStackError:
    case cudaErrorIllegalInstruction:
    case cudaErrorMisalignedAddress:
    case cudaErrorInvalidAddressSpace:
    case cudaErrorInvalidPc:
    case cudaErrorLaunchFailure:
    case cudaErrorECCUncorrectable:
        return true;
    default:
        return false;
    }
}

/* cublasCreate_v2 is cublasCreate to those who call it. */
static std::string plain_name(const char *function)
{
    std::string name = function;
    size_t length = name.size();
    return length > 3 && name.compare(length - 3, 3, "_v2") == 0 ? name.substr(0, length - 3) : name;
}

static cudaError_t begin_call(const char *function, cudaError_t failure, bool counted)
{
    the().named.clear();
    std::string name = plain_name(function);
    long long of_name = ++the().calls[name], of_any = counted ? ++the().counted_calls : 0;
    long long driver = setting("DRIVER", CUDART_VERSION);
    if (driver / 1000 < CUDART_VERSION / 1000)
        return cudaErrorInsufficientDriver;
    if (the().broken != cudaSuccess)
        return the().broken;
    const char *wish = word("FAIL");
    char which[64];
    long long number = 0;
    int code = failure;
    if (wish == nullptr || sscanf(wish, "%63[^:]:%lld:%d", which, &number, &code) < 2)
        return cudaSuccess;
    bool any = counted && strcmp(which, "any") == 0;
    if (!(any && number == of_any) && !(name == which && number == of_name))
        return cudaSuccess;
    if (breaks((cudaError_t)code))
        the().broken = (cudaError_t)code;
    return (cudaError_t)code;
}

cudaError_t begin(const char *function, cudaError_t failure) { return begin_call(function, failure, true); }
cudaError_t begin_release(const char *function) { return begin_call(function, cudaErrorUnknown, false); }

bool is_wrong(const char *function)
{
    const char *wish = word("WRONG");
    char which[64];
    long long number = 0;
    std::string name = plain_name(function);
    return wish != nullptr && sscanf(wish, "%63[^:]:%lld", which, &number) == 2 && name == which && the().calls[name] >= number;
}

/* ---- Memory ---- */

void use_device(int number) { device_of_thread = number; }

static void require_same_device(const char *function, const char *what, int device)
{
    if (device != device_of_thread)
        stop("%s: %s is of device %d, but the thread works with device %d; cudaSetDevice is missing", function, what, device,
             device_of_thread);
}

size_t total_memory() { return (size_t)setting("MEMORY", 2LL << 30); }

size_t free_memory()
{
    size_t gone = (size_t)setting("TAKEN", 0) + the().used, total = total_memory();
    return gone < total ? total - gone : 0;
}

typedef std::map<char *, buffer>::iterator buffer_place;

/* The buffer with the highest start that is not above the address, end() when there is none. */
static buffer_place buffer_below(const void *address)
{
    buffer_place next = the().buffers.upper_bound((char *)address);
    return next == the().buffers.begin() ? the().buffers.end() : std::prev(next);
}

static buffer_place buffer_at(void *address, place where, const char *function)
{
    buffer_place found = the().buffers.find((char *)address);
    if (found == the().buffers.end() || found->second.where != where)
        stop("%s: the pointer is not the start of a buffer, or was freed before", function);
    if (found->second.leaving)
        stop("%s: the buffer was freed before by cudaFreeAsync", function);
    return found;
}

static cudaError_t allocate_buffer(void **address, place where, size_t bytes, bool ordered)
{
    if (bytes == 0) {
        *address = nullptr;
        return cudaSuccess;
    }
    if (where == place::device && !ordered && bytes > free_memory())
        finish_all(); /* memory freed in stream order can come back */
    if (where == place::device && bytes > free_memory())
        return cudaErrorMemoryAllocation;
    void *made = nullptr;
    if (bytes > SIZE_MAX / 2 || posix_memalign(&made, 256, bytes + margin_bytes) != 0)
        return cudaErrorMemoryAllocation;
    memset(made, 0xff, bytes);
    memset((char *)made + bytes, margin_byte, margin_bytes);
    hide((char *)made + bytes, margin_bytes);
    the().buffers[(char *)made] = {bytes, where, ordered, !ordered, false, device_of_thread};
    if (where == place::device) {
        the().used += bytes;
        if (ordered || the().depth == 0)
            hide((char *)made, bytes);
    }
    *address = made;
    return cudaSuccess;
}

static void forget(buffer_place found)
{
    char *start = found->first;
    show(start, found->second.bytes + margin_bytes);
    for (size_t i = 0; i < margin_bytes; i++)
        if ((unsigned char)start[found->second.bytes + i] != margin_byte)
            stop("a buffer of %zu bytes was written past its end", found->second.bytes);
    if (found->second.where == place::device)
        the().used -= found->second.bytes;
    memset(start, 0xff, found->second.bytes); /* who still reads it reads NaN, also without the address sanitizer */
    the().buffers.erase(found);
    free(start);
}

cudaError_t allocate(void **address, place where, size_t bytes) { return allocate_buffer(address, where, bytes, false); }

static void push(cudaStream_t stream, task &&next);
static void order_with_default(cudaStream_t stream);
static CUstream_st *queue_of(cudaStream_t stream) { return stream ? stream : &the().default_stream; }

cudaError_t allocate_in_order(void **address, size_t bytes, cudaStream_t stream)
{
    if (bytes > free_memory())
        finish(stream); /* what it frees can come back; of what others free, that is sure only after waiting for them */
    cudaError_t error = allocate_buffer(address, place::device, bytes, true);
    if (error != cudaSuccess || bytes == 0)
        return error;
    void *made = *address;
    auto arrive = [made] {
        buffer_place found = the().buffers.find((char *)made);
        if (found == the().buffers.end())
            return; /* freed by cudaFree before anything used it */
        found->second.present = true;
        show(found->first, found->second.bytes);
    };
    push(stream, {arrive, false});
    return cudaSuccess;
}

void release(void *address, place where)
{
    if (address == nullptr)
        return;
    if (where == place::device)
        finish_all(); /* as cudaFree does */
    forget(buffer_at(address, where, where == place::device ? "cudaFree" : "cudaFreeHost"));
}

/* Does the stream, once it has done what it was given up to now, come after this task of the other? Events straight from one to the
 * other are known, not those by way of a third stream. */
static bool comes_after(const CUstream_st *stream, const CUstream_st *other, size_t number)
{
    for (const task &one : stream->queue)
        for (size_t i = number; one.waits_for != nullptr && i < other->queue.size(); i++)
            if (other->queue[i].mark == one.waits_for)
                return true;
    return false;
}

static void require_done_elsewhere(const void *address, const CUstream_st *stream, const CUstream_st *other)
{
    for (size_t i = 0; other != stream && i < other->queue.size(); i++)
        for (const void *used : other->queue[i].buffers)
            if (used == address && !comes_after(stream, other, i))
                stop("cudaFreeAsync: work of another stream that uses the buffer may still be under way");
}

void release_in_order(void *address, cudaStream_t stream)
{
    if (address == nullptr)
        return;
    buffer_place found = buffer_at(address, place::device, "cudaFreeAsync");
    if (!found->second.ordered)
        stop("cudaFreeAsync: the buffer is not from cudaMallocAsync");
    require_same_device("cudaFreeAsync", "the buffer", found->second.device);
    order_with_default(stream);
    require_done_elsewhere(address, queue_of(stream), &the().default_stream);
    for (cudaStream_t other : the().streams)
        require_done_elsewhere(address, queue_of(stream), other);
    found->second.leaving = true;
    push(stream, {[address] { forget(the().buffers.find((char *)address)); }, false});
}

bool on_device(const void *address)
{
    buffer_place found = buffer_below(address);
    return found != the().buffers.end() && found->second.where == place::device &&
           (const char *)address < found->first + found->second.bytes;
}

bool reachable_from_kernels(const void *address)
{
    buffer_place found = buffer_below(address);
    if (found == the().buffers.end() || found->second.leaving || (const char *)address > found->first + found->second.bytes)
        return false;
    if (found->second.where == place::device)
        require_same_device("a launch", "a buffer", found->second.device);
    the().named.push_back(found->first);
    return true;
}

void require_device(const char *function, const char *operand, const void *address, size_t bytes)
{
    if (!on_device(address))
        stop("%s: %s is not on the device", function, operand);
    buffer_place found = buffer_below(address);
    size_t offset = (size_t)((const char *)address - found->first);
    if (found->second.leaving)
        stop("%s: %s was freed before by cudaFreeAsync", function, operand);
    if (bytes > found->second.bytes - offset)
        stop("%s: %s: %zu bytes from byte %zu of a device buffer of %zu bytes", function, operand, bytes, offset,
             found->second.bytes);
    require_same_device(function, operand, found->second.device);
    the().named.push_back(found->first);
}

void require_host(const char *function, const char *operand, const void *address, size_t bytes)
{
    if (address == nullptr)
        stop("%s: %s is NULL", function, operand);
    buffer_place found = buffer_below((const char *)address + bytes - 1);
    if (found == the().buffers.end() || (const char *)address >= found->first + found->second.bytes)
        return; /* ordinary memory, whose bounds the address sanitizer knows */
    if (found->second.where == place::device)
        stop("%s: %s is on the device, not on the host", function, operand);
    if ((const char *)address < found->first || (const char *)address + bytes > found->first + found->second.bytes)
        stop("%s: %s: %zu bytes run past a pinned buffer of %zu bytes", function, operand, bytes, found->second.bytes);
}

/* ---- Objects ---- */

void object_made(const void *object, const char *kind) { the().objects[object] = {kind, device_of_thread}; }

static std::map<const void *, object>::iterator find_object(const void *address, const char *kind, const char *function)
{
    auto found = the().objects.find(address);
    if (found == the().objects.end() || strcmp(found->second.kind, kind) != 0)
        stop("%s: not a %s, or one that was destroyed", function, kind);
    return found;
}

void object_needed(const void *object, const char *kind, const char *function)
{
    require_same_device(function, kind, find_object(object, kind, function)->second.device);
}

void object_gone(const void *object, const char *kind, const char *function)
{
    the().objects.erase(find_object(object, kind, function));
}

/* ---- Streams ---- */

cudaStream_t new_stream(bool blocking)
{
    cudaStream_t stream = new CUstream_st{{}, blocking, false};
    the().streams.push_back(stream);
    object_made(stream, "stream");
    return stream;
}

/* Do one thing of the stream's; true when it had nothing to do. */
static bool go_on(cudaStream_t stream)
{
    CUstream_st *queue = queue_of(stream);
    if (queue->queue.empty())
        return true;
    task next = std::move(queue->queue.front());
    queue->queue.pop_front();
    if (!next.is_work || the().broken == cudaSuccess) {
        enter();
        next.run();
        leave();
    }
    return queue->queue.empty();
}

void finish(cudaStream_t stream)
{
    while (!go_on(stream)) {
    }
}

static void bury(cudaStream_t stream)
{
    for (size_t i = 0; i < the().streams.size(); i++)
        if (the().streams[i] == stream)
            the().streams.erase(the().streams.begin() + (long)i);
    delete stream;
}

void finish_all()
{
    finish(nullptr);
    std::vector<cudaStream_t> streams = the().streams; /* the list changes when a destroyed stream is done */
    for (cudaStream_t stream : streams) {
        finish(stream);
        if (stream->destroyed)
            bury(stream);
    }
}

/* A destroyed stream goes on with its work, as on a device: the host may not take it for done. */
void end_stream(cudaStream_t stream)
{
    object_gone(stream, "stream", "cudaStreamDestroy");
    if (stream->queue.empty())
        bury(stream);
    else
        stream->destroyed = true;
}

static void order_with_default(cudaStream_t stream)
{
    if (stream != nullptr && stream->blocking)
        finish(nullptr);
    if (stream == nullptr)
        for (cudaStream_t other : the().streams)
            if (other->blocking)
                finish(other);
}

static void push(cudaStream_t stream, task &&next)
{
    order_with_default(stream);
    queue_of(stream)->queue.push_back(std::move(next));
    if (setting("LAZY", 0) == 0)
        finish(stream);
}

void submit(cudaStream_t stream, std::function<void()> work) { push(stream, {std::move(work), true, std::move(the().named)}); }

std::shared_ptr<recording> record(cudaStream_t stream)
{
    auto mark = std::make_shared<recording>(recording{stream, false});
    push(stream, {[mark] { mark->done = true; }, false, {}, mark});
    return mark;
}

void finish_until(const std::shared_ptr<recording> &mark)
{
    while (!mark->done)
        go_on(mark->stream);
}

void wait_for(cudaStream_t stream, const std::shared_ptr<recording> &mark)
{
    push(stream, {[mark] { finish_until(mark); }, true, {}, {}, mark});
}

} // namespace emulated

/* ---- The end of the program ---- */

static int report_leaks()
{
    size_t bytes[2] = {0, 0}, count[2] = {0, 0};
    for (auto &entry : the().buffers) {
        int pinned = entry.second.where == emulated::place::pinned;
        count[pinned] += !entry.second.leaving;
        bytes[pinned] += entry.second.leaving ? 0 : entry.second.bytes;
    }
    std::map<std::string, int> kinds;
    for (auto &entry : the().objects)
        kinds[entry.second.kind]++;
    if (count[0] + count[1] == 0 && kinds.empty())
        return 0;
    fprintf(stderr, "eegpu emulation: leaked %zu device buffers (%zu bytes), %zu pinned buffers (%zu bytes)", count[0], bytes[0],
            count[1], bytes[1]);
    for (auto &kind : kinds)
        fprintf(stderr, ", %s x %d", kind.first.c_str(), kind.second);
    fprintf(stderr, "\n");
    return 99;
}

/* A destructor of the library, which runs after all that was registered by atexit, also when the library is a plug-in that is
 * never closed. A forked child has not made what its parent has. */
__attribute__((destructor)) static void at_the_end()
{
    if (getpid() != the().process)
        return;
    const char *name = word("COUNT");
    FILE *file = name ? fopen(name, "a") : nullptr;
    if (file != nullptr) {
        fprintf(file, "%lld\n", the().counted_calls);
        fclose(file);
    }
    int code = report_leaks();
    if (code != 0) {
        fflush(nullptr);
        _exit(code);
    }
}
