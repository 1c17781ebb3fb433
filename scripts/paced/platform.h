/*
 * All that differs between systems, or that is not a pure function: the clock, waiting, sockets.
 *
 * clock.c (epoll on Linux, kqueue elsewhere) and net.c (POSIX sockets) implement it; the fuzzer
 * has a world of its own behind it, with a clock that it moves itself.
 */
#ifndef PACED_PLATFORM_H
#define PACED_PLATFORM_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

enum { READY_ROOM = 128 };

typedef struct {
    int queue;
    int timer; /* Linux: a timerfd */
    uint64_t armed; /* what the timer is set to */
} Poller;

typedef struct {
    struct sockaddr_storage bytes;
    socklen_t size;
} Address;

/* Nanoseconds of the monotonic clock: Python's time.monotonic_ns(). */
uint64_t clock_ns(void);

/* CPU time of this process so far, user and system, in nanoseconds. */
void clock_cpu(uint64_t *user, uint64_t *system);

void poller_init(Poller *poller);
void poller_free(Poller *poller);
/* Report `data` when `fd` can be read, or also when it can be written. */
bool poller_add(Poller *poller, int fd, void *data, bool write);
void poller_want(Poller *poller, int fd, void *data, bool write);
/*
 * Wait for sockets until `until`, 0 = do not wait; returns how many are ready. It may return
 * early with none. `ready` takes READY_ROOM.
 */
size_t poller_wait(Poller *poller, uint64_t until, void **ready);

/* False when the text is no numeric address. */
bool net_address(Address *address, const char *text, uint16_t port);
/* These return -errno where they fail; nothing blocks. */
int net_open(const Address *address); /* connecting begins; a descriptor */
int net_opened(int fd);               /* 0 = connected, -EINPROGRESS = not yet */
ssize_t net_send(int fd, const void *bytes, size_t size);
ssize_t net_receive(int fd, void *bytes, size_t room);
void net_close(int fd);
#endif
