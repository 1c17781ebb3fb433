/*
 * The ceiling: answers as fast as this machine can, doing as little as HTTP/1.1 allows.
 *
 * Usage: ceiling PORT THREADS [ADDRESS], or ceiling --version. Without an address: 127.0.0.1.
 *
 * POST /json/...  answers the body that was sent, unread. It is JSON if the request was.
 * GET /plaintext, GET /health  answer fixed texts. Everything else is 404.
 *
 * One event loop per thread (epoll on Linux, kqueue elsewhere), keep-alive, pipelining. Of a
 * request it reads the line, Content-Length and Connection. No chunked requests: 501.
 * A rate near that of this server says that the load tool or the machine was the limit.
 */
#ifdef __linux__
#define _GNU_SOURCE
#endif
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>
#if defined(__linux__) && !defined(USE_KQUEUE)
#define USE_EPOLL
#include <sys/epoll.h>
#else
#include <sys/event.h>
#include <sys/time.h>
#endif

enum {
    MAX_EVENTS = 256,
    BACKLOG = 4096,
    FIRST_BUFFER = 16 * 1024,
    MAX_HEAD = 64 * 1024,
    MAX_BODY = 16 * 1024 * 1024,
    MAX_THREADS = 1024,
};

#define CLOSE "Connection: close\r\n"
#define JSON "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: "
#define TEXT(status, length, text) \
    "HTTP/1.1 " status "\r\nContent-Type: text/plain\r\nContent-Length: " length "\r\n\r\n" text

typedef struct {
    char *bytes;
    size_t start, end, room; /* what is in use is bytes[start..end) */
} Buffer;

typedef struct {
    int fd;
    size_t need; /* no use in parsing before so many bytes are here */
    bool closing, writing;
    Buffer in, out;
} Connection;

typedef struct {
    size_t size; /* head and body; 0 = not complete yet */
    size_t head, body;
    bool close;
    int status; /* 0 = a request that can be answered */
} Request;

static void die(const char *what) {
    perror(what);
    exit(1);
}

/* ---- events: a connection, or NULL for the listener ---- */

#ifdef USE_EPOLL
typedef struct epoll_event Event;

static int events_new(void) { return epoll_create1(EPOLL_CLOEXEC); }

static int events_add(int queue, int fd, Connection *connection) {
    Event event = {.events = EPOLLIN, .data.ptr = connection};
    return epoll_ctl(queue, EPOLL_CTL_ADD, fd, &event);
}

static void events_want(int queue, Connection *connection, bool write) {
    Event event = {.events = write ? EPOLLOUT : EPOLLIN, .data.ptr = connection};
    epoll_ctl(queue, EPOLL_CTL_MOD, connection->fd, &event);
}

static int events_wait(int queue, Event *events) {
    return epoll_wait(queue, events, MAX_EVENTS, -1);
}

static Connection *event_connection(const Event *event) { return event->data.ptr; }
#else
typedef struct kevent Event;

static int events_new(void) { return kqueue(); }

static int events_add(int queue, int fd, Connection *connection) {
    Event event;
    EV_SET(&event, fd, EVFILT_READ, EV_ADD, 0, 0, connection);
    return kevent(queue, &event, 1, NULL, 0, NULL);
}

static void events_want(int queue, Connection *connection, bool write) {
    Event changes[2];
    EV_SET(&changes[0], connection->fd, write ? EVFILT_READ : EVFILT_WRITE, EV_DELETE, 0, 0, NULL);
    EV_SET(&changes[1], connection->fd, write ? EVFILT_WRITE : EVFILT_READ, EV_ADD, 0, 0, connection);
    kevent(queue, changes, 2, NULL, 0, NULL);
}

static int events_wait(int queue, Event *events) {
    return kevent(queue, NULL, 0, events, MAX_EVENTS, NULL);
}

static Connection *event_connection(const Event *event) { return event->udata; }
#endif

/* ---- buffers ---- */

static void buffer_reserve(Buffer *buffer, size_t more) {
    size_t used = buffer->end - buffer->start;
    if (buffer->room - buffer->end >= more) return;
    if (buffer->start > 0) memmove(buffer->bytes, buffer->bytes + buffer->start, used);
    buffer->start = 0;
    buffer->end = used;
    if (buffer->room - used >= more) return;
    size_t room = buffer->room ? buffer->room : FIRST_BUFFER;
    while (room - used < more) room *= 2;
    char *bytes = realloc(buffer->bytes, room);
    if (!bytes) die("realloc");
    buffer->bytes = bytes;
    buffer->room = room;
}

static void buffer_append(Buffer *buffer, const void *bytes, size_t count) {
    buffer_reserve(buffer, count);
    memcpy(buffer->bytes + buffer->end, bytes, count);
    buffer->end += count;
}

static void buffer_consume(Buffer *buffer, size_t count) {
    buffer->start += count;
    if (buffer->start == buffer->end) buffer->start = buffer->end = 0;
}

/* ---- HTTP ---- */

static bool starts(const char *text, size_t size, const char *with) {
    size_t length = strlen(with);
    return size >= length && memcmp(text, with, length) == 0;
}

static bool named(const char *line, size_t size, const char *name) {
    size_t length = strlen(name);
    return size > length && line[length] == ':' && strncasecmp(line, name, length) == 0;
}

/* Digits and blanks only; -1 for anything else or too large a number. */
static int64_t number(const char *text, size_t size) {
    int64_t value = -1;
    for (size_t i = 0; i < size; i++) {
        if (text[i] == ' ' || text[i] == '\t') continue;
        if (text[i] < '0' || text[i] > '9') return -1;
        value = (value < 0 ? 0 : value) * 10 + (text[i] - '0');
        if (value > MAX_BODY) return -1;
    }
    return value;
}

static void read_header(Request *request, const char *line, size_t size) {
    if (named(line, size, "content-length")) {
        int64_t length = number(line + 15, size - 15);
        if (length < 0) request->status = 400;
        else request->body = (size_t)length;
    } else if (named(line, size, "connection")) {
        request->close = memmem(line, size, "close", 5) != NULL;
    } else if (named(line, size, "transfer-encoding")) {
        request->status = 501;
    }
}

static Request parse(const char *bytes, size_t size) {
    Request request = {0};
    const char *end = memmem(bytes, size, "\r\n\r\n", 4);
    if (!end) {
        if (size > MAX_HEAD) request = (Request){.size = size, .status = 400};
        return request;
    }
    request.head = (size_t)(end - bytes) + 4;
    const char *line = memchr(bytes, '\n', request.head);
    while (++line < end) {
        const char *stop = memchr(line, '\r', (size_t)(end + 1 - line));
        /* Only these names matter, and they begin with C and T. */
        if ((*line | 0x20) == 'c' || (*line | 0x20) == 't')
            read_header(&request, line, (size_t)(stop - line));
        line = stop + 1;
    }
    request.size = request.head + (request.status ? 0 : request.body);
    return request;
}

/* Status line and what follows; in between that the connection ends, where it does. */
static void answer_with(Buffer *out, const char *text, size_t size, bool last) {
    if (last) {
        size_t line = (size_t)((const char *)memchr(text, '\n', size) - text) + 1;
        buffer_append(out, text, line);
        buffer_append(out, CLOSE, sizeof CLOSE - 1);
        text += line;
        size -= line;
    }
    buffer_append(out, text, size);
}

static void answer_text(Buffer *out, const char *text, bool last) {
    answer_with(out, text, strlen(text), last);
}

static void answer_json(Buffer *out, const char *body, size_t size, bool last) {
    char digits[24];
    size_t count = sizeof digits;
    memcpy(digits + (count -= 4), "\r\n\r\n", 4);
    size_t rest = size;
    do digits[--count] = (char)('0' + rest % 10);
    while (rest /= 10);
    answer_with(out, JSON, sizeof JSON - 1, last);
    buffer_append(out, digits + count, sizeof digits - count);
    buffer_append(out, body, size);
}

static void answer(Connection *connection, const char *bytes, const Request *request) {
    Buffer *out = &connection->out;
    bool last = request->status || request->close;
    if (request->status == 400) answer_text(out, TEXT("400 Bad Request", "11", "Bad Request"), last);
    else if (request->status)
        answer_text(out, TEXT("501 Not Implemented", "15", "Not Implemented"), last);
    else if (starts(bytes, request->head, "POST /json/"))
        answer_json(out, bytes + request->head, request->body, last);
    else if (starts(bytes, request->head, "GET /plaintext "))
        answer_text(out, TEXT("200 OK", "13", "Hello, World!"), last);
    else if (starts(bytes, request->head, "GET /health "))
        answer_text(out, TEXT("200 OK", "2", "ok"), last);
    else answer_text(out, TEXT("404 Not Found", "9", "Not Found"), last);
    if (last) connection->closing = true;
}

static void answer_all(Connection *connection) {
    Buffer *in = &connection->in;
    while (!connection->closing && in->end - in->start >= connection->need && in->end > in->start) {
        const char *bytes = in->bytes + in->start;
        Request request = parse(bytes, in->end - in->start);
        connection->need = request.size ? request.size : in->end - in->start + 1;
        if (!request.size || in->end - in->start < request.size) return;
        answer(connection, bytes, &request);
        buffer_consume(in, request.size);
        connection->need = 0;
    }
}

/* ---- connections ---- */

static void connection_close(Connection *connection) {
    close(connection->fd);
    free(connection->in.bytes);
    free(connection->out.bytes);
    free(connection);
}

/* False when the connection is of no more use. */
static bool connection_write(int queue, Connection *connection) {
    Buffer *out = &connection->out;
    while (out->end > out->start) {
        ssize_t count = write(connection->fd, out->bytes + out->start, out->end - out->start);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0 && errno != EAGAIN) return false;
        if (count < 0) break;
        buffer_consume(out, (size_t)count);
    }
    bool unsent = out->end > out->start;
    /* While an answer waits to be sent nothing more is read: a slow reader costs no memory. */
    if (unsent != connection->writing) events_want(queue, connection, unsent);
    connection->writing = unsent;
    return unsent || !connection->closing;
}

static bool connection_read(int queue, Connection *connection) {
    Buffer *in = &connection->in;
    size_t used = in->end - in->start;
    size_t more = connection->need > used ? connection->need - used : 1;
    buffer_reserve(in, more < FIRST_BUFFER ? FIRST_BUFFER / 4 : more);
    ssize_t count = read(connection->fd, in->bytes + in->end, in->room - in->end);
    if (count < 0) return errno == EAGAIN || errno == EINTR;
    if (count == 0) return false;
    in->end += (size_t)count;
    answer_all(connection);
    return connection_write(queue, connection);
}

static void accept_all(int queue, int listener) {
    for (;;) {
        int fd = accept(listener, NULL, NULL);
        if (fd < 0) return;
        int on = 1;
        fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        Connection *connection = calloc(1, sizeof *connection);
        if (!connection) die("calloc");
        connection->fd = fd;
        if (events_add(queue, fd, connection) < 0) connection_close(connection);
    }
}

static void *serve(void *argument) {
    int listener = (int)(intptr_t)argument;
    int queue = events_new();
    Event events[MAX_EVENTS];
    if (queue < 0 || events_add(queue, listener, NULL) < 0) die("events");
    for (;;) {
        int count = events_wait(queue, events);
        for (int i = 0; i < count; i++) {
            Connection *connection = event_connection(&events[i]);
            if (!connection) accept_all(queue, listener);
            else if (!(connection->writing ? connection_write(queue, connection)
                                           : connection_read(queue, connection)))
                connection_close(connection);
        }
    }
    return NULL;
}

static int listen_on(struct in_addr host, uint16_t port, bool shared) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    address.sin_addr = host;
    int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;
    if (fd < 0) die("socket");
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (shared) setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
    if (bind(fd, (struct sockaddr *)&address, sizeof address) < 0) die("bind");
    if (listen(fd, BACKLOG) < 0) die("listen");
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
    return fd;
}

static void serve_on(struct in_addr host, uint16_t port, int threads) {
    int listener = -1;
    for (int i = 0; i < threads; i++) {
        pthread_t thread;
#ifdef __linux__
        /* Linux spreads connections over listeners that share a port; others do not. */
        listener = listen_on(host, port, threads > 1);
#else
        if (listener < 0) listener = listen_on(host, port, false);
#endif
        if (i == threads - 1) serve((void *)(intptr_t)listener);
        if (pthread_create(&thread, NULL, serve, (void *)(intptr_t)listener)) die("thread");
    }
}

static long argument_in(const char *text, long high) {
    char *end;
    long value = strtol(text, &end, 10);
    return *text && !*end && value >= 1 && value <= high ? value : 0;
}

int main(int argc, char **argv) {
    if (argc == 2 && strcmp(argv[1], "--version") == 0) return puts("1") < 0;
    bool right = argc == 3 || argc == 4;
    long port = right ? argument_in(argv[1], 65535) : 0;
    long threads = right ? argument_in(argv[2], MAX_THREADS) : 0;
    struct in_addr host = {.s_addr = htonl(INADDR_LOOPBACK)};
    if (!port || !threads || (argc == 4 && inet_pton(AF_INET, argv[3], &host) != 1)) {
        fputs("usage: ceiling PORT THREADS [ADDRESS] | ceiling --version\n", stderr);
        return 2;
    }
    signal(SIGPIPE, SIG_IGN);
    serve_on(host, (uint16_t)port, (int)threads);
    return 0;
}
