/* The inner loops of a convolutional network, compiled once for each width of vectors, and the choice among them. Comes in: a
 * layer and a batch of images; goes out: the next layer's batch. Called by cnn.c. All give the same bits: vectors run across
 * images, and products are not contracted into sums. */
#include "state/cnn.h"
#include "state/cnn_arithmetic.h"

static bool always(void) { return true; }

#define LANES 2
#define TARGET
#define NAMED(x) plain_##x
#include "state/cnn_lanes.h"
#undef LANES
#undef TARGET
#undef NAMED

#if defined(__x86_64__)

static bool has_avx2(void) { return __builtin_cpu_supports("avx2"); }
static bool has_avx512(void) { return __builtin_cpu_supports("avx512f"); }

#define LANES 4
#define TARGET __attribute__((target("avx2")))
#define NAMED(x) avx2_##x
#include "state/cnn_lanes.h"
#undef LANES
#undef TARGET
#undef NAMED

#define LANES 8
#define TARGET __attribute__((target("avx512f")))
#define NAMED(x) avx512_##x
#include "state/cnn_lanes.h"
#undef LANES
#undef TARGET
#undef NAMED

#endif

static const eg_cnn_kernel kernels[] = {
#if defined(__x86_64__)
    {"avx512", has_avx512, avx512_convolve, avx512_activate, avx512_pool, avx512_classify},
    {"avx2", has_avx2, avx2_convolve, avx2_activate, avx2_pool, avx2_classify},
#endif
    {"plain", always, plain_convolve, plain_activate, plain_pool, plain_classify},
};

const eg_cnn_kernel *eg_cnn_kernels(size_t *count)
{
    *count = sizeof kernels / sizeof *kernels;
    return kernels;
}

const eg_cnn_kernel *eg_cnn_best_kernel(void)
{
    const eg_cnn_kernel *kernel = kernels; /* the last one is always supported */
    while (!kernel->is_supported())
        kernel++;
    return kernel;
}
