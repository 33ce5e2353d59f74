/* bench_peers_halide.cpp - Halide as a subject of bench_peers.c: linear filters scheduled by hand for rows
 * in cache, in bands of rows over the threads. Rows of several channels are rows of one, channel by
 * channel apart. Beyond the edges the nearest cell is taken. */
#include "tests/bench_peers.h"

#include <Halide.h>
#include <cmath>
#include <cstdlib>
#include <vector>

using Halide::Expr;
using Halide::Func;
using Halide::Var;

namespace
{

struct pipeline {
    Halide::Buffer<> in, out;
    Func result;
};

Var x("x"), y("y"), band("band"), row("row");

const int rows_of_a_band = 64;

/* u8: in 16 bits, as the whole sum fits there. */
Func sharpen(const Func &in, int step, bool is_f32)
{
    Func f("sharpen");
    auto at = [&](int i, int j) {
        Expr v = in(x + i * step, y + j);
        return is_f32 ? v : Halide::cast<int16_t>(v);
    };
    Expr around =
        at(-1, -1) + at(0, -1) + at(1, -1) + at(-1, 0) + at(1, 0) + at(-1, 1) + at(0, 1) + at(1, 1);
    if (is_f32)
        f(x, y) = at(0, 0) * 2.0f - around * 0.125f;
    else
        f(x, y) = Halide::cast<uint8_t>(Halide::clamp(
            (at(0, 0) * int16_t(32) - around * int16_t(2) + int16_t(8)) >> 4, 0, 255));
    return f;
}

std::vector<double> weights_of(double sigma, int radius)
{
    std::vector<double> w;
    double sum = 0;
    for (int i = 0; i <= radius; i++) {
        w.push_back(std::exp(-i * i / (2 * sigma * sigma)));
        sum += i == 0 ? w[0] : 2 * w[static_cast<size_t>(i)];
    }
    for (double &v : w)
        v /= sum;
    return w;
}

/* u8: weights in 256ths down the columns, which add up to 256; in 65536ths along the rows, of which the
 * high halves of products are added. */
struct gaussian {
    Func columns{"columns"}, rows{"rows"};

    gaussian(const Func &in, int step, bool is_f32, double sigma, int radius)
    {
        std::vector<double> w = weights_of(sigma, radius);
        if (is_f32)
            in_f32(in, step, w);
        else
            in_u8(in, step, w);
    }

    void in_f32(const Func &in, int step, const std::vector<double> &w)
    {
        Expr down = in(x, y) * float(w[0]);
        for (int i = 1; i < int(w.size()); i++)
            down += (in(x, y - i) + in(x, y + i)) * float(w[size_t(i)]);
        columns(x, y) = down;
        Expr along = columns(x, y) * float(w[0]);
        for (int i = 1; i < int(w.size()); i++)
            along += (columns(x - i * step, y) + columns(x + i * step, y)) * float(w[size_t(i)]);
        rows(x, y) = along;
    }

    void in_u8(const Func &in, int step, const std::vector<double> &w)
    {
        auto wide = [&](Expr v) { return Halide::cast<uint16_t>(v); };
        auto high = [&](Expr v, double weight) {
            uint16_t q = uint16_t(std::lrint(weight * 65536));
            return wide((Halide::cast<uint32_t>(v) * Halide::cast<uint32_t>(Expr(q))) >> 16);
        };
        int rest = 256;
        Expr down = wide(Expr(0));
        for (int i = 1; i < int(w.size()); i++) {
            int q = int(std::lrint(w[size_t(i)] * 256));
            down += (wide(in(x, y - i)) + wide(in(x, y + i))) * uint16_t(q);
            rest -= 2 * q;
        }
        down += wide(in(x, y)) * uint16_t(rest);
        columns(x, y) = (down + uint16_t(1)) >> 1;
        Expr along = high(columns(x, y), w[0]);
        for (int i = 1; i < int(w.size()); i++)
            along += high(columns(x - i * step, y) + columns(x + i * step, y), w[size_t(i)]);
        rows(x, y) = Halide::cast<uint8_t>(Halide::min((along + uint16_t(67)) >> 7, 255));
    }
};

Halide::Buffer<> rows_of(void *memory, const peer_job *job)
{
    Halide::Type type = job->is_f32 ? Halide::Float(32) : Halide::UInt(8);
    return Halide::Buffer<>(type, memory, job->columns * job->channels, job->rows);
}

void schedule(Func &f, const Halide::Target &target, bool is_f32, bool threads)
{
    int width = target.natural_vector_size(is_f32 ? Halide::Float(32) : Halide::UInt(8));
    f.split(y, band, row, rows_of_a_band).vectorize(x, width);
    if (threads)
        f.parallel(band);
}

bool prepare(peer_job *job)
{
    if (job->op != PEER_SHARPEN &&
        (job->op != PEER_GAUSSIAN || job->radius > 8)) /* it compiles for long */
        return false;
    setenv("HL_NUM_THREADS", "2", 1); /* read once; on one thread nothing is parallel */
    Halide::Target target = Halide::get_jit_target_from_environment();
    pipeline *p = new pipeline;
    p->in = rows_of(job->in, job);
    p->out = rows_of(job->out, job);
    Func bounded = Halide::BoundaryConditions::repeat_edge(p->in);
    if (job->op == PEER_SHARPEN) {
        p->result = sharpen(bounded, job->channels, job->is_f32);
        schedule(p->result, target, job->is_f32, job->threads > 1);
    } else {
        gaussian g(bounded, job->channels, job->is_f32, job->sigma, job->radius);
        p->result = g.rows;
        schedule(p->result, target, job->is_f32, job->threads > 1);
        g.columns.compute_at(p->result, row)
            .vectorize(
                x, target.natural_vector_size(job->is_f32 ? Halide::Float(32) : Halide::UInt(16)));
    }
    p->result.compile_jit(target);
    job->own = p;
    return true;
}

void run(void *context)
{
    pipeline *p = static_cast<pipeline *>(static_cast<peer_job *>(context)->own);
    p->result.realize(p->out);
}

void release(peer_job *job)
{
    delete static_cast<pipeline *>(job->own);
}

const char *version()
{
    return "14";
}

} // namespace

extern "C" const bench_peer bench_peer_halide = {"Halide", version, prepare, run, release};
