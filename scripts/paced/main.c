/*
 * paced: sends HTTP/1.1 requests on an exact schedule and times each from when it was due.
 *
 * README.md beside this file describes the command line, the file of requests and the results.
 * Exit status: 0 = it ran to its end, 2 = nothing was measured, 128 + n = ended by signal n, with
 * the counts so far.
 */
#if defined(__linux__) && !defined(_GNU_SOURCE)
#define _GNU_SOURCE
#endif
#include "engine.h"
#include "memory.h"
#include "options.h"
#include "report.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

static volatile sig_atomic_t stopped; /* the signal that asked for it */

static void stop(int signal_number) { stopped = signal_number; }

static uint64_t nanoseconds(double seconds) { return (uint64_t)(seconds * 1e9 + 0.5); }

static Plan plan_of(const Options *options) {
    uint64_t now = clock_ns();
    uint64_t start = options->start_ns ? options->start_ns : now + nanoseconds(options->delay);
    if (options->print_schedule) start = options->start_ns;
    else if (start < now) fail("--start lies %" PRIu64 " us in the past", (now - start) / 1000);
    uint64_t window = start + nanoseconds(options->warm_up);
    return (Plan){.rate = options->rate,
                  .poisson = options->poisson,
                  .seed = (uint64_t)options->seed,
                  .share = options->share,
                  .shares = options->shares,
                  .start = start,
                  .end = window + nanoseconds(options->duration)};
}

static void print_schedule(const Plan *plan, const Pool *pool) {
    for (Walk walk = walk_start(plan); walk.due != UINT64_MAX; walk_on(&walk))
        printf("%" PRIu64 " %" PRIu64 " %" PRIu32 "\n", walk.index, walk.due - plan->start,
               pool->slots[walk.index % pool->slot_count]);
}

static void allow_descriptors(size_t connections) {
    struct rlimit limit;
    rlim_t needed = (rlim_t)connections + 16;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur >= needed) return;
    limit.rlim_cur = needed;
    if (limit.rlim_max < needed || setrlimit(RLIMIT_NOFILE, &limit) < 0)
        fail("--connections %zu: this process may open %" PRIu64 " files (ulimit -Hn)", connections,
             (uint64_t)limit.rlim_max);
}

static FILE *output(const char *path) {
    FILE *file = fopen(path, "wb");
    if (!file) fail("%s cannot be written: %s", path, strerror(errno));
    return file;
}

static void output_end(FILE *file, const char *path) {
    if (fflush(file) != 0 || ferror(file)) fail("%s could not be written", path);
    if (file != stdout) fclose(file);
}

static Settings settings_of(const Options *options, const Plan *plan) {
    Settings settings = {
        .connections = (size_t)options->connections,
        .timeout = nanoseconds(options->timeout),
        .spin = nanoseconds(options->spin_us / 1e6),
        .drained = plan->end + nanoseconds(options->drain),
        .keep_alive = options->keep,
        .limits = {.head = (uint64_t)options->max_head, .body = (uint64_t)options->max_body},
        .stop = &stopped,
    };
    if (!net_address(&settings.address, options->address, (uint16_t)options->port))
        fail("--address %s: an IPv4 or IPv6 address is expected", options->address);
    return settings;
}

static Ended measure(const Settings *settings, const Pool *pool, const Plan *plan, Counts *counts) {
    Engine engine;
    engine_init(&engine, settings, pool, plan, counts);
    Ended ended = engine_run(&engine);
    engine_free(&engine);
    return ended;
}

static void catch_signals(void) {
    struct sigaction action = {.sa_handler = stop};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    signal(SIGPIPE, SIG_IGN);
}

static void run(const Options *options, const Pool *pool, const Plan *plan) {
    Settings settings = settings_of(options, plan);
    Counts counts;
    FILE *json = options->output ? output(options->output) : stdout;
    FILE *binary = options->histograms ? output(options->histograms) : NULL;
    uint64_t window = plan->start + nanoseconds(options->warm_up);
    allow_descriptors(settings.connections);
    counts_init(&counts, pool->kind_count, window, settings.drained - window,
                nanoseconds((double)plan->shares / plan->rate));
    Ended ended = measure(&settings, pool, plan, &counts);
    report_json(json, options, plan, &counts, ended);
    output_end(json, options->output ? options->output : "standard output");
    if (binary) {
        report_histograms(binary, &counts);
        output_end(binary, options->histograms);
    }
    counts_free(&counts);
}

int main(int argc, char **argv) {
    Options options = options_read(argc, argv);
    Pool pool;
    catch_signals();
    pool_read(&pool, options.pool);
    Plan plan = plan_of(&options);
    if (options.print_schedule) print_schedule(&plan, &pool);
    else run(&options, &pool, &plan);
    pool_free(&pool);
    return stopped ? 128 + stopped : 0;
}
