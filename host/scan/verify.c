/* Every cut by every route on every device, compared pair by pair. Routes that would take too long are left out cut by cut, those
 * that do not fit into the memory when they say so; both are on record with the reason. See verify.h. */
#include "scan/verify.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "base/parallel.h"

const eg_verify_route eg_verify_routes[EG_VERIFY_ROUTES] = {
    {"gram", "eigenvalues of M M^H", "gram", "auto", EEGPU_METHOD_GRAM, false},
    {"gram, plain", "the same without the exact reductions", "gram", "off", EEGPU_METHOD_GRAM, true},
    {"svd", "singular values of M", "svd", "auto", EEGPU_METHOD_SVD, false},
};

/* Additions and multiplications that a route beside the first may take on one device, all cuts together: minutes. */
static const double most_operations = 1e13;

typedef struct verifier {
    const eegpu_state *state;
    const struct eegpu_cuts *cuts;
    const eegpu_scan_options *options;
    eg_device *const *devices;
    eg_verification *out;
} verifier;

static eg_verify_entry *entry_of(const eg_verification *out, size_t cut, size_t column)
{
    return &out->entries[cut * out->column_count + column];
}

static eegpu_status set_reason(const char *reason, char **copy)
{
    *copy = strdup(reason);
    return *copy != NULL ? EEGPU_OK : eg_fail(EEGPU_OUT_OF_MEMORY, "noting what was not verified: no memory");
}

static void add_disagreement(eg_verification *out, const char *message)
{
    if (out->disagreements++ == 0)
        snprintf(out->message, sizeof out->message, "%s", message);
}

/* ---- Names ---- */

const char *eg_verify_column_text(const eg_verification *verification, size_t column, char *text)
{
    snprintf(text, EG_VERIFY_TEXT_SIZE, "%s on %s", eg_verify_routes[column % EG_VERIFY_ROUTES].name,
             verification->devices[column / EG_VERIFY_ROUTES]);
    return text;
}

const char *eg_verify_size_text(const eg_verify_operation *operation, char *text)
{
    const char *unit = operation->row->unit;
    size_t length = strlen(unit);
    if (operation->size == 1 && length > 0 && unit[length - 1] == 's')
        length--;
    snprintf(text, EG_VERIFY_TEXT_SIZE, "%d %.*s", operation->size, (int)length, unit);
    return text;
}

/* ---- Operations ---- */

static eegpu_status check_operation(verifier *v, eg_verify_operation *operation, eg_case_place *place, eg_case_place *reference)
{
    char message[EG_MESSAGE_SIZE], size[EG_VERIFY_TEXT_SIZE];
    eegpu_status status =
        eg_case_check(operation->row, operation->size, place, reference, &operation->difference, &operation->bound);
    operation->agrees = status == EEGPU_OUT_OF_MEMORY || (status == EEGPU_OK && operation->difference <= operation->bound);
    if (status == EEGPU_NUMERICS)
        add_disagreement(v->out, eegpu_error_message());
    if (status == EEGPU_OUT_OF_MEMORY || status == EEGPU_NUMERICS)
        return set_reason(eegpu_error_message(), &operation->reason);
    if (status != EEGPU_OK)
        return status;
    if (!operation->agrees) {
        snprintf(message, sizeof message, "%s, %s: %s and cpu with one thread differ by %.3g, and %.3g is the most that they may",
                 operation->row->name, eg_verify_size_text(operation, size), v->out->devices[operation->device],
                 operation->difference, operation->bound);
        add_disagreement(v->out, message);
    }
    return EEGPU_OK;
}

/* A list of all that is to be run: every row at its small sizes on every device. */
static eegpu_status list_operations(eg_verification *out)
{
    const eg_case *row = NULL;
    size_t rows = 0, count = 0;
    while (eg_case_number(rows) != NULL)
        rows++;
    eegpu_status status = eg_allocate_zero(NULL, rows * EG_CASE_SMALL_SIZES * out->device_count, sizeof *out->operations,
                                           "the list of operations to verify", &out->operations);
    for (size_t device = 0; device < out->device_count && status == EEGPU_OK; device++)
        for (size_t i = 0; (row = eg_case_number(i)) != NULL; i++)
            for (int k = 0; k < EG_CASE_SMALL_SIZES && row->small[k] > 0; k++)
                out->operations[count++] =
                    (eg_verify_operation){.row = row, .size = row->small[k], .device = device, .difference = NAN, .bound = NAN};
    out->operation_count = count;
    return status;
}

/* Those of one device, which stand together from *next on. */
static eegpu_status verify_device(verifier *v, size_t device, eg_device *cpu, eg_progress *progress, size_t *next)
{
    eg_case_place place = {0}, reference = {0};
    eegpu_status status = EEGPU_OK;
    EG_TRY(eg_case_place_open(cpu, 1, &reference));
    EG_TRY(eg_case_place_open(v->devices[device], v->options->threads, &place));
    for (; *next < v->out->operation_count && v->out->operations[*next].device == device; ++*next) {
        EG_TRY(check_operation(v, &v->out->operations[*next], &place, &reference));
        EG_TRY(eg_progress_add(progress, 1));
    }
done:
    eg_case_place_close(&place);
    eg_case_place_close(&reference);
    return status;
}

static eegpu_status verify_operations(verifier *v)
{
    eg_device *cpu = NULL;
    eg_progress progress = {0};
    size_t next = 0;
    eegpu_status status = EEGPU_OK;
    EG_TRY(list_operations(v->out));
    EG_TRY(eg_device_open("cpu", &cpu));
    eg_progress_begin(&progress, v->options->progress, v->options->progress_user, "verifying operations",
                      (double)v->out->operation_count);
    for (size_t device = 0; device < v->out->device_count && status == EEGPU_OK; device++)
        status = verify_device(v, device, cpu, &progress, &next);
    eg_progress_end(&progress);
done:
    eg_device_close(cpu);
    return status;
}

/* ---- Which cuts a route takes ---- */

typedef struct cost {
    double operations;
    size_t cut;
} cost;

static int by_rising_cost(const void *left, const void *right)
{
    const cost *a = left, *b = right;
    if (a->operations != b->operations)
        return a->operations < b->operations ? -1 : 1;
    return a->cut < b->cut ? -1 : a->cut > b->cut;
}

/* What a cut costs at least by a route: of 0/1 functions, whose reductions are known from the first route, of the rest. */
static double cost_of(const verifier *v, size_t cut, const eg_verify_route *route)
{
    const eg_verify_entry *first = entry_of(v->out, cut, 0);
    bool is_reduced = first->reason == NULL && !route->no_reduce && v->state->kind != EG_AMPLITUDES;
    int n_a = eg_cut_size(v->cuts, cut), n_b = v->cuts->pixels - n_a;
    double rows = is_reduced ? (double)first->record.reduced_rows : exp2(n_a);
    double columns = is_reduced ? (double)first->record.reduced_cols : exp2(n_b);
    if (v->state->kind == EG_IMAGES) {
        rows = fmin(rows, (double)v->state->images.count);
        columns = fmin(columns, (double)v->state->images.count);
    }
    double small = fmin(rows, columns), large = fmax(rows, columns);
    double flops = route->number == EEGPU_METHOD_SVD ? 4 * small * small * large : small * small * (large + 4. / 3 * small);
    return (v->state->is_complex ? 4 : 1) * flops;
}

/* The cheapest cuts, as many as there is time for: is_taken of each. The first route takes all. */
static eegpu_status choose_cuts(verifier *v, size_t column, bool *is_taken)
{
    const eg_verify_route *route = &eg_verify_routes[column % EG_VERIFY_ROUTES];
    size_t count = v->out->cut_count;
    cost *costs = NULL;
    double sum = 0;
    eegpu_status status = eg_allocate(NULL, count, sizeof *costs, "the costs of the cuts", &costs);
    if (status != EEGPU_OK)
        return status;
    for (size_t i = 0; i < count; i++)
        costs[i] = (cost){column % EG_VERIFY_ROUTES == 0 ? 0 : cost_of(v, i, route), i};
    qsort(costs, count, sizeof *costs, by_rising_cost);
    for (size_t i = 0; i < count; i++) {
        char reason[EG_MESSAGE_SIZE];
        sum += costs[i].operations;
        is_taken[costs[i].cut] = sum <= most_operations;
        if (sum <= most_operations)
            continue;
        snprintf(reason, sizeof reason, "too large: about %.0e operations, and %.0e in all are spent on a route; use --max-size",
                 costs[i].operations, most_operations);
        EG_TRY(set_reason(reason, &entry_of(v->out, costs[i].cut, column)->reason));
    }
done:
    eg_release(NULL, costs);
    return status;
}

/* ---- Routes ---- */

static void keep_record(const eegpu_record *from, size_t cut, eg_verify_entry *entry)
{
    entry->record = *from;
    entry->record.cut = cut;
    entry->record.device = NULL;
    entry->record.spectrum = NULL;
    entry->record.spectrum_count = 0;
}

/* Scan the cuts that are taken, first .. last - 1, as a family of their own. */
static eegpu_status scan_some(verifier *v, size_t column, const bool *is_taken, size_t first, size_t last)
{
    const eg_verify_route *route = &eg_verify_routes[column % EG_VERIFY_ROUTES];
    eegpu_scan_options options = *v->options;
    struct eegpu_cuts *some = NULL;
    eegpu_result *result = NULL;
    size_t number = 0;
    eegpu_status status = EEGPU_OK;
    options.method = route->number;
    options.no_reduce = route->no_reduce;
    options.journal = NULL;
    options.keep_spectra = false;
    some = calloc(1, sizeof *some);
    if (some == NULL)
        return eg_fail(EEGPU_OUT_OF_MEMORY, "listing the cuts to verify: no memory");
    *some =
        (struct eegpu_cuts){.height = v->cuts->height, .width = v->cuts->width, .pixels = v->cuts->pixels, .words = v->cuts->words};
    memcpy(some->family, v->cuts->family, sizeof some->family);
    for (size_t i = first; i < last; i++)
        if (is_taken[i])
            EG_TRY(eg_cuts_append(some, eg_cut_mask(v->cuts, i)));
    if (some->count == 0)
        goto done;
    EG_TRY(eg_scan_on(v->state, some, &options, v->devices[column / EG_VERIFY_ROUTES], &result));
    for (size_t i = first; i < last; i++)
        if (is_taken[i])
            keep_record(eegpu_result_record(result, number++), i, entry_of(v->out, i, column));
done:
    eegpu_result_free(result);
    eegpu_cuts_free(some);
    return status;
}

/* A failure without what only a scan needs: the cut's number among those scanned together, for it was alone, and an advice that
 * names an option of scan, or the BLAS where a GPU has computed. */
static void own_words(const verifier *v, size_t column, const char *reason, char *text)
{
    const char *device = v->out->devices[column / EG_VERIFY_ROUTES], *after = strstr(reason, "): ");
    if (strncmp(reason, "cut 0 (", 7) == 0 && after != NULL)
        reason = after + 3;
    const char *advice = strstr(reason, " (a faulty BLAS?");
    if (advice == NULL)
        snprintf(text, EG_MESSAGE_SIZE, "%s", reason);
    else if (strcmp(device, "cpu") == 0)
        snprintf(text, EG_MESSAGE_SIZE, "%.*s (a faulty BLAS? see `eegpu info`)", (int)(advice - reason), reason);
    else
        snprintf(text, EG_MESSAGE_SIZE, "%.*s (faulty libraries or memory of %s? see `eegpu info`, try --device cpu)",
                 (int)(advice - reason), reason, device);
}

/* What kept a cut from being done alone: too little memory, or a fault. Other failures end the verification. */
static eegpu_status note_failure(verifier *v, size_t column, size_t cut, eegpu_status status)
{
    eg_verify_entry *entry = entry_of(v->out, cut, column);
    char message[EG_MESSAGE_SIZE + 128], reason[EG_MESSAGE_SIZE], name[EG_VERIFY_TEXT_SIZE];
    if (status != EEGPU_OUT_OF_MEMORY && status != EEGPU_NUMERICS)
        return status;
    own_words(v, column, eegpu_error_message(), reason);
    entry->no_memory = status == EEGPU_OUT_OF_MEMORY;
    entry->failed = status == EEGPU_NUMERICS;
    if (entry->failed) {
        snprintf(message, sizeof message, "cut %zu by %s: %s", cut, eg_verify_column_text(v->out, column, name), reason);
        add_disagreement(v->out, message);
    }
    return set_reason(reason, &entry->reason);
}

/* All cuts together, as a scan does it; where they do not fit, or one of them fails, one by one. */
static eegpu_status take_route(verifier *v, size_t column, bool *is_taken)
{
    size_t count = v->out->cut_count;
    char name[EG_VERIFY_TEXT_SIZE];
    eegpu_status status = EEGPU_OK;
    EG_TRY(choose_cuts(v, column, is_taken));
    status = scan_some(v, column, is_taken, 0, count);
    if (status != EEGPU_OUT_OF_MEMORY && status != EEGPU_NUMERICS)
        goto done;
    status = EEGPU_OK;
    for (size_t i = 0; i < count && status == EEGPU_OK; i++) {
        if (!is_taken[i])
            continue;
        status = scan_some(v, column, is_taken, i, i + 1);
        if (status != EEGPU_OK)
            status = note_failure(v, column, i, status);
    }
done:
    eg_verify_column_text(v->out, column, name);
    return status == EEGPU_OK || status == EEGPU_INTERRUPTED ? status : eg_fail_while(status, "by %s", name);
}

/* ---- Comparison ---- */

double eg_verify_difference(const eg_verify_outcome *outcome) { return fabs(outcome->left_value - outcome->right_value); }
double eg_verify_bound(const eg_verify_outcome *outcome) { return outcome->left_error + outcome->right_error; }

double eg_verify_share(const eg_verify_outcome *outcome)
{
    double difference = eg_verify_difference(outcome), bound = eg_verify_bound(outcome);
    return difference == 0 ? 0 : isnan(difference) ? INFINITY : difference / bound;
}

/* The worse of two stays; without a known bound nothing is compared. */
static void compare_values(const eg_verify_outcome *next, eg_verify_outcome *worst)
{
    if (isnan(eg_verify_bound(next)) || (next->left_value == next->right_value && *worst->quantity != '\0'))
        return;
    if (*worst->quantity == '\0' || eg_verify_share(next) > eg_verify_share(worst))
        *worst = *next;
}

/* Exact ranks are equal; a count of values that are certainly not 0 is no larger than an exact rank. */
static bool ranks_agree(const eegpu_record *left, const eegpu_record *right)
{
    if (left->rank_exact && right->rank_exact)
        return left->rank == right->rank;
    return !(left->rank_exact && right->rank > left->rank) && !(right->rank_exact && left->rank > right->rank);
}

static void compare_pair(const verifier *v, size_t cut, size_t left, size_t right, eg_verify_outcome *worst)
{
    const eegpu_record *a = &entry_of(v->out, cut, left)->record, *b = &entry_of(v->out, cut, right)->record;
    eg_verify_outcome next = {.left = left,
                              .right = right,
                              .quantity = "s_vn",
                              .left_value = a->s_vn,
                              .left_error = a->error,
                              .right_value = b->s_vn,
                              .right_error = b->error};
    compare_values(&next, worst);
    for (int k = 0; k < v->options->renyi_count; k++) {
        snprintf(next.quantity, sizeof next.quantity, "renyi %g", v->options->renyi[k]);
        next.left_value = a->renyi[k];
        next.left_error = a->renyi_error[k];
        next.right_value = b->renyi[k];
        next.right_error = b->renyi_error[k];
        compare_values(&next, worst);
    }
    if (ranks_agree(a, b))
        return;
    next = (eg_verify_outcome){.left = left, .right = right, .quantity = "rank", .left_value = (double)a->rank};
    next.right_value = (double)b->rank;
    compare_values(&next, worst);
}

static void compare_cut(verifier *v, size_t cut)
{
    eg_verification *out = v->out;
    eg_verify_outcome *worst = &out->outcomes[cut];
    char message[EG_MESSAGE_SIZE], left[EG_VERIFY_TEXT_SIZE], right[EG_VERIFY_TEXT_SIZE];
    for (size_t i = 0; i < out->column_count; i++)
        for (size_t k = i + 1; k < out->column_count; k++)
            if (entry_of(out, cut, i)->reason == NULL && entry_of(out, cut, k)->reason == NULL)
                compare_pair(v, cut, i, k, worst);
    worst->taken = 0;
    for (size_t i = 0; i < out->column_count; i++) {
        worst->failed = worst->failed || entry_of(out, cut, i)->failed;
        worst->taken += entry_of(out, cut, i)->reason == NULL;
    }
    bool is_compared = *worst->quantity != '\0', differs = is_compared && !(eg_verify_share(worst) <= 1);
    worst->agrees = is_compared && !differs && !worst->failed;
    out->agreeing += worst->agrees;
    out->not_compared += !is_compared && !worst->failed;
    if (!differs)
        return;
    eg_verify_column_text(out, worst->left, left);
    eg_verify_column_text(out, worst->right, right);
    int n_a = eg_cut_size(v->cuts, cut);
    snprintf(message, sizeof message, "cut %zu (%d | %d pixels): %s is %.17g +- %.3g by %s, and %.17g +- %.3g by %s", cut, n_a,
             v->cuts->pixels - n_a, worst->quantity, worst->left_value, worst->left_error, left, worst->right_value,
             worst->right_error, right);
    add_disagreement(out, message);
}

bool eg_verify_is_empty(const eg_verification *verification)
{
    return verification->disagreements == 0 && verification->not_compared == verification->cut_count;
}

/* Why no cut was compared: the first reason stands for all. */
static void explain_nothing(eg_verification *out)
{
    const char *reason = "the errors of their results are not known";
    for (size_t i = out->cut_count * out->column_count; i-- > 0;)
        if (out->entries[i].reason != NULL)
            reason = out->entries[i].reason;
    snprintf(out->message, sizeof out->message, "no cut could be compared: of each, two routes are needed; %s", reason);
}

/* ---- The whole ---- */

static eegpu_status begin(const verifier *v, size_t device_count)
{
    eg_verification *out = v->out;
    eegpu_status status = EEGPU_OK;
    *out = (eg_verification){.device_count = device_count, .column_count = device_count * EG_VERIFY_ROUTES};
    EG_TRY(eg_allocate_zero(NULL, device_count, sizeof *out->devices, "the names of the devices", &out->devices));
    EG_TRY(
        eg_allocate_zero(NULL, v->cuts->count * out->column_count, sizeof *out->entries, "what every route finds", &out->entries));
    EG_TRY(eg_allocate_zero(NULL, v->cuts->count, sizeof *out->outcomes, "what every route finds", &out->outcomes));
    out->cut_count = v->cuts->count;
    for (size_t i = 0; i < device_count; i++)
        memcpy(out->devices[i], v->devices[i]->name, sizeof *out->devices);
done:
    return status;
}

eegpu_status eg_verify(const eegpu_state *state, const struct eegpu_cuts *cuts, const eegpu_scan_options *options,
                       eg_device *const *devices, size_t device_count, eg_verification *verification)
{
    verifier v = {.state = state, .cuts = cuts, .options = options, .devices = devices, .out = verification};
    bool *is_taken = NULL;
    eegpu_status status = EEGPU_OK;
    EG_TRY(begin(&v, device_count));
    EG_TRY(eg_allocate(NULL, cuts->count, sizeof *is_taken, "the list of cuts to verify", &is_taken));
    EG_TRY(verify_operations(&v));
    for (size_t column = 0; column < verification->column_count; column++)
        EG_TRY(take_route(&v, column, is_taken));
    for (size_t cut = 0; cut < cuts->count; cut++)
        compare_cut(&v, cut);
    if (eg_verify_is_empty(verification))
        explain_nothing(verification);
done:
    eg_release(NULL, is_taken);
    return status;
}

void eg_verification_free(eg_verification *verification)
{
    for (size_t i = 0; i < verification->operation_count; i++)
        free(verification->operations[i].reason);
    for (size_t i = 0; i < verification->cut_count * verification->column_count; i++)
        free(verification->entries[i].reason);
    eg_release(NULL, verification->devices);
    eg_release(NULL, verification->operations);
    eg_release(NULL, verification->entries);
    eg_release(NULL, verification->outcomes);
    *verification = (eg_verification){0};
}
