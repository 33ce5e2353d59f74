#include "tests/bench_opencv.h"

#include <new>
#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>

const float peer_mask[25] = {0, 1, 2, 1, 0, 1, 4, 8, 4, 1, 2, 8, -90,
                             8, 2, 1, 4, 8, 4, 1, 0, 1, 2, 1, 0};

struct peer_images {
    cv::Mat in, out, between[2], dx, dy, magnitude;
};

peer_images *peer_create(int rows, int columns, int is_f32)
{
    try {
        peer_images *p = new peer_images;
        int type = is_f32 ? CV_32F : CV_8U;
        for (cv::Mat *m : {&p->in, &p->out, &p->between[0], &p->between[1]})
            m->create(rows, columns, type);
        for (cv::Mat *m : {&p->dx, &p->dy, &p->magnitude})
            m->create(rows, columns, CV_32F);
        return p;
    } catch (const std::exception &) {
        return nullptr;
    }
}

void peer_free(peer_images *p)
{
    delete p;
}

void *peer_input(peer_images *p)
{
    return p->in.data;
}

const void *peer_output(const peer_images *p)
{
    return p->out.data;
}

void peer_threads(int threads)
{
    cv::setNumThreads(threads);
}

const char *peer_version(void)
{
    return CV_VERSION;
}

static void apply(peer_images &p, peer_filter filter, const cv::Mat &from, cv::Mat &to)
{
    static const float around[9] = {-.125f, -.125f, -.125f, -.125f, 2,
                                    -.125f, -.125f, -.125f, -.125f};
    const cv::Mat sharpen(3, 3, CV_32F, const_cast<float *>(around));
    const cv::Mat mask(5, 5, CV_32F, const_cast<float *>(peer_mask));
    const cv::Point centre(-1, -1);
    const int border = cv::BORDER_REFLECT;
    switch (filter) {
    case PEER_GAUSSIAN:
        cv::GaussianBlur(from, to, cv::Size(5, 5), 1, 1, border);
        break;
    case PEER_SHARPEN:
        cv::filter2D(from, to, -1, sharpen, centre, 0, border);
        break;
    case PEER_CONVOLVE:
        cv::filter2D(from, to, -1, mask, centre, 0, border);
        break;
    case PEER_CANNY:
        cv::Canny(from, to, 50, 150);
        break;
    case PEER_COMPONENTS_4:
        cv::connectedComponents(from, to, 4, CV_32S);
        break;
    case PEER_COMPONENTS_8:
        cv::connectedComponents(from, to, 8, CV_32S);
        break;
    case PEER_SOBEL:
        cv::Sobel(from, p.dx, CV_32F, 1, 0, 3, 1, 0, border);
        cv::Sobel(from, p.dy, CV_32F, 0, 1, 3, 1, 0, border);
        if (to.depth() == CV_32F) {
            cv::magnitude(p.dx, p.dy, to);
        } else {
            cv::magnitude(p.dx, p.dy, p.magnitude);
            p.magnitude.convertTo(to, to.type());
        }
        break;
    }
}

void peer_run(void *context)
{
    const peer_chain *c = static_cast<const peer_chain *>(context);
    peer_images &p = *c->images;
    const cv::Mat *from = &p.in;
    for (int i = 0; i < c->count; i++) {
        cv::Mat *to = i + 1 == c->count ? &p.out : &p.between[i % 2];
        apply(p, c->filters[i], *from, *to);
        from = to;
    }
}
