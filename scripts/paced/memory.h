/* Memory that is there or ends the program, and how the program ends. */
#ifndef PACED_MEMORY_H
#define PACED_MEMORY_H
#include <stddef.h>

void *memory_new(size_t size); /* zeroed */
void *memory_grow(void *old, size_t size);

/* Print `paced: ...` and end with status 2: nothing was measured. */
_Noreturn void fail(const char *format, ...) __attribute__((format(printf, 1, 2)));
#endif
