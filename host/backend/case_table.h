/* What the files of the case table share: an instance, and the steps of which prepare(), run() and collect() consist. See
 * cases.h. */
#ifndef EG_BACKEND_CASE_TABLE_H
#define EG_BACKEND_CASE_TABLE_H

#include "backend/cases.h"

enum { EG_CASE_BUFFERS = 3 };

struct eg_instance {
    const eg_case *row;
    int size;
    eg_case_place *place;
    const eg_backend *backend;
    eg_lane *lane;
    eg_budget *budget;             /* of host memory; while no function of its own is loaded, that of a CPU's buffers as well */
    void *host[EG_CASE_BUFFERS];   /* had with the budget */
    void *device[EG_CASE_BUFFERS]; /* had from the lane */

    eg_matrix_layout layout; /* gather */
    uint64_t first, count;
    uint64_t one; /* derive_columns */
    eg_columns parent, child;
    eg_count_sums sums; /* weigh */
    double numbers[2];  /* invariants */
    eg_cnn *network;

    void *result; /* words, or doubles; had with the budget */
    uint64_t result_count;
    bool is_words, is_relative; /* differences are divided by the CPU's values */
};

/* The tables; a row without a name ends them. */
extern const eg_case eg_amplitude_cases[], eg_matrix_cases[], eg_count_cases[], eg_network_cases[];

/* host[slot] = `count` doubles, uniform in [-1, 1), or words of random bits; `room` of them are had. */
EG_MUST eg_case_numbers(eg_instance *instance, int slot, uint64_t count, uint64_t room);
EG_MUST eg_case_words(eg_instance *instance, int slot, uint64_t count);

/* device[slot] = room for `count` doubles or words. */
EG_MUST eg_case_room(eg_instance *instance, int slot, uint64_t count);

/* host[slot] moves to device[slot]; or a copy of it does, in place of what is there. */
EG_MUST eg_case_move(eg_instance *instance, int slot, uint64_t count);
EG_MUST eg_case_copy(eg_instance *instance, int slot, uint64_t count);

/* The result: `count` doubles of device[slot]; the n x n lower triangle that is there, the rest zero; or room to be filled, `count`
 * doubles or words. */
EG_MUST eg_case_collect_numbers(eg_instance *instance, int slot, uint64_t count);
EG_MUST eg_case_collect_triangle(eg_instance *instance, int slot, bool is_complex, uint64_t n);
EG_MUST eg_case_collect_room(eg_instance *instance, uint64_t count);

/* gamma(m) = m u / (1 - m u): the relative error of m roundings (Higham, section 3.1). */
double eg_case_gamma(double roundings);

#endif
