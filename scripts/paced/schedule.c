/*
 * When each request is due: a function of its index, the seed and the start, of no clock.
 *
 * even: request i is due i / rate after the start. poisson: after the sum of i + 1 exponential
 * gaps, each a hash of the seed and its index. Every process walks the one schedule and takes
 * its share, so any number of processes send the same requests at the same moments, and two
 * servers with the same seed get the same load.
 */
#include "schedule.h"

#include <math.h>

/* SplitMix64 at position `index`: a counter turned into bits that pass BigCrush. */
static uint64_t bits(uint64_t seed, uint64_t index) {
    uint64_t z = seed + (index + 1) * UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/* Exponential with mean 1: the uniform number lies inside (0, 1), so the logarithm is finite. */
static double gap(uint64_t seed, uint64_t index) {
    return -log(((double)(bits(seed, index) >> 11) + 0.5) * 0x1p-53);
}

static void find_due(Walk *walk) {
    const Plan *plan = walk->plan;
    double position = plan->poisson ? walk->gaps : (double)walk->index;
    double offset = position / plan->rate * 1e9;
    uint64_t length = plan->end - plan->start;
    walk->due = offset < (double)length ? plan->start + (uint64_t)offset : UINT64_MAX;
}

Walk walk_start(const Plan *plan) {
    Walk walk = {.plan = plan, .index = plan->share};
    for (uint64_t i = 0; plan->poisson && i <= walk.index; i++) walk.gaps += gap(plan->seed, i);
    find_due(&walk);
    return walk;
}

void walk_on(Walk *walk) {
    const Plan *plan = walk->plan;
    uint64_t next = walk->index + plan->shares;
    for (uint64_t i = walk->index + 1; plan->poisson && i <= next; i++)
        walk->gaps += gap(plan->seed, i);
    walk->index = next;
    find_due(walk);
}
