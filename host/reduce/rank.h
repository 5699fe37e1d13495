/* The exact Schmidt rank of a 0/1 function: the rank over the rationals of its matrix, by elimination modulo primes. Called by
 * scan/ for what the other reductions leave. */
#ifndef EG_REDUCE_RANK_H
#define EG_REDUCE_RANK_H

#include "base/memory.h"
#include "reduce/modular.h"

/* The rank over the rationals of a rows x columns matrix of 0 and 1; row i is `words` words of `bits`, lowest column first, spare
 * bits 0.
 *
 * The rank modulo a prime is never larger than the true rank, and smaller than that only if the prime divides every minor of the
 * true rank. Different primes are drawn at random (the seed is a hash of the matrix) and the largest rank r is taken. If the true
 * rank were larger, some minor with r + 1 rows would not be 0 but would be divided by all of the k primes. Such a minor is at most
 * 2^b, so that at most B = b / 23 of the 513,707 primes between 2^23 and 2^24 - 3 divide it, and drawing only those has a
 * probability of B/513707 (B-1)/513706 ... (k factors): *failure_probability. It is 0, a proof, when k > B, and when r is the least
 * side. b is that of Hadamard, eg_rank_hadamard_bits(), or minor_bits[r + 1] if that is smaller: bounds of log2 of the minors with
 * 0, 1 .. min(rows, columns) rows that the caller knows; NULL: none. Primes are drawn until the probability is below 2^-40, for
 * large matrices (10^10 steps a prime) below 10^-5; small ones are always proved. Costs 8 (rows + 128) columns bytes. The result
 * does not depend on `threads`. */
EG_MUST eg_rank_modular(eg_budget *budget, uint64_t rows, uint64_t columns, const uint64_t *bits, uint64_t words,
                        const double *minor_bits, int threads, uint64_t *rank, double *failure_probability);

/* The rank modulo one prime < 2^24 - 3, with a kernel of the table in modular.h. */
EG_MUST eg_rank_modulo(const eg_modular_kernel *kernel, eg_budget *budget, uint64_t rows, uint64_t columns, const uint64_t *bits,
                       uint64_t words, uint32_t prime, int threads, uint64_t *rank);

/* Hadamard's bound of log2 of the minors of 0/1 matrices with `side` rows: (side + 1)^((side + 1)/2) / 2^side. */
double eg_rank_hadamard_bits(uint64_t side);

/* At most this many primes above 2^23 divide an integer of at most 2^minor_bits that is not 0. */
uint64_t eg_rank_bad_primes(double minor_bits);

#endif
