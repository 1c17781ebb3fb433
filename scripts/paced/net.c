/* Sockets: TCP without Nagle's algorithm, never blocking. */
#if defined(__linux__) && !defined(_GNU_SOURCE)
#define _GNU_SOURCE
#endif
#include "platform.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <unistd.h>

#ifndef MSG_NOSIGNAL
#define MSG_NOSIGNAL 0 /* macOS: main.c ignores SIGPIPE */
#endif

bool net_address(Address *address, const char *text, uint16_t port) {
    struct sockaddr_in four = {.sin_family = AF_INET, .sin_port = htons(port)};
    struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    *address = (Address){.size = 0};
    if (inet_pton(AF_INET, text, &four.sin_addr) == 1) {
        memcpy(&address->bytes, &four, sizeof four);
        address->size = sizeof four;
    } else if (inet_pton(AF_INET6, text, &six.sin6_addr) == 1) {
        memcpy(&address->bytes, &six, sizeof six);
        address->size = sizeof six;
    }
    return address->size > 0;
}

int net_open(const Address *address) {
    int on = 1;
    int fd = socket(address->bytes.ss_family, SOCK_STREAM, 0);
    if (fd < 0) return -errno;
    fcntl(fd, F_SETFD, FD_CLOEXEC);
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (connect(fd, (const struct sockaddr *)&address->bytes, address->size) == 0) return fd;
    if (errno == EINPROGRESS || errno == EINTR) return fd;
    int failure = errno;
    close(fd);
    return -failure;
}

int net_opened(int fd) {
    int failure = 0;
    socklen_t size = sizeof failure;
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &failure, &size) < 0) failure = errno;
    if (failure) return -failure;
    struct sockaddr_storage peer;
    size = sizeof peer;
    /* An event of the descriptor's former owner may have led here: then there is no peer yet. */
    return getpeername(fd, (struct sockaddr *)&peer, &size) == 0 ? 0 : -EINPROGRESS;
}

ssize_t net_send(int fd, const void *bytes, size_t size) {
    ssize_t count = send(fd, bytes, size, MSG_NOSIGNAL);
    return count < 0 ? -errno : count;
}

ssize_t net_receive(int fd, void *bytes, size_t room) {
    ssize_t count = recv(fd, bytes, room, 0);
    return count < 0 ? -errno : count;
}

void net_close(int fd) { close(fd); }
