/* What is counted: requests due in the window, and what became of them. See counts.c. */
#ifndef PACED_COUNTS_H
#define PACED_COUNTS_H
#include "histogram.h"
#include "pool.h"
#include "response.h"

enum { STATUSES = 1000, STEP_MS = 100 };

typedef struct {
    uint64_t sent, completed, ok, wrong_status, wrong_length;
    uint64_t failures[FAILURES];
    uint64_t status[STATUSES];
} KindCounts;

typedef struct {
    uint64_t sent, completed;
    uint64_t response; /* nanoseconds, sum over the completed */
} Step;

/* One request from its due time on. */
typedef struct {
    const Request *request;
    uint64_t index, due;
    uint64_t sent;
    bool queued; /* no connection was free when it was due */
} Passage;

/* A moment at which the state was looked at. */
typedef struct {
    uint64_t at, user, system, spun; /* nanoseconds */
    uint64_t queued, in_flight;
} Mark;

typedef struct {
    uint64_t window; /* requests due before it are warm-up */
    uint64_t warm_due, warm_sent, warm_completed, warm_failed;
    uint64_t due, sent, sent_queued, completed, ok;
    uint64_t wire_in, body_in, wire_out;
    uint64_t first_done, last_done; /* when whole responses came; 0 = none did */
    KindCounts *kinds;
    size_t kind_count;
    Step *steps;
    size_t step_count;
    /* Of right responses; of complete ones that were not as expected. */
    Histogram response, service, wrong;
    Histogram first_byte; /* from due to the first byte of the body, of right responses */
    Histogram late_free, late_queued;
    /* Intervals between requests that followed each other while connections were free. */
    Histogram planned, actual;
    uint64_t intervals_off; /* by more than a tenth of the mean one */
    uint64_t mean_interval;
    Passage before;
    /* Connections, from the first one on. */
    uint64_t opened, not_opened, closed_idle, unsolicited;
    uint64_t queue_most;
    Mark begin, end;
    uint64_t left_queued, left_in_flight;
} Counts;

void counts_init(Counts *counts, size_t kinds, uint64_t window, uint64_t length, uint64_t interval);
void counts_free(Counts *counts);
void counts_due(Counts *counts, uint64_t due);
void counts_sent(Counts *counts, const Passage *passage);
void counts_completed(Counts *counts, const Passage *passage, const Response *response, uint64_t now);
void counts_failed(Counts *counts, const Passage *passage, const Response *response, Failure failure);
#endif
