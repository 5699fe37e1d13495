/* What a scan would do, for --dry-run: one line a task in the order of execution, and the totals. Comes in: a plan; goes out: a
 * table or CSV (the JSON is in json.c). Nothing is computed. Called through eg_writers(). */
#include "report/encode.h"
#include "report/fields.h"

/* The cut whose product this one is made from, "-" for the function itself. Returns `text`. */
static const char *parent_text(const eg_plan *plan, const eg_task *task, char *text, size_t size)
{
    if (task->parent < 0)
        snprintf(text, size, "-");
    else
        snprintf(text, size, "%zu", plan->tasks[task->parent].cut);
    return text;
}

eegpu_status eg_plan_table_write(const eg_report *report, const eg_plan *plan, FILE *stream)
{
    char text[EG_REGION_TEXT_SIZE], size[24];
    int width = 6;
    for (size_t i = 0; i < plan->count; i++) {
        int own = eg_display_width(eg_region_text(report, plan->tasks[i].cut, text));
        width = own > width ? own : width;
    }
    fprintf(stream, "%s on %dx%d: plan of %zu cut%s, nothing computed\n", report->state->source, report->cuts->height,
            report->cuts->width, report->cuts->count, report->cuts->count == 1 ? "" : "s");
    fprintf(stream, "region: %s\n\n", eg_region_legend(report));
    fprintf(stream, "%6s  %-*s  %-6s  %19s  %6s  %10s  %9s  %s\n", "cut", width, "region", "method", "matrix", "from", "memory",
            "flops", "threads");
    for (size_t i = 0; i < plan->count && !ferror(stream); i++) {
        const eg_task *task = &plan->tasks[i];
        char shape[48], parent[24];
        snprintf(shape, sizeof shape, "%llu x %llu", (unsigned long long)task->small, (unsigned long long)task->large);
        eg_region_text(report, task->cut, text);
        fprintf(stream, "%6zu  %s%*s  %-6s  %19s  %6s  %10s  %9.2e  %s\n", task->cut, text, width - eg_display_width(text), "",
                eg_route_name(task->route), shape, parent_text(plan, task, parent, sizeof parent), eg_bytes_text(task->bytes, size),
                task->flops, task->wide ? "all" : "one");
    }
    fprintf(stream,
            "\n%zu cuts are computed, %zu of them from the function and the others from those; %zu have the spectrum of another\n",
            plan->count, plan->tree_count, report->cuts->count - plan->count);
    fprintf(stream, "memory at the peak %s on %d thread%s; %.2e flops, very roughly %.2g s\n",
            eg_bytes_text(plan->peak_bytes, size), plan->threads, plan->threads == 1 ? "" : "s", plan->flops, plan->seconds);
    return eg_stream_check(stream, "the plan");
}

eegpu_status eg_plan_csv_write(const eg_report *report, const eg_plan *plan, FILE *stream)
{
    fputs("cut,pixels,method,small,large,from,panel,bytes,flops,wide\n", stream);
    for (size_t i = 0; i < plan->count && !ferror(stream); i++) {
        const eg_task *task = &plan->tasks[i];
        char flops[EG_NUMBER_TEXT_SIZE], parent[24];
        fprintf(stream, "%zu,\"", task->cut);
        eg_pixels_write(report, task->cut, " ", stream);
        fprintf(stream, "\",%s,%llu,%llu,%s,%llu,%llu,%s,%s\n", eg_route_name(task->route), (unsigned long long)task->small,
                (unsigned long long)task->large, task->parent < 0 ? "" : parent_text(plan, task, parent, sizeof parent),
                (unsigned long long)task->panel, (unsigned long long)task->bytes, eg_number_text(task->flops, flops),
                task->wide ? "true" : "false");
    }
    return eg_stream_check(stream, "the plan");
}
