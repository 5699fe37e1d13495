/* JSON read back: what a scan writes gives the same cuts and entropies; everything else is refused in clear words. */
#include "report/json_read.h"
#include "report/report.h"
#include "report/scan_read.h"
#include "scanning.h"
#include "temporary.h"

/* ---- JSON ---- */

static void test_values(void)
{
    const char *text = " {\"a\" : [1, -2.5e-3, 0, 1E2], \"b\\n\\u00e9\\ud83d\\ude00\": {\"c\": true, \"d\": false}, \"e\": "
                       "null,\"f\":\"\", \"g\":[],\n"
                       "\"h\":{} }\n";
    eg_json json = {0};
    CHECK_OK(eg_json_read(text, strlen(text), "x", &json));
    const eg_json_node *top = &json.nodes[0], *a = eg_json_member(top, "a");
    CHECK(top->kind == EG_JSON_OBJECT && top->count == 6 && a != NULL && a->kind == EG_JSON_ARRAY && a->count == 4);
    CHECK_NEAR(a->child->number, 1, 0);
    CHECK_NEAR(a->child->next->number, -0.0025, 0);
    CHECK_NEAR(a->child->next->next->next->number, 100, 0);
    CHECK(a->child->next->next->next->next == NULL && a->child->name == NULL);
    const eg_json_node *b = eg_json_member(top, "b\n\xc3\xa9\xf0\x9f\x98\x80");
    CHECK(b != NULL && eg_json_member(b, "c")->number == 1 && eg_json_member(b, "d")->kind == EG_JSON_BOOL);
    CHECK(eg_json_member(top, "e")->kind == EG_JSON_NULL && *eg_json_member(top, "f")->text == '\0');
    CHECK(eg_json_member(top, "g")->count == 0 && eg_json_member(top, "h")->child == NULL && eg_json_member(top, "i") == NULL);
    eg_json_free(&json);
}

static void test_bad_json(void)
{
    static const struct {
        const char *text, *fragment;
    } cases[] = {
        {"", "truncated"},
        {"  ", "truncated"},
        {"{", "truncated"},
        {"{\"a\"", "truncated"},
        {"{\"a\":", "truncated"},
        {"[1,", "truncated"},
        {"[1", "truncated"},
        {"\"abc", "truncated"},
        {"\"ab\\", "truncated"},
        {"\"\\u12", "truncated"},
        {"tru", "truncated"},
        {"[1.", "truncated"},
        {"-", "truncated"},
        {"1e", "truncated"},
        {"{\"a\" 1}", "a colon"},
        {"{a:1}", "a string"},
        {"[1 2]", "a comma"},
        {"[1,]", "a value"},
        {"{\"a\":1,}", "a string"},
        {"[01]", "a number"},
        {"[1.x]", "a number"},
        {"[+1]", "a value"},
        {"[1e999]", "range of doubles"},
        {"[nan]", "a value"},
        {"nul!", "a value"},
        {"[1] 2", "nothing more"},
        {"\"\\x\"", "an escape"},
        {"\"\\ud800x\"", "second half"},
        {"\"\\ud800\\u0041\"", "second half"},
        {"\"\\udc00\"", "half a pair"},
        {"\"\\u0000\"", "not all 0"},
        {"\"a\nb\"", "control character"},
        {"{\"a\":1,\"a\":2}", "twice"},
        {"\n\n  ]", "line 3"},
    };
    eg_json json = {0};
    char deep[400];
    for (size_t i = 0; i < COUNT(cases); i++) {
        CHECK_FAILS(eg_json_read(cases[i].text, strlen(cases[i].text), "x.json", &json), EEGPU_BAD_INPUT, cases[i].fragment);
        CHECK(strstr(eegpu_error_message(), "x.json") != NULL && json.nodes == NULL);
    }
    memset(deep, '[', sizeof deep);
    CHECK_FAILS(eg_json_read(deep, sizeof deep, "x", &json), EEGPU_BAD_INPUT, "brackets");
}

/* Names are compared with all before: an object has a bounded number of them. */
static void test_many_members(void)
{
    enum { MOST = 1024 };
    eg_json json = {0};
    for (int count = MOST; count <= MOST + 1; count++) {
        char *text = NULL;
        size_t size = 0;
        FILE *stream = open_memstream(&text, &size);
        for (int i = 0; i < count; i++)
            fprintf(stream, "%c\"%d\":%d", i == 0 ? '{' : ',', i, i);
        fputc('}', stream);
        fclose(stream);
        if (count == MOST)
            CHECK_OK(eg_json_read(text, size, "x", &json));
        else
            CHECK_FAILS(eg_json_read(text, size, "x", &json), EEGPU_BAD_INPUT, "more than 1024 members");
        eg_json_free(&json);
        free(text);
    }
}

/* Any prefix of a text is refused, and nothing is read past its end (the sanitizers look). */
static void test_every_prefix(void)
{
    const char *text = "{\"a\":[1.5,-2e+1,\"x\\u00e9\\n\",true,null,{\"b\":false}]}";
    eg_json json = {0};
    for (size_t size = 0; size <= strlen(text); size++) {
        char *copy = malloc(size > 0 ? size : 1);
        memcpy(copy, text, size);
        eegpu_status status = eg_json_read(copy, size, "x", &json);
        CHECK((status == EEGPU_OK) == (size == strlen(text)));
        eg_json_free(&json);
        free(copy);
    }
}

/* ---- Scans ---- */

/* The JSON of a scan into memory; the caller frees. */
static char *json_of_scan(const char *source, int height, int width, double base, eegpu_result **result)
{
    eegpu_state *state = open_source(source, height, width);
    eegpu_cuts *cuts = family_cuts(height, width, "contiguous");
    eegpu_scan_options options = scan_options(EEGPU_METHOD_AUTO, 1);
    size_t count = 0, size = 0;
    char *text = NULL;
    *result = scan(state, cuts, &options);
    eg_report report = {.command = "eegpu scan",
                        .state = state,
                        .cuts = cuts,
                        .result = *result,
                        .options = &options,
                        .log_base = base,
                        .unit = base < 1 ? "bit" : "nat"};
    FILE *stream = open_memstream(&text, &size);
    const eg_writer *writers = eg_writers(&count);
    for (size_t i = 0; i < count; i++)
        if (strcmp(writers[i].name, "json") == 0)
            CHECK_OK(writers[i].write(&report, stream));
    fclose(stream);
    eegpu_cuts_free(cuts);
    eegpu_state_close(state);
    return text;
}

static void test_read_back(void)
{
    for (int turn = 0; turn < 2; turn++) {
        double base = turn == 0 ? 1 : M_LN2;
        eegpu_result *result = NULL;
        char *text = json_of_scan("loops", 3, 4, base, &result);
        eegpu_cuts *cuts = family_cuts(3, 4, "contiguous");
        eg_scan_file file = {0};
        if (CHECK_OK(eg_scan_file_read(write_bytes("scan.json", text, strlen(text)), &file))) {
            CHECK_EQUAL(file.result->count, eegpu_result_count(result));
            CHECK(strcmp(file.source, "loops") == 0 && strcmp(file.cuts->family, "contiguous") == 0);
            CHECK(strcmp(file.unit, turn == 0 ? "nat" : "bit") == 0);
            CHECK(memcmp(file.cuts->masks, cuts->masks, cuts->count * sizeof(uint64_t)) == 0);
            for (size_t i = 0; i < file.result->count; i++) {
                const eegpu_record *from = eegpu_result_record(result, i), *to = eegpu_result_record(file.result, i);
                CHECK(from->n_a == to->n_a && from->n_b == to->n_b && from->boundary == to->boundary && from->bonds == to->bonds);
                CHECK_NEAR(to->s_vn, from->s_vn, turn == 0 ? 0 : 1e-15);
                CHECK_NEAR(to->error, from->error, 1e-30 + 1e-15 * from->error);
            }
        }
        eg_scan_file_free(&file);
        eegpu_cuts_free(cuts);
        eegpu_result_free(result);
        free(text);
    }
}

/* The text with one occurrence of `old` replaced. */
static char *with_change(const char *text, const char *old, const char *new)
{
    const char *at = strstr(text, old);
    EXPECT(at != NULL, "no %s in the JSON", old);
    char *changed = malloc(strlen(text) + strlen(new) + 1);
    size_t before = at != NULL ? (size_t)(at - text) : 0;
    memcpy(changed, text, before);
    strcpy(changed + before, new);
    strcat(changed, at != NULL ? at + strlen(old) : "");
    return changed;
}

static void test_refused_files(void)
{
    static const struct {
        const char *old, *new, *fragment;
    } cases[] = {
        {"\"eegpu\":\"0.1.", "\"eegpu\":\"0.0.", "written by eegpu 0.0."},
        {"\"eegpu\":", "\"other\":", "not a result of eegpu"},
        {"\"source\":", "\"dry_run\":true,\"source\":", "dry run"},
        {"\"source\":", "\"verdict\":\"area\",\"source\":", "another command"},
        {"\"source\":", "\"operations\":[],\"source\":", "another command"},
        {"\"source\":\"loops\"", "\"source\":3", "\"source\" is missing"},
        {"\"lattice\":[3,4]", "\"lattice\":[3]", "\"lattice\""},
        {"\"lattice\":[3,4]", "\"lattice\":[3,4.5]", "\"lattice\""},
        {"\"lattice\":[3,4]", "\"lattice\":[4096,4096]", "\"lattice\""},
        {"\"lattice\":[3,4]", "\"lattice\":[4,3]", "do not belong"},
        {"\"unit\":\"nat\"", "\"unit\":\"trit\"", "\"unit\""},
        {"\"cuts\":[", "\"kept\":[", "\"cuts\" is missing"},
        {"\"cuts\":[", "\"cuts\":[3,", "\"cuts\""},
        {"\"pixels\":[0]", "\"pixels\":[]", "\"pixels\" is missing in cut 0"},
        {"\"pixels\":[0]", "\"pixels\":[12]", "\"pixels\""},
        {"\"pixels\":[0]", "\"pixels\":[-1]", "\"pixels\""},
        {"\"pixels\":[0,1]", "\"pixels\":[1,0]", "\"pixels\""},
        {"\"pixels\":[0,1]", "\"pixels\":[0,0]", "\"pixels\""},
        {"\"pixels\":[0,1]", "\"pixels\":[0,2]", "do not belong"},
        {"\"n_a\":1", "\"n_a\":2", "do not belong"},
        {"\"n_b\":11", "\"n_b\":1", "do not belong"},
        {"\"boundary\":1", "\"boundary\":2", "do not belong"},
        {"\"bonds\":2", "\"bonds\":true", "do not belong"},
        {"\"s_vn\":0.", "\"s_vn\":9.", "cannot be the entropy"},
        {"\"s_vn\":0.", "\"s_vn\":-0.", "cannot be the entropy"},
        {"\"s_vn\":", "\"s_vm\":", "\"s_vn\" is missing"},
        {"\"error\":", "\"error\":null,\"e\":", "\"error\" is missing"},
        {"\"error\":", "\"error\":-1,\"e\":", "\"error\" is missing"},
        {"\"error\":", "\"error\":0.0007,\"e\":", "more than 1/1000"},
        {"\"pixels\":12", "\"pixels\":13", "lattice of 3x4"},
        {"\"pixels\":12", "\"pixels\":\"12\"", "lattice of 3x4"},
        {"\"pixels\":[3]", "\"pixels\":[0]", "are the same"},
    };
    eegpu_result *result = NULL;
    char *text = json_of_scan("loops", 3, 4, 1, &result);
    eg_scan_file file = {0};
    for (size_t i = 0; i < COUNT(cases); i++) {
        char *changed = with_change(text, cases[i].old, cases[i].new);
        CHECK_FAILS(eg_scan_file_read(write_bytes("bad.json", changed, strlen(changed)), &file), EEGPU_BAD_INPUT,
                    cases[i].fragment);
        CHECK(strstr(eegpu_error_message(), "bad.json") != NULL && file.cuts == NULL && file.result == NULL);
        free(changed);
    }
    for (size_t size = 1; size + 2 < strlen(text); size += 97)
        CHECK_FAILS(eg_scan_file_read(write_bytes("short.json", text, size), &file), EEGPU_BAD_INPUT, "truncated");
    CHECK_FAILS(eg_scan_file_read(write_bytes("list.json", "[1,2]", 5), &file), EEGPU_BAD_INPUT, "not a result of eegpu");
    CHECK_FAILS(eg_scan_file_read(temporary_path("none.json"), &file), EEGPU_IO, "none.json");
    eegpu_result_free(result);
    free(text);
}

/* No cuts: a scan of a family that has none under its limit. */
static void test_no_cuts(void)
{
    const char *text = "{\"eegpu\":\"" EEGPU_VERSION "\",\"source\":\"w\",\"lattice\":[2,2],\"unit\":\"nat\",\"cuts\":[]}";
    eg_scan_file file = {0};
    CHECK_FAILS(eg_scan_file_read(write_bytes("none.json", text, strlen(text)), &file), EEGPU_BAD_INPUT, "has no cuts");
}

EG_SUITE("JSON read back", {"values", test_values}, {"bad JSON", test_bad_json}, {"many members", test_many_members},
         {"every prefix", test_every_prefix}, {"a scan read back", test_read_back}, {"refused files", test_refused_files},
         {"no cuts", test_no_cuts})
