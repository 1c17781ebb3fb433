/*
 * Sends every request when it is due, over a set of connections.
 *
 * A request that is due takes the connection that has been available longest. If there is none it
 * waits in a queue, which costs no memory: it is the part of the schedule between two walks. So a
 * slow server does not slow the schedule down, and each response is timed from when it was due.
 *
 * Nothing recurses: what a connection's event frees is given to the queue by `serve_queue`.
 */
#include "engine.h"
#include "memory.h"

#include <errno.h>
#include <stdlib.h>

enum {
    BUFFER = 256 * 1024,
    MAX_OPENING = 64,   /* at a time before the start: a server's backlog is often 128 */
    MAX_RECEIVES = 4,   /* of one connection before the others have their turn */
    MAX_WAIT = 50000000 /* ns; how late a signal may be noticed that comes just before a wait */
};

/* ---- lists ---- */

static void list_add(List *list, Connection *connection) {
    connection->before = list->last;
    connection->after = NULL;
    if (list->last) list->last->after = connection;
    else list->first = connection;
    list->last = connection;
}

static void list_remove(List *list, Connection *connection) {
    if (connection->before) connection->before->after = connection->after;
    else list->first = connection->after;
    if (connection->after) connection->after->before = connection->before;
    else list->last = connection->before;
}

/* ---- connections ---- */

static void hang_up(Connection *connection) {
    if (connection->fd >= 0) net_close(connection->fd);
    connection->fd = -1;
    connection->connecting = connection->writing = false;
}

/* Note what became due until now: all of it waits while no connection is available. */
static void note_due(Engine *engine, uint64_t now) {
    while (engine->arrival.due <= now) {
        if (!engine->queued) engine->queue = engine->arrival;
        engine->queued++;
        counts_due(engine->counts, engine->arrival.due);
        walk_on(&engine->arrival);
    }
    if (engine->queued > engine->counts->queue_most) engine->counts->queue_most = engine->queued;
}

/* A busy connection becomes available; closed, if it cannot be used again. */
static void release(Engine *engine, Connection *connection, bool keep, uint64_t now) {
    /* What became due before this moment found no connection: that lateness is the server's. */
    if (!engine->available.first) note_due(engine, now);
    if (!keep) hang_up(connection);
    if (connection->passage.request) engine->in_flight--;
    else engine->opening--;
    connection->passage.request = NULL;
    list_remove(&engine->busy, connection);
    list_add(&engine->available, connection);
}

static void give_up(Engine *engine, Connection *connection, Failure failure) {
    if (connection->passage.request)
        counts_failed(engine->counts, &connection->passage, &connection->response, failure);
    if (failure == FAIL_CONNECT || !connection->passage.request) engine->counts->not_opened++;
    release(engine, connection, false, clock_ns());
}

static void write_request(Engine *engine, Connection *connection) {
    const Request *request = connection->passage.request;
    ssize_t count = net_send(connection->fd, request->bytes + connection->written,
                             request->size - connection->written);
    if (count < 0 && count != -EAGAIN && count != -EINTR) {
        give_up(engine, connection, FAIL_RESET);
        return;
    }
    if (count > 0) {
        connection->written += (size_t)count;
        if (connection->passage.due >= engine->counts->window)
            engine->counts->wire_out += (uint64_t)count;
    }
    bool more = connection->written < request->size;
    if (more != connection->writing)
        poller_want(&engine->poller, connection->fd, connection, more);
    connection->writing = more;
}

static void open_connection(Engine *engine, Connection *connection) {
    connection->fd = net_open(&engine->settings->address);
    connection->connecting = connection->writing = true;
    if (connection->fd >= 0 && !poller_add(&engine->poller, connection->fd, connection, true))
        hang_up(connection);
    if (connection->fd < 0) give_up(engine, connection, FAIL_CONNECT);
}

static void open_some(Engine *engine) {
    while (engine->untried && engine->opening < MAX_OPENING) {
        Connection *connection = &engine->connections[--engine->untried];
        connection->begun = clock_ns();
        list_add(&engine->busy, connection);
        engine->opening++;
        open_connection(engine, connection);
    }
}

static void connected(Engine *engine, Connection *connection) {
    int state = net_opened(connection->fd);
    if (state == -EINPROGRESS) return;
    if (state < 0) {
        give_up(engine, connection, FAIL_CONNECT);
        return;
    }
    connection->connecting = false;
    engine->counts->opened++;
    if (connection->passage.request) {
        write_request(engine, connection);
        return;
    }
    poller_want(&engine->poller, connection->fd, connection, false);
    connection->writing = false;
    release(engine, connection, true, clock_ns());
}

/* ---- requests ---- */

static void dispatch(Engine *engine, const Walk *walk, bool queued) {
    Connection *connection = engine->available.first;
    list_remove(&engine->available, connection);
    list_add(&engine->busy, connection);
    Passage *passage = &connection->passage;
    *passage = (Passage){.request = pool_request(engine->pool, walk->index),
                         .index = walk->index,
                         .due = walk->due,
                         .queued = queued};
    response_begin(&connection->response, passage->request->head);
    connection->written = 0;
    engine->in_flight++;
    connection->begun = passage->sent = clock_ns();
    Passage copy = *passage; /* a failure ends it at once */
    if (connection->fd < 0) open_connection(engine, connection);
    else write_request(engine, connection);
    counts_sent(engine->counts, &copy);
}

static void serve_queue(Engine *engine) {
    while (engine->queued && engine->available.first) {
        dispatch(engine, &engine->queue, true);
        walk_on(&engine->queue);
        engine->queued--;
    }
}

/* While a connection is available the queue is empty. */
static void send_due(Engine *engine, uint64_t now) {
    while (engine->arrival.due <= now && engine->available.first) {
        counts_due(engine->counts, engine->arrival.due);
        dispatch(engine, &engine->arrival, false);
        walk_on(&engine->arrival);
    }
    if (engine->arrival.due <= now) note_due(engine, now);
}

static void complete(Engine *engine, Connection *connection, bool more) {
    uint64_t now = clock_ns();
    const Response *response = &connection->response;
    counts_completed(engine->counts, &connection->passage, response, now);
    engine->counts->unsolicited += more;
    bool written = connection->written == connection->passage.request->size;
    release(engine, connection, response->keep && engine->settings->keep_alive && written && !more,
            now);
}

/* ---- what comes in ---- */

/* Nothing was asked for: the server closed the connection, or speaks first. */
static void received_idle(Engine *engine, Connection *connection, ssize_t count) {
    if (count == -EAGAIN || count == -EINTR) return;
    if (count > 0) engine->counts->unsolicited++;
    else engine->counts->closed_idle++;
    hang_up(connection);
}

static void received_end(Engine *engine, Connection *connection, ssize_t count) {
    Response *response = &connection->response;
    if (count < 0) {
        give_up(engine, connection, FAIL_RESET);
        return;
    }
    response_end(response);
    if (response->place == AT_DONE) complete(engine, connection, false);
    else give_up(engine, connection, response->failure);
}

static void receive(Engine *engine, Connection *connection) {
    Response *response = &connection->response;
    for (int i = 0; i < MAX_RECEIVES; i++) {
        ssize_t count = net_receive(connection->fd, engine->buffer, BUFFER);
        if (!connection->passage.request) {
            received_idle(engine, connection, count);
            return;
        }
        if (count == -EAGAIN || count == -EINTR) return;
        if (count <= 0) {
            received_end(engine, connection, count);
            return;
        }
        size_t size = (size_t)count;
        size_t taken = response_feed(response, &engine->settings->limits, engine->buffer, size);
        if (!response->begun && response->body && response->place < AT_DONE)
            response->begun = clock_ns();
        if (response->place == AT_DONE) complete(engine, connection, taken < size);
        else if (response->place == AT_FAILURE) give_up(engine, connection, response->failure);
        if (response->place >= AT_DONE || size < BUFFER) return;
    }
}

static void event(Engine *engine, Connection *connection) {
    if (connection->fd < 0) return; /* closed by an earlier event of the same wait */
    if (connection->connecting) {
        connected(engine, connection);
        return;
    }
    if (connection->writing) write_request(engine, connection);
    if (connection->fd >= 0) receive(engine, connection);
}

/* ---- time ---- */

static void expire(Engine *engine, uint64_t now) {
    Connection *oldest;
    while ((oldest = engine->busy.first) && oldest->begun + engine->settings->timeout <= now)
        give_up(engine, oldest, oldest->connecting ? FAIL_CONNECT : FAIL_TIMEOUT);
    serve_queue(engine);
}

static void mark(Engine *engine, Mark *mark, uint64_t from, uint64_t now) {
    if (mark->at || now < from) return;
    *mark = (Mark){.at = now,
                   .spun = engine->spun,
                   .queued = engine->queued,
                   .in_flight = engine->in_flight};
    clock_cpu(&mark->user, &mark->system);
}

static uint64_t earlier(uint64_t one, uint64_t other) { return one < other ? one : other; }

/* When to look again even if no socket is ready. */
static uint64_t next_moment(const Engine *engine, uint64_t now) {
    uint64_t until = now + MAX_WAIT;
    uint64_t due = engine->arrival.due;
    if (engine->available.first) until = earlier(until, due - earlier(due, engine->settings->spin));
    if (engine->busy.first)
        until = earlier(until, engine->busy.first->begun + engine->settings->timeout);
    if (now < engine->plan->end) until = earlier(until, engine->plan->end);
    return earlier(until, engine->settings->drained);
}

/* Wait for sockets or for the next moment; the last part before a due time is spent looking. */
static size_t wait_some(Engine *engine, uint64_t now, void **ready) {
    uint64_t due = engine->arrival.due;
    if (due == UINT64_MAX || now + engine->settings->spin < due) {
        uint64_t until = next_moment(engine, now);
        return poller_wait(&engine->poller, until > now ? until : 0, ready);
    }
    size_t count;
    uint64_t then = now;
    do {
        count = poller_wait(&engine->poller, 0, ready);
        if (engine->settings->spin) then = clock_ns();
    } while (!count && then < due && engine->settings->spin && !*engine->settings->stop);
    engine->spun += then - now;
    return count;
}

static bool finished(const Engine *engine, uint64_t now, Ended *how) {
    *how = ENDED_COMPLETE;
    if (*engine->settings->stop) *how = ENDED_INTERRUPTED;
    else if (now >= engine->settings->drained) *how = ENDED_DRAIN;
    else return now >= engine->plan->end && !engine->queued && !engine->in_flight;
    return true;
}

/* What is still open when the run ends. */
static void count_left(Engine *engine) {
    uint64_t window = engine->counts->window;
    for (Connection *one = engine->busy.first; one; one = one->after)
        engine->counts->left_in_flight += one->passage.request && one->passage.due >= window;
    for (; engine->queued; engine->queued--, walk_on(&engine->queue))
        engine->counts->left_queued += engine->queue.due >= window;
}

void engine_init(Engine *engine, const Settings *settings, const Pool *pool, const Plan *plan,
                 Counts *counts) {
    *engine = (Engine){.settings = settings, .pool = pool, .plan = plan, .counts = counts};
    engine->arrival = walk_start(plan);
    engine->buffer = memory_new(BUFFER);
    engine->connections = memory_new(settings->connections * sizeof *engine->connections);
    for (size_t i = 0; i < settings->connections; i++) {
        engine->connections[i].fd = -1;
        /* Without keep-alive each request opens its own. */
        if (!settings->keep_alive) list_add(&engine->available, &engine->connections[i]);
    }
    engine->untried = settings->keep_alive ? settings->connections : 0;
    poller_init(&engine->poller);
}

Ended engine_run(Engine *engine) {
    void *ready[READY_ROOM];
    Ended how;
    for (;;) {
        uint64_t now = clock_ns();
        send_due(engine, now);
        expire(engine, now);
        open_some(engine);
        mark(engine, &engine->counts->begin, engine->counts->window, now);
        mark(engine, &engine->counts->end, engine->plan->end, now);
        if (finished(engine, now, &how)) break;
        size_t count = wait_some(engine, now, ready);
        for (size_t i = 0; i < count; i++) {
            event(engine, ready[i]);
            serve_queue(engine);
            send_due(engine, clock_ns());
        }
    }
    mark(engine, &engine->counts->begin, 0, clock_ns());
    mark(engine, &engine->counts->end, 0, clock_ns());
    count_left(engine);
    return how;
}

void engine_free(Engine *engine) {
    for (size_t i = 0; i < engine->settings->connections; i++) {
        hang_up(&engine->connections[i]);
        response_free(&engine->connections[i].response);
    }
    poller_free(&engine->poller);
    free(engine->connections);
    free(engine->buffer);
}
