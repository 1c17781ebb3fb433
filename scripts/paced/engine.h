/* Sends every request when it is due, over a set of connections; see engine.c. */
#ifndef PACED_ENGINE_H
#define PACED_ENGINE_H
#include "counts.h"
#include "platform.h"
#include "pool.h"
#include "response.h"
#include "schedule.h"

#include <signal.h>

typedef struct Connection Connection;

typedef struct {
    Connection *first, *last;
} List;

struct Connection {
    int fd;             /* -1 = closed; it is opened again when a request needs it */
    bool connecting;
    bool writing;       /* the poller reports when it can be written */
    Passage passage;    /* its request is NULL when there is none */
    uint64_t begun;     /* what the timeout counts from */
    size_t written;
    Response response;
    Connection *before, *after;
};

typedef struct {
    Address address;
    size_t connections;
    uint64_t timeout, spin; /* nanoseconds */
    uint64_t drained;       /* when to stop waiting for what is still open */
    bool keep_alive;
    Limits limits;
    const volatile sig_atomic_t *stop;
} Settings;

typedef enum { ENDED_COMPLETE, ENDED_DRAIN, ENDED_INTERRUPTED } Ended;

typedef struct {
    const Settings *settings;
    const Pool *pool;
    const Plan *plan;
    Counts *counts;
    Poller poller;
    Connection *connections;
    size_t untried, opening; /* connections before the start */
    List available;          /* in the order in which they became so, open or closed */
    List busy;               /* in the order of `begun` */
    Walk arrival;            /* the next request to become due */
    Walk queue;              /* the first of `queued` requests that wait for a connection */
    uint64_t queued, in_flight, spun;
    char *buffer;
} Engine;

void engine_init(Engine *engine, const Settings *settings, const Pool *pool, const Plan *plan,
                 Counts *counts);
Ended engine_run(Engine *engine);
void engine_free(Engine *engine);
#endif
