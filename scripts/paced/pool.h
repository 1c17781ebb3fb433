/* The requests to send; see pool.c. */
#ifndef PACED_POOL_H
#define PACED_POOL_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
    const char *bytes;
    size_t size;
    uint32_t kind;
    bool head;            /* its answer has no body, whatever its headers say */
    int status;           /* expected; 0 = any of 200 to 399 */
    uint64_t least, most; /* expected length of the body, inclusive */
} Request;

typedef struct {
    char *text;
    Request *requests;
    uint32_t *slots; /* indices of requests; request i of the schedule is slots[i % slot_count] */
    size_t request_count, slot_count, kind_count;
} Pool;

void pool_read(Pool *pool, const char *path);
void pool_free(Pool *pool);

static inline const Request *pool_request(const Pool *pool, uint64_t index) {
    return &pool->requests[pool->slots[index % pool->slot_count]];
}
#endif
