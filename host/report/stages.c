/* Seconds are those of threads: of a lane alone they are the wall clock, of several at work they are more, and what they had to
 * wait for each other is a stage of its own. So the sum of all stages is to be compared with the seconds that threads had. Comes
 * in: the statistics of a scan; goes out: text. */
#include "report/stages.h"

#include "report/encode.h"
#include "scan/scan.h"

static double explained(const eg_statistics *statistics)
{
    double sum = 0;
    for (int s = 0; s < EG_STAGES; s++)
        sum += statistics->stage[s].seconds;
    return statistics->threads > 0 ? sum / statistics->threads : 0;
}

/* 1e-9 of an amount, or of what it is a second. */
static void write_number(double amount, double seconds, int width, FILE *stream)
{
    if (amount > 0 && seconds > 0)
        fprintf(stream, " %*.2f", width, 1e-9 * amount / seconds);
    else
        fprintf(stream, " %*s", width, "-");
}

void eg_stages_write(const eg_report *report, FILE *stream)
{
    const eg_statistics *statistics = report->statistics;
    fprintf(stream, "%-36s %8s %9s %7s %9s %9s %8s %8s\n", "stage, in seconds of threads", "calls", "seconds", "share", "GB",
            "GFLOP", "GB/s", "GFLOP/s");
    for (int s = 0; s < EG_STAGES; s++) {
        const eg_stage_count *stage = &statistics->stage[s];
        if (stage->seconds <= 0)
            continue;
        fprintf(stream, "%-36s %8llu %9.4f %6.1f%%", eg_stage_name((eg_stage)s), (unsigned long long)stage->calls, stage->seconds,
                100 * stage->seconds / statistics->threads);
        write_number(stage->bytes, 1, 9, stream);
        write_number(stage->flops, 1, 9, stream);
        write_number(stage->bytes, stage->seconds, 8, stream);
        write_number(stage->flops, stage->seconds, 8, stream);
        fputc('\n', stream);
    }
    fprintf(stream, "scan %.4f s on the clock, %.4f s of threads, %.1f%% of them explained; opening the function %.4f s before\n",
            statistics->wall, statistics->threads, 100 * explained(statistics), report->opening_seconds);
}

void eg_stages_json(const eg_report *report, FILE *stream)
{
    const eg_statistics *statistics = report->statistics;
    if (statistics == NULL)
        return;
    fputs(",\"opening_seconds\":", stream);
    eg_json_number(stream, report->opening_seconds);
    fputs(",\"thread_seconds\":", stream);
    eg_json_number(stream, statistics->threads);
    fputs(",\"explained\":", stream);
    eg_json_number(stream, explained(statistics));
    fputs(",\"stages\":[", stream);
    for (int s = 0; s < EG_STAGES; s++) {
        const eg_stage_count *stage = &statistics->stage[s];
        fprintf(stream, "%s\n{\"stage\":", s > 0 ? "," : "");
        eg_json_string(stream, eg_stage_name((eg_stage)s));
        fprintf(stream, ",\"calls\":%llu,\"seconds\":", (unsigned long long)stage->calls);
        eg_json_number(stream, stage->seconds);
        fputs(",\"bytes\":", stream);
        eg_json_number(stream, stage->bytes);
        fputs(",\"flops\":", stream);
        eg_json_number(stream, stage->flops);
        fputc('}', stream);
    }
    fputc(']', stream);
}
