/*
 * What became of each request. Those due before the window are only counted; for all others
 *
 *   due = sent + left in the queue,  sent = completed + failed + left in flight,
 *   completed = ok + those of a wrong status or length.
 */
#include "counts.h"
#include "memory.h"

#include <stdlib.h>

enum { STEP_NS = STEP_MS * 1000000 };

void counts_init(Counts *counts, size_t kinds, uint64_t window, uint64_t length, uint64_t interval) {
    *counts = (Counts){.window = window, .kind_count = kinds, .mean_interval = interval};
    counts->kinds = memory_new(kinds * sizeof *counts->kinds);
    counts->step_count = (size_t)(length / STEP_NS) + 1;
    counts->steps = memory_new(counts->step_count * sizeof *counts->steps);
    Histogram *all[] = {&counts->response,    &counts->service, &counts->wrong, &counts->late_free,
                        &counts->late_queued, &counts->planned, &counts->actual,
                        &counts->first_byte};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) histogram_init(all[i]);
}

void counts_free(Counts *counts) {
    Histogram *all[] = {&counts->response,    &counts->service, &counts->wrong, &counts->late_free,
                        &counts->late_queued, &counts->planned, &counts->actual,
                        &counts->first_byte};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) histogram_free(all[i]);
    free(counts->kinds);
    free(counts->steps);
}

/* The step a moment of the window falls into; what is later than expected goes into the last. */
static Step *step(Counts *counts, uint64_t now) {
    size_t at = (size_t)((now - counts->window) / STEP_NS);
    return &counts->steps[at < counts->step_count ? at : counts->step_count - 1];
}

void counts_due(Counts *counts, uint64_t due) {
    if (due < counts->window) counts->warm_due++;
    else counts->due++;
}

static void interval(Counts *counts, const Passage *passage) {
    const Passage *before = &counts->before;
    if (before->request && !before->queued && !passage->queued) {
        uint64_t planned = passage->due - before->due;
        uint64_t actual = passage->sent - before->sent;
        uint64_t apart = planned > actual ? planned - actual : actual - planned;
        histogram_add(&counts->planned, planned);
        histogram_add(&counts->actual, actual);
        counts->intervals_off += apart > counts->mean_interval / 10;
    }
    counts->before = *passage;
}

void counts_sent(Counts *counts, const Passage *passage) {
    if (passage->due < counts->window) {
        counts->warm_sent++;
        return;
    }
    counts->sent++;
    counts->sent_queued += passage->queued;
    counts->kinds[passage->request->kind].sent++;
    step(counts, passage->sent)->sent++;
    histogram_add(passage->queued ? &counts->late_queued : &counts->late_free,
                  passage->sent - passage->due);
    interval(counts, passage);
}

static bool as_expected(KindCounts *kind, const Request *request, const Response *response) {
    bool status = request->status ? response->status == request->status
                                  : response->status >= 200 && response->status < 400;
    bool length = response->body >= request->least && response->body <= request->most;
    if (!status) kind->wrong_status++;
    else if (!length) kind->wrong_length++;
    else kind->ok++;
    return status && length;
}

void counts_completed(Counts *counts, const Passage *passage, const Response *response, uint64_t now) {
    if (passage->due < counts->window) {
        counts->warm_completed++;
        return;
    }
    KindCounts *kind = &counts->kinds[passage->request->kind];
    uint64_t time = now - passage->due;
    counts->completed++;
    if (!counts->first_done) counts->first_done = now;
    counts->last_done = now;
    counts->wire_in += response->wire;
    counts->body_in += response->body;
    kind->completed++;
    kind->status[response->status]++;
    step(counts, now)->completed++;
    step(counts, now)->response += time;
    if (as_expected(kind, passage->request, response)) {
        counts->ok++;
        histogram_add(&counts->response, time);
        histogram_add(&counts->service, now - passage->sent);
        histogram_add(&counts->first_byte, (response->begun ? response->begun : now) - passage->due);
    } else {
        histogram_add(&counts->wrong, time);
    }
}

void counts_failed(Counts *counts, const Passage *passage, const Response *response, Failure failure) {
    if (passage->due < counts->window) {
        counts->warm_failed++;
        return;
    }
    counts->kinds[passage->request->kind].failures[failure]++;
    counts->wire_in += response->wire;
    counts->body_in += response->body;
}
