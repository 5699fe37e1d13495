/* Weights of a convolutional network from a .npz with PyTorch's names. Comes in: a network's shape and a file; goes out: its
 * numbers, or one message that names every array that does not fit. Called by functions_cnn.c. */
#include <math.h>
#include <string.h>

#include "state/cnn.h"
#include "state/npz.h"

enum { MOST_AXES = 4, NAME_ROOM = 48, SHAPE_ROOM = 128, MOST_ARRAYS = 2 * EG_CNN_MAX_LAYERS + 2, LIST_ROOM = 700 };

typedef struct expected {
    char name[NAME_ROOM];
    int axes;
    uint64_t shape[MOST_AXES], count;
} expected;

/* Faults, one after the other; those that find no room are counted. */
typedef struct fault_list {
    char text[LIST_ROOM];
    size_t length;
    int count, unsaid;
} fault_list;

static void add_fault(fault_list *faults, const char *format, ...) EG_FORMAT(2, 3);
static void add_fault(fault_list *faults, const char *format, ...)
{
    char one[LIST_ROOM];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(one, sizeof one, format, arguments);
    va_end(arguments);
    size_t need = strlen(one) + 2;
    if (faults->length + need >= sizeof faults->text) {
        faults->unsaid++;
        return;
    }
    faults->length += (size_t)snprintf(faults->text + faults->length, sizeof faults->text - faults->length, "%s%s",
                                       faults->count++ > 0 ? "; " : "", one);
}

static void expect(expected *one, const char *name, int axes, const uint64_t *shape)
{
    snprintf(one->name, sizeof one->name, "%s", name);
    one->axes = axes;
    one->count = 1;
    for (int axis = 0; axis < axes; axis++) {
        one->shape[axis] = shape[axis];
        one->count *= shape[axis];
    }
}

/* All arrays of the network, in the order of its parameters. Returns how many. */
static int list_expected(const eg_cnn *network, expected *list)
{
    const eg_cnn_shape *shape = &network->shape;
    uint64_t channels = (uint64_t)shape->channels, kernel = (uint64_t)shape->kernel;
    char name[NAME_ROOM];
    int count = 0;
    for (int l = 0; l < shape->layers; l++) {
        const eg_cnn_layer *layer = &network->layer[l];
        snprintf(name, sizeof name, "features.%d.weight", layer->number);
        expect(&list[count++], name, 4, (uint64_t[]){channels, (uint64_t)layer->inputs, kernel, kernel});
        snprintf(name, sizeof name, "features.%d.bias", layer->number);
        expect(&list[count++], name, 1, &channels);
    }
    uint64_t inputs = channels * (uint64_t)network->height * (uint64_t)network->width, one = 1;
    expect(&list[count++], "classifier.weight", 2, (uint64_t[]){1, inputs});
    expect(&list[count++], "classifier.bias", 1, &one);
    return count;
}

/* "(8, 1, 3, 3)" */
static const char *shape_text(int axes, const uint64_t *shape, char *text)
{
    size_t length = (size_t)snprintf(text, SHAPE_ROOM, "(");
    for (int axis = 0; axis < axes && length < SHAPE_ROOM - 24; axis++)
        length += (size_t)snprintf(text + length, SHAPE_ROOM - length, "%s%llu%s", axis > 0 ? ", " : "",
                                   (unsigned long long)shape[axis], axes == 1 ? "," : "");
    snprintf(text + length, SHAPE_ROOM - length, ")");
    return text;
}

static const eg_npz_array *find_array(const eg_npz_arrays *arrays, const char *name)
{
    for (uint64_t k = 0; k < arrays->count; k++)
        if (strcmp(arrays->list[k].name, name) == 0)
            return &arrays->list[k];
    return NULL;
}

/* One array into `numbers`, or what is wrong with it into `faults`. */
static void take_array(const expected *wanted, const eg_npz_arrays *arrays, double *numbers, fault_list *faults)
{
    char right[SHAPE_ROOM], wrong[SHAPE_ROOM];
    const eg_npz_array *found = find_array(arrays, wanted->name);
    shape_text(wanted->axes, wanted->shape, right);
    if (found == NULL) {
        add_fault(faults, "%s should be %s, is missing", wanted->name, right);
        return;
    }
    const eg_npy *array = &found->array;
    if (array->axes != wanted->axes || memcmp(array->shape, wanted->shape, (size_t)wanted->axes * sizeof *wanted->shape) != 0) {
        add_fault(faults, "%s should be %s, is %s", wanted->name, right, shape_text(array->axes, array->shape, wrong));
        return;
    }
    if (array->kind != 'f') {
        add_fault(faults, "%s should be float32 or float64, is of type '%c%d'", wanted->name, array->kind, array->item_size);
        return;
    }
    for (uint64_t k = 0; k < wanted->count; k++) {
        numbers[k] = eg_npy_real(array, k);
        if (!isfinite(numbers[k])) {
            add_fault(faults, "%s has a number that is not finite (number %llu)", wanted->name, (unsigned long long)k);
            return;
        }
    }
}

static void refuse_others(const expected *list, int count, const eg_npz_arrays *arrays, fault_list *faults)
{
    char shape[SHAPE_ROOM];
    for (uint64_t k = 0; k < arrays->count; k++) {
        int i = 0;
        while (i < count && strcmp(arrays->list[k].name, list[i].name) != 0)
            i++;
        if (i == count)
            add_fault(faults, "%s, which is %s, has no place in it", arrays->list[k].name,
                      shape_text(arrays->list[k].array.axes, arrays->list[k].array.shape, shape));
    }
}

static eegpu_status refuse_weights(const eg_cnn *network, const char *path, const fault_list *faults)
{
    const eg_cnn_shape *shape = &network->shape;
    char more[48] = "";
    if (faults->unsaid > 0)
        snprintf(more, sizeof more, "; and %d more", faults->unsaid);
    return eg_fail(EEGPU_BAD_INPUT,
                   "reading the weights '%.120s' for channels=%d,layers=%d,pools=%d,kernel=%d on %d x %d: %s%s (docs/networks.md "
                   "has the names and shapes)",
                   path, shape->channels, shape->layers, shape->pools, shape->kernel, shape->height, shape->width, faults->text,
                   more);
}

eegpu_status eg_cnn_load(eg_cnn *network, const char *path, eg_budget *budget)
{
    eegpu_status status;
    eg_npz_arrays arrays = {0};
    expected list[MOST_ARRAYS];
    fault_list faults = {.count = 0};
    int count = list_expected(network, list);
    double *numbers = NULL, *at;
    EG_TRY(eg_npz_read(path, budget, &arrays));
    EG_TRY(eg_allocate(budget, network->parameters, sizeof(double), "the weights of the network", &numbers));
    at = numbers;
    for (int i = 0; i < count; at += list[i++].count)
        take_array(&list[i], &arrays, at, &faults);
    refuse_others(list, count, &arrays, &faults);
    if (faults.count + faults.unsaid > 0)
        status = refuse_weights(network, path, &faults);
    else
        eg_cnn_set(network, numbers);
done:
    eg_release(budget, numbers);
    eg_npz_free(&arrays);
    return status;
}
