/* Memory that is there or ends the program, and how the program ends. */
#include "memory.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void *memory_new(size_t size) {
    void *bytes = calloc(1, size ? size : 1);
    if (!bytes) fail("no memory for %zu bytes", size);
    return bytes;
}

void *memory_grow(void *old, size_t size) {
    void *bytes = realloc(old, size);
    if (!bytes) fail("no memory for %zu bytes", size);
    return bytes;
}

void fail(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    fputs("paced: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    exit(2);
}
