/* The limits of the CUDA back end in one table: name, value, and the small value that it has on the emulated device of the tests,
 * which then sees many pieces, batches and both sides of every choice. A limit of CUDA's own says so; where a comment says
 * "estimate", the value was reasoned and has not been measured on a device yet. Included by cuda.h; what the planner is told of a
 * device is in device.c. */
#ifndef EG_BACKEND_CUDA_LIMITS_H
#define EG_BACKEND_CUDA_LIMITS_H

#ifdef EG_EMULATED
#define EG_CUDA_NAME "emulated"
#define EG_LIMIT(value, in_tests) (in_tests)
#else
#define EG_CUDA_NAME "cuda"
#define EG_LIMIT(value, in_tests) (value)
#endif

enum {
    /* Bytes of each of the two pinned halves of an upload, a power of two: large enough for the full speed of the bus
     * (estimate). */
    EG_STAGING_BYTES = EG_LIMIT(1 << 25, 1 << 14),

    /* What a half has room for unless all of the upload fits: a chunk of load.c. */
    EG_LEAST_HALF_BYTES = 1 << 13,

    /* Amplitudes of a gathered panel: 1 GiB, 2 for complex ones; enough for the full speed of a product (estimate). */
    EG_PANEL_AMPLITUDES = EG_LIMIT(1 << 27, 1 << 12),

    /* Lanes side by side, of a scan and of matrices of middle size: each holds handles and workspaces (estimate). */
    EG_MOST_LANES = EG_LIMIT(4, 4),

    /* Lanes that help others with matrices of middle size, of all callers together (estimate). */
    EG_MOST_HELPERS = EG_LIMIT(3, 3),

    /* Largest n that goes in batches, and the n from which on a matrix fills the device by itself (estimates). */
    EG_BATCHED_UP_TO = EG_LIMIT(512, 16),
    EG_ALONE_FROM = EG_LIMIT(4096, 48),

    /* Matrices of a batch: cuSOLVER refuses more. Bytes of a batch's copies, and of its workspace (estimate). */
    EG_MOST_BATCH = EG_LIMIT(65535, 5),
    EG_BATCH_BYTES = EG_LIMIT(1 << 30, 1 << 17),

    /* Rows and columns from which on bits are counted by a matrix product (estimate). */
    EG_PRODUCT_FROM = EG_LIMIT(256, 32),

    /* Words of a row that one product sums: 2^25 of them are 2^31 columns, 2^18 are 2^24; sums must stay below, or are not
     * exact. */
    EG_MOST_INT8_WORDS = EG_LIMIT((1 << 25) - 1, 4),
    EG_MOST_HALF_WORDS = EG_LIMIT((1 << 18) - 1, 3),

    /* Rows of an INT8 product: cuBLAS 13.0 refuses more. */
    EG_MOST_INT8_ROWS = EG_LIMIT(1 << 16, 1 << 16),

    /* Columns of a region that are split at once: numbers of vectors have 32 bits. */
    EG_MOST_CHILDREN = EG_LIMIT(1 << 30, 1 << 8),

    /* Bytes of a layer of a batch of images in a network, of which there are two, and images whose values are fetched at once:
     * enough images for all of the device, and few enough that a wish to stop is soon seen (estimates). */
    EG_NETWORK_BYTES = EG_LIMIT(1 << 26, 1 << 17),
    EG_NETWORK_PIECE = EG_LIMIT(1 << 22, 1 << 8),

    /* Threads of the host that fill the halves of the first upload (estimate). */
    EG_MOST_LOADING_THREADS = EG_LIMIT(8, 8),
};

#endif
