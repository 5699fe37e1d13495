/* Built-in functions of the bonds between pixels: graph (the sign of a graph state), hardsquare (0/1) and ising (real). In
 * come the planes of 512 images, or a range of images, out go signs, labels or amplitudes. The bonds are those of the
 * lattice with open boundary, for graph also those of a file. Called through the rows at the end. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "base/text.h"
#include "state/functions.h"

/* Every bond once: bit j of later[i] for a bond of pixels i < j. */
typedef struct bond_list {
    uint64_t later[EG_MAX_DENSE_PIXELS];
} bond_list;

static void lattice_bonds(const eg_function_call *call, bond_list *bonds)
{
    for (int i = 0; i < call->pixels; i++) {
        uint64_t right = (i + 1) % call->width != 0, below = i + call->width < call->pixels;
        bonds->later[i] = right << (i + 1) | below << (below ? i + call->width : 0);
    }
}

static eegpu_status prepare_lattice(eg_function_call *call, eg_function_form *form)
{
    eegpu_status status = EEGPU_OK;
    (void)form;
    EG_TRY(eg_allocate_zero(call->budget, 1, sizeof(bond_list), "the bonds of the lattice", &call->prepared));
    lattice_bonds(call, call->prepared);
done:
    return status;
}

/* ---- graph ------------------------------------------------------------------------------------------------------- */

/* One line "i j" of an edge list; `line` is modified. Comments and empty lines add nothing. */
static eegpu_status parse_edge(char *line, const char *place, int pixels, bond_list *bonds)
{
    eegpu_status status = EEGPU_OK;
    int64_t end[2] = {0, 0};
    char *rest = NULL;
    line[strcspn(line, "#")] = '\0';
    char *word = strtok_r(line, " \t\r\n", &rest);
    if (word == NULL)
        return EEGPU_OK;
    for (int k = 0; k < 2; k++, word = strtok_r(NULL, " \t\r\n", &rest)) {
        if (word == NULL)
            return eg_fail(EEGPU_BAD_INPUT, "%s: an edge is two pixel numbers 'i j', but there is only one", place);
        if (eg_parse_integer(word, place, 0, pixels - 1, &end[k]) != EEGPU_OK)
            return eg_fail(EEGPU_BAD_INPUT, "%s: '%s' is not a pixel number; pixels are 0 .. %d", place, word, pixels - 1);
    }
    if (word != NULL)
        return eg_fail(EEGPU_BAD_INPUT, "%s: an edge is two pixel numbers 'i j', but there is also '%s'", place, word);
    if (end[0] == end[1])
        return eg_fail(EEGPU_BAD_INPUT, "%s: the edge joins pixel %d with itself", place, (int)end[0]);
    int64_t low = end[0] < end[1] ? end[0] : end[1], high = end[0] + end[1] - low;
    if (bonds->later[low] >> high & 1)
        return eg_fail(EEGPU_BAD_INPUT, "%s: edge %d %d is there twice", place, (int)end[0], (int)end[1]);
    bonds->later[low] |= UINT64_C(1) << high;
    return status;
}

static eegpu_status read_edges(const char *path, int pixels, bond_list *bonds)
{
    eegpu_status status = EEGPU_OK;
    char *line = NULL, place[512];
    size_t room = 0;
    FILE *stream = fopen(path, "r");
    if (stream == NULL)
        return eg_fail(EEGPU_IO, "reading the edges of graph: cannot open %s: %s", path, strerror(errno));
    for (int number = 1; getline(&line, &room, stream) >= 0; number++) {
        snprintf(place, sizeof place, "reading the edges of graph: %s, line %d", path, number);
        EG_TRY(parse_edge(line, place, pixels, bonds));
    }
    if (ferror(stream))
        status = eg_fail(EEGPU_IO, "reading the edges of graph: cannot read %s: %s", path, strerror(errno));
done:
    free(line);
    fclose(stream);
    return status;
}

static eegpu_status prepare_graph(eg_function_call *call, eg_function_form *form)
{
    eegpu_status status = EEGPU_OK;
    *form = EG_FORM_SIGNS;
    EG_TRY(eg_allocate_zero(call->budget, 1, sizeof(bond_list), "the edges of the graph", &call->prepared));
    if (call->given[0])
        EG_TRY(read_edges(call->value[0].text, call->pixels, call->prepared));
    else
        lattice_bonds(call, call->prepared);
done:
    return status;
}

static void slice_graph(const eg_function_call *call, const eg_wide *plane, eg_wide *result)
{
    const bond_list *bonds = call->prepared;
    eg_wide odd = {0};
    for (int i = 0; i < call->pixels; i++) {
        eg_wide partners = {0};
        for (uint64_t later = bonds->later[i]; later != 0; later &= later - 1)
            partners ^= plane[eg_lowest_bit(later)];
        odd ^= plane[i] & partners;
    }
    *result = odd;
}

/* ---- hardsquare -------------------------------------------------------------------------------------------------- */

static void slice_hardsquare(const eg_function_call *call, const eg_wide *plane, eg_wide *result)
{
    const bond_list *bonds = call->prepared;
    eg_wide touching = {0};
    for (int i = 0; i < call->pixels; i++)
        for (uint64_t later = bonds->later[i]; later != 0; later &= later - 1)
            touching |= plane[i] & plane[eg_lowest_bit(later)];
    *result = ~touching;
}

/* ---- ising ------------------------------------------------------------------------------------------------------- */

/* The amplitude for each number of unequal bonds, so that equal energies have equal bits; and where in an index the first
 * pixel of each bond to the right and of each bond to below sits, after a shift that brings the second one there. */
typedef struct ising_table {
    double amplitude[2 * EG_MAX_DENSE_PIXELS];
    uint64_t right, below;
} ising_table;

static eegpu_status prepare_ising(eg_function_call *call, eg_function_form *form)
{
    eegpu_status status = EEGPU_OK;
    const double largest = 700; /* exp(+-700) is a normal double */
    double beta = call->value[0].real;
    int width = call->width, pixels = call->pixels;
    int bonds = 2 * pixels - width - call->height;
    if (fabs(beta) * bonds / 2 > largest)
        return eg_fail(EEGPU_USAGE, "key 'beta' of ising is %g, whose Gibbs weights no double holds; on %d x %d it can be up to %g",
                       beta, call->height, width, 2 * largest / bonds);
    EG_TRY(eg_allocate_zero(call->budget, 1, sizeof(ising_table), "the Gibbs weights", &call->prepared));
    ising_table *table = call->prepared;
    for (int i = 0; i < pixels; i++) {
        if ((i + 1) % width != 0)
            table->right |= UINT64_C(1) << (pixels - 2 - i);
        if (i + width < pixels)
            table->below |= UINT64_C(1) << (pixels - 1 - width - i);
    }
    for (int unequal = 0; unequal <= bonds; unequal++)
        table->amplitude[unequal] = exp(beta * (bonds - 2 * unequal) / 2);
    *form = EG_FORM_REAL;
done:
    return status;
}

static eegpu_status fill_ising(const eg_function_call *call, uint64_t first, uint64_t count, double *amplitudes)
{
    const ising_table *table = call->prepared;
    for (uint64_t k = 0; k < count; k++) {
        uint64_t image = first + k;
        uint64_t right = (image ^ image >> 1) & table->right, below = (image ^ image >> call->width) & table->below;
        amplitudes[k] = table->amplitude[eg_popcount(right) + eg_popcount(below)];
    }
    return EEGPU_OK;
}

/* ---- Rows -------------------------------------------------------------------------------------------------------- */

const eg_function eg_function_graph = {
    .name = "graph",
    .help = "graph state (-1)^(sum over edges of x_i x_j), on the lattice the cluster state",
    .parameters = {{"edges", EG_TEXT, "", NULL, 0, 0, "file of lines 'i j', # comments; without it the lattice's edges"}},
    .prepare = prepare_graph,
    .slice = slice_graph,
};

const eg_function eg_function_hardsquare = {
    .name = "hardsquare",
    .help = "no two nearest neighbours are both lit",
    .prepare = prepare_lattice,
    .slice = slice_hardsquare,
};

const eg_function eg_function_ising = {
    .name = "ising",
    .help = "exp(-beta E / 2), E = -sum over bonds of sigma_i sigma_j: square root of the Gibbs weight",
    .example = "ising:beta=0.4",
    .parameters = {{"beta", EG_REAL, NULL, NULL, -1400, 1400, "inverse temperature, negative for antiferromagnets"}},
    .prepare = prepare_ising,
    .fill = fill_ising,
};
