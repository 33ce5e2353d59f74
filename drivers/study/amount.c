#include "drivers/study/amount.h"

#include <math.h>
#include <stdio.h>

typedef struct unit {
    double size;
    const char *name;
} unit;

static unit unit_of(double seconds)
{
    static const unit units[] = {{1, "s"}, {1e-3, "ms"}, {1e-6, "\u00b5s"}};
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (seconds >= 0.99995 * units[i].size)
            return units[i];
    return (unit){1e-9, "ns"};
}

/* Decimals that show so many significant digits of a value. */
static int decimals(double value, int digits)
{
    int whole = value >= 1 ? (int)floor(log10(value) + 1e-9) + 1 : 1;
    return whole < digits ? digits - whole : 0;
}

const char *nf_seconds_text(double seconds, int digits, char text[NF_AMOUNT])
{
    unit u = unit_of(seconds);
    double value = seconds / u.size;
    snprintf(text, NF_AMOUNT, "%.*f %s", decimals(value, digits), value, u.name);
    return text;
}

const char *nf_range_text(double seconds, const nf_interval *interval, char text[NF_AMOUNT])
{
    if (!interval->known) {
        snprintf(text, NF_AMOUNT, "n<6");
        return text;
    }
    unit u = unit_of(seconds);
    int places = decimals(seconds / u.size, 4);
    snprintf(text, NF_AMOUNT, "%.*f to %.*f", places, interval->low / u.size, places,
             interval->high / u.size);
    return text;
}

const char *nf_bytes_text(double bytes, char text[NF_AMOUNT])
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    size_t u = 0;
    for (; bytes >= 1000 && u + 1 < sizeof units / sizeof *units; u++)
        bytes /= 1024;
    snprintf(text, NF_AMOUNT, bytes >= 100 ? "%.0f %s" : "%.3g %s", bytes, units[u]);
    return text;
}

const char *nf_thousands_text(double number, char text[NF_AMOUNT])
{
    char digits[NF_AMOUNT];
    if (!(fabs(number) < 1e18)) {
        snprintf(text, NF_AMOUNT, "%.3g", number);
        return text;
    }
    double step = number >= 1000 ? pow(10, floor(log10(number)) - 2) : 1;
    int length = snprintf(digits, sizeof digits, "%.0f", round(number / step) * step), used = 0;
    for (int i = 0; i < length && used < NF_AMOUNT - 2; i++) {
        text[used++] = digits[i];
        if ((length - 1 - i) % 3 == 0 && i + 1 < length)
            text[used++] = ',';
    }
    text[used] = '\0';
    return text;
}
