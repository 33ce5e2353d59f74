#include "drivers/study/fit.h"

#include <math.h>
#include <string.h>

typedef double column[NF_FIT_ROWS];

static double dot(const double *x, const double *y, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += x[i] * y[i];
    return sum;
}

/* Takes the part along the unit vector q out of x; returns its length. */
static double project(const double *q, double *x, size_t n)
{
    double length = dot(q, x, n);
    for (size_t i = 0; i < n; i++)
        x[i] -= length * q[i];
    return length;
}

/* q[0 .. n-1] become orthonormal, r upper triangular, q[n] the residual of y. */
static bool factor(column *q, size_t n, size_t rows, double r[NF_FIT_COLUMNS][NF_FIT_COLUMNS + 1])
{
    const double smallest = 1e-12; /* of a column's length that is its own */
    double whole[NF_FIT_COLUMNS];
    for (size_t k = 0; k < n; k++)
        whole[k] = sqrt(dot(q[k], q[k], rows));
    for (size_t k = 0; k < n; k++) {
        r[k][k] = sqrt(dot(q[k], q[k], rows));
        if (!(r[k][k] > smallest * whole[k]))
            return false;
        for (size_t i = 0; i < rows; i++)
            q[k][i] /= r[k][k];
        for (size_t j = k + 1; j <= n; j++)
            r[k][j] = project(q[k], q[j], rows);
    }
    return true;
}

/* The columns in `mask` alone; the others' coefficients are 0. *left: the squares that remain. */
static bool solve(const double *a, const double *y, size_t rows, size_t columns, unsigned mask,
                  double *c, double *left)
{
    column q[NF_FIT_COLUMNS + 1];
    double r[NF_FIT_COLUMNS][NF_FIT_COLUMNS + 1];
    size_t of[NF_FIT_COLUMNS], n = 0;
    for (size_t k = 0; k < columns; k++)
        if (mask >> k & 1)
            of[n++] = k;
    for (size_t i = 0; i < rows; i++) {
        for (size_t k = 0; k < n; k++)
            q[k][i] = a[i * columns + of[k]];
        q[n][i] = y[i];
    }
    if (!factor(q, n, rows, r))
        return false;
    memset(c, 0, columns * sizeof *c);
    for (size_t k = n; k-- > 0;) {
        double value = r[k][n];
        for (size_t j = k + 1; j < n; j++)
            value -= r[k][j] * c[of[j]];
        c[of[k]] = value / r[k][k];
    }
    *left = dot(q[n], q[n], rows);
    return isfinite(*left);
}

static bool none_negative(const double *c, size_t n)
{
    for (size_t k = 0; k < n; k++)
        if (c[k] < 0)
            return false;
    return true;
}

bool nf_fit(const double *a, const double *y, size_t rows, size_t columns, nf_sign sign, double *c)
{
    const unsigned all = (1u << columns) - 1;
    double one[NF_FIT_COLUMNS], left, least;
    if (columns < 1 || columns > NF_FIT_COLUMNS || rows < columns || rows > NF_FIT_ROWS ||
        !solve(a, y, rows, columns, all, one, &least))
        return false;
    if (sign == NF_NON_NEGATIVE && !none_negative(one, columns)) {
        least = INFINITY;
        for (unsigned mask = 0; mask < all; mask++) {
            double other[NF_FIT_COLUMNS];
            if (!solve(a, y, rows, columns, mask, other, &left) || left >= least ||
                !none_negative(other, columns))
                continue;
            least = left;
            memcpy(one, other, sizeof one);
        }
    }
    memcpy(c, one, columns * sizeof *c);
    return true;
}
