/* The JSON document and the file of histograms. README.md says what each field means. */
#include "report.h"

#include <inttypes.h>

static const char *const FAILURE_NAMES[FAILURES] = {
    [FAIL_CONNECT] = "connect",         [FAIL_RESET] = "reset",
    [FAIL_NO_ANSWER] = "no_answer",     [FAIL_CLOSED_EARLY] = "closed_early",
    [FAIL_TIMEOUT] = "timeout",         [FAIL_STATUS_LINE] = "status_line",
    [FAIL_HEADER] = "header",           [FAIL_LENGTH] = "length",
    [FAIL_CHUNK] = "chunk",             [FAIL_HEAD_SIZE] = "head_too_large",
    [FAIL_BODY_SIZE] = "body_too_large",
};

static const char *const ENDED_NAMES[] = {"complete", "drain", "interrupted"};

static void number(FILE *file, const char *name, uint64_t value) {
    fprintf(file, "\"%s\":%" PRIu64 ",", name, value);
}

static void last(FILE *file, const char *name, uint64_t value, const char *after) {
    fprintf(file, "\"%s\":%" PRIu64 "}%s", name, value, after);
}

static void statuses(FILE *file, const KindCounts *kinds, size_t count) {
    const char *before = "";
    fputs("\"status\":{", file);
    for (int status = 0; status < STATUSES; status++) {
        uint64_t sum = 0;
        for (size_t i = 0; i < count; i++) sum += kinds[i].status[status];
        if (!sum) continue;
        fprintf(file, "%s\"%d\":%" PRIu64, before, status, sum);
        before = ",";
    }
    fputs("},", file);
}

static void failures(FILE *file, const KindCounts *kinds, size_t count, const char *after) {
    fputs("\"errors\":{", file);
    for (int failure = 1; failure < FAILURES; failure++) {
        uint64_t sum = 0;
        for (size_t i = 0; i < count; i++) sum += kinds[i].failures[failure];
        fprintf(file, "%s\"%s\":%" PRIu64, failure > 1 ? "," : "", FAILURE_NAMES[failure], sum);
    }
    fprintf(file, "}%s", after);
}

static void kinds(FILE *file, const Counts *counts) {
    fputs("\"kinds\":[", file);
    for (size_t i = 0; i < counts->kind_count; i++) {
        const KindCounts *kind = &counts->kinds[i];
        fputs(i ? ",\n  {" : "\n  {", file);
        number(file, "sent", kind->sent);
        number(file, "completed", kind->completed);
        number(file, "ok", kind->ok);
        number(file, "wrong_status", kind->wrong_status);
        number(file, "wrong_length", kind->wrong_length);
        statuses(file, kind, 1);
        failures(file, kind, 1, "}");
    }
    fputs("],\n", file);
}

static void latency(FILE *file, const char *name, const Histogram *histogram) {
    fprintf(file, "\"%s\":{", name);
    number(file, "count", histogram->count);
    number(file, "sum_ns", histogram->sum);
    number(file, "min_ns", histogram->count ? histogram->least : 0);
    number(file, "max_ns", histogram->most);
    number(file, "p50_us", histogram_percentile(histogram, 0.5));
    number(file, "p90_us", histogram_percentile(histogram, 0.9));
    number(file, "p99_us", histogram_percentile(histogram, 0.99));
    last(file, "p99_9_us", histogram_percentile(histogram, 0.999), ",\n");
}

static void steps(FILE *file, const Counts *counts) {
    size_t used = counts->step_count;
    while (used && !counts->steps[used - 1].sent && !counts->steps[used - 1].completed) used--;
    fprintf(file, "\"series\":{\"step_ms\":%d,\"sent\":[", STEP_MS);
    for (size_t i = 0; i < used; i++)
        fprintf(file, "%s%" PRIu64, i ? "," : "", counts->steps[i].sent);
    fputs("],\"completed\":[", file);
    for (size_t i = 0; i < used; i++)
        fprintf(file, "%s%" PRIu64, i ? "," : "", counts->steps[i].completed);
    fputs("],\"response_sum_ns\":[", file);
    for (size_t i = 0; i < used; i++)
        fprintf(file, "%s%" PRIu64, i ? "," : "", counts->steps[i].response);
    fputs("]}}\n", file);
}

static void settings(FILE *file, const Options *options, const Plan *plan, const Counts *counts) {
    fputs("\"schedule\":{", file);
    fprintf(file, "\"arrivals\":\"%s\",\"rate\":%.17g,", plan->poisson ? "poisson" : "even",
            plan->rate);
    number(file, "seed", plan->seed);
    number(file, "process", plan->share);
    number(file, "processes", plan->shares);
    number(file, "start_ns", plan->start);
    number(file, "window_ns", counts->window);
    last(file, "end_ns", plan->end, ",\n");
    fputs("\"settings\":{", file);
    number(file, "connections", (uint64_t)options->connections);
    fprintf(file, "\"keep_alive\":%s,", options->keep ? "true" : "false");
    fprintf(file, "\"timeout_s\":%.9g,\"drain_s\":%.9g,", options->timeout, options->drain);
    last(file, "spin_us", (uint64_t)options->spin_us, ",\n");
}

static void requests(FILE *file, const Counts *counts) {
    fputs("\"warm_up\":{", file);
    number(file, "due", counts->warm_due);
    number(file, "sent", counts->warm_sent);
    number(file, "completed", counts->warm_completed);
    last(file, "failed", counts->warm_failed, ",\n");
    fputs("\"requests\":{", file);
    number(file, "due", counts->due);
    number(file, "sent", counts->sent);
    number(file, "sent_from_queue", counts->sent_queued);
    number(file, "completed", counts->completed);
    number(file, "ok", counts->ok);
    number(file, "left_in_queue", counts->left_queued);
    last(file, "left_in_flight", counts->left_in_flight, ",\n");
    uint64_t status = 0, length = 0;
    for (size_t i = 0; i < counts->kind_count; i++) {
        status += counts->kinds[i].wrong_status;
        length += counts->kinds[i].wrong_length;
    }
    statuses(file, counts->kinds, counts->kind_count);
    number(file, "wrong_status", status);
    number(file, "wrong_length", length);
    failures(file, counts->kinds, counts->kind_count, ",\n");
    kinds(file, counts);
}

static void bytes_and_connections(FILE *file, const Counts *counts) {
    fputs("\"bytes\":{", file);
    number(file, "out_wire", counts->wire_out);
    number(file, "in_wire", counts->wire_in);
    last(file, "in_body", counts->body_in, ",\n");
    fputs("\"connections\":{", file);
    number(file, "opened", counts->opened);
    number(file, "not_opened", counts->not_opened);
    number(file, "closed_idle", counts->closed_idle);
    last(file, "unsolicited", counts->unsolicited, ",\n");
    fputs("\"backlog\":{", file);
    number(file, "queue_most", counts->queue_most);
    number(file, "end_in_queue", counts->end.queued);
    number(file, "first_completed_ns", counts->first_done);
    number(file, "last_completed_ns", counts->last_done);
    last(file, "end_in_flight", counts->end.in_flight, ",\n");
}

/* Over the window only. */
static void cpu(FILE *file, const Counts *counts) {
    const Mark *begin = &counts->begin, *end = &counts->end;
    fputs("\"cpu\":{", file);
    number(file, "over_ns", end->at - begin->at);
    number(file, "user_ns", end->user - begin->user);
    number(file, "system_ns", end->system - begin->system);
    last(file, "spun_ns", end->spun - begin->spun, ",\n");
}

static void arrivals(FILE *file, const Counts *counts) {
    fputs("\"arrivals\":{", file);
    number(file, "intervals", counts->planned.count);
    number(file, "mean_planned_ns", counts->mean_interval);
    number(file, "off_by_a_tenth", counts->intervals_off);
    fprintf(file, "\"distance\":%.6f},\n", histogram_distance(&counts->planned, &counts->actual));
}

void report_json(FILE *file, const Options *options, const Plan *plan, const Counts *counts,
                 Ended ended) {
    fprintf(file, "{\"format\":\"paced 1\",\"version\":\"" PACED_VERSION "\",\"ended\":\"%s\",\n",
            ENDED_NAMES[ended]);
    settings(file, options, plan, counts);
    requests(file, counts);
    bytes_and_connections(file, counts);
    cpu(file, counts);
    latency(file, "response", &counts->response);
    latency(file, "service", &counts->service);
    latency(file, "wrong", &counts->wrong);
    latency(file, "lateness_free", &counts->late_free);
    latency(file, "lateness_queued", &counts->late_queued);
    latency(file, "first_byte", &counts->first_byte);
    arrivals(file, counts);
    steps(file, counts);
}

void report_histograms(FILE *file, const Counts *counts) {
    fwrite("paced-h1", 8, 1, file);
    histogram_write(&counts->response, "response", file);
    histogram_write(&counts->service, "service", file);
    histogram_write(&counts->wrong, "wrong", file);
    histogram_write(&counts->late_free, "lateness_free", file);
    histogram_write(&counts->late_queued, "lateness_queued", file);
    histogram_write(&counts->planned, "planned", file);
    histogram_write(&counts->actual, "actual", file);
    histogram_write(&counts->first_byte, "first_byte", file);
}
