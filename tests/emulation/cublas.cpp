/* A stand-in for libcublas, compiled against NVIDIA's own headers: what the back end and test_bugs.c call, rank updates by the
 * host's BLAS, the rest as plain loops. Work goes through the emulated device's streams; operands are checked to lie on the
 * device. It refuses what the real one refuses, as far as the engine could ask for it; it does not round as the real one does. A
 * failure that EEGPU_EMULATED_FAIL asks for has the library's own codes, and EEGPU_EMULATED_WRONG spoils a rank update
 * (device.cpp). */
#include <cmath>
#include <complex>
#include <vector>

#include "libraries.h"

using namespace emulated;

struct cublasContext {
    cudaStream_t stream;
};

namespace
{

const char blas_handle[] = "cuBLAS handle";

#define BEGIN_BLAS(handle)                                                       \
    device_lock locked;                                                          \
    do {                                                                         \
        int asked_for = begin_library(__func__, CUBLAS_STATUS_EXECUTION_FAILED); \
        if (asked_for != 0)                                                      \
            return (cublasStatus_t)asked_for;                                    \
        object_needed(handle, blas_handle, __func__);                            \
    } while (0)

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

} // namespace

extern "C" {

cublasStatus_t cublasCreate_v2(cublasHandle_t *handle)
{
    device_lock locked;
    int asked_for = begin_library(__func__, CUBLAS_STATUS_NOT_INITIALIZED);
    if (asked_for != 0)
        return (cublasStatus_t)asked_for;
    host_blas();
    *handle = new cublasContext{nullptr};
    object_made(*handle, blas_handle);
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasDestroy_v2(cublasHandle_t handle)
{
    device_lock locked;
    object_gone(handle, blas_handle, __func__);
    delete handle;
    return begin_release(__func__) == cudaSuccess ? CUBLAS_STATUS_SUCCESS : CUBLAS_STATUS_INTERNAL_ERROR;
}

cublasStatus_t cublasSetStream_v2(cublasHandle_t handle, cudaStream_t stream)
{
    BEGIN_BLAS(handle);
    if (stream != nullptr)
        object_needed(stream, "stream", __func__);
    handle->stream = stream;
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasSetMathMode(cublasHandle_t handle, cublasMath_t)
{
    BEGIN_BLAS(handle);
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasGetVersion_v2(cublasHandle_t handle, int *version)
{
    BEGIN_BLAS(handle);
    *version = CUBLAS_VERSION;
    return CUBLAS_STATUS_SUCCESS;
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
    size_t spoilt = emulated::is_wrong(function) ? number / sizeof(double) * (n > 1 && fill == CUBLAS_FILL_MODE_LOWER) : SIZE_MAX;
    submit(handle->stream, [=] {
        blas_turn turn;
        const char *triangle = fill == CUBLAS_FILL_MODE_LOWER ? "L" : "U";
        const char *transpose = operation == CUBLAS_OP_N ? "N" : is_complex ? "C" : "T";
        (is_complex ? turn.blas.zherk : turn.blas.dsyrk)(triangle, transpose, &n, &k, &alpha, (const double *)a, &leading_a, &beta,
                                                         (double *)c, &leading_c, 1, 1);
        if (spoilt != SIZE_MAX)
            ((double *)c)[spoilt] += 0.125; /* beside the diagonal, where the trace does not show it */
    });
    return CUBLAS_STATUS_SUCCESS;
}

template <class Number> static cublasStatus_t add(const char *function, cublasHandle_t handle, const sum_of_two<Number> &work)
{
    cublasStatus_t status = work.check(function);
    if (status == CUBLAS_STATUS_SUCCESS)
        submit(handle->stream, work);
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
    submit(handle->stream, work);
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

} // extern "C"
