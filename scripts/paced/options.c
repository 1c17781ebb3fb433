/* The command line. Every option has the form --name value. */
#include "options.h"
#include "memory.h"

#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char USAGE[] =
    "usage: paced --pool FILE --port N --connections N --rate N --duration S [OPTION VALUE]...\n"
    "Sends HTTP/1.1 requests on a schedule and times each from the moment it was due.\n"
    "\n"
    "  --pool FILE          the requests (scripts/paced/README.md)\n"
    "  --address ADDRESS    IPv4 or IPv6, no name (127.0.0.1)\n"
    "  --port N\n"
    "  --connections N      of this process\n"
    "  --rate N             requests per second of all processes together\n"
    "  --process K/N        take every N-th request from the K-th on, K from 0 (0/1)\n"
    "  --arrivals even|poisson   (even)\n"
    "  --seed N             of poisson arrivals, below 2^53 (1)\n"
    "  --start NS           moment of request 0 on the monotonic clock\n"
    "  --delay S            or so long after the start of the program (0.2)\n"
    "  --warm-up S          requests due in it are sent, not recorded (0)\n"
    "  --duration S         of the window after it\n"
    "  --drain S            wait so long after it for what is open (10)\n"
    "  --timeout S          from when a request is sent (10)\n"
    "  --keep-alive on|off  off: a new connection for each request (on)\n"
    "  --spin-us N          look at the clock instead of sleeping so long before a request (0)\n"
    "  --max-head BYTES     of a response: status lines, headers, trailers (65536)\n"
    "  --max-body BYTES     of a response (1073741824)\n"
    "  --output FILE        the JSON document (standard output)\n"
    "  --histograms FILE    exact histograms, binary (none)\n"
    "  --print-schedule     print index, due time and request of each request, send nothing\n"
    "  --help, --version\n";

typedef struct {
    const char *name;
    size_t place;
    double least, most; /* of a number; most = 0: a text */
    bool whole;
} Option;

#define TEXT(name, field) {name, offsetof(Options, field), 0, 0, false}
#define WHOLE(name, field, least, most) {name, offsetof(Options, field), least, most, true}
#define REAL(name, field, least, most) {name, offsetof(Options, field), least, most, false}

static const Option OPTIONS[] = {
    TEXT("--pool", pool),
    TEXT("--address", address),
    TEXT("--output", output),
    TEXT("--histograms", histograms),
    TEXT("--arrivals", arrivals),
    TEXT("--keep-alive", keep_alive),
    TEXT("--process", process),
    TEXT("--start", start),
    WHOLE("--port", port, 1, 65535),
    WHOLE("--connections", connections, 1, 1 << 20),
    REAL("--rate", rate, 1e-3, 1e8),
    REAL("--warm-up", warm_up, 0, 1200), /* all three are below the hour of a histogram */
    REAL("--duration", duration, 1e-3, 1800),
    REAL("--drain", drain, 0, 600),
    REAL("--timeout", timeout, 1e-3, 3600),
    REAL("--delay", delay, 0, 60),
    WHOLE("--spin-us", spin_us, 0, 1e7),
    WHOLE("--seed", seed, 0, 0x1p53),
    WHOLE("--max-head", max_head, 64, 1 << 26),
    WHOLE("--max-body", max_body, 0, 0x1p62),
};

static void set_number(const Option *option, const char *text, double *value) {
    char *end;
    *value = strtod(text, &end);
    bool good = *text && !*end && *value >= option->least && *value <= option->most &&
                (!option->whole || *value == floor(*value));
    if (!good)
        fail("%s %s: a %snumber from %.15g to %.15g is expected", option->name, text,
             option->whole ? "whole " : "", option->least, option->most);
}

static void set(Options *options, const char *name, const char *value) {
    for (size_t i = 0; i < sizeof OPTIONS / sizeof *OPTIONS; i++) {
        const Option *option = &OPTIONS[i];
        if (strcmp(option->name, name) != 0) continue;
        if (!value) fail("%s: a value is expected (paced --help)", name);
        void *place = (char *)options + option->place;
        if (option->most > 0) set_number(option, value, place);
        else memcpy(place, &value, sizeof value);
        return;
    }
    fail("there is no option %s (paced --help)", name);
}

static bool one_of(const char *name, const char *value, const char *yes, const char *no) {
    bool is = strcmp(value, yes) == 0;
    if (!is && strcmp(value, no) != 0) fail("%s %s: %s or %s is expected", name, value, yes, no);
    return is;
}

static void read_process(Options *options) {
    unsigned long long share, shares;
    char rest;
    bool good = strspn(options->process, "0123456789/") == strlen(options->process) &&
                sscanf(options->process, "%llu/%llu%c", &share, &shares, &rest) == 2 &&
                share < shares && shares <= 4096;
    if (!good) fail("--process %s: K/N with K below N is expected", options->process);
    options->share = share;
    options->shares = shares;
}

/* Not by way of a double: that has nanoseconds for 104 days after the machine's start only. */
static void read_start(Options *options) {
    if (!options->start) return;
    size_t size = strlen(options->start);
    if (!size || size > 18 || strspn(options->start, "0123456789") != size)
        fail("--start %s: nanoseconds of the monotonic clock are expected", options->start);
    options->start_ns = strtoull(options->start, NULL, 10);
}

static void check(Options *options) {
    options->poisson = one_of("--arrivals", options->arrivals, "poisson", "even");
    options->keep = one_of("--keep-alive", options->keep_alive, "on", "off");
    read_process(options);
    read_start(options);
    if (!options->pool) fail("--pool is missing (paced --help)");
    if (!(options->rate > 0)) fail("--rate is missing (paced --help)");
    if (!(options->duration > 0)) fail("--duration is missing (paced --help)");
    if (options->print_schedule) return;
    if (!(options->port > 0)) fail("--port is missing (paced --help)");
    if (!(options->connections > 0)) fail("--connections is missing (paced --help)");
}

Options options_read(int argc, char **argv) {
    Options options = {.address = "127.0.0.1", .arrivals = "even", .keep_alive = "on",
                       .process = "0/1",       .seed = 1,          .delay = 0.2,
                       .drain = 10,            .timeout = 10,      .max_head = 1 << 16,
                       .max_body = 1 << 30};
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0) exit(fputs(USAGE, stdout) < 0);
        if (strcmp(argv[i], "--version") == 0) exit(puts("paced " PACED_VERSION) < 0);
        if (strcmp(argv[i], "--print-schedule") == 0) {
            options.print_schedule = true;
            continue;
        }
        set(&options, argv[i], argv[i + 1]);
        i++;
    }
    check(&options);
    return options;
}
