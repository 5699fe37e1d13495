/* Integers modulo a prime p < 2^24 - 3, held in doubles: the inner loop of elimination, with the widest instructions that the CPU
 * has, chosen at run time. Called by rank.c. */
#ifndef EG_REDUCE_MODULAR_H
#define EG_REDUCE_MODULAR_H

#include <stddef.h>

#include "base/status.h"

/* A residue x has |x| <= (p + 3) / 2 and |x| < p: 0 is the only one that p divides, and this many products of two residues, and one
 * residue more, add up to at most 2^53 - 2^29: sums are exact, fused or not, in any order. */
enum { EG_EXACT_TERMS = 128 };

typedef struct eg_prime_field {
    double prime, inverse; /* inverse: 1 / prime, rounded */
} eg_prime_field;

/* The residue of such a sum x. Two roundings precede the one to an integer, so that |residue| <= p / 2 + 2^-52 |x|. */
static inline double eg_residue(const eg_prime_field *field, double x)
{
    const double to_integer = 0x1.8p52; /* adding it rounds to an integer */
    double quotient = (x * field->inverse + to_integer) - to_integer;
    return x - quotient * field->prime;
}

/* 1 / x; x is not 0. */
double eg_residue_inverse(const eg_prime_field *field, double x);

enum { EG_FIELD_COLUMNS = 16, EG_FIELD_ROWS = 8 };

typedef struct eg_modular_kernel {
    const char *name;
    bool (*is_supported)(void);

    /* row[i][column + j] -= sum over t of row[i][first_term + t] * factor[16 * t + j], i < rows <= 8, j < 16, t < terms <= 128. */
    void (*subtract)(const eg_prime_field *field, uint64_t rows, uint64_t terms, double *const *row, uint64_t first_term,
                     const double *factor, uint64_t column);
} eg_modular_kernel;

/* All rows of the table, fastest first, also those that this CPU cannot run; the fastest one that it can. */
const eg_modular_kernel *eg_modular_kernels(size_t *count);
const eg_modular_kernel *eg_modular_best(void);

#endif
