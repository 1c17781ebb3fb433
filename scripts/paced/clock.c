/*
 * The clock and waiting for it: epoll with a timerfd on Linux, kqueue on macOS.
 *
 * epoll's own timeouts are late by the timer slack of 50 us (or whole milliseconds); a timerfd is
 * not. macOS delays a sleep by up to a sixth of its length, so a long one is slept in slices, each
 * of which ends well before the moment; kqueue's timer is marked critical, or it would be
 * gathered with others.
 */
#if defined(__linux__) && !defined(_GNU_SOURCE)
#define _GNU_SOURCE
#endif
#include "platform.h"
#include "memory.h"

#include <errno.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

static uint64_t ns(struct timeval time) {
    return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_usec * 1000;
}

void clock_cpu(uint64_t *user, uint64_t *system) {
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    *user = ns(usage.ru_utime);
    *system = ns(usage.ru_stime);
}

#ifdef __linux__
#include <sys/epoll.h>
#include <sys/timerfd.h>

uint64_t clock_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

void poller_init(Poller *poller) {
    poller->queue = epoll_create1(EPOLL_CLOEXEC);
    poller->timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    poller->armed = 0;
    /* Edge-triggered: setting it again is all it takes, it is never read. */
    struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data.ptr = NULL};
    if (poller->queue < 0 || poller->timer < 0 ||
        epoll_ctl(poller->queue, EPOLL_CTL_ADD, poller->timer, &event) < 0)
        fail("epoll and timerfd: %s", strerror(errno));
}

void poller_free(Poller *poller) {
    close(poller->timer);
    close(poller->queue);
}

bool poller_add(Poller *poller, int fd, void *data, bool write) {
    struct epoll_event event = {.events = EPOLLIN | (write ? EPOLLOUT : 0u), .data.ptr = data};
    return epoll_ctl(poller->queue, EPOLL_CTL_ADD, fd, &event) == 0;
}

void poller_want(Poller *poller, int fd, void *data, bool write) {
    struct epoll_event event = {.events = EPOLLIN | (write ? EPOLLOUT : 0u), .data.ptr = data};
    epoll_ctl(poller->queue, EPOLL_CTL_MOD, fd, &event);
}

static void arm(Poller *poller, uint64_t until) {
    if (poller->armed == until) return;
    struct itimerspec when = {.it_value = {.tv_sec = (time_t)(until / 1000000000),
                                           .tv_nsec = (long)(until % 1000000000)}};
    timerfd_settime(poller->timer, TFD_TIMER_ABSTIME, &when, NULL);
    poller->armed = until;
}

size_t poller_wait(Poller *poller, uint64_t until, void **ready) {
    struct epoll_event events[READY_ROOM];
    size_t count = 0;
    if (until) arm(poller, until);
    int found = epoll_wait(poller->queue, events, READY_ROOM, until ? -1 : 0);
    for (int i = 0; i < found; i++) {
        if (events[i].data.ptr) ready[count++] = events[i].data.ptr;
        else poller->armed = 0; /* it rang: the same moment must be set again */
    }
    return count;
}
#else
#include <mach/mach_time.h>
#include <sys/event.h>

enum { SLICED_NS = 100000 };

uint64_t clock_ns(void) { return clock_gettime_nsec_np(CLOCK_UPTIME_RAW); }

void poller_init(Poller *poller) {
    *poller = (Poller){.queue = kqueue(), .timer = -1};
    if (poller->queue < 0) fail("kqueue: %s", strerror(errno));
}

void poller_free(Poller *poller) { close(poller->queue); }

bool poller_add(Poller *poller, int fd, void *data, bool write) {
    struct kevent changes[2];
    EV_SET(&changes[0], fd, EVFILT_READ, EV_ADD, 0, 0, data);
    EV_SET(&changes[1], fd, EVFILT_WRITE, EV_ADD, 0, 0, data);
    return kevent(poller->queue, changes, write ? 2 : 1, NULL, 0, NULL) == 0;
}

void poller_want(Poller *poller, int fd, void *data, bool write) {
    struct kevent change;
    EV_SET(&change, fd, EVFILT_WRITE, write ? EV_ADD : EV_DELETE, 0, 0, data);
    kevent(poller->queue, &change, 1, NULL, 0, NULL);
}

/* mach_absolute_time in nanoseconds is CLOCK_UPTIME_RAW; timers want its ticks. */
static int64_t ticks(uint64_t nanoseconds) {
    static mach_timebase_info_data_t base;
    if (!base.denom) mach_timebase_info(&base);
    return (int64_t)((__uint128_t)nanoseconds * base.denom / base.numer);
}

static struct kevent slice(uint64_t until) {
    struct kevent timer;
    uint64_t now = clock_ns();
    uint64_t left = until > now ? until - now : 0;
    if (left > SLICED_NS) until -= left / 6;
    EV_SET(&timer, 1, EVFILT_TIMER, EV_ADD | EV_ONESHOT,
           NOTE_ABSOLUTE | NOTE_MACHTIME | NOTE_CRITICAL, ticks(until), NULL);
    return timer;
}

size_t poller_wait(Poller *poller, uint64_t until, void **ready) {
    struct kevent events[READY_ROOM];
    struct timespec none = {0, 0};
    struct kevent timer;
    size_t count = 0;
    if (until) timer = slice(until);
    int found = kevent(poller->queue, until ? &timer : NULL, until ? 1 : 0, events, READY_ROOM,
                       until ? NULL : &none);
    for (int i = 0; i < found; i++)
        if (events[i].filter != EVFILT_TIMER) ready[count++] = events[i].udata;
    return count;
}
#endif
