/* What the emulated device is for: each bug of a table is planted, run in a process of its own, and must be seen, by the exit code
 * and by what is said on standard error; right programs must pass. Bugs that only a sanitizer can see are run in builds that have
 * it. The kernels are in bugs.cu. Called with the name of a case, the program is that process. */
#include <cublas_v2.h>
#include <cusolverDn.h>
#include <fcntl.h>
#include <pthread.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bugs.h"
#include "check.h"

enum { COUNT = 2 * BUG_BLOCK, WRONG_NUMBERS = 3, REFUSED = 4 };
enum { ABORTED = -SIGABRT, ANY_FAILURE = -1000, LEAKED = 99 };

static double numbers[COUNT];
static _Thread_local double reversed[COUNT];

/* ---- The programs: each returns its exit code, 0 when all seems well ---- */

#define DO(call)                                     \
    do {                                             \
        if ((call) != 0) {                           \
            fprintf(stderr, "refused: %s\n", #call); \
            code = REFUSED;                          \
            goto done;                               \
        }                                            \
    } while (0)

static int look(void)
{
    for (int i = 0; i < COUNT; i++)
        if (!(reversed[i] == numbers[i / BUG_BLOCK * BUG_BLOCK + BUG_BLOCK - 1 - i % BUG_BLOCK]))
            return WRONG_NUMBERS;
    return 0;
}

/* Reverse the numbers on the device by one of the kernels and look at the result; what `skip` names is left out. */
static int reverse(const char *kernel, const char *skip)
{
    int code = 0;
    double *source = NULL, *target = NULL;
    cudaStream_t stream = NULL, other = NULL;
    cudaEvent_t copied = NULL;
    DO(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking));
    DO(cudaStreamCreateWithFlags(&other, cudaStreamNonBlocking));
    DO(cudaEventCreateWithFlags(&copied, cudaEventDisableTiming));
    DO(cudaMalloc((void **)&source, sizeof numbers));
    DO(cudaMallocAsync((void **)&target, sizeof reversed, stream));
    DO(cudaMemcpyAsync(source, numbers, sizeof numbers, cudaMemcpyHostToDevice, other));
    DO(cudaEventRecord(copied, other));
    if (strcmp(skip, "wait") != 0)
        DO(cudaStreamWaitEvent(stream, copied, 0));
    DO(bugs_launch(kernel, COUNT / BUG_BLOCK, BUG_BLOCK * sizeof(double), target, source, COUNT, stream));
    DO(cudaMemcpyAsync(reversed, target, sizeof reversed, cudaMemcpyDeviceToHost, stream));
    if (strcmp(skip, "synchronise") != 0)
        DO(cudaStreamSynchronize(stream));
    code = look();
done:
    cudaFreeAsync(target, stream);
    cudaFree(source);
    if (copied)
        cudaEventDestroy(copied);
    if (other)
        cudaStreamDestroy(other);
    if (stream)
        cudaStreamDestroy(stream);
    return code;
}

static int by_kernel(const char *kernel) { return reverse(kernel, ""); }
static int no_wait_for_event(const char *unused) { return reverse("right", "wait"); }
static int no_synchronise(const char *unused) { return reverse("right", "synchronise"); }

/* One buffer of the device and what is done to it. */
static int with_buffer(const char *what)
{
    int code = 0;
    double *buffer = NULL, *second = NULL;
    static double host[COUNT + 1];
    DO(cudaMalloc((void **)&buffer, sizeof numbers));
    if (strcmp(what, "host_touches") == 0)
        code = buffer[3] == 1;
    else if (strcmp(what, "wrong_direction") == 0)
        DO(cudaMemcpy(buffer, numbers, sizeof numbers, cudaMemcpyDeviceToHost));
    else if (strcmp(what, "copy_past_the_end") == 0)
        DO(cudaMemcpy(buffer, host, sizeof host, cudaMemcpyHostToDevice));
    else if (strcmp(what, "plane_past_the_end") == 0)
        DO(cudaMemcpy2DAsync(buffer, 16 * sizeof *buffer, host, sizeof *host, sizeof *host, COUNT / 16 + 1, cudaMemcpyHostToDevice,
                             NULL));
    else if (strcmp(what, "free_twice") == 0)
        cudaFree(buffer);
    else if (strcmp(what, "leak") == 0)
        buffer = NULL;
    else if (strcmp(what, "host_argument") == 0)
        DO(bugs_launch("right", 1, 0, buffer, numbers, COUNT, NULL));
    else if (strcmp(what, "no_blocks") == 0)
        DO(bugs_launch("right", 0, 0, buffer, buffer, COUNT, NULL));
    else if (strcmp(what, "too_much_shared") == 0)
        DO(bugs_launch("right", 1, 48 * 1024 + 1, buffer, buffer, COUNT, NULL));
    else if (strcmp(what, "error_path") == 0)
        if (cudaMalloc((void **)&second, sizeof numbers) != cudaSuccess)
            return REFUSED; /* without giving `buffer` back */
done:
    cudaFree(second);
    cudaFree(buffer);
    return code;
}

static int use_after_free(const char *unused)
{
    int code = 0;
    double *buffer = NULL;
    cudaStream_t stream = NULL;
    DO(cudaStreamCreate(&stream));
    DO(cudaMallocAsync((void **)&buffer, sizeof numbers, stream));
    DO(cudaFreeAsync(buffer, stream));
    DO(cudaMemcpyAsync(buffer, numbers, sizeof numbers, cudaMemcpyHostToDevice, stream));
done:
    return code;
}

/* A buffer that one stream fills and another frees; `how` they are kept in order. */
static int free_elsewhere(const char *how)
{
    int code = 0;
    double *buffer = NULL;
    cudaStream_t stream = NULL, other = NULL;
    cudaEvent_t filled = NULL;
    DO(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking));
    DO(cudaStreamCreateWithFlags(&other, cudaStreamNonBlocking));
    DO(cudaEventCreateWithFlags(&filled, cudaEventDisableTiming));
    DO(cudaMallocAsync((void **)&buffer, sizeof numbers, stream));
    if (strcmp(how, "early event") == 0)
        DO(cudaEventRecord(filled, stream));
    DO(cudaMemsetAsync(buffer, 0, sizeof numbers, stream));
    if (strcmp(how, "event") == 0)
        DO(cudaEventRecord(filled, stream));
    if (strcmp(how, "event") == 0 || strcmp(how, "early event") == 0)
        DO(cudaStreamWaitEvent(other, filled, 0));
    if (strcmp(how, "synchronise") == 0)
        DO(cudaDeviceSynchronize());
done:
    cudaFreeAsync(buffer, other);
    if (filled)
        cudaEventDestroy(filled);
    if (other)
        cudaStreamDestroy(other);
    if (stream)
        cudaStreamDestroy(stream);
    return code;
}

/* Two devices; what `where` names is made on the second one, and used while the thread works with the first. */
static int forgotten_device(const char *where)
{
    int code = 0, at_launch = strcmp(where, "stream") == 0;
    double *buffer = NULL, *other = NULL;
    cudaStream_t stream = NULL;
    cublasHandle_t blas = NULL;
    DO(cudaMalloc((void **)&other, sizeof numbers));
    DO(cudaSetDevice(1));
    DO(cudaMalloc((void **)&buffer, sizeof numbers));
    DO(cudaStreamCreate(&stream));
    DO(cublasCreate(&blas));
    DO(cudaSetDevice(strcmp(where, "nothing") == 0));
    if (strcmp(where, "handle") == 0)
        DO(cublasSetMathMode(blas, CUBLAS_DEFAULT_MATH));
    else if (strcmp(where, "argument") == 0)
        DO(bugs_launch("right", 1, 0, other, buffer, BUG_BLOCK, NULL));
    else if (strcmp(where, "copy") == 0)
        DO(cudaMemcpy(buffer, numbers, sizeof numbers, cudaMemcpyHostToDevice));
    else
        DO(bugs_launch("right", 1, 0, at_launch ? other : buffer, at_launch ? other : buffer, BUG_BLOCK, stream));
done:
    if (blas)
        cublasDestroy(blas);
    if (stream)
        cudaStreamDestroy(stream);
    cudaFree(buffer);
    cudaFree(other);
    return code;
}

static int use_after_destroy(const char *unused)
{
    int code = 0;
    cudaStream_t stream = NULL;
    DO(cudaStreamCreate(&stream));
    DO(cudaStreamDestroy(stream));
    DO(cudaStreamSynchronize(stream));
done:
    return code;
}

/* The eigenvalues 1 and 3 of {{2, 1}, {1, 2}}, with a workspace that is `short_by` bytes too small. */
static int eigenvalues(const char *short_by)
{
    int code = 0, info = -1, *device_info = NULL;
    double host[] = {2, 1, 0.0 / 0.0, 2}, values[2] = {0, 0}, *matrix = NULL, *found = NULL, *work = NULL;
    size_t device_bytes = 0, host_bytes = 0;
    char host_work[4096];
    cusolverDnHandle_t solver = NULL;
    cusolverDnParams_t params = NULL;
    DO(cusolverDnCreate(&solver));
    DO(cusolverDnCreateParams(&params));
    DO(cudaMalloc((void **)&matrix, sizeof host));
    DO(cudaMalloc((void **)&found, sizeof values));
    DO(cudaMalloc((void **)&device_info, sizeof info));
    DO(cudaMemcpy(matrix, host, sizeof host, cudaMemcpyHostToDevice));
    DO(cusolverDnXsyevd_bufferSize(solver, params, CUSOLVER_EIG_MODE_NOVECTOR, CUBLAS_FILL_MODE_LOWER, 2, CUDA_R_64F, matrix, 2,
                                   CUDA_R_64F, found, CUDA_R_64F, &device_bytes, &host_bytes));
    device_bytes -= (size_t)atoi(short_by);
    DO(cudaMalloc((void **)&work, device_bytes));
    DO(cusolverDnXsyevd(solver, params, CUSOLVER_EIG_MODE_NOVECTOR, CUBLAS_FILL_MODE_LOWER, 2, CUDA_R_64F, matrix, 2, CUDA_R_64F,
                        found, CUDA_R_64F, work, device_bytes, host_work, host_bytes, device_info));
    DO(cudaMemcpy(values, found, sizeof values, cudaMemcpyDeviceToHost));
    DO(cudaMemcpy(&info, device_info, sizeof info, cudaMemcpyDeviceToHost));
    code = info == 0 && fabs(values[0] - 1) < 1e-14 && fabs(values[1] - 3) < 1e-14 ? 0 : WRONG_NUMBERS;
done:
    cudaFree(work);
    cudaFree(device_info);
    cudaFree(found);
    cudaFree(matrix);
    if (params)
        cusolverDnDestroyParams(params);
    if (solver)
        cusolverDnDestroy(solver);
    return code;
}

/* A product of bytes whose leading dimension is `leading`. */
static int product_of_bytes(const char *leading)
{
    int code = 0, sums[4] = {0}, one = 1, zero = 0, *product = NULL;
    static const int8_t factor[12] = {1, 0, 1, 0, 0, 0, 1, 1, 1}; /* columns of 3 */
    int8_t *device_factor = NULL;
    int ld = atoi(leading);
    cublasHandle_t blas = NULL;
    DO(cublasCreate(&blas));
    DO(cudaMalloc((void **)&device_factor, sizeof factor));
    DO(cudaMalloc((void **)&product, sizeof sums));
    DO(cudaMemcpy2D(device_factor, (size_t)ld, factor, 4, 3, 2, cudaMemcpyHostToDevice));
    DO(cublasGemmEx(blas, CUBLAS_OP_T, CUBLAS_OP_N, 2, 2, 3, &one, device_factor, CUDA_R_8I, ld, device_factor, CUDA_R_8I, ld,
                    &zero, product, CUDA_R_32I, 2, CUBLAS_COMPUTE_32I, CUBLAS_GEMM_DEFAULT));
    DO(cudaMemcpy(sums, product, sizeof sums, cudaMemcpyDeviceToHost));
    code = sums[0] == 2 && sums[1] == 1 && sums[2] == 1 && sums[3] == 1 ? 0 : WRONG_NUMBERS;
done:
    cudaFree(product);
    cudaFree(device_factor);
    if (blas)
        cublasDestroy(blas);
    return code;
}

static void *one_thread(void *kernel)
{
    static int failed = 1;
    for (int i = 0; i < 3; i++)
        if (by_kernel(kernel) != 0 || eigenvalues("0") != 0)
            return &failed;
    return NULL;
}

static int four_threads(const char *kernel)
{
    pthread_t threads[4];
    int started = 0, code = 0;
    while (started < 4 && pthread_create(&threads[started], NULL, one_thread, (void *)(uintptr_t)kernel) == 0)
        started++;
    for (int i = 0; i < started; i++) {
        void *failed = NULL;
        pthread_join(threads[i], &failed);
        code |= failed != NULL;
    }
    return started == 4 ? code : REFUSED;
}

/* ---- The table ---- */

/* A case without a sanitizer's name holds in every build; "!address" in those without that one. A build with it may say more. */
typedef struct bug_case {
    const char *name;
    int (*program)(const char *argument);
    const char *argument;
    const char *variable, *value; /* EEGPU_EMULATED_... */
    const char *sanitizer;
    int code;
    const char *says;
} bug_case;

static const bug_case cases[] = {
    {"right", by_kernel, "right", "ORDER", "forward", "", 0, ""},
    {"right, reverse", by_kernel, "right", "ORDER", "reverse", "", 0, ""},
    {"right, shuffled", by_kernel, "right", "ORDER", "7", "", 0, ""},
    {"right, lazy", by_kernel, "right", "LAZY", "1", "", 0, ""},
    {"dynamic shared memory", by_kernel, "right_with_dynamic_shared", "ORDER", "reverse", "", 0, ""},
    {"shuffles and votes", by_kernel, "right_with_shuffles", "ORDER", "7", "", 0, ""},
    {"atomics", by_kernel, "atomics", "ORDER", "7", "", 0, ""},
    {"eigenvalues", eigenvalues, "0", "LAZY", "1", "", 0, ""},
    {"product of bytes", product_of_bytes, "4", "LAZY", "1", "", 0, ""},
    {"four threads", four_threads, "right_with_shuffles", "LAZY", "0", "", 0, ""},
    {"four threads, lazy", four_threads, "right_with_dynamic_shared", "LAZY", "1", "", 0, ""},

    {"write past the end", by_kernel, "past_the_end", "LAZY", "0", "address", ANY_FAILURE, "AddressSanitizer: use-after-poison"},
    {"write past the end, no sanitizer", by_kernel, "past_the_end", "LAZY", "0", "!address", ABORTED, "was written past its end"},
    {"past static shared memory", by_kernel, "past_shared", "LAZY", "0", "address", ANY_FAILURE, "bugs.cu:"},
    {"past dynamic shared memory", by_kernel, "past_dynamic_shared", "LAZY", "0", "address", ANY_FAILURE, "heap-buffer-overflow"},
    {"unwritten shared memory", by_kernel, "unwritten_shared", "LAZY", "0", "", WRONG_NUMBERS, ""},
    {"32-bit overflow", by_kernel, "overflow", "LAZY", "0", "undefined", ANY_FAILURE, "signed integer overflow"},
    {"missing barrier", by_kernel, "missing_barrier", "LAZY", "0", "!thread", WRONG_NUMBERS, ""},
    {"missing barrier, race", by_kernel, "missing_barrier", "LAZY", "0", "thread", ANY_FAILURE, "data race"},
    {"hidden missing barrier", by_kernel, "hidden_missing_barrier", "ORDER", "forward", "!thread", 0, ""},
    {"hidden missing barrier, reverse", by_kernel, "hidden_missing_barrier", "ORDER", "reverse", "!thread", WRONG_NUMBERS, ""},
    {"hidden missing barrier, race", by_kernel, "hidden_missing_barrier", "ORDER", "forward", "thread", ANY_FAILURE, "data race"},
    {"missing warp barrier", by_kernel, "missing_warp_barrier", "LAZY", "0", "thread", ANY_FAILURE, "data race"},
    {"divergent barrier", by_kernel, "divergent_barrier", "LAZY", "0", "", ABORTED, "a barrier is not reached by every thread"},
    {"divergent shuffle", by_kernel, "divergent_shuffle", "LAZY", "0", "", ABORTED, "not reached by every lane of its mask"},
    {"wrong mask", by_kernel, "shuffle_outside_the_mask", "LAZY", "0", "", ABORTED, "whose mask leaves it out"},

    {"missing synchronise, eager", no_synchronise, "", "LAZY", "0", "", 0, ""},
    {"missing synchronise, lazy", no_synchronise, "", "LAZY", "1", "", WRONG_NUMBERS, ""},
    {"missing wait, lazy", no_wait_for_event, "", "LAZY", "1", "", WRONG_NUMBERS, ""},
    {"host touches device memory", with_buffer, "host_touches", "LAZY", "0", "address", ANY_FAILURE, "use-after-poison"},
    {"wrong direction", with_buffer, "wrong_direction", "LAZY", "0", "", ABORTED, "cudaMemcpy: the target is on the device"},
    {"copy past the end", with_buffer, "copy_past_the_end", "LAZY", "0", "", ABORTED, "cudaMemcpy: the target: 1032 bytes"},
    {"plane past the end", with_buffer, "plane_past_the_end", "LAZY", "0", "", ABORTED, "cudaMemcpy2DAsync: the target: 1032"},
    {"free twice", with_buffer, "free_twice", "LAZY", "0", "", ABORTED, "cudaFree: the pointer is not the start of a buffer"},
    {"host pointer for a kernel", with_buffer, "host_argument", "LAZY", "0", "", ABORTED, "a launch: argument 2 points to no"},
    {"no blocks", with_buffer, "no_blocks", "LAZY", "0", "", REFUSED, "refused: bugs_launch"},
    {"too much shared memory", with_buffer, "too_much_shared", "LAZY", "0", "", REFUSED, "refused: bugs_launch"},
    {"use after free", use_after_free, "", "LAZY", "1", "", ABORTED, "the target was freed before by cudaFreeAsync"},
    {"free in another stream", free_elsewhere, "", "LAZY", "1", "", ABORTED, "work of another stream that uses the buffer"},
    {"free after an event", free_elsewhere, "event", "LAZY", "1", "", 0, ""},
    {"free after an earlier event", free_elsewhere, "early event", "LAZY", "1", "", ABORTED, "work of another stream that uses"},
    {"free after waiting", free_elsewhere, "synchronise", "LAZY", "1", "", 0, ""},
    {"the device in use", forgotten_device, "nothing", "DEVICES", "2", "", 0, ""},
    {"stream of another device", forgotten_device, "stream", "DEVICES", "2", "", ABORTED, "a launch: stream is of device 1"},
    {"argument of another device", forgotten_device, "argument", "DEVICES", "2", "", ABORTED, "a launch: a buffer is of device 1"},
    {"copy to another device", forgotten_device, "copy", "DEVICES", "2", "", ABORTED, "cudaMemcpy: the target is of device 1"},
    {"handle of another device", forgotten_device, "handle", "DEVICES", "2", "", ABORTED, "cuBLAS handle is of device 1"},
    {"use after destroy", use_after_destroy, "", "LAZY", "0", "", ABORTED, "not a stream, or one that was destroyed"},
    {"leak", with_buffer, "leak", "LAZY", "0", "", LEAKED, "leaked 1 device buffers (1024 bytes)"},
    {"leak on an error path", with_buffer, "error_path", "FAIL", "cudaMalloc:2", "", LEAKED, "leaked 1 device buffers"},
    {"no leak without the error", with_buffer, "error_path", "FAIL", "cudaMalloc:3", "", 0, ""},
    {"failure of any call", by_kernel, "right", "FAIL", "any:9", "", REFUSED, "refused: bugs_launch"},
    {"failure that stays", by_kernel, "right", "FAIL", "cudaMemcpyAsync:1:700", "", REFUSED, "refused: cudaMemcpyAsync"},
    {"small device", by_kernel, "right", "MEMORY", "2000", "", REFUSED, "refused: cudaMallocAsync"},
    {"shared device", by_kernel, "right", "TAKEN", "2147482000", "", REFUSED, "refused: cudaMallocAsync"},
    {"no device", by_kernel, "right", "DEVICES", "0", "", REFUSED, "refused: cudaStreamCreate"},
    {"old driver", by_kernel, "right", "DRIVER", "11080", "", REFUSED, "refused: cudaStreamCreate"},
    {"no convergence", eigenvalues, "0", "INFO", "1", "", WRONG_NUMBERS, ""},
    {"small workspace", eigenvalues, "8", "LAZY", "0", "", ABORTED, "cusolverDnXsyevd: a workspace of"},
    {"odd leading dimension", product_of_bytes, "3", "LAZY", "0", "", REFUSED, "refused: cublasGemmEx"},
};
enum { CASES = sizeof cases / sizeof *cases };

static bool holds_here(const bug_case *bug)
{
    bool without = *bug->sanitizer == '!';
    return *bug->sanitizer == '\0' || (strstr(BUILT_WITH, bug->sanitizer + without) != NULL) != without;
}

/* ---- The parent ---- */

/* Run the case in a new process: its exit code, or minus the signal that ended it; `said` receives what it wrote to standard
 * error. */
static int run_case(const bug_case *bug, char *said, size_t size)
{
    char variable[64];
    FILE *output = tmpfile();
    int status = 0;
    pid_t child = -1;
    char *const arguments[] = {(char *)"test_bugs", (char *)bug->name, NULL};
    snprintf(variable, sizeof variable, "EEGPU_EMULATED_%s", bug->variable);
    setenv(variable, bug->value, 1);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    if (output != NULL)
        posix_spawn_file_actions_adddup2(&actions, fileno(output), STDERR_FILENO);
    bool ran = output != NULL && posix_spawn(&child, "/proc/self/exe", &actions, NULL, arguments, environ) == 0 &&
               waitpid(child, &status, 0) == child;
    posix_spawn_file_actions_destroy(&actions);
    unsetenv(variable);
    ssize_t got = ran ? pread(fileno(output), said, size - 1, 0) : 0;
    said[got < 0 ? 0 : got] = '\0';
    if (output != NULL)
        fclose(output);
    CHECK(ran);
    return !ran ? ANY_FAILURE : WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

static void test_cases(void)
{
    static char said[1 << 16];
    for (const bug_case *bug = cases; bug < cases + CASES; bug++) {
        if (!holds_here(bug))
            continue;
        int code = run_case(bug, said, sizeof said);
        bool seen = (bug->code == ANY_FAILURE ? code != 0 : code == bug->code) && strstr(said, bug->says) != NULL;
        CU_assertImplementation(seen, __LINE__, bug->name, __FILE__, "", CU_FALSE);
        if (!seen)
            fprintf(stderr, "%s: exit %d (expected %d), expected to read \"%s\" in:\n%.2000s\n", bug->name, code, bug->code,
                    bug->says, said);
    }
}

int main(int argc, char **argv)
{
    for (int i = 0; i < COUNT; i++)
        numbers[i] = i + 1;
    for (const bug_case *bug = cases; argc > 1 && bug < cases + CASES; bug++)
        if (strcmp(argv[1], bug->name) == 0) {
            setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
            return bug->program(bug->argument);
        }
    static const CU_TestInfo tests[] = {{"planted bugs are seen", test_cases}, CU_TEST_INFO_NULL};
    return argc > 1 ? 2 : run_suite("emulation", tests);
}
