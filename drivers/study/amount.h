/* amount.h - seconds, bytes and counts as people read them. */
#ifndef NF_AMOUNT_H
#define NF_AMOUNT_H

#include "drivers/study/stats.h"

enum { NF_AMOUNT = 128 }; /* room for one */

/* "12.1 ms" with `digits` significant digits. */
const char *nf_seconds_text(double seconds, int digits, char text[NF_AMOUNT]);
/* "12.0 to 12.3", in the unit that `seconds` is shown in; "n<6" where there is no interval. */
const char *nf_range_text(double seconds, const nf_interval *interval, char text[NF_AMOUNT]);
/* "18.5 MiB"; "2,440": three significant digits. */
const char *nf_bytes_text(double bytes, char text[NF_AMOUNT]);
const char *nf_thousands_text(double number, char text[NF_AMOUNT]);

#endif
