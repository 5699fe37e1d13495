/* The built-in functions as a whole: finds the row of a name, reads its parameters strictly, and drives the evaluators over
 * all 2^N images in parallel. In comes `name:key=value,...`, out goes a state with bits or amplitudes. Called by source.c;
 * what each function is stands in the other functions_*.c files. */
#include "state/functions.h"

#include <string.h>

#include "base/bits.h"
#include "base/parallel.h"
#include "base/text.h"

#define EG_ROW(name) &eg_function_##name,
static const eg_function *const rows[] = {EG_FUNCTION_LIST(EG_ROW)};
#undef EG_ROW
#define EG_NAME(name) #name,
static const char *const known_names[] = {EG_FUNCTION_LIST(EG_NAME) "images", "packed", "plugin"};
#undef EG_NAME
enum { ROW_COUNT = sizeof rows / sizeof rows[0], NAME_COUNT = sizeof known_names / sizeof known_names[0] };

const eg_function *const *eg_functions(size_t *count)
{
    *count = ROW_COUNT;
    return rows;
}

static const eg_function *find_row(const char *name)
{
    for (size_t i = 0; i < ROW_COUNT; i++)
        if (strcmp(rows[i]->name, name) == 0)
            return rows[i];
    return NULL;
}

bool eg_is_function(const char *name) { return find_row(name) != NULL; }

/* ---- Parameters -------------------------------------------------------------------------------------------------- */

static size_t parameter_count(const eg_function *function)
{
    size_t count = 0;
    while (count < EG_MAX_PARAMETERS && function->parameters[count].name != NULL)
        count++;
    return count;
}

/* The place of `text` in "first|second|third", or -1. */
static int find_choice(const char *text, const char *choices)
{
    size_t length = strlen(text);
    for (int index = 0;; index++) {
        size_t candidate = strcspn(choices, "|");
        if (candidate == length && strncmp(choices, text, length) == 0)
            return index;
        if (choices[candidate] == '\0')
            return -1;
        choices += candidate + 1;
    }
}

static eegpu_status parse_value(const eg_function *function, const eg_parameter *parameter, const char *text, eg_value *value)
{
    char what[128];
    snprintf(what, sizeof what, "key '%s' of %s", parameter->name, function->name);
    switch (parameter->type) {
    case EG_INTEGER:
        return eg_parse_integer(text, what, (int64_t)parameter->least, (int64_t)parameter->most, &value->integer);
    case EG_UNSIGNED:
        return eg_parse_unsigned(text, what, &value->natural);
    case EG_REAL:
        return eg_parse_real(text, what, parameter->least, parameter->most, &value->real);
    case EG_CHOICE:
        value->choice = find_choice(text, parameter->choices);
        if (value->choice < 0)
            return eg_fail(EEGPU_USAGE, "%s is '%s'; it must be one of %s", what, text, parameter->choices);
        return EEGPU_OK;
    case EG_TEXT:
        value->text = text;
        return EEGPU_OK;
    }
    return eg_fail(EEGPU_USAGE, "%s has an unknown type", what);
}

static eegpu_status unknown_key(const eg_function *function, const char *key)
{
    char hint[128], known[256] = "";
    size_t count = parameter_count(function), used = 0;
    if (count == 0)
        return eg_fail(EEGPU_USAGE, "unknown key '%s': function %s has no parameters", key, function->name);
    for (size_t i = 0; i < count && used < sizeof known; i++)
        used += (size_t)snprintf(known + used, sizeof known - used, "%s%s", i ? ", " : "", function->parameters[i].name);
    eg_did_you_mean(key, function->parameters, count, sizeof(eg_parameter), hint, sizeof hint);
    return eg_fail(EEGPU_USAGE, "unknown key '%s' of %s (it has: %s)%s", key, function->name, known, hint);
}

eegpu_status eg_parse_parameters(const eg_function *function, const eg_source_text *parts, eg_function_call *call)
{
    eegpu_status status = EEGPU_OK;
    size_t count = parameter_count(function);
    for (int k = 0; k < parts->count; k++) {
        size_t i = 0;
        while (i < count && strcmp(parts->key[k], function->parameters[i].name) != 0)
            i++;
        if (i == count)
            return unknown_key(function, parts->key[k]);
        if (call->given[i])
            return eg_fail(EEGPU_USAGE, "key '%s' of %s is given twice", parts->key[k], function->name);
        if (parts->value[k] == NULL || parts->value[k][0] == '\0')
            return eg_fail(EEGPU_USAGE, "key '%s' of %s has no value: write %s=VALUE", parts->key[k], function->name,
                           parts->key[k]);
        EG_TRY(parse_value(function, &function->parameters[i], parts->value[k], &call->value[i]));
        call->given[i] = true;
    }
    for (size_t i = 0; i < count; i++) {
        const char *fallback = function->parameters[i].fallback;
        if (call->given[i] || (fallback != NULL && fallback[0] == '\0'))
            continue;
        if (fallback == NULL)
            return eg_fail(EEGPU_USAGE, "function %s needs key '%s' (%s): write for example '%s'", function->name,
                           function->parameters[i].name, function->parameters[i].help, function->example);
        EG_TRY(parse_value(function, &function->parameters[i], fallback, &call->value[i]));
    }
done:
    return status;
}

/* ---- Evaluation on all images ------------------------------------------------------------------------------------ */

typedef struct evaluation {
    const eg_function *function;
    const eg_function_call *call;
    eg_function_form form;
    uint64_t *bits;     /* BITS */
    double *amplitudes; /* the other forms */
    eg_progress progress;
} evaluation;

/* The planes of the 512 images that start at `first`: fixed patterns for the six lowest bits of the index, whole words for
 * the next three, and the same for all images above. */
static void make_planes(int pixels, uint64_t first, eg_wide *plane)
{
    static const uint64_t pattern[6] = {0xAAAAAAAAAAAAAAAA, 0xCCCCCCCCCCCCCCCC, 0xF0F0F0F0F0F0F0F0,
                                        0xFF00FF00FF00FF00, 0xFFFF0000FFFF0000, 0xFFFFFFFF00000000};
    for (int i = 0; i < pixels; i++) {
        int bit = pixels - 1 - i;
        for (int word = 0; word < EG_WIDE_WORDS; word++) {
            uint64_t index = first + 64 * (uint64_t)word;
            plane[i][word] = bit < 6 ? pattern[bit] : -(index >> bit & 1);
        }
    }
}

/* From one group of 512 images to the next only the pixels change whose bits a carry reaches. */
static void advance_planes(int pixels, uint64_t first, eg_wide *plane)
{
    int carried = eg_lowest_bit(first);
    for (int bit = 9; bit <= carried && bit < pixels; bit++)
        plane[pixels - 1 - bit] = (eg_wide){0} - (first >> bit & 1);
}

static void store_slice(const evaluation *work, uint64_t first, const eg_wide *result)
{
    uint64_t size = work->call->size, count = size - first < EG_WIDE_IMAGES ? size - first : EG_WIDE_IMAGES;
    if (work->form == EG_FORM_BITS) {
        memcpy(work->bits + first / 64, result, eg_ceil_div(count, 64) * sizeof(uint64_t));
        return;
    }
    for (uint64_t image = 0; image < count; image++)
        work->amplitudes[first + image] = (*result)[image / 64] >> (image % 64) & 1 ? -1.0 : 1.0;
}

/* Images of a function that fills amplitudes; progress is told, and a wish to stop seen, after images_at_a_time. */
static eegpu_status fill_images(evaluation *work, uint64_t first, uint64_t last)
{
    eegpu_status status = EEGPU_OK;
    uint64_t parts = work->form == EG_FORM_COMPLEX ? 2 : 1;
    uint64_t most = work->call->images_at_a_time > 0 ? work->call->images_at_a_time : last - first;
    for (uint64_t at = first, count; at < last; at += count) {
        count = last - at < most ? last - at : most;
        EG_TRY(work->function->fill(work->call, at, count, work->amplitudes + parts * at));
        EG_TRY(eg_progress_add(&work->progress, (double)count));
    }
done:
    return status;
}

/* Items are groups of 512 images. */
static eegpu_status evaluate_groups(void *context, uint64_t first_group, uint64_t last_group, int worker)
{
    eegpu_status status = EEGPU_OK;
    evaluation *work = context;
    const eg_function *function = work->function;
    const eg_function_call *call = work->call;
    uint64_t first = first_group * EG_WIDE_IMAGES, last = last_group * EG_WIDE_IMAGES;
    if (last > call->size)
        last = call->size;
    (void)worker;
    if (work->form == EG_FORM_REAL || work->form == EG_FORM_COMPLEX)
        return fill_images(work, first, last);
    if (function->fill_bits != NULL) {
        EG_TRY(function->fill_bits(call, first / 64, eg_ceil_div(last - first, 64), work->bits + first / 64));
    } else {
        eg_wide plane[EG_MAX_DENSE_PIXELS], result;
        make_planes(call->pixels, first, plane);
        for (uint64_t image = first; image < last; image += EG_WIDE_IMAGES) {
            if (image > first)
                advance_planes(call->pixels, image, plane);
            function->slice(call, plane, &result);
            store_slice(work, image, &result);
        }
    }
    EG_TRY(eg_progress_add(&work->progress, (double)(last - first)));
done:
    return status;
}

/* Here, in parallel, or by somebody else. */
static eegpu_status evaluate_all(evaluation *work, const eg_network_evaluator *evaluator, int threads)
{
    enum { GROUPS_AT_A_TIME = 1024 }; /* 2^19 images: milliseconds, so that progress is smooth and threads end together */
    const eg_function_call *call = work->call;
    if (work->function->network != NULL && evaluator != NULL)
        return evaluator->evaluate(evaluator->user, work->function->network(call), call->size, call->budget, &work->progress,
                                   work->amplitudes);
    uint64_t groups = call->images_at_a_time > 0 ? eg_ceil_div(call->images_at_a_time, EG_WIDE_IMAGES) : GROUPS_AT_A_TIME;
    return eg_parallel_for(threads, eg_ceil_div(call->size, EG_WIDE_IMAGES), groups, evaluate_groups, work);
}

static eegpu_status evaluate(const eg_function *function, eg_function_call *call, eg_function_form form, eegpu_state *state,
                             const eegpu_open_options *options, int threads)
{
    eegpu_status status = EEGPU_OK;
    evaluation work = {.function = function, .call = call, .form = form};
    if (form == EG_FORM_BITS)
        EG_TRY(eg_state_allocate_bits(state));
    else
        EG_TRY(eg_state_allocate_amplitudes(state, form == EG_FORM_COMPLEX, &work.amplitudes));
    work.bits = state->bits;
    eg_progress_begin(&work.progress, options->progress, options->progress_user, "evaluating the function", (double)call->size);
    status = evaluate_all(&work, state->evaluator, threads);
    eg_progress_end(&work.progress);
    EG_TRY(status);
    if (form == EG_FORM_BITS) {
        if (function->complete != NULL)
            EG_TRY(function->complete(call, state->bits));
        if (call->size < 64)
            state->bits[0] &= eg_low_mask((int)call->size);
    }
    EG_TRY(eg_state_finish(state, threads));
done:
    return status;
}

/* ---- Opening ----------------------------------------------------------------------------------------------------- */

eegpu_status eg_choose_lattice(const char *name, const eegpu_open_options *options, int *height, int *width)
{
    *height = options->height;
    *width = options->width;
    if (*height == 0 && *width == 0)
        *height = *width = 4;
    if (*height < 1 || *width < 1)
        return eg_fail(EEGPU_USAGE, "function %s: a lattice of %d x %d pixels cannot be; height and width are at least 1", name,
                       *height, *width);
    if ((int64_t)*height * *width > EG_MAX_DENSE_PIXELS)
        return eg_fail(EEGPU_USAGE,
                       "function %s: a lattice of %d x %d pixels is too large; functions are evaluated on all 2^N "
                       "images, with N at most %d",
                       name, *height, *width, EG_MAX_DENSE_PIXELS);
    return EEGPU_OK;
}

eegpu_status eg_open_function(eegpu_state *state, const eg_source_text *parts, const eegpu_open_options *options, int threads)
{
    eegpu_status status = EEGPU_OK;
    eg_function_form form = EG_FORM_BITS;
    eg_function_call call = {.budget = state->budget};
    const eg_function *function = find_row(parts->name);
    char hint[128];
    if (function == NULL)
        return eg_fail(EEGPU_USAGE, "no file and no built-in function is named '%s'%s; `eegpu list` shows the functions",
                       parts->name,
                       eg_did_you_mean(parts->name, known_names, NAME_COUNT, sizeof known_names[0], hint, sizeof hint));
    EG_TRY(eg_choose_lattice(function->name, options, &call.height, &call.width));
    call.pixels = call.height * call.width;
    call.size = UINT64_C(1) << call.pixels;
    EG_TRY(eg_parse_parameters(function, parts, &call));
    if (function->prepare != NULL)
        EG_TRY(function->prepare(&call, &form));
    eg_state_set_lattice(state, call.height, call.width, EEGPU_MSB);
    EG_TRY(evaluate(function, &call, form, state, options, threads));
    state->is_born = function->seed_of_stream != NULL && state->kind == EG_AMPLITUDES;
    state->born_seed = state->is_born ? function->seed_of_stream(&call) : 0;
done:
    eg_release(call.budget, call.prepared);
    return status;
}
