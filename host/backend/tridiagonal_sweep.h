/* The inner loop of the QL iteration for one width of vectors. Included once an instruction set by tridiagonal.c, which defines
 * WIDTH (doubles in a vector), TARGET (the attribute) and NAMED(x); no guard is meant. Each lane has a matrix of its own and goes
 * through its rows from the last to the first; the chain of divisions of one row is as long for eight matrices as for one. */

typedef double NAMED(lanes) __attribute__((vector_size(WIDTH * sizeof(double))));
typedef int64_t NAMED(masks) __attribute__((vector_size(WIDTH * sizeof(double))));
#define lanes NAMED(lanes)
#define masks NAMED(masks)
#define VECTORS (EG_TRIDIAGONAL_LANES / WIDTH)
#define EACH_VECTOR EG_UNROLL for (int v = 0; v < VECTORS; v++)
#define EACH_LANE EG_UNROLL for (int k = 0; k < WIDTH; k++)

/* One row of WIDTH matrices. In the notation of Parlett, The Symmetric Eigenvalue Problem, section 8.15: c and s are the squares of
 * the cosine and the sine of the rotation, `gamma` and `p` (gamma^2 / c) carry the sweep on. */
TARGET static inline void NAMED(advance_row)(eg_tridiagonal_row **row, const int64_t *stride, const lanes *sigma, lanes *c,
                                             lanes *s, lanes *gamma, lanes *p, lanes *above, masks *negligible)
{
    lanes alpha = {0}, square = {0};
    EACH_LANE
    {
        eg_tridiagonal_row in = *row[k];
        alpha[k] = in[0];
        square[k] = in[1];
    }
    lanes r = *p + square, below = *s * r, old_c = *c, old_gamma = *gamma, ratio = r / *p;
    *c = *p / r;
    *s = square / r;
    *gamma = *c * (alpha - *sigma) - *s * old_gamma;
    lanes diagonal = old_gamma + (alpha - *gamma), usual = *gamma * *gamma * ratio, at_zero = old_c * square;
    masks is_zero = *c < DBL_MIN; /* r / p may be infinite then */
    *p = (lanes)((is_zero & (masks)at_zero) | (~is_zero & (masks)usual));
    lanes scale = (lanes)((masks)(diagonal * *above) & INT64_MAX);
    *negligible |= below <= scale * negligible_ratio;
    *above = diagonal;
    EACH_LANE
    {
        row[k][1] = (eg_tridiagonal_row){diagonal[k], below[k]};
        row[k] -= stride[k];
    }
}

TARGET static void NAMED(advance)(eg_sweeps *sweeps, int64_t steps)
{
    lanes c[VECTORS], s[VECTORS], gamma[VECTORS], p[VECTORS], sigma[VECTORS], above[VECTORS];
    masks negligible[VECTORS];
    eg_tridiagonal_row *row[EG_TRIDIAGONAL_LANES];
    int64_t stride[EG_TRIDIAGONAL_LANES];
    memcpy(c, sweeps->c, sizeof c);
    memcpy(s, sweeps->s, sizeof s);
    memcpy(gamma, sweeps->gamma, sizeof gamma);
    memcpy(p, sweeps->p, sizeof p);
    memcpy(sigma, sweeps->sigma, sizeof sigma);
    memcpy(above, sweeps->above, sizeof above);
    memcpy(negligible, sweeps->negligible, sizeof negligible);
    memcpy(row, sweeps->row, sizeof row);
    memcpy(stride, sweeps->stride, sizeof stride);
    for (int64_t i = 0; i < steps; i++)
        EACH_VECTOR
    NAMED(advance_row)
    (row + v * WIDTH, stride + v * WIDTH, sigma + v, c + v, s + v, gamma + v, p + v, above + v, negligible + v);
    memcpy(sweeps->c, c, sizeof c);
    memcpy(sweeps->s, s, sizeof s);
    memcpy(sweeps->gamma, gamma, sizeof gamma);
    memcpy(sweeps->p, p, sizeof p);
    memcpy(sweeps->above, above, sizeof above);
    memcpy(sweeps->negligible, negligible, sizeof negligible);
    memcpy(sweeps->row, row, sizeof row);
}

#undef lanes
#undef masks
#undef VECTORS
#undef EACH_VECTOR
#undef EACH_LANE
