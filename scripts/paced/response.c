/*
 * One HTTP/1.x response, parsed as its bytes come (RFC 9112): any split of them gives the same.
 *
 * Strict where framing depends on it: a response whose length is in doubt is a failure with its
 * kind, never a guess. Lines end in CRLF or LF. Nothing of the body is kept, only counted.
 */
#if defined(__linux__) && !defined(_GNU_SOURCE)
#define _GNU_SOURCE
#endif
#include "response.h"
#include "memory.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { MAX_INTERIM = 32, MAX_CHUNK_LINE = 1024, FIRST_LINE = 256 };

typedef struct {
    const char *text;
    size_t size;
} Text;

void response_begin(Response *response, bool to_head) {
    Response fresh = {.to_head = to_head, .line = response->line, .line_room = response->line_room};
    *response = fresh;
}

void response_free(Response *response) { free(response->line); }

static void failed(Response *response, Failure failure) {
    response->place = AT_FAILURE;
    response->failure = failure;
    response->keep = false;
}

/* ---- words of a header ---- */

static bool blank(char c) { return c == ' ' || c == '\t'; }

static Text trimmed(Text text) {
    while (text.size && blank(text.text[0])) text.text++, text.size--;
    while (text.size && blank(text.text[text.size - 1])) text.size--;
    return text;
}

static bool is(Text text, const char *word) {
    return text.size == strlen(word) && strncasecmp(text.text, word, text.size) == 0;
}

/* Take the next element of a comma-separated list; false at its end. */
static bool element(Text *list, Text *one) {
    if (!list->text) return false;
    const char *comma = memchr(list->text, ',', list->size);
    size_t size = comma ? (size_t)(comma - list->text) : list->size;
    *one = trimmed((Text){list->text, size});
    *list = comma ? (Text){comma + 1, list->size - size - 1} : (Text){NULL, 0};
    return true;
}

static bool digits(Text text, uint64_t *value) {
    *value = 0;
    for (size_t i = 0; i < text.size; i++) {
        if (text.text[i] < '0' || text.text[i] > '9' || *value > INT64_MAX / 10 - 1) return false;
        *value = *value * 10 + (uint64_t)(text.text[i] - '0');
    }
    return text.size > 0;
}

/* Characters of a header's name (RFC 9110, token). */
static bool token(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c && strchr("!#$%&'*+-.^_`|~", c));
}

/* ---- lines ---- */

static void read_length(Response *response, Text value) {
    Text one;
    while (element(&value, &one)) {
        uint64_t length;
        if (!digits(one, &length) || (response->sized && length != response->length)) {
            failed(response, FAIL_LENGTH);
            return;
        }
        response->sized = true;
        response->length = length;
    }
}

static void read_encoding(Response *response, Text value) {
    Text one;
    response->encoded = true;
    while (element(&value, &one)) {
        if (response->chunked) failed(response, FAIL_LENGTH); /* chunked is the last, and once */
        response->chunked = is(one, "chunked");
    }
}

static void read_connection(Response *response, Text value) {
    Text one;
    while (element(&value, &one)) {
        if (is(one, "close")) response->says_close = true;
        if (is(one, "keep-alive")) response->says_keep = true;
    }
}

/* A header, or a trailer: those are checked, and mean nothing. */
static void read_header(Response *response, Text line, bool trailer) {
    size_t name = 0;
    while (name < line.size && token(line.text[name])) name++;
    if (!name || name == line.size || line.text[name] != ':' || memchr(line.text, '\r', line.size) ||
        memchr(line.text, 0, line.size)) {
        failed(response, FAIL_HEADER);
        return;
    }
    char first = (char)(line.text[0] | 0x20);
    if (trailer || (first != 'c' && first != 't')) return;
    Text called = {line.text, name};
    Text value = trimmed((Text){line.text + name + 1, line.size - name - 1});
    if (is(called, "content-length")) read_length(response, value);
    else if (is(called, "transfer-encoding")) read_encoding(response, value);
    else if (is(called, "connection")) read_connection(response, value);
}

static void read_status(Response *response, Text line) {
    uint64_t status;
    bool good = line.size >= 12 && memcmp(line.text, "HTTP/1.", 7) == 0 &&
                (line.text[7] == '0' || line.text[7] == '1') && line.text[8] == ' ' &&
                digits((Text){line.text + 9, 3}, &status) && status >= 100 &&
                (line.size == 12 || line.text[12] == ' ') && !memchr(line.text, '\r', line.size) &&
                !memchr(line.text, 0, line.size);
    if (!good) {
        failed(response, FAIL_STATUS_LINE);
        return;
    }
    response->old = line.text[7] == '0';
    response->status = (int)status;
    response->place = AT_HEADER;
}

static void finish(Response *response) { response->place = AT_DONE; }

/* Where the body ends (RFC 9112, 6.3). */
static void find_body(Response *response, const Limits *limits) {
    int status = response->status;
    response->keep = !response->says_close && (!response->old || response->says_keep);
    if (status == 101) response->keep = false; /* no more HTTP on this connection */
    if (response->to_head || status == 101 || status == 204 || status == 304) {
        finish(response);
    } else if (response->encoded && response->sized) {
        failed(response, FAIL_LENGTH);
    } else if (response->chunked) {
        response->place = AT_CHUNK_SIZE;
    } else if (response->sized) {
        response->left = response->length;
        response->place = AT_BODY;
        if (response->length > limits->body) failed(response, FAIL_BODY_SIZE);
        else if (!response->length) finish(response);
    } else {
        response->keep = false;
        response->place = AT_REST;
    }
}

static void head_ended(Response *response, const Limits *limits) {
    if (response->status >= 200 || response->status == 101) {
        find_body(response, limits);
    } else if (++response->interim > MAX_INTERIM) {
        failed(response, FAIL_HEAD_SIZE);
    } else { /* what an interim response says about framing does not count */
        response->place = AT_STATUS;
        response->chunked = response->encoded = response->sized = false;
        response->says_close = response->says_keep = false;
    }
}

static int hex(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static void read_chunk_size(Response *response, const Limits *limits, Text line) {
    uint64_t size = 0;
    size_t at = 0;
    for (; at < line.size && hex(line.text[at]) >= 0; at++) {
        if (size >> 56) break; /* the next digit might not fit: what follows is no end of a number */
        size = size << 4 | (uint64_t)hex(line.text[at]);
    }
    bool good = at > 0;
    while (at < line.size && blank(line.text[at])) at++;
    if (!good || (at < line.size && line.text[at] != ';')) failed(response, FAIL_CHUNK);
    else if (size > limits->body - response->body) failed(response, FAIL_BODY_SIZE);
    else response->place = size ? AT_CHUNK : AT_TRAILER;
    response->left = size;
}

static void read_line(Response *response, const Limits *limits, Text line) {
    switch (response->place) {
    case AT_STATUS: read_status(response, line); break;
    case AT_HEADER:
        if (line.size) read_header(response, line, false);
        else head_ended(response, limits);
        break;
    case AT_CHUNK_SIZE: read_chunk_size(response, limits, line); break;
    case AT_CHUNK_END:
        if (line.size) failed(response, FAIL_CHUNK);
        else response->place = AT_CHUNK_SIZE;
        break;
    default: /* AT_TRAILER */
        if (line.size) read_header(response, line, true);
        else finish(response);
    }
}

/* ---- bytes ---- */

static void line_keep(Response *response, const char *bytes, size_t size) {
    if (!size) return;
    if (response->line_room - response->line_size < size) {
        size_t room = response->line_room ? response->line_room : FIRST_LINE;
        while (room - response->line_size < size) room *= 2;
        response->line = memory_grow(response->line, room);
        response->line_room = room;
    }
    memcpy(response->line + response->line_size, bytes, size);
    response->line_size += size;
}

/* True when a line of so many bytes is longer than allowed here; it has failed then. */
static bool too_long(Response *response, const Limits *limits, size_t size) {
    bool chunk = response->place == AT_CHUNK_SIZE || response->place == AT_CHUNK_END;
    if (chunk ? size <= MAX_CHUNK_LINE : response->head + size <= limits->head) return false;
    failed(response, chunk ? FAIL_CHUNK : FAIL_HEAD_SIZE);
    return true;
}

static size_t feed_line(Response *response, const Limits *limits, const char *bytes, size_t size) {
    const char *end = memchr(bytes, '\n', size);
    size_t taken = end ? (size_t)(end - bytes) + 1 : size;
    size_t whole = response->line_size + taken;
    if (too_long(response, limits, whole)) return taken;
    if (!end) {
        line_keep(response, bytes, size);
        return size;
    }
    Text line = {bytes, taken};
    if (response->line_size) {
        line_keep(response, bytes, taken);
        line = (Text){response->line, response->line_size};
        response->line_size = 0;
    }
    if (response->place != AT_CHUNK_SIZE && response->place != AT_CHUNK_END) response->head += whole;
    line.size--;
    if (line.size && line.text[line.size - 1] == '\r') line.size--;
    read_line(response, limits, line);
    return taken;
}

static size_t feed_body(Response *response, const Limits *limits, size_t size) {
    if (response->place == AT_REST) {
        response->body += size;
        if (response->body > limits->body) failed(response, FAIL_BODY_SIZE);
        return size;
    }
    size_t taken = size < response->left ? size : (size_t)response->left;
    response->body += taken;
    response->left -= taken;
    if (!response->left) response->place = response->place == AT_CHUNK ? AT_CHUNK_END : AT_DONE;
    return taken;
}

size_t response_feed(Response *response, const Limits *limits, const char *bytes, size_t size) {
    size_t taken = 0;
    while (taken < size && response->place < AT_DONE) {
        Place place = response->place;
        bool body = place == AT_BODY || place == AT_REST || place == AT_CHUNK;
        taken += body ? feed_body(response, limits, size - taken)
                      : feed_line(response, limits, bytes + taken, size - taken);
    }
    response->wire += taken;
    return taken;
}

void response_end(Response *response) {
    if (response->place == AT_REST) finish(response);
    else if (response->place < AT_DONE)
        failed(response, response->wire ? FAIL_CLOSED_EARLY : FAIL_NO_ANSWER);
    response->keep = false;
}
