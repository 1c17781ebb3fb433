/* One response, parsed as its bytes come; see response.c. */
#ifndef PACED_RESPONSE_H
#define PACED_RESPONSE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Why a request got no complete response. The order is that of the names in report.c. */
typedef enum {
    FAIL_NONE,
    FAIL_CONNECT,      /* no connection */
    FAIL_RESET,        /* the connection broke while sending or receiving */
    FAIL_NO_ANSWER,    /* closed before the first byte of the response */
    FAIL_CLOSED_EARLY, /* closed in the middle of the response */
    FAIL_TIMEOUT,
    FAIL_STATUS_LINE,
    FAIL_HEADER,
    FAIL_LENGTH, /* Content-Length that is no number, or contradictory framing */
    FAIL_CHUNK,
    FAIL_HEAD_SIZE,
    FAIL_BODY_SIZE,
    FAILURES
} Failure;

typedef struct {
    uint64_t head; /* bytes of status lines, headers and trailers together */
    uint64_t body;
} Limits;

typedef enum {
    AT_STATUS,
    AT_HEADER,
    AT_BODY,       /* `left` bytes of it are missing */
    AT_REST,       /* the body ends with the connection */
    AT_CHUNK_SIZE,
    AT_CHUNK,      /* `left` bytes of it are missing */
    AT_CHUNK_END,
    AT_TRAILER,
    AT_DONE,
    AT_FAILURE
} Place;

typedef struct {
    Place place;
    Failure failure;
    bool to_head;    /* the request was HEAD */
    bool keep;       /* the connection can be used again */
    bool old;        /* HTTP/1.0 */
    bool chunked, encoded, sized; /* Transfer-Encoding ends in chunked; is there; Content-Length */
    bool says_close, says_keep;
    int status;
    uint32_t interim;
    uint64_t left, length;
    uint64_t head, body, wire; /* bytes so far: of heads, of the decoded body, of all */
    uint64_t begun; /* when the first byte of a body came that came in pieces; 0 = at once */
    char *line; /* what came of a line before its end did */
    size_t line_size, line_room;
} Response;

void response_begin(Response *response, bool to_head);
void response_free(Response *response);

/* Take bytes up to the end of the response; returns how many. Look at `place` afterwards. */
size_t response_feed(Response *response, const Limits *limits, const char *bytes, size_t size);

/* The connection was closed by the server: the response is done, or has failed. */
void response_end(Response *response);
#endif
