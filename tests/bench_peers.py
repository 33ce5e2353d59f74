#!/usr/bin/env python3
"""bench_peers.py - times Pillow, SciPy, scikit-image and OpenCV's photo module for bench_peers.c.

usage: bench_peers.py [-k part of an operation] [-a part of an array's name]

Each call is timed once, on one thread; where more than an eighth of a second is to be expected of an
eighth of the rows, on these alone. Lines PEER|ARRAY|OPERATION|THREADS|SECONDS|PROJECTED: threads 0 is
as much on any number, projected 1 where the time is eight times that of a part.
"""
import argparse
import sys
import time

try:
    import numpy as np
except ImportError:
    sys.exit(0)
try:
    from scipy import ndimage
except ImportError:
    ndimage = None
try:
    from skimage import filters, restoration
except ImportError:
    filters = None
try:
    import cv2
except ImportError:
    cv2 = None
try:
    from PIL import Image, ImageFilter, ImageStat
    Image.MAX_IMAGE_PIXELS = None
except ImportError:
    Image = None

PART = 8
SHAPES = {"u8": (8192, 8192), "f32": (8192, 8192), "rgb": (4096, 4096, 3), "small": (1024, 1024)}
SHARPEN = np.array([[-2, -2, -2], [-2, 32, -2], [-2, -2, -2]], float) / 16
MASK_5 = np.array([0, 1, 2, 1, 0, 1, -2, 3, -2, 1, 2, 3, 8, 3, 2, 1, -2, 3, -2, 1, 0, 1, 2, 1, 0], float)


def array_of(name):
    rows, columns = SHAPES[name][:2]
    y, x = np.ogrid[:rows, :columns]
    noise = np.random.default_rng(1).integers(0, 64, SHAPES[name], np.uint8)
    wave = (127 + 80 * np.sin(0.01 * x) * np.cos(0.013 * y)).astype(np.float32)
    wave = wave[..., None] if noise.ndim == 3 else wave
    return (wave + noise).astype(np.float32 if name == "f32" else np.uint8)


def clock(call):
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


class Clock:
    def __init__(self, options):
        self.options = options

    def wants(self, operation):
        return self.options.k in operation

    def tell(self, peer, name, operation, call, by_rows=True, threads=0):
        """call(array, rows): rows is how many of the array's it shall take."""
        if not self.wants(operation):
            return
        rows = SHAPES[name][0]
        part = rows // PART
        projected = False
        if by_rows:
            call(part // PART)
            seconds = PART * clock(lambda: call(part))
            projected = seconds > 1
        if not projected:
            seconds = clock(lambda: call(rows))
        print(f"{peer}|{name}|{operation}|{threads}|{seconds}|{int(projected)}", flush=True)


def scipy_times(clock_, name, a):
    if ndimage is None or name not in ("u8", "f32"):
        return
    out = np.empty_like(a)
    magnitude = lambda r: np.hypot(ndimage.sobel(a[:r].astype(np.float32), 0),
                                   ndimage.sobel(a[:r].astype(np.float32), 1))
    sigma, taps = (2, 13) if name == "u8" else (2, 17)
    truncate = 3 if name == "u8" else 4
    calls = {
        "copy": lambda r: np.copyto(out[:r], a[:r]),
        "convolve 3x3 (sharpen)": lambda r: ndimage.convolve(a[:r], SHARPEN, out[:r]),
        "convolve 5x5": lambda r: ndimage.convolve(a[:r], MASK_5.reshape(5, 5) / 28, out[:r]),
        "gaussian 5 taps": lambda r: ndimage.gaussian_filter(a[:r], 1, output=out[:r], truncate=2),
        f"gaussian sigma {sigma}, {taps} taps": lambda r: ndimage.gaussian_filter(
            a[:r], sigma, output=out[:r], truncate=truncate),
        f"gaussian sigma 10, {61 if name == 'u8' else 81} taps": lambda r: ndimage.gaussian_filter(
            a[:r], 10, output=out[:r], truncate=truncate),
        "box 5x5": lambda r: ndimage.uniform_filter(a[:r], 5, out[:r]),
        "sobel magnitude": magnitude,
        "median 3x3": lambda r: ndimage.median_filter(a[:r], 3, output=out[:r]),
        "median 5x5": lambda r: ndimage.median_filter(a[:r], 5, output=out[:r]),
        "erode 5x5": lambda r: ndimage.grey_erosion(a[:r], (5, 5), output=out[:r]),
        "mean, std": lambda r: (a[:r].mean(), a[:r].std()),
        "min, max": lambda r: (a[:r].min(), a[:r].max()),
    }
    for operation, call in calls.items():
        clock_.tell("scipy", name, operation, call)


def skimage_times(clock_, name, a):
    if filters is None:
        return
    if name == "f32":
        clock_.tell("skimage", name, "sobel magnitude", lambda r: filters.sobel(a[:r]))
        clock_.tell("skimage", name, "gaussian sigma 2, 17 taps", lambda r: filters.gaussian(a[:r], 2))
    if name == "small":
        clock_.tell("skimage", name, "nlm 7/21", lambda r: restoration.denoise_nl_means(
            a[:r], patch_size=7, patch_distance=10, h=10, preserve_range=True), by_rows=False)


def pillow_times(clock_, name, a):
    if Image is None or name == "small":
        return
    image = Image.fromarray(a)
    top = lambda r: image if r == image.height else image.crop((0, 0, image.width, r))
    small = lambda method: image.resize((800, 600), method)
    clock_.tell("Pillow", name, "resize to 800x600, Lanczos-3", lambda r: small(Image.LANCZOS), by_rows=False)
    clock_.tell("Pillow", name, "resize to 800x600, area", lambda r: small(Image.BOX), by_rows=False)
    if name == "f32":
        return
    sigma_2 = "gaussian sigma 2, 13 taps"
    named = {"convolve 3x3 (sharpen)": ImageFilter.SHARPEN, sigma_2: ImageFilter.GaussianBlur(2),
             "convolve 5x5": ImageFilter.Kernel((5, 5), MASK_5, 28),
             "gaussian sigma 10, 61 taps": ImageFilter.GaussianBlur(10), "box 5x5": ImageFilter.BoxBlur(2),
             "median 3x3": ImageFilter.MedianFilter(3), "median 5x5": ImageFilter.MedianFilter(5),
             "erode 5x5": ImageFilter.MinFilter(5)}
    for operation, image_filter in named.items():
        clock_.tell("Pillow", name, operation, lambda r, f=image_filter: top(r).filter(f))
    clock_.tell("Pillow", name, "copy", lambda r: top(r).copy())
    clock_.tell("Pillow", name, "histogram 256", lambda r: top(r).histogram())
    clock_.tell("Pillow", name, "min, max", lambda r: top(r).getextrema())
    clock_.tell("Pillow", name, "mean, std", lambda r: ImageStat.Stat(top(r)).stddev)


def photo_times(clock_, name, a):
    if cv2 is None or name != "small":
        return
    for threads in (1, 2):
        cv2.setNumThreads(threads)
        clock_.tell("OpenCV", name, "nlm 7/21", lambda r: cv2.fastNlMeansDenoising(a[:r], None, 10, 7, 21),
                    by_rows=False, threads=threads)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("-k", default="")
    parser.add_argument("-a", default="")
    options = parser.parse_args()
    for name in SHAPES:
        if options.a in name:
            array = array_of(name)
            for times in (scipy_times, skimage_times, pillow_times, photo_times):
                times(Clock(options), name, array)


if __name__ == "__main__":
    main()
