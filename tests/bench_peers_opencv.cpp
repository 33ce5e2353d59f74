/* bench_peers_opencv.cpp - OpenCV as a subject of bench_peers.c. */
#include "tests/bench_peers.h"

#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>

namespace
{

struct images {
    cv::Mat in, out, dx, dy, magnitude, mask;
};

const int border = cv::BORDER_REFLECT;
const cv::Point centre(-1, -1);

bool reduces(peer_op op)
{
    return op == PEER_HISTOGRAM || op == PEER_MEAN_STD || op == PEER_MIN_MAX;
}

cv::Mat mask_of(peer_op op)
{
    if (op == PEER_ERODE_5)
        return cv::getStructuringElement(cv::MORPH_RECT, cv::Size(5, 5));
    if (op == PEER_SHARPEN) {
        cv::Mat mask(3, 3, CV_32F, cv::Scalar(-2.0 / 16));
        mask.at<float>(1, 1) = 2;
        return mask;
    }
    cv::Mat mask(5, 5, CV_32F);
    for (int i = 0; i < 25; i++)
        mask.at<float>(i / 5, i % 5) =
            static_cast<float>(peer_mask_5[i]) / static_cast<float>(PEER_MASK_5_SUM);
    return mask;
}

void sobel(images &p)
{
    cv::Sobel(p.in, p.dx, CV_32F, 1, 0, 3, 1, 0, border);
    cv::Sobel(p.in, p.dy, CV_32F, 0, 1, 3, 1, 0, border);
    if (p.out.depth() == CV_32F) {
        cv::magnitude(p.dx, p.dy, p.out);
    } else {
        cv::magnitude(p.dx, p.dy, p.magnitude);
        p.magnitude.convertTo(p.out, p.out.type());
    }
}

/* Where the elements are of one channel in effect, wide rows of one do for several. */
cv::Mat flat(const cv::Mat &m)
{
    return m.reshape(1);
}

void reduce(images &p, peer_op op)
{
    if (op == PEER_MEAN_STD) {
        cv::Scalar mean, deviation;
        cv::meanStdDev(flat(p.in), mean, deviation);
    } else if (op == PEER_MIN_MAX) {
        double least, greatest;
        cv::minMaxLoc(flat(p.in), &least, &greatest);
    } else {
        const int channel = 0, bins = 256;
        const float range[] = {0, 256}, *ranges = range;
        cv::Mat counts, one = flat(p.in);
        cv::calcHist(&one, 1, &channel, cv::Mat(), counts, 1, &bins, &ranges);
    }
}

void filter(images &p, const peer_job &job)
{
    switch (job.op) {
    case PEER_COPY:
        p.in.copyTo(p.out);
        break;
    case PEER_SHARPEN:
    case PEER_CONVOLVE_5:
        cv::filter2D(p.in, p.out, -1, p.mask, centre, 0, border);
        break;
    case PEER_GAUSSIAN:
        cv::GaussianBlur(p.in, p.out, cv::Size(2 * job.radius + 1, 2 * job.radius + 1), job.sigma,
                         job.sigma, border);
        break;
    case PEER_BOX_5:
        cv::blur(p.in, p.out, cv::Size(5, 5), centre, border);
        break;
    case PEER_SOBEL:
        sobel(p);
        break;
    case PEER_MEDIAN_3:
    case PEER_MEDIAN_5:
        cv::medianBlur(p.in, p.out, job.op == PEER_MEDIAN_3 ? 3 : 5);
        break;
    case PEER_ERODE_5:
        cv::erode(p.in, p.out, p.mask, centre, 1, border);
        break;
    case PEER_BILATERAL_9:
        cv::bilateralFilter(p.in, p.out, 9, 30, 3, border);
        break;
    case PEER_AREA:
        cv::resize(p.in, p.out, p.out.size(), 0, 0, cv::INTER_AREA);
        break;
    default:
        break;
    }
}

bool prepare(peer_job *job)
{
    if (job->op == PEER_LANCZOS || job->op == PEER_NLM) /* not antialiased; in another library */
        return false;
    bool small = job->op == PEER_AREA;
    int type = CV_MAKETYPE(job->is_f32 ? CV_32F : CV_8U, job->channels);
    images *p = new images;
    p->in = cv::Mat(job->rows, job->columns, type, job->in);
    p->out = cv::Mat(small ? PEER_SMALL_ROWS : job->rows, small ? PEER_SMALL_COLUMNS : job->columns,
                     type, job->out);
    p->mask = mask_of(job->op);
    job->own = p;
    return true;
}

void run(void *context)
{
    peer_job *job = static_cast<peer_job *>(context);
    images &p = *static_cast<images *>(job->own);
    cv::setNumThreads(job->threads);
    if (reduces(job->op))
        reduce(p, job->op);
    else
        filter(p, *job);
}

void release(peer_job *job)
{
    delete static_cast<images *>(job->own);
}

const char *version()
{
    return CV_VERSION;
}

} // namespace

extern "C" const bench_peer bench_peer_opencv = {"OpenCV", version, prepare, run, release};
