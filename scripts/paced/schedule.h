/* When each request is due; see schedule.c. */
#ifndef PACED_SCHEDULE_H
#define PACED_SCHEDULE_H
#include <stdbool.h>
#include <stdint.h>

typedef struct {
    double rate; /* of the whole schedule, per second */
    bool poisson;
    uint64_t seed;
    uint64_t share, shares; /* this process takes requests share, share + shares, ... */
    uint64_t start, end;    /* due times lie in [start, end) */
} Plan;

/* A walk over this process's requests; `due` and `index` are those of the one it stands at. */
typedef struct {
    const Plan *plan;
    uint64_t index; /* in the whole schedule, from 0 */
    uint64_t due;   /* nanoseconds; UINT64_MAX behind the last one */
    double gaps;    /* poisson: sum of the gaps up to `index`, in mean gaps */
} Walk;

Walk walk_start(const Plan *plan);
void walk_on(Walk *walk);
#endif
