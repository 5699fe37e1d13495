/* Windows, their regions and the combinations. Comes in: a lattice, then entropies; goes out: gamma of every window. Called by
 * scan/study.c. */
#include "measure/topology.h"

#include <math.h>

#include "base/memory.h"
#include "state/state.h"

enum { PART_A = 1, PART_B = 2, PART_C = 4, MOST_REGIONS = 7, MOST_WINDOWS = 16 };

/* A combination: the parts that are together in each region, and the weight of its entropy in gamma. */
typedef struct combination {
    const char *name;
    int least_side; /* of a window */
    int regions;
    int parts[MOST_REGIONS];
    double weight[MOST_REGIONS];
    int (*part)(int height, int width, int row, int column); /* of a pixel of the window; 0: the hole */
} combination;

static int part_of_disc(int height, int width, int row, int column)
{
    return row >= height / 2 ? PART_C : column < width / 2 ? PART_A : PART_B;
}

static int part_of_ring(int height, int width, int row, int column)
{
    if (column == 0)
        return PART_A;
    if (column == width - 1)
        return PART_C;
    return row == 0 || row == height - 1 ? PART_B : 0;
}

static const combination combinations[EG_TOPOLOGY_KINDS] = {
    {"Kitaev-Preskill",
     2,
     7,
     {PART_A, PART_B, PART_C, PART_A | PART_B, PART_B | PART_C, PART_A | PART_C, PART_A | PART_B | PART_C},
     {-1, -1, -1, 1, 1, 1, -1},
     part_of_disc},
    {"Levin-Wen", 3, 4, {PART_A | PART_B, PART_B | PART_C, PART_B, PART_A | PART_B | PART_C}, {0.5, 0.5, -0.5, -0.5}, part_of_ring},
};

const char *eg_topology_kind_name(eg_topology_kind kind) { return combinations[kind].name; }

int eg_topology_least_side(eg_topology_kind kind) { return combinations[kind].least_side + 2; }

static eegpu_status append_region(int lattice_height, int lattice_width, const eg_topology_term *term, int parts,
                                  struct eegpu_cuts **cuts)
{
    uint64_t mask[EG_MAX_PIXELS / 64] = {0};
    for (int row = 0; row < term->height; row++)
        for (int column = 0; column < term->width; column++)
            if (combinations[term->kind].part(term->height, term->width, row, column) & parts) {
                int pixel = (term->row + row) * lattice_width + term->column + column;
                mask[pixel / 64] |= UINT64_C(1) << pixel % 64;
            }
    return eg_cuts_add(lattice_height, lattice_width, mask, cuts);
}

static eegpu_status append_window(int lattice_height, int lattice_width, eg_topology_term term, eg_topology *topology,
                                  struct eegpu_cuts **cuts)
{
    const combination *c = &combinations[term.kind];
    eegpu_status status = EEGPU_OK;
    term.first = *cuts != NULL ? eegpu_cuts_count(*cuts) : 0;
    for (int i = 0; i < c->regions; i++)
        EG_TRY(append_region(lattice_height, lattice_width, &term, c->parts[i], cuts));
    topology->terms[topology->count++] = term;
done:
    return status;
}

/* All windows of one kind with a given number of pixels, as long as there is room. */
static eegpu_status append_windows(int height, int width, eg_topology_kind kind, int pixels, size_t most, eg_topology *topology,
                                   struct eegpu_cuts **cuts)
{
    int least = combinations[kind].least_side;
    eegpu_status status = EEGPU_OK;
    for (int h = least; h <= height - 2; h++) {
        int w = pixels / h;
        if (w < least || w > width - 2 || w * h != pixels)
            continue;
        for (int row = 1; row + h < height; row++)
            for (int column = 1; column + w < width && topology->count < most; column++)
                EG_TRY(append_window(height, width, (eg_topology_term){kind, h, w, row, column, 0, NAN, NAN}, topology, cuts));
    }
done:
    return status;
}

eegpu_status eg_topology_plan(int height, int width, eg_topology *topology, struct eegpu_cuts **cuts)
{
    eegpu_status status = EEGPU_OK;
    *topology = (eg_topology){.known = true};
    *cuts = NULL;
    EG_TRY(eg_allocate(NULL, MOST_WINDOWS * EG_TOPOLOGY_KINDS, sizeof *topology->terms, "the windows of the topological term",
                       &topology->terms));
    for (int kind = 0; kind < EG_TOPOLOGY_KINDS; kind++) {
        size_t most = topology->count + MOST_WINDOWS;
        int least = combinations[kind].least_side;
        for (int pixels = (height - 2) * (width - 2); height > 2 && pixels >= least * least && topology->count < most; pixels--)
            EG_TRY(append_windows(height, width, (eg_topology_kind)kind, pixels, most, topology, cuts));
    }
done:
    if (status != EEGPU_OK) {
        eegpu_cuts_free(*cuts);
        *cuts = NULL;
        eg_topology_free(topology);
    }
    return status;
}

void eg_topology_evaluate(const eegpu_record *records, eg_topology *topology)
{
    for (size_t i = 0; i < topology->count; i++) {
        eg_topology_term *term = &topology->terms[i];
        const combination *c = &combinations[term->kind];
        term->gamma = term->error = 0;
        for (int k = 0; k < c->regions; k++) {
            const eegpu_record *record = &records[term->first + (size_t)k];
            term->gamma += c->weight[k] * record->s_vn;
            term->error += fabs(c->weight[k]) * record->error;
        }
    }
}

bool eg_topology_summary(const eg_topology *topology, eg_topology_kind kind, double *least, double *mean, double *most)
{
    size_t count = 0;
    *least = INFINITY;
    *most = -INFINITY;
    *mean = 0;
    for (size_t i = 0; i < topology->count; i++) {
        double gamma = topology->terms[i].gamma;
        if (topology->terms[i].kind != kind)
            continue;
        *least = fmin(*least, gamma);
        *most = fmax(*most, gamma);
        *mean += gamma;
        count++;
    }
    *mean /= count > 0 ? (double)count : NAN;
    return count > 0;
}

void eg_topology_free(eg_topology *topology)
{
    eg_release(NULL, topology->terms);
    *topology = (eg_topology){.known = false};
}
