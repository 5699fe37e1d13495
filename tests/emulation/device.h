/* The emulated device, as runtime.cpp, cublas.cpp and cusolver.cpp see it: its memory, its streams, its faults, and the record of
 * what has not been given back. All functions but stop() are called under a `device_lock`: one host thread at a time is inside the
 * emulation, and the device's work is done by whichever thread makes a stream go on. The environment variables are listed in
 * device.cpp. */
#ifndef EG_EMULATION_DEVICE_H
#define EG_EMULATION_DEVICE_H

#include <functional>
#include <memory>
#include <mutex>

#include <cuda_runtime_api.h>

namespace emulated
{

/* A mistake of the caller that a real device would punish later or not at all: one line on stderr, and the program aborts. */
[[noreturn]] void stop(const char *format, ...) __attribute__((format(printf, 1, 2)));

struct device_lock {
    device_lock();
    ~device_lock();
    device_lock(const device_lock &) = delete;
    device_lock &operator=(const device_lock &) = delete;
};

/* ---- Faults ---- */

/* The start of an API function: counts the call and says which error it must return without doing anything, cudaSuccess for none.
 * An asked-for failure is `failure`, or the code that was asked for. */
cudaError_t begin(const char *function, cudaError_t failure);

/* The same for one that gives something back: it does so even when it fails, since then the error is an earlier one's. Such calls
 * are not counted in `any`, for programs may ignore their errors. */
cudaError_t begin_release(const char *function);

/* Shall the call that has begun give a wrong result, as was asked for? */
bool is_wrong(const char *function);

/* Errors after which a device does nothing more for the program. */
cudaError_t broken();

long long setting(const char *name, long long otherwise); /* EEGPU_EMULATED_`name` as a number */

/* ---- Memory ---- */

enum class place { device, pinned };

/* Which device the calling thread works with. Streams, events, handles and memory belong to the device that was used when they were
 * made, and the program stops when a call names one of another device: a cudaSetDevice was forgotten. CUDA would let some such
 * calls pass. */
void use_device(int number);

/* NaN everywhere. With a stream, the memory is there and gone when the stream comes to it. */
cudaError_t allocate(void **address, place where, size_t bytes);
cudaError_t allocate_in_order(void **address, size_t bytes, cudaStream_t stream);
void release(void *address, place where);
void release_in_order(void *address, cudaStream_t stream); /* stops when work of another stream may still use the memory */
size_t total_memory(), free_memory();

/* Stop the program unless all `bytes` lie in one buffer of the device, or outside the device. */
void require_device(const char *function, const char *operand, const void *address, size_t bytes);
void require_host(const char *function, const char *operand, const void *address, size_t bytes);
bool on_device(const void *address);
bool reachable_from_kernels(const void *address); /* device or pinned memory, or the end of it */

/* ---- Objects: streams, events, handles. Leaks and uses after the end are found by their addresses ---- */

void object_made(const void *object, const char *kind);
void object_needed(const void *object, const char *kind, const char *function);
void object_gone(const void *object, const char *kind, const char *function);

/* ---- Streams ---- */

struct recording; /* one recording of an event */

cudaStream_t new_stream(bool blocking);
void end_stream(cudaStream_t stream);
void submit(cudaStream_t stream, std::function<void()> work);
void finish(cudaStream_t stream);
void finish_all();

std::shared_ptr<recording> record(cudaStream_t stream);
void finish_until(const std::shared_ptr<recording> &mark);
void wait_for(cudaStream_t stream, const std::shared_ptr<recording> &mark); /* the stream does, not the caller */

} // namespace emulated

#endif
