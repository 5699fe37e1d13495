/* The writers: numbers that read back, strings, units, what is null, CSV columns, the table and its widths, archives. JSON is
 * checked with a parser that is not ours. The scan is made by hand, so that every value is known. */
#include <jansson.h>

#include "check.h"
#include "report/encode.h"
#include "report/fields.h"
#include "report/law.h"
#include "scan/scan.h"
#include "state/npy.h"

enum { CUTS = 3 };

/* A 2x3 lattice with three cuts of made-up numbers. */
typedef struct made_up_scan {
    eegpu_state state;
    struct eegpu_cuts cuts;
    uint64_t masks[CUTS];
    eegpu_record records[CUTS];
    struct eegpu_result result;
    eegpu_scan_options options;
    double spectrum[2];
    eg_budget budget;
    eg_report report;
} made_up_scan;

static void fill_sample(made_up_scan *sample)
{
    *sample = (made_up_scan){.masks = {UINT64_C(1), UINT64_C(033), UINT64_C(052)}, .spectrum = {0.75, 0.25}};
    eg_state_set_lattice(&sample->state, 2, 3, EEGPU_LSB);
    sample->state.kind = EG_AMPLITUDES;
    sample->state.bit_order = EEGPU_LSB;
    sample->state.norm = 0.1 + 0.2;
    sample->state.budget = &sample->budget;
    strcpy(sample->state.source, "a \"b\"\\\t\xc3\xa9\xff");
    sample->cuts = (struct eegpu_cuts){.height = 2, .width = 3, .pixels = 6, .words = 1, .count = CUTS, .masks = sample->masks};
    strcpy(sample->cuts.family, "file,1");
    sample->options = eegpu_scan_options_default();
    sample->options.threads = 3;
    sample->options.renyi_count = 3;
    sample->options.renyi[1] = 0.5;
    sample->options.renyi_asked = true;
    for (int i = 0; i < CUTS; i++) {
        int n_a = eg_cut_size(&sample->cuts, (size_t)i);
        sample->records[i] = (eegpu_record){.cut = (size_t)i,
                                            .n_a = n_a,
                                            .n_b = 6 - n_a,
                                            .boundary = 1 + i,
                                            .bonds = 2 + i,
                                            .s_vn = (i + 1) * M_LN2,
                                            .error = 1e-14,
                                            .renyi = {M_LN2, 2 * M_LN2, 3 * M_LN2},
                                            .renyi_error = {NAN, 1e-9, 0},
                                            .rank = UINT64_C(1) << 53,
                                            .rank_exact = i == 1,
                                            .rank_tolerance = 1e-15,
                                            .p_max = 1. / 3,
                                            .purity = 0.625,
                                            .rows = exp2(40),
                                            .cols = 8,
                                            .reduced_rows = 7,
                                            .reduced_cols = 5,
                                            .blocks = 2,
                                            .method = "gram",
                                            .device = "cpu",
                                            .seconds = 0.25,
                                            .same_as = i == 2 ? 0 : -1,
                                            .spectrum_count = 2,
                                            .spectrum = sample->spectrum};
    }
    sample->result = (struct eegpu_result){.count = CUTS, .records = sample->records, .peak_bytes = 1234};
    strcpy(sample->result.device, "cpu");
    sample->report = (eg_report){.command = "eegpu scan 'x y'",
                                 .state = &sample->state,
                                 .cuts = &sample->cuts,
                                 .result = &sample->result,
                                 .options = &sample->options,
                                 .log_base = 1,
                                 .unit = "nat",
                                 .seconds = 1.5};
}

static void use_bits(made_up_scan *sample)
{
    sample->report.log_base = M_LN2;
    sample->report.unit = "bit";
}

/* What a writer writes; the caller frees it. */
static char *written(const char *format, const eg_report *report)
{
    size_t count = 0, size = 0;
    char *text = NULL;
    const eg_writer *writers = eg_writers(&count);
    FILE *stream = open_memstream(&text, &size);
    for (size_t i = 0; i < count; i++)
        if (strcmp(writers[i].name, format) == 0)
            CHECK_OK(writers[i].write(report, stream));
    fclose(stream);
    return text;
}

/* ---- Numbers and strings ----------------------------------------------------------------------------------------- */

static void numbers_read_back(void)
{
    char text[EG_NUMBER_TEXT_SIZE];
    uint64_t random = 88172645463325252u;
    for (int i = 0; i < 100000; i++) {
        double value;
        random ^= random << 13, random ^= random >> 7, random ^= random << 17;
        memcpy(&value, &random, sizeof value);
        if (isnan(value))
            continue;
        eg_number_text(value, text);
        if (strtod(text, NULL) != value || strlen(text) >= EG_NUMBER_TEXT_SIZE)
            CU_FAIL("a number does not read back");
    }
    CU_ASSERT_STRING_EQUAL(eg_number_text(0.1, text), "0.1");
    CU_ASSERT_STRING_EQUAL(eg_number_text(0.1 + 0.2, text), "0.30000000000000004");
    CU_ASSERT_STRING_EQUAL(eg_number_text(65536, text), "65536");
    CU_ASSERT_STRING_EQUAL(eg_number_text(INFINITY, text), "inf");
    CU_ASSERT_STRING_EQUAL(eg_number_text(-NAN, text), "nan");
    CU_ASSERT_STRING_EQUAL(eg_number_text(5e-324, text), "4.94065645841247e-324");
}

static void check_json_string(const char *input, const char *expected)
{
    char *text = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&text, &size);
    eg_json_string(stream, input);
    fclose(stream);
    if (strcmp(text, expected) != 0)
        fprintf(stderr, "json string: %s, expected %s\n", text, expected);
    CU_ASSERT_STRING_EQUAL(text, expected);
    free(text);
}

static void strings_are_escaped(void)
{
    check_json_string("plain", "\"plain\"");
    check_json_string(NULL, "null");
    check_json_string("\"\\/", "\"\\\"\\\\/\"");
    check_json_string("\x01\n\x7f", "\"\\u0001\\u000a\\u007f\"");
    check_json_string("\xc3\xa9 \xe2\x88\x91 \xf0\x9f\x98\x80", "\"\xc3\xa9 \xe2\x88\x91 \xf0\x9f\x98\x80\"");
    check_json_string("\xc3", "\"\\u00c3\"");                                  /* cut short */
    check_json_string("\xc0\xaf", "\"\\u00c0\\u00af\"");                       /* overlong */
    check_json_string("\xe0\x80\x80", "\"\\u00e0\\u0080\\u0080\"");            /* overlong */
    check_json_string("\xed\xa0\x80", "\"\\u00ed\\u00a0\\u0080\"");            /* surrogate */
    check_json_string("\xf4\x90\x80\x80", "\"\\u00f4\\u0090\\u0080\\u0080\""); /* past the last character */
    check_json_string("a\xff"
                      "b",
                      "\"a\\u00ffb\"");
}

/* What a terminal would obey is a question mark; letters of any script stay. */
static void terminals_are_not_driven(void)
{
    static const struct {
        const char *text, *shown;
    } cases[] = {
        {"loops:a=1,\xc3\xa9\xe2\x88\x9e\xf0\x9f\x98\x80", "loops:a=1,\xc3\xa9\xe2\x88\x9e\xf0\x9f\x98\x80"},
        {"\x1b[31m\a\n\x7f", "?[31m???"},
        {"\xc2\x9b"
         "1m\xc2\xa0",
         "?1m\xc2\xa0"},
        {"a\xe2\x80\xae"
         "b\xe2\x81\xa6\xd8\x9c\xe2\x80\xa8",
         "a?b???"},
        {"\xff\xc3", "??"},
        {"\xe2\x80\xa6\xe2\x81\xa4", "\xe2\x80\xa6\xe2\x81\xa4"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *text = NULL;
        size_t size = 0;
        FILE *stream = open_memstream(&text, &size);
        eg_terminal_string(stream, cases[i].text);
        fclose(stream);
        CU_ASSERT_STRING_EQUAL(text, cases[i].shown);
        free(text);
    }
}

static void headings_are_short(void)
{
    static const struct {
        const char *source, *heading;
    } cases[] = {
        {"loops", "loops"},
        {"randomset:density=0.5,seed=3", "randomset:density=0.5,seed=3"},
        {"/a/b/psi.npy", "psi.npy"},
        {"images:file=/a/b/c.gz,labels=/a/b/l.gz,label=3,size=5x6", "images:file=c.gz,label=3,size=5x6"},
        {"plugin:file=../p.so,symbol=f", "plugin:file=p.so,symbol=f"},
        {"a/", "a/"},
        {"", ""},
    };
    char text[EG_HEADING_SIZE], longest[500], ending[] = "\u2026";
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        CU_ASSERT_STRING_EQUAL(eg_source_heading(cases[i].source, text), cases[i].heading);
    for (size_t shift = 0; shift < 2; shift++) { /* of two-byte letters none is cut in half */
        memset(longest, 'x', sizeof longest);
        for (size_t i = shift; i + 2 < sizeof longest; i += 2)
            memcpy(longest + i, "\u00e9", 2);
        longest[sizeof longest - 2] = '\0';
        size_t length = strlen(eg_source_heading(longest, text)), kept = length - strlen(ending);
        CU_ASSERT(length < EG_HEADING_SIZE && length > EG_HEADING_SIZE / 2 && kept % 2 == shift);
        CU_ASSERT(strcmp(text + kept, ending) == 0 && memcmp(text, longest, kept) == 0);
    }
}

/* ---- JSON -------------------------------------------------------------------------------------------------------- */

static json_t *json_of(const eg_report *report)
{
    json_error_t error;
    char *text = written("json", report);
    json_t *root = json_loads(text, JSON_REJECT_DUPLICATES, &error);
    CHECK(root != NULL);
    if (root == NULL)
        fprintf(stderr, "%s\n%s\n", error.text, text);
    free(text);
    return root;
}

/* The keys of an object begin with these, in this order. */
static void check_keys(const json_t *object, const char *const *keys, size_t count)
{
    void *place = json_object_iter((json_t *)(uintptr_t)object);
    for (size_t i = 0; i < count; i++, place = json_object_iter_next((json_t *)(uintptr_t)object, place)) {
        CHECK(place != NULL);
        if (place == NULL)
            return;
        CU_ASSERT_STRING_EQUAL(json_object_iter_key(place), keys[i]);
    }
}

static void json_keeps_the_contract(void)
{
    static const char *const head[] = {"eegpu", "command",   "source", "lattice", "pixels",
                                       "unit",  "bit_order", "device", "norm",    "cuts"};
    static const char *const cut[] = {"pixels",       "n_a",    "n_b",    "boundary", "bonds",  "s_vn", "error",
                                      "renyi",        "rank",   "p_max",  "purity",   "rows",   "cols", "reduced_rows",
                                      "reduced_cols", "blocks", "method", "device",   "seconds"};
    made_up_scan sample;
    fill_sample(&sample);
    json_t *root = json_of(&sample.report), *cuts = json_object_get(root, "cuts"), *first = json_array_get(cuts, 0);
    check_keys(root, head, sizeof head / sizeof *head);
    check_keys(first, cut, sizeof cut / sizeof *cut);
    CHECK_EQUAL(json_array_size(cuts), CUTS);
    CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(root, "command")), "eegpu scan 'x y'");
    CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(root, "source")), "a \"b\"\\\t\xc3\xa9\xc3\xbf");
    CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(root, "bit_order")), "lsb");
    CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(root, "cuts_family")), "file,1");
    CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(root, "unit")), "nat");
    CHECK(json_real_value(json_object_get(root, "norm")) == 0.1 + 0.2);
    CHECK_EQUAL(json_integer_value(json_object_get(root, "threads")), 3);
    CHECK_EQUAL(json_integer_value(json_object_get(root, "peak_bytes")), 1234);
    CHECK(json_number_value(json_object_get(first, "s_vn")) == M_LN2);
    CHECK(json_number_value(json_object_get(first, "p_max")) == 1. / 3);
    CHECK_EQUAL(json_integer_value(json_object_get(first, "rank")), INT64_C(1) << 53);
    CHECK(json_number_value(json_object_get(first, "rows")) == exp2(40));
    CHECK(json_object_get(first, "same_as") == NULL);
    CHECK_EQUAL(json_integer_value(json_object_get(json_array_get(cuts, 2), "same_as")), 0);
    CHECK(json_is_true(json_object_get(json_array_get(cuts, 1), "rank_exact")));
    json_t *pixels = json_object_get(json_array_get(cuts, 2), "pixels");
    CHECK_EQUAL(json_array_size(pixels), 3);
    CHECK_EQUAL(json_integer_value(json_array_get(pixels, 2)), 5);
    json_decref(root);
}

static void json_has_units_and_nulls(void)
{
    made_up_scan sample;
    fill_sample(&sample);
    use_bits(&sample);
    json_t *root = json_of(&sample.report), *first = json_array_get(json_object_get(root, "cuts"), 0);
    json_t *renyi = json_object_get(first, "renyi"), *error = json_object_get(first, "renyi_error");
    CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(root, "unit")), "bit");
    CHECK(json_number_value(json_object_get(first, "s_vn")) == 1);
    CHECK_NEAR(json_number_value(json_object_get(first, "error")), 1e-14 / M_LN2, 1e-29);
    CHECK_EQUAL(json_object_size(renyi), 3);
    CHECK(json_number_value(json_object_get(renyi, "0")) == 1);
    CHECK(json_number_value(json_object_get(renyi, "0.5")) == 2);
    CHECK_NEAR(json_number_value(json_object_get(renyi, "inf")), 3, 1e-15);
    CHECK(json_is_null(json_object_get(error, "0")));
    CHECK_NEAR(json_number_value(json_object_get(error, "0.5")), 1e-9 / M_LN2, 1e-24);
    CHECK(json_number_value(json_object_get(first, "p_max")) == 1. / 3); /* no entropy */
    CHECK(json_number_value(json_object_get(first, "purity")) == 0.625);
    json_decref(root);
}

/* ---- CSV --------------------------------------------------------------------------------------------------------- */

/* Cells of a line; quoted commas do not count. */
static int cells_in(const char *line, size_t length)
{
    int cells = 1;
    bool quoted = false;
    for (size_t i = 0; i < length; i++) {
        quoted = quoted != (line[i] == '"');
        cells += line[i] == ',' && !quoted;
    }
    return cells;
}

static void csv_has_equal_lines(void)
{
    made_up_scan sample;
    fill_sample(&sample);
    use_bits(&sample);
    char *text = written("csv", &sample.report);
    int lines = 0, cells = 0;
    for (const char *line = text; *line != '\0'; line += strcspn(line, "\n") + 1, lines++) {
        int own = cells_in(line, strcspn(line, "\n"));
        cells = lines == 0 ? own : cells;
        CHECK_EQUAL(own, cells);
    }
    CHECK_EQUAL(lines, 1 + CUTS);
    CHECK(strncmp(text, "pixels,n_a,n_b,boundary,bonds,s_vn,error,unit,renyi_0,renyi_0.5,renyi_inf,rank,", 78) == 0);
    CHECK(strstr(text, ",same_as,seconds\n") != NULL);
    CHECK(strstr(text, "\n\"1 3 5\",3,3,3,4,3,") != NULL);
    CHECK(strstr(text, ",bit,1,2,") != NULL);
    CHECK(strstr(text, "nan") == NULL); /* not known: an empty cell */
    free(text);
}

/* ---- Table ------------------------------------------------------------------------------------------------------- */

/* Up to the next empty line. */
static int widest_line(const char *text)
{
    int widest = 0;
    char line[4096];
    for (; *text != '\0' && *text != '\n'; text += strcspn(text, "\n") + 1) {
        snprintf(line, sizeof line, "%.*s", (int)strcspn(text, "\n"), text);
        int width = eg_display_width(line);
        widest = width > widest ? width : widest;
        CHECK(width == 0 || line[strlen(line) - 1] != ' ');
    }
    return widest;
}

static void table_draws_regions(void)
{
    made_up_scan sample;
    fill_sample(&sample);
    char *text = written("table", &sample.report);
    CHECK(strstr(text, "#../...") != NULL);
    CHECK(strstr(text, "##./##.") != NULL);
    CHECK(strstr(text, ".#./#.#") != NULL);
    CHECK(strstr(text, "in nat") != NULL);
    CHECK(strstr(text, "======== ") == NULL);
    CHECK(strstr(text, "2.07944154168") != NULL); /* 12 digits, though the error would allow more */
    CHECK(strstr(text, "2.079441541680") == NULL);
    for (const char *c = text; *c != '\0'; c++)
        if ((unsigned char)*c >= 0x80 && strchr("\xc3\xa9\xff", *c) == NULL) /* but the name of the source */
            CU_FAIL("not ASCII");
    CHECK(strstr(text, "largest S_vn  2.07944154168 nat, cut 2: .#./#.#") != NULL);
    CHECK(strstr(text, "1.0000 to 1.0000") != NULL);
    free(text);
    sample.report.unicode = true;
    text = written("table", &sample.report);
    CHECK(strstr(text, "  \u2580\u00b7\u00b7  ") != NULL);
    CHECK(strstr(text, "  \u2588\u2588\u00b7  ") != NULL);
    CHECK(strstr(text, "  \u2584\u2580\u2584  ") != NULL);
    free(text);
}

static void table_fits_the_terminal(void)
{
    made_up_scan sample;
    fill_sample(&sample);
    strcpy(sample.state.source, "s");
    for (int columns = 60; columns <= 160; columns += 10) {
        sample.report.columns = columns;
        sample.report.unicode = columns % 20 == 0;
        char *text = written("table", &sample.report);
        const char *lines = strstr(text, "\n\n"); /* the head is prose */
        CHECK(lines != NULL && widest_line(lines + 2) <= columns);
        CHECK(strstr(text, "S_vn") != NULL);
        CHECK((strstr(text, "p_max") != NULL) == (columns >= 120));
        free(text);
    }
}

static void table_digits_follow_the_error(void)
{
    made_up_scan sample;
    fill_sample(&sample);
    sample.records[0].s_vn = 0.123456;
    sample.records[0].error = 2e-4;
    sample.records[1].s_vn = 4.56789;
    sample.records[1].error = 3;
    char *text = written("table", &sample.report);
    CHECK(strstr(text, "  0.123 ") != NULL);
    CHECK(strstr(text, "  5 ") != NULL && strstr(text, "4.5") == NULL);
    free(text);
}

/* A region of a lattice that is too large for a picture. */
static void large_lattices_get_names(void)
{
    static const struct {
        int pixels[6], count;
        const char *text;
    } cases[] = {
        {{0, 1, 28, 29}, 4, "2x2 at 0,0"}, {{783}, 1, "1x1 at 27,27"}, {{0, 1, 2, 28}, 4, "0-2,28"}, {{0, 29, 58}, 3, "0,29,58"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[EG_REGION_TEXT_SIZE];
        eegpu_cuts *cuts = NULL;
        CHECK_OK(eegpu_cuts_from_pixels(28, 28, cases[i].pixels, cases[i].count, &cuts));
        eg_report report = {.cuts = cuts, .unicode = true};
        CU_ASSERT_STRING_EQUAL(eg_region_text(&report, 0, text), cases[i].text);
        eegpu_cuts_free(cuts);
    }
    int scattered[300];
    char text[EG_REGION_TEXT_SIZE];
    for (int i = 0; i < 300; i++)
        scattered[i] = 2 * i;
    eegpu_cuts *cuts = NULL;
    CHECK_OK(eegpu_cuts_from_pixels(28, 28, scattered, 300, &cuts));
    eg_report report = {.cuts = cuts};
    eg_region_text(&report, 0, text);
    CHECK(strlen(text) <= EG_REGION_COLUMNS && strstr(text, ",...") != NULL);
    eegpu_cuts_free(cuts);
}

/* ---- Plans, archives, failures ----------------------------------------------------------------------------------- */

static void plans_are_written(void)
{
    made_up_scan sample;
    fill_sample(&sample);
    eg_task tasks[2] = {{.cut = 2,
                         .route = EG_ROUTE_SVD,
                         .parent = -1,
                         .small = 8,
                         .large = 8,
                         .panel = 8,
                         .bytes = 512,
                         .flops = 1.5,
                         .wide = true},
                        {.cut = 0, .small = 2, .large = 32, .panel = 32, .bytes = 1 << 20, .flops = 1e9}};
    eg_plan plan = {.tasks = tasks, .count = 2, .threads = 2, .peak_bytes = 1 << 21, .flops = 1e9, .seconds = 0.5};
    size_t count = 0;
    const eg_writer *writers = eg_writers(&count);
    sample.report.result = NULL;
    for (size_t i = 0; i < count; i++) {
        char *text = NULL;
        size_t size = 0;
        FILE *stream = open_memstream(&text, &size);
        CHECK_OK(writers[i].write_plan(&sample.report, &plan, stream));
        fclose(stream);
        CHECK(strstr(text, "svd") != NULL && strstr(text, "gram") != NULL);
        if (strcmp(writers[i].name, "json") == 0) {
            json_t *root = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
            CHECK_EQUAL(json_array_size(json_object_get(root, "tasks")), 2);
            CHECK_EQUAL(json_integer_value(json_object_get(root, "peak_bytes")), 1 << 21);
            CHECK_EQUAL(json_integer_value(json_object_get(json_array_get(json_object_get(root, "tasks"), 0), "cut")), 2);
            json_decref(root);
        }
        if (strcmp(writers[i].name, "csv") == 0)
            CHECK(strstr(text, "\n2,\"1 3 5\",svd,8,8,,8,512,1.5,true\n") != NULL);
        free(text);
    }
}

static bool contains(const char *bytes, size_t size, const void *part, size_t length)
{
    return memmem(bytes, size, part, length) != NULL;
}

static void spectra_are_archived(void)
{
    static const unsigned char regions[CUTS][6] = {{1, 0, 0, 0, 0, 0}, {1, 1, 0, 1, 1, 0}, {0, 1, 0, 1, 0, 1}};
    made_up_scan sample;
    char *bytes = NULL;
    size_t size = 0;
    fill_sample(&sample);
    FILE *stream = open_memstream(&bytes, &size);
    CHECK_OK(eg_write_spectra(&sample.report, stream));
    fclose(stream);
    CHECK(size > 4 && memcmp(bytes, "PK\3\4", 4) == 0);
    CHECK(contains(bytes, size, "p_0000.npy", 10) && contains(bytes, size, "p_0002.npy", 10) &&
          contains(bytes, size, "regions.npy", 11));
    CHECK(!contains(bytes, size, "p_0003", 6));
    CHECK(contains(bytes, size, "(3, 2, 3)", 9));
    CHECK(contains(bytes, size, sample.spectrum, sizeof sample.spectrum));
    CHECK(contains(bytes, size, regions, sizeof regions));
    CHECK_EQUAL(sample.budget.used, 0);
    free(bytes);
}

static void full_disks_are_noticed(void)
{
    made_up_scan sample;
    size_t count = 0;
    const eg_writer *writers = eg_writers(&count);
    fill_sample(&sample);
    for (size_t i = 0; i < count; i++) {
        FILE *stream = fopen("/dev/full", "w");
        CHECK(stream != NULL);
        if (stream == NULL)
            return;
        CHECK_FAILS(writers[i].write(&sample.report, stream), EEGPU_IO, "No space left");
        fclose(stream);
    }
}

static void fields_have_one_name_each(void)
{
    size_t count = 0;
    const eg_field *fields = eg_fields(&count);
    for (size_t i = 0; i < count; i++) {
        CHECK(eg_field_named(fields[i].name) == &fields[i]);
        CHECK(fields[i].get != NULL && fields[i].offset < sizeof(eegpu_record));
        CHECK((fields[i].places & EG_IN_CSV) != 0);
    }
    CHECK(eg_field_named("nothing") == NULL);
}

EG_SUITE("report", {"numbers read back", numbers_read_back}, {"strings are escaped", strings_are_escaped},
         {"terminals are not driven", terminals_are_not_driven}, {"headings are short", headings_are_short},
         {"JSON: names, order, values", json_keeps_the_contract}, {"JSON: units and nulls", json_has_units_and_nulls},
         {"CSV: columns", csv_has_equal_lines}, {"table: regions", table_draws_regions}, {"table: width", table_fits_the_terminal},
         {"table: digits", table_digits_follow_the_error}, {"regions of large lattices", large_lattices_get_names},
         {"plans", plans_are_written}, {"archive of spectra", spectra_are_archived}, {"full disk", full_disks_are_noticed},
         {"fields", fields_have_one_name_each})
