/* The JSON document and the file of histograms; see report.c. */
#ifndef PACED_REPORT_H
#define PACED_REPORT_H
#include "engine.h"
#include "options.h"

#include <stdio.h>

void report_json(FILE *file, const Options *options, const Plan *plan, const Counts *counts,
                 Ended ended);
void report_histograms(FILE *file, const Counts *counts);
#endif
