/* The exact Schmidt rank of a 0/1 function: the rank over the rationals of its matrix, by elimination modulo primes. Called by scan/
 * for what the other reductions leave. */
#ifndef EG_REDUCE_RANK_H
#define EG_REDUCE_RANK_H

#include "base/memory.h"
#include "reduce/modular.h"

/* The rank over the rationals of a rows x columns matrix of 0 and 1; row i is `words` words of `bits`, lowest column first, spare bits 0.
 *
 * The rank modulo a prime is never larger than the true rank r, and smaller only if the prime divides every r x r minor. A minor of
 * 0/1 entries is at most H = (d+1)^((d+1)/2) / 2^d, d = min(rows, columns) >= r (Hadamard), so that at most B = log H / log 2^23 of the
 * 513,707 primes between 2^23 and 2^24 - 3 do that. Different primes are drawn at random (the seed is a hash of the matrix) and the
 * largest rank is taken: k of them are all bad with a probability of at most B/513707 (B-1)/513706 ... (k factors), which is
 * *failure_probability. It is 0, a proof, when the rank is d, and when k > B. Primes are drawn until it is below 2^-40, for
 * large matrices (10^10 steps a prime) below 10^-5; small ones are always proved. Costs 8 (rows + 128) columns bytes. The result does not depend on `threads`. */
EG_MUST eg_rank_modular(eg_budget *budget, uint64_t rows, uint64_t columns, const uint64_t *bits, uint64_t words, int threads,
                        uint64_t *rank, double *failure_probability);

/* The rank modulo one prime < 2^24 - 3, with a kernel of the table in modular.h. */
EG_MUST eg_rank_modulo(const eg_modular_kernel *kernel, eg_budget *budget, uint64_t rows, uint64_t columns, const uint64_t *bits,
                       uint64_t words, uint32_t prime, int threads, uint64_t *rank);

/* At most this many primes above 2^23 divide every r x r minor of a 0/1 matrix of rank r <= least_side. */
uint64_t eg_rank_bad_primes(uint64_t least_side);

#endif
