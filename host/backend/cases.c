/* The frame of the case table: rows, places, instances, random input, comparison. Comes in: rows of cases_*.c; goes out:
 * differences and bounds. See cases.h. */
#include "backend/cases.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "backend/case_table.h"
#include "base/parallel.h"
#include "state/random.h"

static const double unit_roundoff = 0x1p-53;

double eg_case_gamma(double roundings) { return roundings * unit_roundoff / (1 - roundings * unit_roundoff); }

/* ---- Rows ---- */

const eg_case *eg_case_number(size_t number)
{
    const eg_case *const tables[] = {eg_amplitude_cases, eg_matrix_cases, eg_count_cases, eg_network_cases};
    for (size_t t = 0; t < sizeof tables / sizeof *tables; t++)
        for (const eg_case *row = tables[t]; row->name != NULL; row++)
            if (number-- == 0)
                return row;
    return NULL;
}

const eg_case *eg_case_named(const char *name)
{
    const eg_case *row = NULL;
    for (size_t i = 0; (row = eg_case_number(i)) != NULL; i++)
        if (strcmp(row->name, name) == 0)
            break;
    return row;
}

/* ---- Places ---- */

static eegpu_status open_state(const char *source, int pixels, int threads, eegpu_state **state)
{
    eegpu_open_options options = {.height = 1, .width = pixels, .threads = threads};
    return eg_state_open(source, &options, NULL, state);
}

eegpu_status eg_case_place_open(eg_device *device, int threads, eg_case_place *place)
{
    eegpu_status status = EEGPU_OK;
    *place = (eg_case_place){.device = device, .threads = threads > 0 ? threads : eg_processor_count()};
    EG_TRY(open_state("product", 2, 1, &place->idle));
    EG_TRY(device->backend->load(device, place->idle, place->threads));
    EG_TRY(device->backend->open_lane(device, place->threads, &place->lane));
done:
    return status;
}

void eg_case_place_close(eg_case_place *place)
{
    if (place->lane != NULL)
        place->device->backend->close_lane(place->lane);
    eegpu_state_close(place->loaded);
    eegpu_state_close(place->idle);
    *place = (eg_case_place){0};
}

/* The function of a row, or none. What was loaded goes first: there may not be room for two. */
static eegpu_status load_function(eg_case_place *place, const eg_case *row, int size)
{
    const eg_backend *backend = place->device->backend;
    bool is_there = place->loaded != NULL && row->source != NULL && strcmp(place->loaded->source, row->source) == 0 &&
                    place->loaded->pixels == size;
    eegpu_status status = EEGPU_OK;
    if (is_there)
        return EEGPU_OK;
    if (place->loaded != NULL) {
        EG_TRY(backend->load(place->device, place->idle, place->threads));
        eegpu_state_close(place->loaded);
        place->loaded = NULL;
    }
    if (row->source != NULL) {
        eegpu_state *state = NULL;
        EG_TRY(open_state(row->source, size, place->threads, &state));
        place->loaded = state;
        EG_TRY(backend->load(place->device, state, place->threads));
    }
done:
    return status;
}

/* ---- Instances ---- */

eegpu_status eg_case_open(const eg_case *row, int size, eg_case_place *place, eg_instance **instance)
{
    eg_instance *new = NULL;
    eegpu_status status = EEGPU_OK;
    *instance = NULL;
    EG_TRY(load_function(place, row, size));
    EG_TRY(eg_allocate_zero(NULL, 1, sizeof *new, "a case of the table", &new));
    new->row = row;
    new->size = size;
    new->place = place;
    new->backend = place->device->backend;
    new->lane = place->lane;
    new->budget = place->idle->budget;
    EG_TRY(row->prepare(new));
    EG_TRY(new->backend->wait(new->lane));
    *instance = new;
done:
    if (status != EEGPU_OK) {
        status = eg_fail_while(status, "%s, %d %s on %s", row->name, size, row->unit, place->device->name);
        eg_case_close(new);
    }
    return status;
}

void eg_case_close(eg_instance *instance)
{
    if (instance == NULL)
        return;
    for (int i = 0; i < EG_CASE_BUFFERS; i++) {
        instance->backend->release(instance->lane, instance->device[i]);
        eg_release(instance->budget, instance->host[i]);
    }
    eg_columns_free(&instance->child);
    if (instance->place->loaded == NULL || instance->parent.set.vectors != instance->place->loaded->bits)
        eg_columns_free(&instance->parent);
    eg_release(instance->budget, instance->network);
    eg_release(instance->budget, instance->result);
    eg_release(NULL, instance);
}

eegpu_status eg_case_ready(eg_instance *instance)
{
    eegpu_status status = EEGPU_OK;
    if (instance->row->ready != NULL)
        EG_TRY(instance->row->ready(instance));
    EG_TRY(instance->backend->wait(instance->lane));
done:
    return status;
}

eegpu_status eg_case_run(eg_instance *instance)
{
    eegpu_status status = instance->row->run(instance);
    return status == EEGPU_OK ? instance->backend->wait(instance->lane) : status;
}

/* ---- Input ---- */

typedef struct fill {
    bool is_words;
    uint64_t count;
    void *numbers;
} fill;

static eegpu_status fill_pairs(void *context, uint64_t first, uint64_t last, int worker)
{
    const fill *f = context;
    (void)worker;
    for (uint64_t pair = first; pair < last; pair++) {
        uint64_t bits[2];
        eg_random_bits(1, EG_RANDOM_AMPLITUDES, pair, 0, bits);
        for (uint64_t i = 0; i < 2 && 2 * pair + i < f->count; i++) {
            if (f->is_words)
                ((uint64_t *)f->numbers)[2 * pair + i] = bits[i];
            else
                ((double *)f->numbers)[2 * pair + i] = 2 * eg_random_unit(bits[i]) - 1;
        }
    }
    return EEGPU_OK;
}

static eegpu_status make_input(eg_instance *instance, int slot, bool is_words, uint64_t count, uint64_t room)
{
    fill f = {.is_words = is_words, .count = count};
    eegpu_status status = eg_allocate(instance->budget, room, sizeof(uint64_t), "the input of a case", &instance->host[slot]);
    if (status != EEGPU_OK)
        return status;
    f.numbers = instance->host[slot];
    return eg_parallel_for(instance->place->threads, (count + 1) / 2, 1 << 14, fill_pairs, &f);
}

eegpu_status eg_case_numbers(eg_instance *instance, int slot, uint64_t count, uint64_t room)
{
    return make_input(instance, slot, false, count, room);
}

eegpu_status eg_case_words(eg_instance *instance, int slot, uint64_t count)
{
    return make_input(instance, slot, true, count, count);
}

eegpu_status eg_case_room(eg_instance *instance, int slot, uint64_t count)
{
    return instance->backend->allocate(instance->lane, count, sizeof(double), "the buffer of a case", &instance->device[slot]);
}

eegpu_status eg_case_move(eg_instance *instance, int slot, uint64_t count)
{
    void *buffer = instance->host[slot];
    instance->host[slot] = NULL;
    eegpu_status status =
        instance->backend->take(instance->lane, instance->budget, count * sizeof(double), "the input of a case", &buffer);
    instance->device[slot] = buffer;
    return status;
}

eegpu_status eg_case_copy(eg_instance *instance, int slot, uint64_t count)
{
    void *original = instance->host[slot], *copy = NULL;
    instance->backend->release(instance->lane, instance->device[slot]);
    instance->device[slot] = NULL;
    eegpu_status status = eg_allocate(instance->budget, count, sizeof(double), "the input of a case", &copy);
    if (status != EEGPU_OK)
        return status;
    memcpy(copy, original, count * sizeof(double));
    instance->host[slot] = copy;
    status = eg_case_move(instance, slot, count);
    instance->host[slot] = original;
    return status;
}

/* ---- Results ---- */

eegpu_status eg_case_collect_room(eg_instance *instance, uint64_t count)
{
    eg_release(instance->budget, instance->result);
    instance->result = NULL;
    instance->result_count = count;
    return eg_allocate(instance->budget, count, sizeof(double), "the result of a case", &instance->result);
}

eegpu_status eg_case_collect_numbers(eg_instance *instance, int slot, uint64_t count)
{
    eegpu_status status = eg_case_collect_room(instance, count);
    if (status != EEGPU_OK)
        return status;
    return instance->backend->fetch(instance->lane, instance->device[slot], count * sizeof(double), instance->result);
}

eegpu_status eg_case_collect_triangle(eg_instance *instance, int slot, bool is_complex, uint64_t n)
{
    uint64_t unit = is_complex ? 2 : 1;
    eegpu_status status = eg_case_collect_numbers(instance, slot, unit * n * n);
    for (uint64_t j = 1; status == EEGPU_OK && j < n; j++)
        memset((double *)instance->result + unit * n * j, 0, unit * j * sizeof(double));
    return status;
}

static double difference_of_words(uint64_t a, uint64_t b) { return a == b ? 0 : (double)(a > b ? a - b : b - a); }

/* Two numbers with different bits are never 0 apart. */
static double difference_of_numbers(double a, double b, bool is_relative)
{
    if (memcmp(&a, &b, sizeof a) == 0 && isfinite(a))
        return 0;
    double difference = is_relative ? fabs(a - b) / fabs(b) : fabs(a - b);
    return isfinite(difference) ? fmax(difference, DBL_TRUE_MIN) : INFINITY;
}

eegpu_status eg_case_compare(eg_instance *instance, eg_instance *on_cpu, double *difference, double *bound)
{
    eegpu_status status = EEGPU_OK;
    EG_TRY(instance->row->collect(instance));
    EG_TRY(on_cpu->row->collect(on_cpu));
    *bound = on_cpu->row->bound != NULL ? on_cpu->row->bound(on_cpu) : 0;
    *difference = instance->result_count == on_cpu->result_count ? 0 : INFINITY;
    for (uint64_t i = 0; i < on_cpu->result_count && i < instance->result_count; i++) {
        double off = on_cpu->is_words ? difference_of_words(((uint64_t *)instance->result)[i], ((uint64_t *)on_cpu->result)[i])
                                      : difference_of_numbers(((double *)instance->result)[i], ((double *)on_cpu->result)[i],
                                                              on_cpu->is_relative);
        *difference = fmax(*difference, off);
    }
done:
    return status;
}

static eegpu_status open_and_run(const eg_case *row, int size, eg_case_place *place, eg_instance **instance)
{
    eegpu_status status = EEGPU_OK;
    EG_TRY(eg_case_open(row, size, place, instance));
    status = eg_case_ready(*instance);
    if (status == EEGPU_OK)
        status = eg_case_run(*instance);
    if (status != EEGPU_OK)
        status = eg_fail_while(status, "%s, %d %s on %s", row->name, size, row->unit, place->device->name);
done:
    return status;
}

eegpu_status eg_case_check(const eg_case *row, int size, eg_case_place *place, eg_case_place *cpu, double *difference,
                           double *bound)
{
    eg_instance *here = NULL, *there = NULL;
    eegpu_status status = EEGPU_OK;
    *difference = *bound = NAN;
    EG_TRY(open_and_run(row, size, cpu, &there));
    EG_TRY(open_and_run(row, size, place, &here));
    EG_TRY(eg_case_compare(here, there, difference, bound));
done:
    eg_case_close(here);
    eg_case_close(there);
    return status;
}
