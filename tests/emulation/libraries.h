/* What the stand-ins for cuBLAS and cuSOLVER have in common: the start of a call, the host's BLAS and LAPACK (backend/blas.h),
 * and the check of an operand. Comes in: what a caller passes to the library; goes out: a stop of the program when it is no
 * memory of the device. Included by cublas.cpp and cusolver.cpp; functions are called under a `device_lock`. */
#ifndef EG_EMULATION_LIBRARIES_H
#define EG_EMULATION_LIBRARIES_H

#include <cstdint>
#include <cstring>
#include <utility>

#include <cublas_v2.h>
#include <cusolverDn.h>

#include "device.h"

extern "C" {
#include "backend/blas.h"
}

namespace emulated
{

/* Both libraries call it 1 that they cannot work at all. */
constexpr int not_initialised = 1;
static_assert((int)CUBLAS_STATUS_NOT_INITIALIZED == not_initialised && (int)CUSOLVER_STATUS_NOT_INITIALIZED == not_initialised,
              "one number for both libraries");

inline int begin_library(const char *function, int failure)
{
    cudaError_t error = begin(function, (cudaError_t)failure);
    if (error == cudaErrorInsufficientDriver || setting("DEVICES", 1) == 0)
        return not_initialised;
    return broken() != cudaSuccess ? failure : (int)error;
}

inline const eg_blas &host_blas()
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

inline operand transposed(operand matrix, cublasOperation_t operation)
{
    if (operation != CUBLAS_OP_N)
        std::swap(matrix.rows, matrix.columns);
    return matrix;
}

inline void fill_with_nan(void *start, size_t bytes)
{
    if (bytes > 0)
        memset(start, 0xff, bytes);
}

} // namespace emulated

#endif
