/*
 * The engine in a made-up world: hostile answers, broken connections, a clock that jumps.
 *
 * Usage: fuzz RESPONSES [SEED]. It implements platform.h itself, so that the whole of paced but
 * main.c, net.c and clock.c runs unchanged, thousands of requests per run, in virtual time. Built
 * with the address and undefined-behavior sanitizers by scripts/fuzz-paced. After each run the sums of
 * counts.c must hold. A failure is repeated by its seed, which is printed.
 */
#include "../engine.h"
#include "../memory.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SOCKETS = 64, ROOM = 4096, BATCH = 2000 };

typedef struct {
    bool used, write, closed;
    void *data;
    char bytes[ROOM];
    size_t size, at;
} Socket;

static Socket sockets[SOCKETS];
static uint64_t now, state, responses;

static uint64_t below(uint64_t limit) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state % limit;
}

static const char *const ANSWERS[] = {
    "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n3;a=b\r\nabc\r\n0\r\nX: y\r\n\r\n",
    "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\nHTTP/1.1 201 C\r\nContent-Length: 0\r\n\r\n",
    "HTTP/1.1 204 No Content\r\n\r\n",
    "HTTP/1.1 304 Not Modified\r\nContent-Length: 10\r\n\r\n",
    "HTTP/1.0 200 OK\r\n\r\nuntil the end",
    "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok",
    "HTTP/1.1 500 Oops\r\nConnection: close\r\nContent-Length: 2\r\n\r\nno",
    "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\nx",
    "HTTP/1.1 200 OK\r\nContent-Length: 5, 5\r\nX-Long: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n\r\nhello",
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\nrest",
};

/* An answer with up to three changes: bytes replaced, cut out, doubled, or another one behind it. */
static void answer(Socket *socket) {
    const char *text = ANSWERS[below(sizeof ANSWERS / sizeof *ANSWERS)];
    responses++;
    socket->at = 0;
    socket->size = strlen(text);
    memcpy(socket->bytes, text, socket->size);
    for (uint64_t changes = below(4); changes && socket->size > 4; changes--) {
        size_t at = (size_t)below(socket->size), size = (size_t)below(socket->size - at) + 1;
        switch (below(5)) {
        case 0: socket->bytes[at] = (char)below(256); break;
        case 1: socket->bytes[at] = "\r\n:,; 0f\t"[below(9)]; break;
        case 2:
            memmove(socket->bytes + at, socket->bytes + at + size, socket->size - at - size);
            socket->size -= size;
            break;
        case 3:
            if (socket->size + size > ROOM) break;
            memmove(socket->bytes + at + size, socket->bytes + at, socket->size - at);
            socket->size += size;
            break;
        default: socket->closed = below(2);
        }
    }
    if (below(64) == 0) memset(socket->bytes, (int)below(256), socket->size = ROOM);
}

/* ---- platform.h ---- */

uint64_t clock_ns(void) { return now += 50; }

void clock_cpu(uint64_t *user, uint64_t *system) { *user = *system = now; }

void poller_init(Poller *poller) { *poller = (Poller){0}; }

void poller_free(Poller *poller) { (void)poller; }

bool poller_add(Poller *poller, int fd, void *data, bool write) {
    (void)poller;
    sockets[fd].data = data;
    sockets[fd].write = write;
    return below(500) > 0;
}

void poller_want(Poller *poller, int fd, void *data, bool write) { poller_add(poller, fd, data, write); }

size_t poller_wait(Poller *poller, uint64_t until, void **ready) {
    size_t count = 0;
    (void)poller;
    now += below(200) ? 1000 : 30000000; /* sometimes everything stands still for 30 ms */
    for (int i = 0; i < SOCKETS; i++) {
        Socket *socket = &sockets[i];
        bool speaks = below(300) == 0; /* about nothing at all: idle, or between two parts */
        if (socket->used && socket->data &&
            (socket->write || socket->at < socket->size || socket->closed || speaks))
            ready[count++] = socket->data;
    }
    if (!count && until > now) now = until;
    return count;
}

int net_open(const Address *address) {
    (void)address;
    if (below(50) == 0) return -ECONNREFUSED;
    for (int i = 0; i < SOCKETS; i++)
        if (!sockets[i].used) {
            sockets[i] = (Socket){.used = true};
            return i;
        }
    return -EMFILE;
}

int net_opened(int fd) {
    (void)fd;
    uint64_t luck = below(100);
    return luck == 0 ? -ECONNREFUSED : luck < 10 ? -EINPROGRESS : 0;
}

ssize_t net_send(int fd, const void *bytes, size_t size) {
    (void)bytes;
    uint64_t luck = below(100);
    if (luck == 0) return -EPIPE;
    if (luck < 5) return -EAGAIN;
    if (luck < 10) return (ssize_t)below(size) + 1;
    if (below(500)) answer(&sockets[fd]);
    return (ssize_t)size;
}

ssize_t net_receive(int fd, void *bytes, size_t room) {
    Socket *socket = &sockets[fd];
    size_t left = socket->size - socket->at;
    if (!left) return socket->closed || below(20) == 0 ? 0 : below(20) ? -EAGAIN : -ECONNRESET;
    size_t size = below(2) ? left : (size_t)below(left) + 1;
    if (size > room) size = room;
    memcpy(bytes, socket->bytes + socket->at, size);
    socket->at += size;
    return (ssize_t)size;
}

void net_close(int fd) { sockets[fd].used = false; }

/* ---- runs ---- */

static void must(bool holds, const char *what, uint64_t seed) {
    if (holds) return;
    fprintf(stderr, "fuzz: seed %" PRIu64 ": %s does not hold\n", seed, what);
    abort();
}

static void check(const Counts *counts, uint64_t seed) {
    uint64_t failed = 0, wrong = 0;
    for (size_t i = 0; i < counts->kind_count; i++) {
        wrong += counts->kinds[i].wrong_status + counts->kinds[i].wrong_length;
        for (int j = 0; j < FAILURES; j++) failed += counts->kinds[i].failures[j];
    }
    must(counts->due == counts->sent + counts->left_queued, "due = sent + left", seed);
    must(counts->sent == counts->completed + failed + counts->left_in_flight,
         "sent = completed + failed + left", seed);
    must(counts->completed == counts->ok + wrong, "completed = ok + wrong", seed);
    must(counts->response.count == counts->ok, "response times = ok", seed);
    must(counts->late_free.count + counts->late_queued.count == counts->sent, "lateness = sent", seed);
    must(counts->kinds[0].failures[FAIL_NONE] == 0, "every failure has a kind", seed);
}

static void run(uint64_t seed, Counts *counts) {
    static const volatile sig_atomic_t stop = 0;
    Request requests[] = {{.bytes = "GET / HTTP/1.1\r\n\r\n", .size = 18, .most = UINT64_MAX},
                          {.bytes = "HEAD / HTTP/1.1\r\n\r\n", .size = 19, .kind = 1, .head = true, .most = 9}};
    uint32_t slots[] = {0, 0, 1};
    Pool pool = {.requests = requests, .slots = slots, .request_count = 2, .slot_count = 3, .kind_count = 2};
    state = seed * 2 + 1;
    memset(sockets, 0, sizeof sockets);
    Plan plan = {.rate = 1e5, .poisson = below(2), .seed = seed, .shares = 1, .start = now + 100000};
    plan.end = plan.start + BATCH * 10000;
    uint64_t window = plan.start + 1000000;
    Settings settings = {.connections = (size_t)below(SOCKETS - 1) + 1, .timeout = 5000000,
                         .spin = below(2) * 20000, .drained = plan.end + below(2) * 100000000,
                         .keep_alive = below(4) > 0, .limits = {1024, 4096}, .stop = &stop};
    counts_init(counts, 2, window, settings.drained - window, 10000);
    Engine engine;
    engine_init(&engine, &settings, &pool, &plan, counts);
    engine_run(&engine);
    engine_free(&engine);
    for (int i = 0; i < SOCKETS; i++) must(!sockets[i].used, "every connection is closed", seed);
    check(counts, seed);
}

int main(int argc, char **argv) {
    uint64_t wanted = argc > 1 ? strtoull(argv[1], NULL, 10) : 0;
    uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
    uint64_t ok = 0, completed = 0, failed[FAILURES] = {0};
    if (!wanted) fail("usage: fuzz RESPONSES [SEED]");
    for (now = 1; responses < wanted; seed++) {
        Counts counts;
        run(seed, &counts);
        ok += counts.ok;
        completed += counts.completed;
        for (int i = 0; i < FAILURES; i++)
            failed[i] += counts.kinds[0].failures[i] + counts.kinds[1].failures[i];
        counts_free(&counts);
    }
    printf("responses %" PRIu64 " completed %" PRIu64 " ok %" PRIu64 " failures", responses, completed, ok);
    for (int i = 1; i < FAILURES; i++) printf(" %" PRIu64, failed[i]);
    return puts("") < 0;
}
