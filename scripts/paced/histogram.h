/* Exact histogram of whole microseconds; see histogram.c. */
#ifndef PACED_HISTOGRAM_H
#define PACED_HISTOGRAM_H
#include <stdint.h>
#include <stdio.h>

enum { HISTOGRAM_PAGE = 4096, HISTOGRAM_PAGES = 1 << 20 };

typedef struct {
    uint64_t **pages; /* HISTOGRAM_PAGES of HISTOGRAM_PAGE counts, NULL where nothing was counted */
    uint64_t used; /* no page from this one on was made */
    uint64_t count;
    uint64_t sum, least, most; /* nanoseconds, exact */
} Histogram;

void histogram_init(Histogram *histogram);
void histogram_free(Histogram *histogram);
void histogram_add(Histogram *histogram, uint64_t ns);

/* The smallest microsecond at or below which `share` of all values lie; 0 when it is empty. */
uint64_t histogram_percentile(const Histogram *histogram, double share);

/* Largest distance between the two cumulative shares (Kolmogorov-Smirnov, two samples). */
double histogram_distance(const Histogram *one, const Histogram *other);

/* u64 pairs (microsecond, count), ascending, after their number and a name of 16 bytes. */
void histogram_write(const Histogram *histogram, const char *name, FILE *file);
#endif
