/* The command line; see options.c. */
#ifndef PACED_OPTIONS_H
#define PACED_OPTIONS_H
#include <stdbool.h>
#include <stdint.h>

#define PACED_VERSION "1"

typedef struct {
    const char *pool, *address, *output, *histograms;
    const char *arrivals, *keep_alive, *process, *start; /* as given; read into the fields below */
    double port, connections, rate, warm_up, duration, timeout, drain, delay, spin_us;
    double seed, max_head, max_body;
    bool print_schedule;
    bool poisson, keep;
    uint64_t share, shares;
    uint64_t start_ns; /* 0 = --delay after now */
} Options;

/* Ends the program where something is wrong (status 2), and for --help and --version. */
Options options_read(int argc, char **argv);
#endif
