/*
 * Reads the file of requests. README.md has its format:
 *
 *   paced-pool 1 <requests> <slots>
 *   <kind> <head|-> <status|-> <least|-> <most|-> <length>    then <length> bytes and a line break,
 *                                                              once per request
 *   <slot> <slot> ...                                          indices into the requests
 */
#include "pool.h"
#include "memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_FILE = 1 << 28, MAX_KINDS = 256, MAX_REQUESTS = 1 << 20, MAX_SLOTS = 1 << 24 };

typedef struct {
    const char *path;
    const char *text;
    size_t at, size;
} Reader;

static _Noreturn void wrong(const Reader *reader, const char *what) {
    fail("%s: byte %zu: %s", reader->path, reader->at, what);
}

/* The next word, up to a blank or a line break, which is taken as well. */
static void word(Reader *reader, char *into, size_t room) {
    size_t length = 0;
    while (reader->at < reader->size && reader->text[reader->at] != ' ' &&
           reader->text[reader->at] != '\n' && length + 1 < room)
        into[length++] = reader->text[reader->at++];
    into[length] = 0;
    bool ended = reader->at < reader->size &&
                 (reader->text[reader->at] == ' ' || reader->text[reader->at] == '\n');
    if (!ended || !length) wrong(reader, "a word is expected");
    reader->at++;
}

static uint64_t number(Reader *reader, uint64_t most, bool optional, uint64_t otherwise) {
    char text[24];
    word(reader, text, sizeof text);
    if (optional && strcmp(text, "-") == 0) return otherwise;
    if (strspn(text, "0123456789") != strlen(text)) wrong(reader, "a number is expected before");
    uint64_t value = strtoull(text, NULL, 10);
    if (value > most) wrong(reader, "too large a number before");
    return value;
}

static Request request(Reader *reader) {
    char flag[8];
    Request one = {.kind = (uint32_t)number(reader, MAX_KINDS - 1, false, 0)};
    word(reader, flag, sizeof flag);
    one.head = strcmp(flag, "head") == 0;
    if (!one.head && strcmp(flag, "-") != 0) wrong(reader, "'head' or '-' is expected before");
    one.status = (int)number(reader, 999, true, 0);
    one.least = number(reader, INT64_MAX, true, 0);
    one.most = number(reader, INT64_MAX, true, UINT64_MAX);
    one.size = (size_t)number(reader, MAX_FILE, false, 0);
    if (!one.size || one.size >= reader->size - reader->at) wrong(reader, "a request is cut short");
    one.bytes = reader->text + reader->at;
    reader->at += one.size;
    if (reader->text[reader->at++] != '\n') wrong(reader, "a line break is expected before");
    return one;
}

static void parse(Pool *pool, Reader *reader) {
    char name[16];
    word(reader, name, sizeof name);
    if (strcmp(name, "paced-pool") != 0 || number(reader, UINT32_MAX, false, 0) != 1)
        wrong(reader, "this is no file of requests ('paced-pool 1' is expected)");
    pool->request_count = (size_t)number(reader, MAX_REQUESTS, false, 0);
    pool->slot_count = (size_t)number(reader, MAX_SLOTS, false, 0);
    if (!pool->request_count || !pool->slot_count) wrong(reader, "there is no request");
    pool->requests = memory_new(pool->request_count * sizeof *pool->requests);
    pool->slots = memory_new(pool->slot_count * sizeof *pool->slots);
    for (size_t i = 0; i < pool->request_count; i++) {
        pool->requests[i] = request(reader);
        if (pool->requests[i].kind >= pool->kind_count)
            pool->kind_count = pool->requests[i].kind + 1;
    }
    for (size_t i = 0; i < pool->slot_count; i++)
        pool->slots[i] = (uint32_t)number(reader, pool->request_count - 1, false, 0);
    if (reader->at != reader->size) wrong(reader, "nothing more is expected");
}

void pool_read(Pool *pool, const char *path) {
    FILE *file = fopen(path, "rb");
    Reader reader = {.path = path};
    *pool = (Pool){0};
    if (!file) fail("%s cannot be opened", path);
    pool->text = memory_new(1 << 16);
    for (size_t room = 1 << 16, count = 1; count > 0; reader.size += count) {
        if (reader.size == room) pool->text = memory_grow(pool->text, room *= 2);
        count = fread(pool->text + reader.size, 1, room - reader.size, file);
        if (reader.size + count > MAX_FILE) fail("%s is larger than %d bytes", path, MAX_FILE);
    }
    if (ferror(file)) fail("%s cannot be read", path);
    fclose(file);
    reader.text = pool->text;
    parse(pool, &reader);
}

void pool_free(Pool *pool) {
    free(pool->text);
    free(pool->requests);
    free(pool->slots);
}
