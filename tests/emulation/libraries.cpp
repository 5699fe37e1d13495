/* A stand-in for libcublas and libcusolver, compiled against NVIDIA's own headers: the functions that the engine calls, on the host's BLAS and
 * LAPACK (backend/blas.h) or as plain loops. Work goes through the emulated device's streams; operands and workspaces are checked to lie
 * on the device and to be large enough, and workspaces and destroyed matrices are filled with NaN. It refuses what the real ones
 * refuse, as far as the engine could ask for it. A failure asked for with EEGPU_EMULATED_FAIL has the library's own codes.
 *
 *   EEGPU_EMULATED_INFO=K   the solvers report that they did not converge, with this number */
#include <cmath>
#include <complex>
#include <cstdint>
#include <cstring>
#include <vector>

#include <cublas_v2.h>
#include <cusolverDn.h>

#include "device.h"

extern "C" {
#include "backend/blas.h"
}

using emulated::device_lock;
using emulated::require_device;
using emulated::stop;

struct cublasContext {
    cudaStream_t stream;
};

struct cusolverDnContext {
    cudaStream_t stream;
};

struct cusolverDnParams {
    int unused;
};

namespace
{

const char blas_handle[] = "cuBLAS handle", solver_handle[] = "cuSOLVER handle", solver_params[] = "cuSOLVER parameters";

/* Both libraries call it 1 that they cannot work at all. */
constexpr int not_initialised = 1;
static_assert((int)CUBLAS_STATUS_NOT_INITIALIZED == not_initialised && (int)CUSOLVER_STATUS_NOT_INITIALIZED == not_initialised,
              "one number for both libraries");

int begin(const char *function, int failure)
{
    cudaError_t error = emulated::begin(function, (cudaError_t)failure);
    if (error == cudaErrorInsufficientDriver || emulated::setting("DEVICES", 1) == 0)
        return not_initialised;
    return emulated::broken() != cudaSuccess ? failure : (int)error;
}

#define BEGIN_BLAS(handle)                                               \
    device_lock locked;                                                  \
    do {                                                                 \
        int asked_for = begin(__func__, CUBLAS_STATUS_EXECUTION_FAILED); \
        if (asked_for != 0)                                              \
            return (cublasStatus_t)asked_for;                            \
        emulated::object_needed(handle, blas_handle, __func__);          \
    } while (0)

#define BEGIN_SOLVER(handle)                                               \
    device_lock locked;                                                    \
    do {                                                                   \
        int asked_for = begin(__func__, CUSOLVER_STATUS_EXECUTION_FAILED); \
        if (asked_for != 0)                                                \
            return (cusolverStatus_t)asked_for;                            \
        emulated::object_needed(handle, solver_handle, __func__);          \
    } while (0)

const eg_blas &host_blas()
{
    const eg_blas *blas = nullptr;
    if (eg_blas_load(&blas) != EEGPU_OK)
        stop("cuBLAS and cuSOLVER need the host's BLAS: %s", eegpu_error_message());
    return *blas;
}

/* LAPACK of the host from one thread at a time, where it needs that. */
struct blas_turn {
    const eg_blas &blas = host_blas();
    blas_turn() { eg_blas_enter(&blas); }
    ~blas_turn() { eg_blas_leave(&blas); }
};

/* ---- Operands ---- */

struct operand {
    const char *function, *name;
    const void *address;
    int64_t rows, columns, leading;
    size_t size; /* of a number */

    bool plausible() const { return rows >= 0 && columns >= 0 && leading >= (rows > 1 ? rows : 1); }
    void require() const
    {
        if (rows > 0 && columns > 0)
            require_device(function, name, address, (size_t)((columns - 1) * leading + rows) * size);
    }
};

operand transposed(operand matrix, cublasOperation_t operation)
{
    if (operation != CUBLAS_OP_N)
        std::swap(matrix.rows, matrix.columns);
    return matrix;
}

void fill_with_nan(void *start, size_t bytes)
{
    if (bytes > 0)
        memset(start, 0xff, bytes);
}

/* ---- Kernels of cuBLAS ---- */

template <class Number> Number conjugate(Number x)
{
    if constexpr (std::is_same_v<Number, double>)
        return x;
    else
        return std::conj(x);
}

template <class Number> Number element(const Number *matrix, int leading, cublasOperation_t operation, int row, int column)
{
    if (operation == CUBLAS_OP_N)
        return matrix[row + (size_t)column * leading];
    Number x = matrix[column + (size_t)row * leading];
    return operation == CUBLAS_OP_C ? conjugate(x) : x;
}

/* C = alpha op(A) + beta op(B); a matrix whose factor is zero is not read. */
template <class Number> struct sum_of_two {
    cublasOperation_t operation_a, operation_b;
    int rows, columns;
    Number alpha, beta;
    const Number *a;
    int leading_a;
    const Number *b;
    int leading_b;
    Number *c;
    int leading_c;

    cublasStatus_t check(const char *function) const
    {
        operand of_a = transposed({function, "A", a, rows, columns, leading_a, sizeof *a}, operation_a);
        operand of_b = transposed({function, "B", b, rows, columns, leading_b, sizeof *b}, operation_b);
        operand of_c = {function, "C", c, rows, columns, leading_c, sizeof *c};
        bool in_place_a = a == c && (operation_a != CUBLAS_OP_N || leading_a != leading_c);
        bool in_place_b = b == c && (operation_b != CUBLAS_OP_N || leading_b != leading_c);
        if (!of_a.plausible() || !of_b.plausible() || !of_c.plausible() || in_place_a || in_place_b)
            return CUBLAS_STATUS_INVALID_VALUE;
        if (alpha != Number(0))
            of_a.require();
        if (beta != Number(0))
            of_b.require();
        of_c.require();
        return CUBLAS_STATUS_SUCCESS;
    }

    void operator()() const
    {
        for (int column = 0; column < columns; column++)
            for (int row = 0; row < rows; row++) {
                Number sum = 0;
                if (alpha != Number(0))
                    sum += alpha * element(a, leading_a, operation_a, row, column);
                if (beta != Number(0))
                    sum += beta * element(b, leading_b, operation_b, row, column);
                c[row + (size_t)column * leading_c] = sum;
            }
    }
};

float from_half(uint16_t half)
{
    int exponent = half >> 10 & 31, fraction = half & 1023;
    float size = exponent == 0 ? std::ldexp((float)fraction, -24) : std::ldexp((float)(fraction + 1024), exponent - 25);
    if (exponent == 31)
        size = fraction ? NAN : INFINITY;
    return half & 0x8000 ? -size : size;
}

int32_t widened(int8_t x) { return x; }
float widened(uint16_t x) { return from_half(x); }

/* C = alpha A^T B + beta C, both factors k long, sums in the type of C. */
template <class Narrow, class Wide> struct product {
    int m, n, k;
    Wide alpha, beta;
    const Narrow *a;
    int leading_a;
    const Narrow *b;
    int leading_b;
    Wide *c;
    int leading_c;

    static std::vector<Wide> columns_of(const Narrow *matrix, int leading, int rows, int columns)
    {
        std::vector<Wide> wide((size_t)rows * columns);
        for (int column = 0; column < columns; column++)
            for (int row = 0; row < rows; row++)
                wide[row + (size_t)column * rows] = widened(matrix[row + (size_t)column * leading]);
        return wide;
    }

    void operator()() const
    {
        std::vector<Wide> wide_a = columns_of(a, leading_a, k, m), wide_b = columns_of(b, leading_b, k, n);
        for (int j = 0; j < n; j++)
            for (int i = 0; i < m; i++) {
                const Wide *x = wide_a.data() + (size_t)i * k, *y = wide_b.data() + (size_t)j * k;
                Wide sum = 0, *target = &c[i + (size_t)j * leading_c];
                for (int t = 0; t < k; t++)
                    sum += x[t] * y[t];
                *target = alpha * sum + (beta != 0 ? beta * *target : 0);
            }
    }
};

/* ---- LAPACK on copies: the device's buffers have no room past their end, where OpenBLAS 0.3.21 reads ---- */

struct scratch_matrix {
    int rows, columns, width; /* width: 1 real, 2 complex */
    std::vector<double> numbers;

    scratch_matrix(int rows_, int columns_, bool is_complex)
        : rows(rows_), columns(columns_), width(is_complex ? 2 : 1),
          numbers(((size_t)rows_ * ((size_t)columns_ + 4) + 64) * (is_complex ? 2 : 1))
    {
    }
    double *column(int j) { return numbers.data() + (size_t)j * rows * width; }
    void take(const double *from, int64_t leading)
    {
        for (int j = 0; j < columns; j++)
            memcpy(column(j), from + j * leading * width, sizeof(double) * rows * width);
    }
    void give(double *to, int64_t leading)
    {
        for (int j = 0; j < columns; j++)
            memcpy(to + j * leading * width, column(j), sizeof(double) * rows * width);
    }
};

/* Calls with no workspace first, which asks for the sizes that the second call gives it. */
int lapack_eigenvalues(bool is_complex, char triangle, int n, double *matrix, double *values)
{
    blas_turn turn;
    double first_work[2] = {0}, first_real[1] = {0};
    int first_integer[1] = {0}, info = 0, ask = -1;
    std::vector<double> work, real;
    std::vector<int> integer;
    auto call = [&](double *w, int size, double *r, int real_size, int *i, int integer_size) {
        if (is_complex)
            turn.blas.zheevd("N", &triangle, &n, matrix, &n, values, w, &size, r, &real_size, i, &integer_size, &info, 1, 1);
        else
            turn.blas.dsyevd("N", &triangle, &n, matrix, &n, values, w, &size, i, &integer_size, &info, 1, 1);
    };
    call(first_work, ask, first_real, ask, first_integer, ask);
    work.resize((size_t)first_work[0] * 2 + 64 + 8 * (size_t)n);
    real.resize((size_t)first_real[0] + 1);
    integer.resize((size_t)first_integer[0] + 1);
    call(work.data(), (int)first_work[0], real.data(), (int)first_real[0], integer.data(), first_integer[0]);
    return info;
}

int lapack_singular_values(bool is_complex, char job, int m, int n, double *matrix, double *values, double *u, int leading_u,
                           double *vt, int leading_vt)
{
    blas_turn turn;
    double first_work[2] = {0};
    int info = 0;
    std::vector<int> integer(8 * (size_t)n);
    std::vector<double> real(is_complex ? (size_t)n * (5 * (size_t)n + 2 * (size_t)m + 9) : 1);
    auto call = [&](double *w, int size) {
        if (is_complex)
            turn.blas.zgesdd(&job, &m, &n, matrix, &m, values, u, &leading_u, vt, &leading_vt, w, &size, real.data(),
                             integer.data(), &info, 1);
        else
            turn.blas.dgesdd(&job, &m, &n, matrix, &m, values, u, &leading_u, vt, &leading_vt, w, &size, integer.data(), &info, 1);
    };
    call(first_work, -1);
    std::vector<double> work((size_t)first_work[0] * 2 + 64 + 8 * (size_t)m);
    call(work.data(), (int)first_work[0]);
    return info;
}

/* ---- What the solvers have in common ---- */

struct workspace {
    void *device;
    size_t device_bytes;
    void *host;
    size_t host_bytes;
};

/* What *_bufferSize answers, and what the calls then insist on. */
workspace asked_for(int64_t rows, int64_t columns, int64_t batch, bool is_complex)
{
    size_t number = is_complex ? sizeof(cuDoubleComplex) : sizeof(double);
    return {nullptr, ((size_t)rows * (size_t)columns + 64 * (size_t)rows) * (size_t)batch * number, nullptr, 64 * (size_t)rows};
}

void require(const char *function, const workspace &given, const workspace &wanted)
{
    if (given.device_bytes < wanted.device_bytes || given.host_bytes < wanted.host_bytes)
        stop("%s: a workspace of %zu bytes on the device and %zu on the host, but %zu and %zu were asked for", function,
             given.device_bytes, given.host_bytes, wanted.device_bytes, wanted.host_bytes);
    require_device(function, "the workspace on the device", given.device, given.device_bytes);
    emulated::require_host(function, "the workspace on the host", given.host, given.host_bytes);
}

void scribble(const workspace &given)
{
    fill_with_nan(given.device, given.device_bytes);
    fill_with_nan(given.host, given.host_bytes);
}

bool number_types(cudaDataType matrix, cudaDataType values, cudaDataType compute)
{
    return (matrix == CUDA_R_64F || matrix == CUDA_C_64F) && values == CUDA_R_64F && compute == matrix;
}

/* Eigenvalues of `batch` matrices, one after the other in memory. */
struct eigen_job {
    char triangle;
    bool is_complex;
    int n;
    double *matrices;
    int64_t leading;
    double *values;
    int *info;
    int64_t batch;
    workspace work;

    size_t width() const { return is_complex ? 2 : 1; }
    void check(const char *function) const
    {
        size_t number = width() * sizeof(double);
        operand{function, "A", matrices, n, n * batch, leading, number}.require();
        operand{function, "W", values, n, batch, n, sizeof(double)}.require();
        operand{function, "info", info, batch, 1, batch, sizeof(int)}.require();
        require(function, work, asked_for(n, n, batch, is_complex));
    }
    void operator()() const
    {
        int fails = (int)emulated::setting("INFO", 0);
        for (int64_t i = 0; i < batch; i++) {
            scratch_matrix matrix(n, n, is_complex);
            std::vector<double> found((size_t)n);
            double *source = matrices + i * leading * n * (int64_t)width();
            matrix.take(source, leading);
            info[i] = fails ? fails : lapack_eigenvalues(is_complex, triangle, n, matrix.numbers.data(), found.data());
            fill_with_nan(values + i * n, sizeof(double) * n);
            if (info[i] == 0)
                memcpy(values + i * n, found.data(), sizeof(double) * n);
            fill_with_nan(matrix.numbers.data(), matrix.numbers.size() * sizeof(double));
            matrix.give(source, leading);
        }
        scribble(work);
    }
};

struct singular_job {
    char job_u, job_vt; /* 'N', 'S' or 'A' */
    bool is_complex;
    int m, n;
    double *matrix;
    int64_t leading;
    double *values, *u;
    int64_t leading_u;
    double *vt;
    int64_t leading_vt;
    int *info;
    workspace work;

    int columns_of_u() const { return job_u == 'A' ? m : n; }
    void check(const char *function) const
    {
        size_t number = (is_complex ? 2 : 1) * sizeof(double);
        operand{function, "A", matrix, m, n, leading, number}.require();
        operand{function, "S", values, n, 1, n, sizeof(double)}.require();
        operand{function, "info", info, 1, 1, 1, sizeof(int)}.require();
        if (job_u != 'N')
            operand{function, "U", u, m, columns_of_u(), leading_u, number}.require();
        if (job_vt != 'N')
            operand{function, "VT", vt, n, n, leading_vt, number}.require();
        require(function, work, asked_for(m, n, 1, is_complex));
    }
    void operator()() const
    {
        char job = job_u == 'A' ? 'A' : job_u == 'S' || job_vt != 'N' ? 'S' : 'N'; /* LAPACK's gesdd has one for both */
        scratch_matrix a(m, n, is_complex), left(m, columns_of_u(), is_complex), right(n, n, is_complex);
        std::vector<double> found((size_t)n);
        int fails = (int)emulated::setting("INFO", 0);
        a.take(matrix, leading);
        *info = fails ? fails
                      : lapack_singular_values(is_complex, job, m, n, a.numbers.data(), found.data(), left.numbers.data(), m,
                                               right.numbers.data(), n);
        if (*info != 0)
            for (std::vector<double> *lost : {&found, &left.numbers, &right.numbers})
                fill_with_nan(lost->data(), lost->size() * sizeof(double));
        memcpy(values, found.data(), sizeof(double) * n);
        if (job_u != 'N')
            left.give(u, leading_u);
        if (job_vt != 'N')
            right.give(vt, leading_vt);
        fill_with_nan(a.numbers.data(), a.numbers.size() * sizeof(double));
        a.give(matrix, leading);
        scribble(work);
    }
};

} // namespace

extern "C" {

/* ---- cuBLAS ---- */

cublasStatus_t cublasCreate_v2(cublasHandle_t *handle)
{
    device_lock locked;
    int asked_for = begin(__func__, CUBLAS_STATUS_NOT_INITIALIZED);
    if (asked_for != 0)
        return (cublasStatus_t)asked_for;
    host_blas();
    *handle = new cublasContext{nullptr};
    emulated::object_made(*handle, blas_handle);
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasDestroy_v2(cublasHandle_t handle)
{
    device_lock locked;
    emulated::object_gone(handle, blas_handle, __func__);
    delete handle;
    return emulated::begin_release(__func__) == cudaSuccess ? CUBLAS_STATUS_SUCCESS : CUBLAS_STATUS_INTERNAL_ERROR;
}

cublasStatus_t cublasSetStream_v2(cublasHandle_t handle, cudaStream_t stream)
{
    BEGIN_BLAS(handle);
    if (stream != nullptr)
        emulated::object_needed(stream, "stream", __func__);
    handle->stream = stream;
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasSetMathMode(cublasHandle_t handle, cublasMath_t)
{
    BEGIN_BLAS(handle);
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasSetWorkspace_v2(cublasHandle_t handle, void *space, size_t bytes)
{
    BEGIN_BLAS(handle);
    if (bytes > 0)
        require_device(__func__, "the workspace", space, bytes);
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasGetVersion_v2(cublasHandle_t handle, int *version)
{
    BEGIN_BLAS(handle);
    *version = CUBLAS_VERSION;
    return CUBLAS_STATUS_SUCCESS;
}

const char *cublasGetStatusString(cublasStatus_t status)
{
    switch (status) {
    case CUBLAS_STATUS_SUCCESS:
        return "the operation completed successfully";
    case CUBLAS_STATUS_NOT_INITIALIZED:
        return "the library was not initialized";
    case CUBLAS_STATUS_ALLOC_FAILED:
        return "the resource allocation failed";
    case CUBLAS_STATUS_INVALID_VALUE:
        return "an unsupported value or parameter was passed to the function";
    case CUBLAS_STATUS_EXECUTION_FAILED:
        return "the function failed to launch on the GPU";
    case CUBLAS_STATUS_INTERNAL_ERROR:
        return "an internal operation failed";
    case CUBLAS_STATUS_NOT_SUPPORTED:
        return "the functionality requested is not supported";
    default:
        return "unknown";
    }
}

} // extern "C"

/* C = alpha op(A) op(A)^H + beta C, one triangle. */
static cublasStatus_t rank_update(const char *function, cublasHandle_t handle, bool is_complex, cublasFillMode_t fill,
                                  cublasOperation_t operation, int n, int k, double alpha, const void *a, int leading_a,
                                  double beta, void *c, int leading_c)
{
    size_t number = is_complex ? sizeof(cuDoubleComplex) : sizeof(double);
    operand of_a = transposed({function, "A", a, n, k, leading_a, number}, operation);
    operand of_c = {function, "C", c, n, n, leading_c, number};
    bool other_transpose = operation == (is_complex ? CUBLAS_OP_T : CUBLAS_OP_C) && is_complex;
    if (!of_a.plausible() || !of_c.plausible() || other_transpose || fill == CUBLAS_FILL_MODE_FULL)
        return CUBLAS_STATUS_INVALID_VALUE;
    of_a.require();
    of_c.require();
    emulated::submit(handle->stream, [=] {
        blas_turn turn;
        const char *triangle = fill == CUBLAS_FILL_MODE_LOWER ? "L" : "U";
        const char *transpose = operation == CUBLAS_OP_N ? "N" : is_complex ? "C" : "T";
        (is_complex ? turn.blas.zherk : turn.blas.dsyrk)(triangle, transpose, &n, &k, &alpha, (const double *)a, &leading_a, &beta,
                                                         (double *)c, &leading_c, 1, 1);
    });
    return CUBLAS_STATUS_SUCCESS;
}

template <class Number> static cublasStatus_t add(const char *function, cublasHandle_t handle, const sum_of_two<Number> &work)
{
    cublasStatus_t status = work.check(function);
    if (status == CUBLAS_STATUS_SUCCESS)
        emulated::submit(handle->stream, work);
    return status;
}

template <class Narrow, class Wide>
static cublasStatus_t multiply(const char *function, cublasHandle_t handle, const product<Narrow, Wide> &work)
{
    operand of_a = {function, "A", work.a, work.k, work.m, work.leading_a, sizeof(Narrow)};
    operand of_b = {function, "B", work.b, work.k, work.n, work.leading_b, sizeof(Narrow)};
    operand of_c = {function, "C", work.c, work.m, work.n, work.leading_c, sizeof(Wide)};
    if (!of_a.plausible() || !of_b.plausible() || !of_c.plausible())
        return CUBLAS_STATUS_INVALID_VALUE;
    of_a.require();
    of_b.require();
    of_c.require();
    emulated::submit(handle->stream, work);
    return CUBLAS_STATUS_SUCCESS;
}

extern "C" {

cublasStatus_t cublasDsyrk_v2(cublasHandle_t handle, cublasFillMode_t fill, cublasOperation_t operation, int n, int k,
                              const double *alpha, const double *a, int leading_a, const double *beta, double *c, int leading_c)
{
    BEGIN_BLAS(handle);
    return rank_update(__func__, handle, false, fill, operation, n, k, *alpha, a, leading_a, *beta, c, leading_c);
}

cublasStatus_t cublasZherk_v2(cublasHandle_t handle, cublasFillMode_t fill, cublasOperation_t operation, int n, int k,
                              const double *alpha, const cuDoubleComplex *a, int leading_a, const double *beta, cuDoubleComplex *c,
                              int leading_c)
{
    BEGIN_BLAS(handle);
    return rank_update(__func__, handle, true, fill, operation, n, k, *alpha, a, leading_a, *beta, c, leading_c);
}

cublasStatus_t cublasDgeam(cublasHandle_t handle, cublasOperation_t operation_a, cublasOperation_t operation_b, int m, int n,
                           const double *alpha, const double *a, int leading_a, const double *beta, const double *b, int leading_b,
                           double *c, int leading_c)
{
    BEGIN_BLAS(handle);
    return add<double>(__func__, handle, {operation_a, operation_b, m, n, *alpha, *beta, a, leading_a, b, leading_b, c, leading_c});
}

cublasStatus_t cublasZgeam(cublasHandle_t handle, cublasOperation_t operation_a, cublasOperation_t operation_b, int m, int n,
                           const cuDoubleComplex *alpha, const cuDoubleComplex *a, int leading_a, const cuDoubleComplex *beta,
                           const cuDoubleComplex *b, int leading_b, cuDoubleComplex *c, int leading_c)
{
    typedef std::complex<double> complex;
    BEGIN_BLAS(handle);
    return add<complex>(__func__, handle,
                        {operation_a, operation_b, m, n, *(const complex *)alpha, *(const complex *)beta, (const complex *)a,
                         leading_a, (const complex *)b, leading_b, (complex *)c, leading_c});
}

/* Two of its many types: bytes summed in integers, and halves in floats, the first factor transposed. */
cublasStatus_t cublasGemmEx(cublasHandle_t handle, cublasOperation_t operation_a, cublasOperation_t operation_b, int m, int n,
                            int k, const void *alpha, const void *a, cudaDataType type_a, int leading_a, const void *b,
                            cudaDataType type_b, int leading_b, const void *beta, void *c, cudaDataType type_c, int leading_c,
                            cublasComputeType_t compute, cublasGemmAlgo_t)
{
    BEGIN_BLAS(handle);
    if (operation_a != CUBLAS_OP_T || operation_b != CUBLAS_OP_N || type_a != type_b)
        return CUBLAS_STATUS_NOT_SUPPORTED;
    if (type_a == CUDA_R_8I && type_c == CUDA_R_32I && compute == CUBLAS_COMPUTE_32I) {
        /* The real one: words of 4 bytes only; and CUDA 13.0 refuses more than 65536 columns. */
        if (leading_a % 4 != 0 || leading_b % 4 != 0 || (uintptr_t)a % 4 != 0 || (uintptr_t)b % 4 != 0 || n > 65536)
            return CUBLAS_STATUS_NOT_SUPPORTED;
        return multiply<int8_t, int32_t>(__func__, handle,
                                         {m, n, k, *(const int32_t *)alpha, *(const int32_t *)beta, (const int8_t *)a, leading_a,
                                          (const int8_t *)b, leading_b, (int32_t *)c, leading_c});
    }
    if (type_a == CUDA_R_16F && type_c == CUDA_R_32F && compute == CUBLAS_COMPUTE_32F)
        return multiply<uint16_t, float>(__func__, handle,
                                         {m, n, k, *(const float *)alpha, *(const float *)beta, (const uint16_t *)a, leading_a,
                                          (const uint16_t *)b, leading_b, (float *)c, leading_c});
    return CUBLAS_STATUS_NOT_SUPPORTED;
}

/* ---- cuSOLVER ---- */

cusolverStatus_t cusolverDnCreate(cusolverDnHandle_t *handle)
{
    device_lock locked;
    int asked_for = begin(__func__, CUSOLVER_STATUS_NOT_INITIALIZED);
    if (asked_for != 0)
        return (cusolverStatus_t)asked_for;
    host_blas();
    *handle = new cusolverDnContext{nullptr};
    emulated::object_made(*handle, solver_handle);
    return CUSOLVER_STATUS_SUCCESS;
}

cusolverStatus_t cusolverDnDestroy(cusolverDnHandle_t handle)
{
    device_lock locked;
    emulated::object_gone(handle, solver_handle, __func__);
    delete handle;
    return emulated::begin_release(__func__) == cudaSuccess ? CUSOLVER_STATUS_SUCCESS : CUSOLVER_STATUS_INTERNAL_ERROR;
}

cusolverStatus_t cusolverDnSetStream(cusolverDnHandle_t handle, cudaStream_t stream)
{
    BEGIN_SOLVER(handle);
    if (stream != nullptr)
        emulated::object_needed(stream, "stream", __func__);
    handle->stream = stream;
    return CUSOLVER_STATUS_SUCCESS;
}

cusolverStatus_t cusolverDnSetDeterministicMode(cusolverDnHandle_t handle, cusolverDeterministicMode_t)
{
    BEGIN_SOLVER(handle);
    return CUSOLVER_STATUS_SUCCESS;
}

cusolverStatus_t cusolverDnCreateParams(cusolverDnParams_t *params)
{
    device_lock locked;
    int asked_for = begin(__func__, CUSOLVER_STATUS_ALLOC_FAILED);
    if (asked_for != 0)
        return (cusolverStatus_t)asked_for;
    *params = new cusolverDnParams{0};
    emulated::object_made(*params, solver_params);
    return CUSOLVER_STATUS_SUCCESS;
}

cusolverStatus_t cusolverDnDestroyParams(cusolverDnParams_t params)
{
    device_lock locked;
    emulated::object_gone(params, solver_params, __func__);
    delete params;
    return emulated::begin_release(__func__) == cudaSuccess ? CUSOLVER_STATUS_SUCCESS : CUSOLVER_STATUS_INTERNAL_ERROR;
}

cusolverStatus_t cusolverGetVersion(int *version)
{
    *version = CUSOLVER_VERSION;
    return CUSOLVER_STATUS_SUCCESS;
}

cusolverStatus_t cusolverGetProperty(libraryPropertyType type, int *value)
{
    const int numbers[] = {CUSOLVER_VER_MAJOR, CUSOLVER_VER_MINOR, CUSOLVER_VER_PATCH};
    if ((int)type < MAJOR_VERSION || (int)type > PATCH_LEVEL)
        return CUSOLVER_STATUS_INVALID_VALUE;
    *value = numbers[type];
    return CUSOLVER_STATUS_SUCCESS;
}

} // extern "C"

static cusolverStatus_t check_eigen(cusolverEigMode_t mode, int64_t n, cudaDataType type_a, int64_t leading, cudaDataType type_w,
                                    cudaDataType compute, int64_t batch)
{
    if (n < 1 || n > INT32_MAX || leading < n || batch < 1 || batch > 65535 || !number_types(type_a, type_w, compute))
        return CUSOLVER_STATUS_INVALID_VALUE;
    return mode == CUSOLVER_EIG_MODE_NOVECTOR ? CUSOLVER_STATUS_SUCCESS : CUSOLVER_STATUS_NOT_SUPPORTED;
}

static cusolverStatus_t answer(const workspace &wanted, size_t *device_bytes, size_t *host_bytes)
{
    *device_bytes = wanted.device_bytes;
    *host_bytes = wanted.host_bytes;
    return CUSOLVER_STATUS_SUCCESS;
}

static cusolverStatus_t check_singular(signed char job_u, signed char job_vt, int64_t m, int64_t n, cudaDataType type_a,
                                       int64_t leading, cudaDataType type_s, cudaDataType compute)
{
    if (n < 1 || m < n || m > INT32_MAX || leading < m || !number_types(type_a, type_s, compute))
        return CUSOLVER_STATUS_INVALID_VALUE;
    return strchr("NSA", job_u) && strchr("NSA", job_vt) ? CUSOLVER_STATUS_SUCCESS : CUSOLVER_STATUS_NOT_SUPPORTED;
}

extern "C" {

cusolverStatus_t cusolverDnXsyevBatched_bufferSize(cusolverDnHandle_t handle, cusolverDnParams_t params, cusolverEigMode_t mode,
                                                   cublasFillMode_t, int64_t n, cudaDataType type_a, const void *, int64_t leading,
                                                   cudaDataType type_w, const void *, cudaDataType compute, size_t *device_bytes,
                                                   size_t *host_bytes, int64_t batch)
{
    BEGIN_SOLVER(handle);
    emulated::object_needed(params, solver_params, __func__);
    cusolverStatus_t status = check_eigen(mode, n, type_a, leading, type_w, compute, batch);
    return status ? status : answer(asked_for(n, n, batch, type_a == CUDA_C_64F), device_bytes, host_bytes);
}

cusolverStatus_t cusolverDnXsyevd_bufferSize(cusolverDnHandle_t handle, cusolverDnParams_t params, cusolverEigMode_t mode,
                                             cublasFillMode_t, int64_t n, cudaDataType type_a, const void *, int64_t leading,
                                             cudaDataType type_w, const void *, cudaDataType compute, size_t *device_bytes,
                                             size_t *host_bytes)
{
    BEGIN_SOLVER(handle);
    emulated::object_needed(params, solver_params, __func__);
    cusolverStatus_t status = check_eigen(mode, n, type_a, leading, type_w, compute, 1);
    return status ? status : answer(asked_for(n, n, 1, type_a == CUDA_C_64F), device_bytes, host_bytes);
}

cusolverStatus_t cusolverDnXsyevBatched(cusolverDnHandle_t handle, cusolverDnParams_t params, cusolverEigMode_t mode,
                                        cublasFillMode_t fill, int64_t n, cudaDataType type_a, void *a, int64_t leading,
                                        cudaDataType type_w, void *w, cudaDataType compute, void *on_device, size_t device_bytes,
                                        void *on_host, size_t host_bytes, int *info, int64_t batch)
{
    BEGIN_SOLVER(handle);
    emulated::object_needed(params, solver_params, __func__);
    cusolverStatus_t status = check_eigen(mode, n, type_a, leading, type_w, compute, batch);
    if (status != CUSOLVER_STATUS_SUCCESS)
        return status;
    eigen_job job = {
        fill == CUBLAS_FILL_MODE_LOWER ? 'L' : 'U',    type_a == CUDA_C_64F, (int)n, (double *)a, leading, (double *)w, info, batch,
        {on_device, device_bytes, on_host, host_bytes}};
    job.check(__func__);
    emulated::submit(handle->stream, job);
    return CUSOLVER_STATUS_SUCCESS;
}

cusolverStatus_t cusolverDnXsyevd(cusolverDnHandle_t handle, cusolverDnParams_t params, cusolverEigMode_t mode,
                                  cublasFillMode_t fill, int64_t n, cudaDataType type_a, void *a, int64_t leading,
                                  cudaDataType type_w, void *w, cudaDataType compute, void *on_device, size_t device_bytes,
                                  void *on_host, size_t host_bytes, int *info)
{
    BEGIN_SOLVER(handle);
    emulated::object_needed(params, solver_params, __func__);
    cusolverStatus_t status = check_eigen(mode, n, type_a, leading, type_w, compute, 1);
    if (status != CUSOLVER_STATUS_SUCCESS)
        return status;
    eigen_job job = {
        fill == CUBLAS_FILL_MODE_LOWER ? 'L' : 'U',    type_a == CUDA_C_64F, (int)n, (double *)a, leading, (double *)w, info, 1,
        {on_device, device_bytes, on_host, host_bytes}};
    job.check(__func__);
    emulated::submit(handle->stream, job);
    return CUSOLVER_STATUS_SUCCESS;
}

cusolverStatus_t cusolverDnXgesvd_bufferSize(cusolverDnHandle_t handle, cusolverDnParams_t params, signed char job_u,
                                             signed char job_vt, int64_t m, int64_t n, cudaDataType type_a, const void *,
                                             int64_t leading, cudaDataType type_s, const void *, cudaDataType, const void *,
                                             int64_t, cudaDataType, const void *, int64_t, cudaDataType compute,
                                             size_t *device_bytes, size_t *host_bytes)
{
    BEGIN_SOLVER(handle);
    emulated::object_needed(params, solver_params, __func__);
    cusolverStatus_t status = check_singular(job_u, job_vt, m, n, type_a, leading, type_s, compute);
    return status ? status : answer(asked_for(m, n, 1, type_a == CUDA_C_64F), device_bytes, host_bytes);
}

cusolverStatus_t cusolverDnXgesvd(cusolverDnHandle_t handle, cusolverDnParams_t params, signed char job_u, signed char job_vt,
                                  int64_t m, int64_t n, cudaDataType type_a, void *a, int64_t leading, cudaDataType type_s, void *s,
                                  cudaDataType type_u, void *u, int64_t leading_u, cudaDataType type_vt, void *vt,
                                  int64_t leading_vt, cudaDataType compute, void *on_device, size_t device_bytes, void *on_host,
                                  size_t host_bytes, int *info)
{
    BEGIN_SOLVER(handle);
    emulated::object_needed(params, solver_params, __func__);
    cusolverStatus_t status = check_singular(job_u, job_vt, m, n, type_a, leading, type_s, compute);
    if (status != CUSOLVER_STATUS_SUCCESS)
        return status;
    if ((job_u != 'N' && (type_u != type_a || leading_u < m)) || (job_vt != 'N' && (type_vt != type_a || leading_vt < n)))
        return CUSOLVER_STATUS_INVALID_VALUE;
    singular_job job = {(char)job_u,
                        (char)job_vt,
                        type_a == CUDA_C_64F,
                        (int)m,
                        (int)n,
                        (double *)a,
                        leading,
                        (double *)s,
                        (double *)u,
                        leading_u,
                        (double *)vt,
                        leading_vt,
                        info,
                        {on_device, device_bytes, on_host, host_bytes}};
    job.check(__func__);
    emulated::submit(handle->stream, job);
    return CUSOLVER_STATUS_SUCCESS;
}

} // extern "C"
