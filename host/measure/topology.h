/* The topological term gamma of S = alpha L - gamma. Comes in: a lattice, then the entropies of the regions; goes out: combinations
 * of entropies in which what belongs to boundaries and corners cancels. Called by scan/study.c. It computes no entropies.
 *
 * Regions lie in windows that do not touch the border of the lattice. Kitaev and Preskill (2006): a disc in three parts that meet
 * in a point, gamma = -(S_A + S_B + S_C - S_AB - S_BC - S_AC + S_ABC); A and B are the left and right halves of the window's upper
 * rows, C its lower rows. Levin and Wen (2006): a ring ABC, of which B is the pieces above and below the hole, A and C the left and
 * right columns, 2 gamma = S_AB + S_BC - S_B - S_ABC. Closed loops give log 2, functions without such order 0, if the windows are
 * large beside the correlations; on small lattices the windows differ, and all of them are given. */
#ifndef EG_MEASURE_TOPOLOGY_H
#define EG_MEASURE_TOPOLOGY_H

#include "cut/cut.h"

typedef enum eg_topology_kind { EG_KITAEV_PRESKILL, EG_LEVIN_WEN, EG_TOPOLOGY_KINDS } eg_topology_kind;

const char *eg_topology_kind_name(eg_topology_kind kind); /* "Kitaev-Preskill", "Levin-Wen" */

/* The smallest lattice side that has a window: 4 and 5. */
int eg_topology_least_side(eg_topology_kind kind);

typedef struct eg_topology_term {
    eg_topology_kind kind;
    int height, width, row, column; /* of the window */
    size_t first;                   /* number of its first cut; 7 or 4 in all */
    double gamma, error;
} eg_topology_term;

typedef struct eg_topology {
    bool known;
    size_t count;            /* 0: the lattice is too small */
    eg_topology_term *terms; /* by kind, the largest windows first, at most 16 of a kind */
} eg_topology;

/* The windows and their cuts; *cuts stays NULL where there are none. The caller frees both. */
EG_MUST eg_topology_plan(int height, int width, eg_topology *topology, struct eegpu_cuts **cuts);

/* gamma from the records of those cuts. */
void eg_topology_evaluate(const eegpu_record *records, eg_topology *topology);

/* Smallest, mean and largest gamma of a kind; false: it has no windows. */
bool eg_topology_summary(const eg_topology *topology, eg_topology_kind kind, double *least, double *mean, double *most);

void eg_topology_free(eg_topology *topology);

#endif
