/*
 * Exact histogram of whole microseconds: a table of pages that are made when first counted in.
 *
 * 2^32 microseconds are 71 minutes, longer than any run may be (options.c), so nothing is cut off.
 * The first pages, 131 ms, are made and touched before the load starts: no page fault in a window.
 */
#include "histogram.h"
#include "memory.h"

#include <stdlib.h>
#include <string.h>

enum { READY_PAGES = 32 };

static uint64_t *page_new(void) {
    uint64_t *page = memory_new(HISTOGRAM_PAGE * sizeof *page);
    memset(page, 0, HISTOGRAM_PAGE * sizeof *page);
    return page;
}

void histogram_init(Histogram *histogram) {
    *histogram = (Histogram){.least = UINT64_MAX, .used = READY_PAGES};
    histogram->pages = memory_new(HISTOGRAM_PAGES * sizeof *histogram->pages);
    for (size_t i = 0; i < READY_PAGES; i++) histogram->pages[i] = page_new();
}

void histogram_free(Histogram *histogram) {
    for (size_t i = 0; i < histogram->used; i++) free(histogram->pages[i]);
    free(histogram->pages);
}

void histogram_add(Histogram *histogram, uint64_t ns) {
    uint64_t us = ns / 1000;
    if (us > UINT32_MAX) us = UINT32_MAX;
    uint64_t **page = &histogram->pages[us / HISTOGRAM_PAGE];
    if (!*page) *page = page_new();
    if (us / HISTOGRAM_PAGE >= histogram->used) histogram->used = us / HISTOGRAM_PAGE + 1;
    (*page)[us % HISTOGRAM_PAGE]++;
    histogram->count++;
    histogram->sum += ns;
    if (ns < histogram->least) histogram->least = ns;
    if (ns > histogram->most) histogram->most = ns;
}

static uint64_t at(const Histogram *histogram, uint64_t us) {
    const uint64_t *page = histogram->pages[us / HISTOGRAM_PAGE];
    return page ? page[us % HISTOGRAM_PAGE] : 0;
}

/* The next microsecond from `us` on that may have a count: whole missing pages are skipped. */
static uint64_t skip(const Histogram *one, const Histogram *other, uint64_t us) {
    while (us <= UINT32_MAX && us % HISTOGRAM_PAGE == 0 && !one->pages[us / HISTOGRAM_PAGE] &&
           !other->pages[us / HISTOGRAM_PAGE])
        us += HISTOGRAM_PAGE;
    return us;
}

uint64_t histogram_percentile(const Histogram *histogram, double share) {
    double rank = share * (double)histogram->count;
    uint64_t seen = 0;
    for (uint64_t us = 0; us <= UINT32_MAX && seen < histogram->count; us++) {
        us = skip(histogram, histogram, us);
        if (us > UINT32_MAX) break;
        seen += at(histogram, us);
        if (seen && (double)seen >= rank) return us;
    }
    return 0;
}

double histogram_distance(const Histogram *one, const Histogram *other) {
    double largest = 0;
    uint64_t first = 0, second = 0;
    if (!one->count || !other->count) return 0;
    for (uint64_t us = 0; us <= UINT32_MAX; us++) {
        us = skip(one, other, us);
        if (us > UINT32_MAX || (first == one->count && second == other->count)) break;
        first += at(one, us);
        second += at(other, us);
        double apart = (double)first / (double)one->count - (double)second / (double)other->count;
        if (apart < 0) apart = -apart;
        if (apart > largest) largest = apart;
    }
    return largest;
}

static uint64_t distinct(const Histogram *histogram) {
    uint64_t count = 0;
    for (size_t i = 0; i < histogram->used; i++)
        for (size_t j = 0; histogram->pages[i] && j < HISTOGRAM_PAGE; j++)
            count += histogram->pages[i][j] > 0;
    return count;
}

void histogram_write(const Histogram *histogram, const char *name, FILE *file) {
    char padded[16] = {0};
    uint64_t count = distinct(histogram);
    memcpy(padded, name, strlen(name));
    fwrite(padded, sizeof padded, 1, file);
    fwrite(&count, sizeof count, 1, file);
    for (uint64_t i = 0; i < histogram->used; i++)
        for (uint64_t j = 0; histogram->pages[i] && j < HISTOGRAM_PAGE; j++) {
            uint64_t pair[2] = {i * HISTOGRAM_PAGE + j, histogram->pages[i][j]};
            if (pair[1]) fwrite(pair, sizeof pair, 1, file);
        }
}
