/* A stand-in for the dense part of libcusolver, compiled against NVIDIA's own headers: the solvers that the back end calls, by
 * the host's LAPACK, on the emulated device's streams. Operands and workspaces are checked to lie on the device and to be large
 * enough; workspaces and destroyed matrices are filled with NaN. Not emulated: which sizes older libraries get wrong. A failure
 * that EEGPU_EMULATED_FAIL asks for has the library's own codes; EEGPU_EMULATED_INFO=K: the solvers report that they did not
 * converge, with this number. */
#include <vector>

#include "libraries.h"

using namespace emulated;

struct cusolverDnContext {
    cudaStream_t stream;
};

struct cusolverDnParams {
    int unused;
};

namespace
{

const char solver_handle[] = "cuSOLVER handle", solver_params[] = "cuSOLVER parameters";

#define BEGIN_SOLVER(handle)                                                       \
    device_lock locked;                                                            \
    do {                                                                           \
        int asked_for = begin_library(__func__, CUSOLVER_STATUS_EXECUTION_FAILED); \
        if (asked_for != 0)                                                        \
            return (cusolverStatus_t)asked_for;                                    \
        object_needed(handle, solver_handle, __func__);                            \
    } while (0)

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
            turn.blas.zheevd_2stage("N", &triangle, &n, matrix, &n, values, w, &size, r, &real_size, i, &integer_size, &info, 1, 1);
        else
            turn.blas.dsyevd_2stage("N", &triangle, &n, matrix, &n, values, w, &size, i, &integer_size, &info, 1, 1);
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
    require_host(function, "the workspace on the host", given.host, given.host_bytes);
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
        int fails = (int)setting("INFO", 0);
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
        int fails = (int)setting("INFO", 0);
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

cusolverStatus_t cusolverDnCreate(cusolverDnHandle_t *handle)
{
    device_lock locked;
    int asked_for = begin_library(__func__, CUSOLVER_STATUS_NOT_INITIALIZED);
    if (asked_for != 0)
        return (cusolverStatus_t)asked_for;
    host_blas();
    *handle = new cusolverDnContext{nullptr};
    object_made(*handle, solver_handle);
    return CUSOLVER_STATUS_SUCCESS;
}

cusolverStatus_t cusolverDnDestroy(cusolverDnHandle_t handle)
{
    device_lock locked;
    object_gone(handle, solver_handle, __func__);
    delete handle;
    return begin_release(__func__) == cudaSuccess ? CUSOLVER_STATUS_SUCCESS : CUSOLVER_STATUS_INTERNAL_ERROR;
}

cusolverStatus_t cusolverDnSetStream(cusolverDnHandle_t handle, cudaStream_t stream)
{
    BEGIN_SOLVER(handle);
    if (stream != nullptr)
        object_needed(stream, "stream", __func__);
    handle->stream = stream;
    return CUSOLVER_STATUS_SUCCESS;
}

cusolverStatus_t cusolverDnSetDeterministicMode(cusolverDnHandle_t handle, cusolverDeterministicMode_t)
{
    BEGIN_SOLVER(handle);
    return CUSOLVER_STATUS_SUCCESS;
}

#if CUSOLVER_VERSION >= 12000
cusolverStatus_t cusolverDnSetMathMode(cusolverDnHandle_t handle, cusolverMathMode_t)
{
    BEGIN_SOLVER(handle);
    return CUSOLVER_STATUS_SUCCESS;
}
#endif

cusolverStatus_t cusolverDnCreateParams(cusolverDnParams_t *params)
{
    device_lock locked;
    int asked_for = begin_library(__func__, CUSOLVER_STATUS_ALLOC_FAILED);
    if (asked_for != 0)
        return (cusolverStatus_t)asked_for;
    *params = new cusolverDnParams{0};
    object_made(*params, solver_params);
    return CUSOLVER_STATUS_SUCCESS;
}

cusolverStatus_t cusolverDnDestroyParams(cusolverDnParams_t params)
{
    device_lock locked;
    object_gone(params, solver_params, __func__);
    delete params;
    return begin_release(__func__) == cudaSuccess ? CUSOLVER_STATUS_SUCCESS : CUSOLVER_STATUS_INTERNAL_ERROR;
}

cusolverStatus_t cusolverGetVersion(int *version)
{
    *version = CUSOLVER_VERSION;
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
    object_needed(params, solver_params, __func__);
    cusolverStatus_t status = check_eigen(mode, n, type_a, leading, type_w, compute, batch);
    return status ? status : answer(asked_for(n, n, batch, type_a == CUDA_C_64F), device_bytes, host_bytes);
}

cusolverStatus_t cusolverDnXsyevd_bufferSize(cusolverDnHandle_t handle, cusolverDnParams_t params, cusolverEigMode_t mode,
                                             cublasFillMode_t, int64_t n, cudaDataType type_a, const void *, int64_t leading,
                                             cudaDataType type_w, const void *, cudaDataType compute, size_t *device_bytes,
                                             size_t *host_bytes)
{
    BEGIN_SOLVER(handle);
    object_needed(params, solver_params, __func__);
    cusolverStatus_t status = check_eigen(mode, n, type_a, leading, type_w, compute, 1);
    return status ? status : answer(asked_for(n, n, 1, type_a == CUDA_C_64F), device_bytes, host_bytes);
}

cusolverStatus_t cusolverDnXsyevBatched(cusolverDnHandle_t handle, cusolverDnParams_t params, cusolverEigMode_t mode,
                                        cublasFillMode_t fill, int64_t n, cudaDataType type_a, void *a, int64_t leading,
                                        cudaDataType type_w, void *w, cudaDataType compute, void *on_device, size_t device_bytes,
                                        void *on_host, size_t host_bytes, int *info, int64_t batch)
{
    BEGIN_SOLVER(handle);
    object_needed(params, solver_params, __func__);
    cusolverStatus_t status = check_eigen(mode, n, type_a, leading, type_w, compute, batch);
    if (status != CUSOLVER_STATUS_SUCCESS)
        return status;
    eigen_job job = {
        fill == CUBLAS_FILL_MODE_LOWER ? 'L' : 'U',    type_a == CUDA_C_64F, (int)n, (double *)a, leading, (double *)w, info, batch,
        {on_device, device_bytes, on_host, host_bytes}};
    job.check(__func__);
    submit(handle->stream, job);
    return CUSOLVER_STATUS_SUCCESS;
}

cusolverStatus_t cusolverDnXsyevd(cusolverDnHandle_t handle, cusolverDnParams_t params, cusolverEigMode_t mode,
                                  cublasFillMode_t fill, int64_t n, cudaDataType type_a, void *a, int64_t leading,
                                  cudaDataType type_w, void *w, cudaDataType compute, void *on_device, size_t device_bytes,
                                  void *on_host, size_t host_bytes, int *info)
{
    BEGIN_SOLVER(handle);
    object_needed(params, solver_params, __func__);
    cusolverStatus_t status = check_eigen(mode, n, type_a, leading, type_w, compute, 1);
    if (status != CUSOLVER_STATUS_SUCCESS)
        return status;
    eigen_job job = {
        fill == CUBLAS_FILL_MODE_LOWER ? 'L' : 'U',    type_a == CUDA_C_64F, (int)n, (double *)a, leading, (double *)w, info, 1,
        {on_device, device_bytes, on_host, host_bytes}};
    job.check(__func__);
    submit(handle->stream, job);
    return CUSOLVER_STATUS_SUCCESS;
}

cusolverStatus_t cusolverDnXgesvd_bufferSize(cusolverDnHandle_t handle, cusolverDnParams_t params, signed char job_u,
                                             signed char job_vt, int64_t m, int64_t n, cudaDataType type_a, const void *,
                                             int64_t leading, cudaDataType type_s, const void *, cudaDataType, const void *,
                                             int64_t, cudaDataType, const void *, int64_t, cudaDataType compute,
                                             size_t *device_bytes, size_t *host_bytes)
{
    BEGIN_SOLVER(handle);
    object_needed(params, solver_params, __func__);
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
    object_needed(params, solver_params, __func__);
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
    submit(handle->stream, job);
    return CUSOLVER_STATUS_SUCCESS;
}

} // extern "C"
