/* What the table, the JSON and the page of a study say alike: formulas, notes, bounds, and which numbers are 0 but for rounding.
 * Comes in: a study; goes out: texts and numbers. Called by law_table.c, law_json.c, html*.c and pictures.c. It writes nothing. */
#include <math.h>
#include <string.h>

#include "report/law.h"

/* ---- Models ---- */

static const char *symbol_of(const eg_law *law, eg_regressor regressor)
{
    switch (regressor) {
    case EG_BOUNDARY:
        return "L_A";
    case EG_VOLUME:
        return "min(N_A, N_B)";
    case EG_LOGARITHM:
        return law->is_chain ? "logarithm" : "log min(N_A, N_B)";
    default:
        return eg_regressor_name(regressor);
    }
}

const char *eg_law_formula(const eg_law *law, int model, char *text)
{
    int length = snprintf(text, EG_FORMULA_SIZE, "S = c");
    for (int j = 0; j < law->terms[model] && length < EG_FORMULA_SIZE; j++)
        length += snprintf(text + length, (size_t)(EG_FORMULA_SIZE - length), " + %c %s", 'a' + j,
                           symbol_of(law, eg_law_models[model].regressor[j]));
    return text;
}

const char *eg_law_regressor_note(const eg_law *law, eg_regressor regressor)
{
    if (regressor == EG_LOGARITHM)
        return !law->is_chain
                   ? "logarithm: log min(N_A, N_B)"
                   : "logarithm: after l of the N pixels of the chain log((2N/pi) sin(pi l/N)); where A has several "
                     "ends, -sum q_i q_j log d(i, j) over the ends and their mirror images at the ends of the chain, q = "
                     "+1 and -1 in turn and the opposite for the images, d = (2N/pi) sin(pi distance/2N)";
    if (regressor == EG_END && law->is_chain)
        return "end: the sum of 1/d^2 over the same pairs, without those of an end and the image of another";
    return NULL;
}

bool eg_law_model_is_shown(const eg_law *law, int model) { return law->is_chain || !eg_law_models[model].only_chains; }

/* ---- Rounding ---- */

double eg_law_rounding(const eg_study *study)
{
    double most = 0;
    for (size_t i = 0; i < study->result->count; i++)
        most = fmax(most, study->result->records[i].error);
    return most;
}

double eg_zero_below(double value, double error) { return fabs(value) <= fmax(error, 1e-12) ? 0 : value; }

/* ---- Ranges ---- */

double eg_effective_range(const eegpu_record *record)
{
    return record->boundary > 0 ? record->s_vn / (record->boundary * M_LN2) : NAN;
}

void eg_effective_ranges(const eg_study *study, double *least, double *most)
{
    double rounding = eg_law_rounding(study);
    *least = INFINITY;
    *most = 0;
    for (size_t i = 0; i < study->result->count; i++) {
        double effective = eg_zero_below(eg_effective_range(&study->result->records[i]), rounding);
        *least = fmin(*least, effective);
        *most = fmax(*most, effective);
    }
}

uint64_t eg_largest_rank(const uint64_t *rank, int count)
{
    uint64_t largest = 1;
    for (int k = 0; k < count; k++)
        largest = rank[k] > largest ? rank[k] : largest;
    return largest;
}

int eg_range_pixels(const eg_range *range)
{
    return range->side[0].pixels < range->side[1].pixels ? range->side[0].pixels : range->side[1].pixels;
}

double eg_range_bound(const eg_range *range) { return range->known ? eg_range_pixels(range) * M_LN2 : NAN; }

int64_t eg_widest_cut(const eg_study *study)
{
    int64_t widest = -1;
    for (size_t i = 0; i < study->range_count; i++)
        if (study->ranges[i].r > 1 && (widest < 0 || study->ranges[i].r > study->ranges[widest].r))
            widest = (int64_t)i;
    return widest;
}

size_t eg_range_summary(const eg_study *study, int largest[2])
{
    size_t trivial = 0;
    largest[0] = largest[1] = 0;
    for (size_t i = 0; i < study->range_count; i++) {
        const eg_range_side *side = study->ranges[i].side;
        for (int which = 0; which < 2; which++)
            largest[which] = side[which].r > largest[which] ? side[which].r : largest[which];
        trivial += side[0].trivial || side[1].trivial;
    }
    return trivial;
}

/* ---- The function ---- */

const char *eg_source_heading(const char *source, char *text)
{
    enum { ROOM = EG_HEADING_SIZE - 4 };
    size_t length = 0;
    for (const char *part = source, *end; *part != '\0' && length < ROOM; part = end) {
        end = part + strcspn(part, ":,");
        end += *end != '\0';
        const char *name = part;
        if (strncmp(part, "labels=", 7) == 0 && *end != '\0')
            continue;
        for (const char *c = part; c < end; c++) /* of a path the last name */
            if (*c == '/' && c + 1 < end)
                name = c + 1;
        const char *equals = memchr(part, '=', (size_t)(end - part));
        size_t key = name > part && equals != NULL && equals < name ? (size_t)(equals + 1 - part) : 0;
        for (size_t i = 0; i < key && length < ROOM; i++)
            text[length++] = part[i];
        for (const char *c = name; c < end && length < ROOM; c++)
            text[length++] = *c;
    }
    bool whole = length < ROOM;
    while (!whole && length > 0 && ((unsigned char)text[length - 1] & 0xC0) == 0x80) /* no half of a character */
        length--;
    length -= !whole && length > 0;
    strcpy(text + length, whole ? "" : "\u2026");
    return text;
}
