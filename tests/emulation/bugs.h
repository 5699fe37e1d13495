/* Kernels with one planted bug each, and right ones (bugs.cu). Comes in: the name of a kernel, numbers on the device; goes out:
 * the numbers reversed block by block, or whatever the bug makes of them. Called by test_bugs.c alone, each in a process of its
 * own; not part of any other suite. */
#ifndef EG_EMULATION_BUGS_H
#define EG_EMULATION_BUGS_H

#include <cuda_runtime_api.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { BUG_BLOCK = 64 };

/* Reverse every block of BUG_BLOCK numbers of `source` into `target`, `count` of them, by the kernel of that name; `shared` bytes
 * of dynamic shared memory. */
cudaError_t bugs_launch(const char *kernel, unsigned blocks, size_t shared, double *target, const double *source, int count,
                        cudaStream_t stream);

#ifdef __cplusplus
}
#endif
#endif
