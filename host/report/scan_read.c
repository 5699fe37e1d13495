/* A scan's JSON back into cuts and records. Every number that follows from the pixels is computed again and compared, so that a
 * file that was altered is not believed. Called by `eegpu law`. */
#include "report/scan_read.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "report/json_read.h"

typedef struct source_file {
    const char *path;
    const eg_json_node *top;
    eg_scan_file *file;
    int height, width;
    double unit; /* nats */
} source_file;

#define LARGEST_ERROR 1e-3 /* of the largest entropy that a cut can have */

static const char *const again = "scan again, with --format json";

static eegpu_status missing(const source_file *s, const char *name, const char *where)
{
    return eg_fail(EEGPU_BAD_INPUT, "reading '%s': \"%s\" is missing%s, or is not what a scan writes there; %s", s->path, name,
                   where, again);
}

static const eg_json_node *typed(const eg_json_node *object, const char *name, eg_json_kind kind)
{
    const eg_json_node *node = eg_json_member(object, name);
    return node != NULL && node->kind == kind ? node : NULL;
}

/* A whole number in a range. */
static bool whole(const eg_json_node *node, double least, double most, int *value)
{
    if (node == NULL || node->kind != EG_JSON_NUMBER || node->number != floor(node->number) || node->number < least ||
        node->number > most)
        return false;
    *value = (int)node->number;
    return true;
}

static bool same_version(const char *version)
{
    const char *own = eegpu_version(), *dot = strchr(strchr(own, '.') + 1, '.');
    size_t length = (size_t)(dot - own) + 1; /* "0.1." */
    return strncmp(version, own, length) == 0;
}

static eegpu_status read_head(source_file *s)
{
    const eg_json_node *top = s->top, *version = NULL, *node;
    if (top->kind != EG_JSON_OBJECT || (version = typed(top, "eegpu", EG_JSON_STRING)) == NULL)
        return eg_fail(EEGPU_BAD_INPUT, "reading '%s': this JSON is not a result of eegpu; %s", s->path, again);
    if (!same_version(version->text))
        return eg_fail(EEGPU_BAD_INPUT, "reading '%s': it was written by eegpu %s, and this is eegpu %s; %s", s->path,
                       version->text, eegpu_version(), again);
    if (eg_json_member(top, "dry_run") != NULL)
        return eg_fail(EEGPU_BAD_INPUT, "reading '%s': it is a dry run and has no entropies; scan without --dry-run", s->path);
    if (eg_json_member(top, "verdict") != NULL || eg_json_member(top, "operations") != NULL)
        return eg_fail(EEGPU_BAD_INPUT, "reading '%s': it is a result of another command of eegpu, not of scan; %s", s->path,
                       again);
    if ((node = typed(top, "source", EG_JSON_STRING)) == NULL)
        return missing(s, "source", "");
    snprintf(s->file->source, sizeof s->file->source, "%s", node->text);
    node = typed(top, "lattice", EG_JSON_ARRAY);
    if (node == NULL || node->count != 2 || !whole(node->child, 1, 4096, &s->height) ||
        !whole(node->child->next, 1, 4096, &s->width) || s->height * s->width > 4096)
        return missing(s, "lattice", "");
    int pixels = s->height * s->width;
    if ((node = eg_json_member(top, "pixels")) != NULL && !whole(node, pixels, pixels, &pixels))
        return eg_fail(EEGPU_BAD_INPUT, "reading '%s': \"pixels\" is not %d, as the lattice of %dx%d has it; %s", s->path, pixels,
                       s->height, s->width, again);
    node = typed(top, "unit", EG_JSON_STRING);
    if (node == NULL || (strcmp(node->text, "nat") != 0 && strcmp(node->text, "bit") != 0))
        return missing(s, "unit", "");
    snprintf(s->file->unit, sizeof s->file->unit, "%s", node->text);
    s->unit = strcmp(node->text, "bit") == 0 ? M_LN2 : 1;
    return EEGPU_OK;
}

static eegpu_status read_pixels(source_file *s, const eg_json_node *object, size_t cut, const char *where)
{
    const eg_json_node *list = typed(object, "pixels", EG_JSON_ARRAY);
    int pixels[4096], count = 0, previous = -1;
    uint64_t mask[64] = {0};
    if (list == NULL || list->count == 0 || (int)list->count >= s->height * s->width)
        return missing(s, "pixels", where);
    for (const eg_json_node *node = list->child; node != NULL; node = node->next) {
        if (!whole(node, previous + 1, s->height * s->width - 1, &pixels[count]))
            return missing(s, "pixels", where);
        previous = pixels[count++];
        mask[previous / 64] |= UINT64_C(1) << previous % 64;
    }
    if (cut == 0)
        return eegpu_cuts_from_pixels(s->height, s->width, pixels, count, &s->file->cuts);
    return eg_cuts_append(s->file->cuts, mask);
}

static eegpu_status read_cut(source_file *s, const eg_json_node *object, size_t cut)
{
    eegpu_record *record = &s->file->result->records[cut];
    const eg_json_node *entropy, *error;
    char where[48];
    int boundary, bonds, n_a, n_b, size;
    snprintf(where, sizeof where, " in cut %zu", cut);
    if (object->kind != EG_JSON_OBJECT)
        return missing(s, "cuts", where);
    eegpu_status status = read_pixels(s, object, cut, where);
    if (status != EEGPU_OK)
        return status;
    size = eg_cut_size(s->file->cuts, cut);
    eg_cut_geometry(s->file->cuts, cut, &boundary, &bonds);
    *record = (eegpu_record){.cut = cut,
                             .n_a = size,
                             .n_b = s->height * s->width - size,
                             .boundary = boundary,
                             .bonds = bonds,
                             .method = "",
                             .device = s->file->result->device,
                             .same_as = -1};
    if (!whole(eg_json_member(object, "n_a"), size, size, &n_a) ||
        !whole(eg_json_member(object, "n_b"), record->n_b, record->n_b, &n_b) ||
        !whole(eg_json_member(object, "boundary"), boundary, boundary, &record->boundary) ||
        !whole(eg_json_member(object, "bonds"), bonds, bonds, &record->bonds))
        return eg_fail(EEGPU_BAD_INPUT, "reading '%s', cut %zu: n_a, n_b, boundary or bonds do not belong to its pixels; %s",
                       s->path, cut, again);
    entropy = typed(object, "s_vn", EG_JSON_NUMBER);
    error = typed(object, "error", EG_JSON_NUMBER);
    int least = record->n_a < record->n_b ? record->n_a : record->n_b;
    if (entropy == NULL || error == NULL || !(error->number >= 0))
        return missing(s, entropy == NULL ? "s_vn" : "error", where);
    int rank = 0; /* a scan writes one; without it nothing is concluded from ranks */
    record->rank = whole(eg_json_member(object, "rank"), 1, INT32_MAX, &rank) ? (uint64_t)rank : 0;
    record->s_vn = entropy->number * s->unit;
    record->error = error->number * s->unit;
    if (!(record->s_vn >= 0 && record->s_vn <= least * M_LN2 + record->error + 1e-9))
        return eg_fail(EEGPU_BAD_INPUT, "reading '%s', cut %zu: s_vn = %g %s cannot be the entropy of a cut of %d | %d pixels; %s",
                       s->path, cut, entropy->number, s->file->unit, record->n_a, record->n_b, again);
    if (record->error > LARGEST_ERROR * least * M_LN2)
        return eg_fail(EEGPU_BAD_INPUT,
                       "reading '%s', cut %zu: error = %g %s is more than 1/1000 of the largest entropy of %d | %d pixels: nothing "
                       "follows from such a number; %s",
                       s->path, cut, error->number, s->file->unit, record->n_a, record->n_b, again);
    return EEGPU_OK;
}

/* A cut that is there twice would count twice in the mean of its shape. */
static eegpu_status refuse_repeated(const source_file *s)
{
    size_t first = 0, second = 0;
    eegpu_status status = eg_cuts_find_repeated(s->file->cuts, &first, &second);
    if (status == EEGPU_OK && second > 0)
        return eg_fail(EEGPU_BAD_INPUT,
                       "reading '%s': \"pixels\" of cut %zu and cut %zu are the same; scan again with every region once", s->path,
                       first, second);
    return status;
}

static eegpu_status read_cuts(source_file *s)
{
    const eg_json_node *list = typed(s->top, "cuts", EG_JSON_ARRAY), *family = typed(s->top, "cuts_family", EG_JSON_STRING);
    size_t cut = 0;
    eegpu_status status = EEGPU_OK;
    if (list == NULL)
        return missing(s, "cuts", "");
    if (list->count == 0)
        return eg_fail(EEGPU_BAD_INPUT, "reading '%s': the scan has no cuts; scan with another --cuts or a larger --max-size",
                       s->path);
    s->file->result = calloc(1, sizeof *s->file->result);
    if (s->file->result == NULL || (s->file->result->records = calloc(list->count, sizeof *s->file->result->records)) == NULL)
        return eg_fail(EEGPU_OUT_OF_MEMORY, "reading '%s': no room for %zu records", s->path, list->count);
    s->file->result->count = list->count;
    for (const eg_json_node *node = list->child; node != NULL; node = node->next)
        EG_TRY(read_cut(s, node, cut++));
    EG_TRY(refuse_repeated(s));
    snprintf(s->file->cuts->family, sizeof s->file->cuts->family, "%s", family != NULL ? family->text : "pixels");
done:
    return status;
}

eegpu_status eg_scan_file_read(const char *path, eg_scan_file *file)
{
    source_file s = {.path = path, .file = file};
    eg_mapping mapping = {0};
    eg_json json = {0};
    eegpu_status status = EEGPU_OK;
    *file = (eg_scan_file){.cuts = NULL};
    EG_TRY(eg_map_file(path, &mapping));
    EG_TRY(eg_json_read((const char *)mapping.bytes, mapping.size, path, &json));
    s.top = &json.nodes[0];
    EG_TRY(read_head(&s));
    EG_TRY(read_cuts(&s));
    const eg_json_node *device = typed(s.top, "device", EG_JSON_STRING), *ones = typed(s.top, "ones", EG_JSON_NUMBER);
    bool is_whole = ones != NULL && ones->number >= 1 && ones->number < 0x1p53 && ones->number == floor(ones->number);
    file->images = is_whole ? (uint64_t)ones->number : 0;
    snprintf(file->result->device, sizeof file->result->device, "%s", device != NULL ? device->text : "");
done:
    eg_json_free(&json);
    eg_unmap(&mapping);
    if (status != EEGPU_OK)
        eg_scan_file_free(file);
    return status;
}

void eg_scan_file_free(eg_scan_file *file)
{
    eegpu_cuts_free(file->cuts);
    eegpu_result_free(file->result);
    *file = (eg_scan_file){.cuts = NULL};
}
