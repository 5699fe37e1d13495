/* A user's function, in a process of its own. Comes in: the shared library and a block of images; goes out: their values on the
 * desk, every one checked. Called through eg_run_processes() by plugin.c; nothing here ever runs in the program's process, and
 * what is opened is left to the end of the process. */
#include <dlfcn.h>
#include <elf.h>
#include <errno.h>
#include <link.h>
#include <math.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "state/pack.h"
#include "state/plugin.h"

static const char *const kind_names[] = {"bits", "real", "complex"};

/* ---- Loading --------------------------------------------------------------------------------------------------- */

/* What the library exports says itself whether it is a variable or a function. */
static bool is_variable(void *address)
{
    Dl_info info;
    void *entry = NULL;
    if (dladdr1(address, &info, &entry, RTLD_DL_SYMENT) == 0 || entry == NULL)
        return false;
    const ElfW(Sym) *symbol = entry;
    return ELF64_ST_TYPE(symbol->st_info) == STT_OBJECT; /* the same for 32 bits */
}

static eegpu_status find_symbol(const eg_plugin *plugin, void **address)
{
    char path[EG_MAX_SOURCE_TEXT + 2];
    snprintf(path, sizeof path, "%s%s", strchr(plugin->file, '/') != NULL ? "" : "./", plugin->file);
    if (access(path, R_OK) != 0)
        return eg_fail(EEGPU_IO, "loading plug-in '%s': %s", plugin->file, strerror(errno));
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (library == NULL)
        return eg_fail(EEGPU_BAD_INPUT,
                       "loading plug-in '%s': %s; it must be a shared library for this machine, such as from "
                       "cc -shared -fPIC",
                       plugin->file, dlerror());
    *address = dlsym(library, plugin->symbol);
    if (*address == NULL)
        return eg_fail(EEGPU_BAD_INPUT,
                       "loading plug-in '%s': it has no symbol '%s'; name what it exports by symbol=NAME (in C++, declare it "
                       "extern \"C\")",
                       plugin->file, plugin->symbol);
    return EEGPU_OK;
}

static eegpu_status check_table(const eg_plugin *plugin)
{
    const eegpu_plugin *table = plugin->table;
    if (table->abi != EEGPU_PLUGIN_ABI)
        return eg_fail(EEGPU_BAD_INPUT,
                       "loading plug-in '%s': its variable '%s' has plug-in ABI version %u, but this is version %d; build it "
                       "with the eegpu.h of eegpu %s",
                       plugin->file, plugin->symbol, (unsigned)table->abi, EEGPU_PLUGIN_ABI, EEGPU_VERSION);
    if (table->kind > EEGPU_PLUGIN_COMPLEX || table->evaluate == NULL)
        return eg_fail(EEGPU_BAD_INPUT, "loading plug-in '%s': its variable '%s' has %s", plugin->file, plugin->symbol,
                       table->evaluate == NULL ? "no function evaluate" : "a kind that is none of eegpu_plugin_kind");
    if (plugin->asked_kind != EG_PLUGIN_ANY_KIND && (uint32_t)plugin->asked_kind != table->kind)
        return eg_fail(EEGPU_USAGE, "loading plug-in '%s': kind=%s was asked for, but '%s' is of kind %s", plugin->file,
                       kind_names[plugin->asked_kind], plugin->symbol, kind_names[table->kind]);
    if (plugin->argument != NULL && table->open == NULL)
        return eg_fail(EEGPU_USAGE, "loading plug-in '%s': '%s' takes no argument, it has no function open", plugin->file,
                       plugin->symbol);
    return EEGPU_OK;
}

static eegpu_status load(eg_plugin *plugin, eg_desk *desk)
{
    eegpu_status status;
    void *address = NULL;
    desk->phase = EG_PLUGIN_LOADING;
    EG_TRY(find_symbol(plugin, &address));
    plugin->plain = !is_variable(address);
    if (!plugin->plain) {
        plugin->table = address;
        EG_TRY(check_table(plugin));
        goto done;
    }
    memcpy(&plugin->function, &address, sizeof address);
    if (plugin->asked_kind == EEGPU_PLUGIN_COMPLEX || plugin->argument != NULL)
        status = eg_fail(EEGPU_USAGE,
                         "loading plug-in '%s': '%s' is a plain function, which %s; see eegpu_plugin in eegpu.h for the other form",
                         plugin->file, plugin->symbol, plugin->argument != NULL ? "takes no argument" : "gives no complex values");
done:
    return status;
}

eegpu_status eg_plugin_probe(void *context, eg_desk *desk)
{
    eg_plugin *plugin = context;
    eegpu_status status;
    EG_TRY(load(plugin, desk));
    eg_plugin_form form = {.plain = plugin->plain, .kind = EEGPU_PLUGIN_BITS};
    if (!plugin->plain)
        form.kind = (eegpu_plugin_kind)plugin->table->kind;
    else if (plugin->asked_kind != EG_PLUGIN_ANY_KIND)
        form.kind = (eegpu_plugin_kind)plugin->asked_kind;
    memcpy(desk->result, &form, sizeof form);
done:
    return status;
}

/* ---- Opening and closing --------------------------------------------------------------------------------------- */

/* Room for the values of a batch that ends where writing is a crash. */
static eegpu_status make_room(eg_plugin *plugin)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE), bytes = EG_PLUGIN_BATCH * 2 * sizeof(double);
    bytes = (bytes + page - 1) / page * page;
    void *room = mmap(NULL, bytes + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (room == MAP_FAILED || mprotect((unsigned char *)room + bytes, page, PROT_NONE) != 0)
        return eg_fail(EEGPU_OUT_OF_MEMORY, "no room for the values of plug-in '%s' (%zu bytes): %s", plugin->file, bytes + page,
                       strerror(errno));
    plugin->room_end = (unsigned char *)room + bytes;
    return EEGPU_OK;
}

static eegpu_status open_plugin(eg_plugin *plugin, eg_desk *desk)
{
    eegpu_status status;
    char message[EG_MESSAGE_SIZE / 2] = "";
    EG_TRY(load(plugin, desk));
    EG_TRY(make_room(plugin));
    if (!plugin->plain && plugin->table->open != NULL) {
        desk->phase = EG_PLUGIN_OPENING;
        plugin->context = plugin->table->open(plugin->state->height, plugin->state->width,
                                              plugin->argument != NULL ? plugin->argument : "", message, sizeof message);
        message[sizeof message - 1] = '\0';
        if (plugin->context == NULL)
            status = eg_fail(EEGPU_BAD_INPUT, "opening plug-in '%s': %s", plugin->file,
                             *message != '\0' ? message : "its function open gave NULL and no message");
    }
    plugin->is_open = status == EEGPU_OK;
done:
    return status;
}

void eg_plugin_leave(void *context, eg_desk *desk)
{
    eg_plugin *plugin = context;
    desk->phase = EG_PLUGIN_CLOSING;
    if (plugin->is_open && !plugin->plain && plugin->table->close != NULL)
        plugin->table->close(plugin->context);
}

/* ---- Evaluating ------------------------------------------------------------------------------------------------ */

static eegpu_status refuse_value(const eg_plugin *plugin, uint64_t image, double value, const char *why)
{
    char place[EG_PLACE_SIZE], number[32];
    snprintf(number, sizeof number, "%.17g", value);
    return eg_fail(EEGPU_BAD_INPUT, "evaluating plug-in '%s': it gave %s for %s, but %s", plugin->file,
                   isnan(value)   ? "NaN"
                   : isinf(value) ? "infinity"
                                  : number,
                   eg_state_place(plugin->state, image, place), why);
}

static eegpu_status refuse_bit(const eg_plugin *plugin, eg_desk *desk, uint64_t image, double value)
{
    desk->note = EG_PLUGIN_NOT_BITS;
    return refuse_value(plugin, image, value, "every value of a function of kind bits must be 0 or 1");
}

/* The plain form, image by image; the pixels count up as the index does. */
static eegpu_status evaluate_plain(const eg_plugin *plugin, eg_desk *desk, uint64_t first, uint64_t count, void *out)
{
    const eegpu_state *state = plugin->state;
    unsigned char pixels[EG_MAX_DENSE_PIXELS], *bytes = out;
    int last = state->pixels - 1;
    for (int i = 0; i <= last; i++)
        pixels[i] = first >> (last - i) & 1;
    for (uint64_t k = 0; k < count; k++) {
        atomic_store_explicit(&desk->at, first + k, memory_order_relaxed);
        double value = plugin->function(pixels, state->height, state->width);
        if (plugin->kind == EEGPU_PLUGIN_REAL)
            memcpy(bytes + k * sizeof value, &value, sizeof value);
        else if (value == 0 || value == 1)
            bytes[k] = value != 0;
        else
            return refuse_bit(plugin, desk, first + k, value);
        int i = last;
        for (; i >= 0 && pixels[i] != 0; i--)
            pixels[i] = 0;
        if (i >= 0)
            pixels[i] = 1;
    }
    return EEGPU_OK;
}

/* The full form. When a batch is refused, one image after the other tells which it was. */
static eegpu_status evaluate_table(const eg_plugin *plugin, eg_desk *desk, uint64_t first, uint64_t count, void *out)
{
    char place[EG_PLACE_SIZE];
    int code = plugin->table->evaluate(plugin->context, first, count, out), alone = count == 1 ? code : 0;
    uint64_t image = first;
    if (code == 0)
        return EEGPU_OK;
    desk->batch = 1;
    for (; alone == 0 && image < first + count; image++) {
        desk->at = image;
        alone = plugin->table->evaluate(plugin->context, image, 1, plugin->room_end - eg_plugin_item(plugin->kind));
        if (alone != 0)
            break;
    }
    if (alone != 0)
        return eg_fail(EEGPU_BAD_INPUT, "evaluating plug-in '%s': its function evaluate failed with code %d for %s", plugin->file,
                       alone, eg_state_place(plugin->state, image, place));
    return eg_fail(EEGPU_BAD_INPUT,
                   "evaluating plug-in '%s': its function evaluate failed with code %d for %llu images from %s on, but for none of "
                   "them alone",
                   plugin->file, code, (unsigned long long)count, eg_state_place(plugin->state, first, place));
}

/* Check a batch of values and put it in its place on the desk. */
static eegpu_status store(const eg_plugin *plugin, eg_desk *desk, uint64_t first, uint64_t count, const unsigned char *out)
{
    uint64_t place = first - desk->first, item = eg_plugin_item(plugin->kind);
    if (plugin->kind == EEGPU_PLUGIN_BITS) {
        uint64_t good = eg_pack_bytes(out, count, (uint64_t *)(void *)desk->result + place / 64);
        return good == count ? EEGPU_OK : refuse_bit(plugin, desk, first + good, out[good]);
    }
    for (uint64_t k = 0; k < count * item / sizeof(double); k++) {
        double value;
        memcpy(&value, out + k * sizeof value, sizeof value);
        if (!isfinite(value))
            return refuse_value(plugin, first + k * sizeof value / item, value, "every value must be finite");
    }
    memcpy(desk->result + place * item, out, count * item);
    return EEGPU_OK;
}

eegpu_status eg_plugin_work(void *context, eg_desk *desk)
{
    eegpu_status status = EEGPU_OK;
    eg_plugin *plugin = context;
    uint64_t item = eg_plugin_item(plugin->kind), last = desk->first + desk->count;
    if (!plugin->is_open)
        EG_TRY(open_plugin(plugin, desk));
    desk->phase = EG_PLUGIN_EVALUATING;
    for (uint64_t first = desk->first; first < last; first += plugin->batch) {
        uint64_t count = last - first < plugin->batch ? last - first : plugin->batch;
        unsigned char *out = plugin->room_end - count * item;
        memset(out, 0xFF, count * item); /* what is not written reads as NaN, or as the bit 255 */
        desk->at = first;
        desk->batch = plugin->plain ? 1 : count;
        EG_TRY((plugin->plain ? evaluate_plain : evaluate_table)(plugin, desk, first, count, out));
        EG_TRY(store(plugin, desk, first, count, out));
        desk->done += count;
    }
done:
    return status;
}
