"""peers_rows.py - the table that peers.py works through: chains of nfold beside the calls of its peers.

A row says what is compared, how far the two may be apart, and why. Where nothing else is said, integers
must be equal and floats within 2 units in the last place. A kernel that nfold has not got yet may have
rows here: they are left out until it does.
"""
import numpy as np

PEERS = {"numpy": np.__version__, "scipy": None, "skimage": None, "OpenCV": None, "Pillow": None}
try:
    import scipy
    import scipy.linalg
    import scipy.stats
    from scipy import ndimage
    PEERS["scipy"] = scipy.__version__
except ImportError:
    pass
try:
    import skimage
    from skimage import color, exposure, filters, measure, morphology, util
    PEERS["skimage"] = skimage.__version__
except ImportError:
    pass
try:
    import cv2
    cv2.setNumThreads(1)
    PEERS["OpenCV"] = cv2.__version__
except ImportError:
    pass
try:
    import PIL
    from PIL import Image, ImageFilter, ImageOps
    PEERS["Pillow"] = PIL.__version__
except ImportError:
    pass

# ---- arrays ----

VALUE = 7  # beyond a constant border
BORDERS = ["clamp", "reflect", "mirror", "wrap", "constant"]
SCIPY_MODE = {"clamp": "nearest", "reflect": "reflect", "mirror": "mirror", "wrap": "wrap",
              "constant": "constant"}
NUMPY_MODE = {"clamp": "edge", "reflect": "symmetric", "mirror": "reflect", "wrap": "wrap",
              "constant": "constant"}
KINDS = {"image": (2, 1), "rgb": (2, 3), "volume": (3, 1)}  # dimensions, channels
SHAPES = {"image": (61, 83), "rgb": (43, 57, 3), "volume": (11, 17, 23)}
INTEGERS, FLOATS = ["u8", "u16"], ["f32", "f64"]
ALL = INTEGERS + FLOATS


def array_for(kind, dtype, seed=1):
    """Blobs and noise over the whole range of an integer type, -100 to 300 in floats."""
    shape = SHAPES[kind]
    random = np.random.default_rng([seed, len(shape), shape[-1]])
    axes = np.meshgrid(*(np.arange(n) for n in shape), indexing="ij")
    wave = np.sin(sum((i + 1) * a * 0.19 for i, a in enumerate(axes)))
    unit = np.clip(0.5 + 0.3 * wave + 0.35 * (random.random(shape) - 0.5) * 2, 0, 1)
    if dtype in INTEGERS:
        most = {"u8": 255, "u16": 65535}[dtype]
        return np.floor(unit * most + 0.5).astype({"u8": np.uint8, "u16": np.uint16}[dtype])
    return (unit * 400 - 100).astype({"f32": np.float32, "f64": np.float64}[dtype])


def unit_array(kind, dtype):
    """Floats from 0 to 1, integers as ever."""
    array = array_for(kind, dtype)
    return array if dtype in INTEGERS else ((array + 100) / 400).astype(array.dtype)


def store(result, dtype):
    """As nfold stores what it computed: to the nearest, halves up, saturating."""
    dtype = np.dtype(dtype)
    if dtype.kind != "u":
        return result.astype(dtype)
    return np.clip(np.floor(result + 0.5), 0, np.iinfo(dtype).max).astype(dtype)


# What gives elements of its input, or nothing that is ever rounded.
EXACT = ("median percentile erode dilate gradient open close clamp abs invert threshold cast channel min max "
         "norminf argmin argmax label hysteresis").split()


class Row:
    """One chain beside one call of a peer.

    call(array, border) gives the peer's result, call(array) where there are no borders, call(a, b) with
    two=True; a dict of numbers for reductions. kinds, dtypes: what it is tried on. borders: a list, []
    where the kernel has none. allow: the largest differences allowed, by element type; where not
    given, integers 0, floats 2, or 0 of kernels in EXACT. why: what explains them. inner: cells at the
    edges that are left out. gain: floats are compared in units in the last place of gain
    times the largest input: the largest that a sum with these weights can be; 0: of the result. few:
    integers differ in few cells only. by_channel: the peer gets each channel for itself. ours: applied to
    nfold's result first. label: for the table, instead of the parameters.
    """

    def __init__(self, chain, peer, call, kinds="image rgb", dtypes=None, borders=None, allow=None, why="",
                 inner=0, gain=0, few=False, by_channel=True, two=False, array=array_for, ours=None,
                 label=""):
        self.chain, self.peer, self.call = chain, peer, call
        self.kinds = kinds.split()
        self.dtypes = dtypes or ALL
        self.borders = BORDERS if borders is None else borders
        self.allow, self.why, self.inner, self.gain, self.few = allow or {}, why, inner, gain, few
        self.by_channel, self.two, self.array, self.ours = by_channel, two, array, ours
        self.label = label
        assert why or not self.allow, f"{chain}: a difference that is not explained"

    def allowed(self, dtype):
        return self.allow.get(dtype, self.usual(dtype))

    def usual(self, dtype):
        return 0 if dtype in INTEGERS or self.chain.partition(":")[0] in EXACT else 2

    @staticmethod
    def second(kind, dtype):
        return array_for(kind, dtype, seed=2)


ROWS = []


def row(*arguments, **named):
    ROWS.append(Row(*arguments, **named))


# ---- how the peers are called ----

def in_double(call):
    """A scipy filter on the values as f64, rounded once as nfold rounds."""
    return lambda a, border: store(call(a.astype(np.float64), mode=SCIPY_MODE[border], cval=VALUE), a.dtype)


def own_type(call):
    """A scipy filter as it is called on the array itself."""
    return lambda a, border: call(a, mode=SCIPY_MODE[border], cval=VALUE)


def padded(call, width):
    """A peer that lacks some borders: the array is extended before, and the result cut."""
    def run(a, border):
        constant = {"constant_values": VALUE} if border == "constant" else {}
        wide = np.pad(a, width, mode=NUMPY_MODE[border], **constant)
        cut = (slice(width, -width),) * a.ndim
        return np.ascontiguousarray(call(np.ascontiguousarray(wide))[cut])
    return run


def hypot_of(derivative):
    """The gradient's magnitude from a scipy filter along one axis."""
    def run(a, **border):
        parts = [derivative(a, axis=axis, **border) for axis in range(a.ndim)]
        return np.sqrt(sum(p * p for p in parts))
    return run


# ---- linear filters ----

SHARPEN = np.array([[-2, -2, -2], [-2, 32, -2], [-2, -2, -2]])
MASKS = {  # the mask, and what its sum is divided by
    "3x3 signed": (np.array([[1, -2, 3], [0, 5, 1], [-4, 2, 7]]), 1),
    "3x3 signed, over 13": (np.array([[1, -2, 3], [0, 5, 1], [-4, 2, 7]]), 13),
    "5x5 signed, over 3": (np.array([[0, 1, 2, 1, 0], [1, 4, 8, 4, 1], [2, 8, -90, 8, 2], [1, 4, 8, 4, 1],
                                     [0, 1, 2, 3, 0]]), 3),
    "7x7 signed, over 49": ((np.arange(49).reshape(7, 7) * 37 % 23) - 9, 49),
    "5x5 binomial, over 256": (np.outer([1, 4, 6, 4, 1], [1, 4, 6, 4, 1]), 256),
    "3x3 fractions": (np.sqrt([[0.11, 0.2, 0.3], [0.7, 1.25, 0.6], [0.01, 0.33, 0.17]]) - 0.4, 1)}
IN_F32 = "u8 is summed in f32: what is nearly halfway may fall on either side"
CUT_OFF = "scipy cuts off after each axis"


def mask_text(mask):
    return "mask=" + ",".join(f"{v:.17g}" for v in mask.ravel())


def gain_of(mask):
    return float(np.abs(mask).sum())


def cv_filter(mask):
    turned = np.ascontiguousarray(mask[::-1, ::-1].astype(np.float64))  # theirs is a correlation
    return padded(lambda a: cv2.filter2D(a, -1, turned), mask.shape[0] // 2)


def pillow_filter(image_filter, width):
    return padded(lambda a: np.array(Image.fromarray(a).filter(image_filter)), width)


def pillow_mask(mask, scale, offset):
    size = mask.shape[0]
    values = mask[:, ::-1].ravel().tolist()  # theirs is a correlation, from the last row to the first
    return pillow_filter(ImageFilter.Kernel((size, size), values, scale, offset), size // 2)


def convolve_rows():
    for label, (mask, scale) in MASKS.items():
        chain = f"convolve:{mask_text(mask)}" + (f",scale={scale}" if scale != 1 else "")
        common = {"gain": gain_of(mask) / scale, "label": label}
        fractions = (mask != np.round(mask)).any()
        row(chain, "scipy in f64", in_double(lambda a, m=mask, s=scale, **b: ndimage.convolve(a, m, **b) / s),
            few=fractions, allow={"u8": 1} if fractions else None, why=IN_F32 if fractions else "", **common)
        uneven = fractions or scale % 2 == 0 or scale == 49
        row(chain, "OpenCV", cv_filter(mask / scale), few=uneven,
            allow={"f32": 3, "f64": 3, **({"u8": 1, "u16": 1} if uneven else {})},
            why="sums in another order" + ("; OpenCV rounds halves to even, and has the mask in f32" if uneven
                                           else ""), **common)
    row("convolve:" + mask_text(np.ones((3, 3))) + ",scale=9", "scipy", label="3x3 mean",
        call=own_type(lambda a, **b: ndimage.convolve(a, np.ones((3, 3)) / 9, **b)), dtypes=INTEGERS,
        allow={"u8": 1, "u16": 1},
        why="scipy casts its double to the integer type: cut off, and negative ones wrapped around")
    for label in ["3x3 signed, over 13", "5x5 signed, over 3"] if PEERS["Pillow"] else []:
        mask, scale = MASKS[label]
        row(f"convolve:{mask_text(mask)},scale={scale},offset=20", "Pillow", pillow_mask(mask, scale, 20),
            dtypes=["u8"], label=label)
    row("sharpen", "Pillow", padded(lambda a: np.array(Image.fromarray(a).filter(ImageFilter.SHARPEN)), 1),
        dtypes=["u8"])
    row("sharpen", "scipy in f64", in_double(lambda a, **b: ndimage.convolve(a, SHARPEN / 16, **b)), gain=3)
    row("sharpen", "OpenCV", cv_filter(SHARPEN / 16), gain=3, allow={"u8": 1, "u16": 1},
        why="OpenCV rounds halves to even")


def box_rows():
    for size in [3, 5, 9, 25]:
        chain = f"box:size={size}"
        row(chain, "scipy in f64", in_double(lambda a, s=size, **b: ndimage.uniform_filter(a, s, **b)),
            kinds="image rgb volume" if size < 25 else "image rgb", gain=1, allow={"f64": 16},
            why="scipy runs a sum along each line, whose error grows")
        row(chain, "scipy", own_type(lambda a, s=size, **b: ndimage.uniform_filter(a, s, **b)),
            dtypes=INTEGERS, kinds="image rgb volume", allow={"u8": 2, "u16": 2}, why=CUT_OFF)
        row(chain, "OpenCV", padded(lambda a, s=size: cv2.blur(a, (s, s)), size // 2), gain=1,
            allow={"u16": 1, "f64": 16}, few=True,
            why="OpenCV runs a sum down each column, whose error grows, and multiplies by a rounded "
            "reciprocal")
        row(chain, "Pillow", padded(lambda a, s=size: np.array(Image.fromarray(a).filter(
            ImageFilter.BoxBlur(s // 2))), size // 2), dtypes=["u8"], allow={"u8": 1},
            why="Pillow rounds between the axes")


def gaussian_rows():
    for sigma in [0.7, 1, 2, 10]:
        chain, r = f"gaussian:sigma={sigma}", int(4 * sigma + 0.5)
        kinds = "image rgb volume" if sigma <= 2 else "image rgb"
        row(chain, "scipy in f64", in_double(lambda a, s=sigma, **b: ndimage.gaussian_filter(a, s, **b)),
            kinds=kinds, gain=1, allow={"u8": 1, "f32": 3, "f64": 3}, few=True, why=IN_F32)
        row(chain, "scipy", own_type(lambda a, s=sigma, **b: ndimage.gaussian_filter(a, s, **b)),
            kinds=kinds, dtypes=["u8", "u16", "f32"], gain=1, allow={"u8": 3, "u16": 3, "f32": 3},
            why=CUT_OFF)
        row(chain, "OpenCV", padded(lambda a, s=sigma, r=r: cv2.GaussianBlur(a, (2 * r + 1,) * 2, s), r),
            gain=1, allow={"u8": 1, "u16": 2, "f32": 4, "f64": 5},
            why="OpenCV has weights in 256ths or 65536ths; sums in another order")
        row(chain, "skimage", lambda a, border, s=sigma: filters.gaussian(
            a, s, mode=SCIPY_MODE[border], cval=VALUE, preserve_range=True), kinds="image", dtypes=FLOATS,
            gain=1, allow={"f32": 3, "f64": 3}, why="sums in another order")
    row("gaussian:sigma=2", "Pillow", padded(lambda a: np.array(Image.fromarray(a).filter(
        ImageFilter.GaussianBlur(2))), 12), dtypes=["u8"], allow={"u8": 4},
        why="Pillow approximates the Gaussian by three boxes")
    unsharp = padded(lambda a: np.array(Image.fromarray(a).filter(ImageFilter.UnsharpMask(2, 150, 3))), 12)
    row("unsharp:radius=2,percent=150,threshold=3", "Pillow", unsharp, dtypes=["u8"], allow={"u8": 8},
        why="Pillow's Gaussian is three boxes, rounded before the difference is taken")
    row("unsharp:radius=2,percent=150,threshold=0", "skimage", lambda a, border: filters.unsharp_mask(
        a, 2, 1.5, preserve_range=True), borders=["reflect"], kinds="image", dtypes=FLOATS, gain=4)
    row("unsharp:radius=2,percent=150,threshold=0", "scipy in f64", in_double(
        lambda a, **b: a + 1.5 * (a - ndimage.gaussian_filter(a, 2, **b))), gain=4)


# ---- gradients and Laplacians ----

NOT_CONSTANT = BORDERS[:-1]
EACH_PASS = "scipy extends each pass's result by the constant: nfold the array"


def cv_magnitude(derivative):
    """From derivatives in f32 of u8, in f64 of u16, in their own type of floats."""
    def run(a):
        depth = cv2.CV_64F if a.dtype in (np.float64, np.uint16) else cv2.CV_32F
        return store(cv2.magnitude(derivative(a, depth, 1, 0), derivative(a, depth, 0, 1)), a.dtype)
    return padded(run, 1)


def several_passes(chain, peer, call, width, why="", **named):
    """A filter of scipy's in several passes: a constant border stands around the array, as it would be
    taken for that of each pass's result."""
    row(chain, peer, in_double(call), borders=NOT_CONSTANT, why=why, **named)
    wide = padded(lambda a: in_double(call)(a, "clamp"), width)
    row(chain, peer, wide, borders=["constant"], why="put around the array: " + EACH_PASS, **named)


def gradient_rows():
    sobel = cv_magnitude(lambda a, depth, x, y: cv2.Sobel(a, depth, x, y, ksize=3))
    scharr = cv_magnitude(lambda a, depth, x, y: cv2.Scharr(a, depth, x, y))
    row("sobel", "OpenCV", sobel, gain=8)
    row("scharr", "OpenCV", scharr, gain=32)
    for name, side in [("sobel", 4), ("prewitt", 3)]:
        derivative = hypot_of(lambda a, c=name, **b: getattr(ndimage, c)(a, **b))
        several_passes(name, "scipy in f64", derivative, 1, gain=2 * side)
        several_passes(name, "scipy in f64", derivative, 1, kinds="volume", gain=2 * side * side)
    for name, scale in [("sobel", 4), ("scharr", 16), ("prewitt", 3)]:
        def whole(a, mode, name=name, scale=scale):
            return getattr(filters, name)(a, mode=mode) * np.asarray(scale * np.sqrt(2), a.dtype)
        why = "skimage divides by the sum of the weights and by the root of 2: undone here"
        row(name, "skimage", lambda a, border, f=whole: f(a, SCIPY_MODE[border]), borders=NOT_CONSTANT,
            kinds="image", dtypes=FLOATS, gain=2 * scale, allow={"f32": 4, "f64": 4}, why=why)


def laplacian_rows():
    in_f64 = lambda a: store(cv2.Laplacian(a, cv2.CV_64F, ksize=1) + 128, a.dtype)
    row("laplacian:offset=128", "scipy in f64", in_double(lambda a, **b: ndimage.laplace(a, **b) + 128),
        kinds="image rgb volume", gain=8)
    row("laplacian:offset=128", "OpenCV", padded(in_f64, 1), gain=8, dtypes=["u8", "u16", "f64"])
    row("laplacian", "OpenCV", padded(lambda a: cv2.Laplacian(a, -1, ksize=1), 1), gain=8)
    for sigma in [1, 2.5]:
        several_passes(f"log:sigma={sigma},offset=100", "scipy in f64",
                       lambda a, s=sigma, **b: ndimage.gaussian_laplace(a, s, **b) + 100,
                       int(8 * sigma + 1), gain=1, allow={"u8": 1}, few=True, why=IN_F32)
    row("dog:offset=100", "scipy in f64", in_double(
        lambda a, **b: ndimage.gaussian_filter(a, 1, **b) - ndimage.gaussian_filter(a, 1.6, **b) + 100),
        gain=2)
    row("dog", "skimage", lambda a, border: filters.difference_of_gaussians(
        a, 1, 1.6, mode=SCIPY_MODE[border], cval=VALUE), kinds="image", dtypes=FLOATS, gain=2)


# ---- ranks and morphology ----

def rank_rows():
    for size in [3, 5, 7, 11]:
        kinds = "image rgb volume" if size <= 5 else "image rgb"
        row(f"median:size={size}", "scipy",
            own_type(lambda a, s=size, **b: ndimage.median_filter(a, s, **b)), kinds=kinds)
        row(f"median:size={size}", "OpenCV", padded(lambda a, s=size: cv2.medianBlur(a, s), size // 2),
            dtypes=["u8", "u16", "f32"] if size <= 5 else ["u8"])
    for size in [3, 5]:
        row(f"median:size={size}", "Pillow", pillow_filter_named("MedianFilter", size), dtypes=["u8"])
    row("median:size=3", "skimage", lambda a, border: filters.median(
        a, np.ones((3, 3)), mode=SCIPY_MODE[border], cval=VALUE), kinds="image")
    for size, p in [(3, 0), (3, 25), (5, 90), (7, 37.5), (3, 100)]:
        row(f"percentile:size={size},p={p}", "scipy",
            own_type(lambda a, s=size, p=p, **b: ndimage.percentile_filter(a, p, s, **b)),
            kinds="image rgb volume" if size < 7 else "image rgb")


def pillow_filter_named(name, size):
    def run(a):
        return np.array(Image.fromarray(a).filter(getattr(ImageFilter, name)(size)))
    return padded(run, size // 2)


def footprint(shape, size, ndim=2):
    """cross and disc in images, the cube in volumes."""
    r = size // 2
    y, x = np.mgrid[-r:r + 1, -r:r + 1]
    return {"square": np.ones((size,) * ndim, bool), "cross": (x == 0) | (y == 0),
            "disc": x * x + y * y <= r * r}[shape]


MORPHOLOGY = [  # nfold, scipy, OpenCV, skimage, Pillow
    ("erode", "grey_erosion", "MORPH_ERODE", "erosion", "MinFilter"),
    ("dilate", "grey_dilation", "MORPH_DILATE", "dilation", "MaxFilter"),
    ("gradient", "morphological_gradient", "MORPH_GRADIENT", None, None),
    ("open", "grey_opening", "MORPH_OPEN", "opening", None),
    ("close", "grey_closing", "MORPH_CLOSE", "closing", None),
    ("tophat", "white_tophat", "MORPH_TOPHAT", "white_tophat", None),
    ("blackhat", "black_tophat", "MORPH_BLACKHAT", "black_tophat", None),
]


def scipy_morphology(name, shape, size, called=own_type):
    if shape == "square":
        return called(lambda a, **b: getattr(ndimage, name)(a, size=(size,) * a.ndim, **b))
    return called(lambda a, **b: getattr(ndimage, name)(a, footprint=footprint(shape, size), **b))


def morphology_rows():
    for ours, scipys, cvs, skimages, pillows in MORPHOLOGY:
        for shape, size in [("square", 3), ("square", 5), ("square", 15), ("cross", 7), ("disc", 9)]:
            chain = f"{ours}:size={size}" + (f",shape={shape}" if shape != "square" else "")
            twice = ours in ("open", "close", "tophat", "blackhat")
            width = size // 2 * (2 if twice else 1)
            kinds = "image rgb volume" if shape == "square" and size <= 5 else "image rgb"
            subtracts = ours in ("tophat", "blackhat")
            row(chain, "scipy", scipy_morphology(scipys, shape, size), kinds=kinds,
                borders=NOT_CONSTANT if subtracts else BORDERS)
            if subtracts:
                row(chain, "scipy in f64", scipy_morphology(scipys, shape, size, in_double), kinds=kinds,
                    borders=["constant"], why="what would be negative wraps around in scipy's integers: in "
                    "doubles it stops at 0, as nfold's")
            edges = {} if not twice else {"inner": width, "why": "edges are left out: OpenCV extends the "
                                          "array before both of the two"}
            row(chain, "OpenCV", padded(lambda a, k=footprint(shape, size).astype(np.uint8), c=cvs:
                                        cv2.morphologyEx(a, getattr(cv2, c), k), width), **edges)
            if skimages and shape != "cross":
                edges = {"inner": width, "why": "edges are left out, as skimage extends otherwise"} \
                    if twice else {}
                element = footprint(shape, size)
                row(chain, "skimage", padded(lambda a, f=element, s=skimages: getattr(morphology, s)(a, f),
                                             width), kinds="image", **edges)
            if pillows and shape == "square":
                row(chain, "Pillow", pillow_filter_named(pillows, size), dtypes=["u8"])


# ---- single cells ----

def point_rows():
    none = {"borders": []}
    everything = {"kinds": "image rgb volume", "borders": []}
    row("scale:a=1.7,b=-20.25", "numpy", lambda a: store(a.astype(np.float64) * 1.7 - 20.25, a.dtype),
        **everything)
    row("scale:a=1.7,b=20", "OpenCV", lambda a: cv2.convertScaleAbs(a, alpha=1.7, beta=20), dtypes=["u8"],
        allow={"u8": 1}, why="OpenCV scales in f32, and rounds halves to even", **none)
    row("clamp:lo=20,hi=200", "numpy", lambda a: np.clip(a, 20, 200).astype(a.dtype), **everything)
    row("abs", "numpy", np.abs, **everything)
    row("invert", "skimage", util.invert if PEERS["skimage"] else None, dtypes=INTEGERS, **everything)
    row("invert", "Pillow", lambda a: np.array(ImageOps.invert(Image.fromarray(a))), dtypes=["u8"], **none)
    row("threshold:value=99", "OpenCV", lambda a: cv2.threshold(
        a, 99, {"uint8": 255, "uint16": 65535}.get(str(a.dtype), 1), cv2.THRESH_BINARY)[1], **none)
    row("gamma:exponent=0.45", "numpy", lambda a: gamma_of(a, 0.45), array=unit_array, **everything)
    row("gamma:exponent=2.2", "skimage", lambda a: exposure.adjust_gamma(a, 2.2), array=unit_array,
        allow={"u8": 1, "u16": 1, "f32": 8},
        why="skimage cuts off where nfold rounds; its powers of f32 are f32",
        **none)
    row("cast:to=u8", "numpy", lambda a: store(a.astype(np.float64), np.uint8), **everything)
    row("cast:to=f32", "numpy", lambda a: a.astype(np.float32), **everything)
    row("channel:index=1", "numpy", lambda a: a[..., 1], kinds="rgb", borders=[])


def whole_array_rows():
    """Maps that look at the whole array first."""
    every = {"kinds": "image rgb volume", "borders": []}
    row("normalize", "numpy", lambda a: store((a.astype(np.float64) - a.min()) * (
        np.iinfo(a.dtype).max if a.dtype.kind == "u" else 1) / (float(a.max()) - float(a.min())), a.dtype),
        allow={"f64": 4}, why="in another order", **every)
    row("normalize:method=minmax,low=10,high=90", "OpenCV", lambda a: cv2.normalize(
        a, None, 10, 90, cv2.NORM_MINMAX), kinds="image", borders=[], few=True, gain=1,
        allow={"u8": 1, "u16": 1, "f32": 4, "f64": 4},
        why="OpenCV scales by a rounded quotient, of bytes in f32")
    row("normalize:method=zscore", "scipy", lambda a: scipy.stats.zscore(a.astype(np.float64), None).astype(
        a.dtype), dtypes=FLOATS, allow={"f64": 4096}, why="scipy's mean and deviation are not correctly "
        "rounded, and the difference to the mean cancels", **every)
    row("equalize", "OpenCV", lambda a: cv2.equalizeHist(a), kinds="image", dtypes=["u8"], borders=[])
    white = {np.dtype(np.uint8): 255, np.dtype(np.uint16): 65535}
    row("threshold:method=otsu", "OpenCV", lambda a: cv2.threshold(a, 0, white[a.dtype], cv2.THRESH_OTSU)[1],
        kinds="image", dtypes=INTEGERS, borders=[])
    row("threshold:method=otsu", "skimage", lambda a: np.where(
        a > filters.threshold_otsu(a), white.get(a.dtype, 1), 0).astype(a.dtype), kinds="image volume",
        borders=[])


def gamma_of(a, exponent):
    white = np.iinfo(a.dtype).max if a.dtype.kind == "u" else 1
    return store(white * (a.astype(np.float64) / white) ** exponent, a.dtype)


def in_turns(hsv):
    return hsv / np.asarray([360, 1, 1], hsv.dtype)


def colour_rows():
    rgb = {"kinds": "rgb", "borders": [], "by_channel": False}
    row("gray", "Pillow", lambda a: np.array(Image.fromarray(a).convert("L")), dtypes=["u8"], **rgb)
    row("gray", "OpenCV", lambda a: cv2.cvtColor(a, cv2.COLOR_RGB2GRAY), dtypes=["u8", "u16", "f32"],
        gain=1, allow={"u8": 1, "u16": 2}, why="OpenCV's integer weights have 14 or 15 bits, nfold's and "
        "Pillow's 16", **rgb)
    row("rgb2hsv", "OpenCV", lambda a: cv2.cvtColor(a, cv2.COLOR_RGB2HSV), dtypes=["u8"], allow={"u8": 1},
        why="OpenCV divides by tables of rounded reciprocals", **rgb)
    row("rgb2hsv", "OpenCV", lambda a: in_turns(cv2.cvtColor(a, cv2.COLOR_RGB2HSV)), dtypes=["f32"],
        array=unit_array, ours=in_turns, gain=1, allow={"f32": 512},
        why="OpenCV adds an epsilon to both divisors; hue in turns here", **rgb)
    row("rgb2hsv", "skimage", color.rgb2hsv if PEERS["skimage"] else None, dtypes=FLOATS, array=unit_array,
        ours=in_turns, gain=1, allow={"f32": 4, "f64": 4}, why="hue in turns here", **rgb)


# ---- reductions ----

def exactly(values):
    """Correctly rounded sum."""
    from math import fsum
    return fsum(np.asarray(values, np.float64).ravel().tolist())


def exact_products(a, b):
    from fractions import Fraction
    return float(sum(Fraction(float(x)) * Fraction(float(y)) for x, y in zip(a.ravel(), b.ravel())))


def exact_variance(a):
    from fractions import Fraction
    values = [Fraction(float(x)) for x in a.ravel()]
    mean = sum(values) / len(values)
    return float(sum((v - mean) ** 2 for v in values) / len(values))


def place(index, a):
    ndim = 3 if a.ndim == 3 and a.shape[-1] != 3 else 2
    at = np.unravel_index(index, a.shape)
    return dict(zip(["plane", "row", "column"][3 - ndim:], (int(i) for i in at)), index=int(index))


def reduction_rows():
    every = {"kinds": "image rgb volume", "borders": []}
    float_only = {"kinds": "image volume", "borders": [], "dtypes": FLOATS}
    row("sum", "numpy (fsum)", lambda a: {"sum": exactly(a)}, allow={"f32": 0, "f64": 0},
        why="nfold's is correctly rounded, and so is fsum", dtypes=FLOATS, **{**every})
    row("sum", "numpy", lambda a: {"sum": np.float64(a.sum(
        dtype=np.uint64 if a.dtype.kind == "u" else float))},
        allow={"f64": 16, "f32": 16}, why="numpy's pairwise sum is not correctly rounded", **every)
    row("sumsq", "numpy (fractions)", lambda a: {"sumsq": exact_products(a, a)}, allow={"f32": 0, "f64": 0},
        why="both correctly rounded", **every)
    row("norm2", "OpenCV", lambda a: {"norm2": cv2.norm(a, cv2.NORM_L2)}, allow={d: 16 for d in ALL},
        why="OpenCV's sums are not correctly rounded",
        kinds="image", borders=[])
    row("norm2", "scipy", lambda a: {"norm2": np.float64(scipy.linalg.norm(a.ravel().astype(np.float64)))},
        allow={d: 64 for d in ALL}, why="nrm2 is not correctly rounded", **every)
    row("norm1", "numpy (fsum)", lambda a: {"norm1": exactly(np.abs(a.astype(np.float64)))},
        allow={"f32": 0, "f64": 0}, why="both correctly rounded", **every)
    row("norminf", "OpenCV", lambda a: {"norminf": cv2.norm(a, cv2.NORM_INF)}, kinds="image", borders=[])
    row("min", "numpy", lambda a: {"min": float(a.min())}, **every)
    row("max", "numpy", lambda a: {"max": float(a.max())}, **every)
    row("min", "OpenCV", lambda a: {"min": cv2.minMaxLoc(a)[0]}, kinds="image", borders=[])
    row("argmin", "numpy", lambda a: {"value": float(a.min()), **place(a.argmin(), a)}, **every)
    row("argmax", "numpy", lambda a: {"value": float(a.max()), **place(a.argmax(), a)}, **every)
    row("argmax", "OpenCV", lambda a: {"value": cv2.minMaxLoc(a)[1], "column": cv2.minMaxLoc(a)[3][0],
                                       "row": cv2.minMaxLoc(a)[3][1]}, kinds="image", borders=[])
    row("stats", "numpy (fractions)", lambda a: {
        "count": a.size, "min": float(a.min()), "max": float(a.max()), "mean": exact_mean(a),
        "variance": exact_variance(a)}, allow={"f32": 0, "f64": 0}, why="both correctly rounded", **every)
    row("stats", "OpenCV", lambda a: {"mean": cv2.meanStdDev(a)[0][0, 0],
                                      "variance": cv2.meanStdDev(a)[1][0, 0] ** 2},
        allow={d: 256 for d in ALL}, why="OpenCV's sums, and its root that is squared here, are not "
        "correctly rounded", kinds="image", borders=[])
    row("stats:moments=4", "scipy", lambda a: {"skewness": float(scipy.stats.skew(a.astype(float), None)),
                                     "kurtosis": float(scipy.stats.kurtosis(a.astype(float), None))},
        allow={d: 4096 for d in ALL}, why="sums of third and fourth powers about a rounded mean", **every)
    row("histogram", "OpenCV", lambda a: {"counts": cv2.calcHist([a], [0], None, [256], [0, white_of(a)])
                                          .ravel().astype(np.int64)}, kinds="image", borders=[],
        dtypes=INTEGERS)
    row("histogram", "Pillow", lambda a: {"counts": np.array(Image.fromarray(a).histogram())}, kinds="image",
        borders=[], dtypes=["u8"])
    row("histogram:bins=37,lo=-50,hi=250", "numpy", lambda a: {
        "counts": np.histogram(a.astype(np.float64), 37, (-50, 250))[0]}, **every)
    row("dot", "numpy (fractions)", lambda a, b: {"dot": exact_products(a, b)}, two=True,
        allow={"f32": 0, "f64": 0}, why="both correctly rounded", **every)
    row("dot", "numpy", lambda a, b: {"dot": float(np.dot(a.ravel(), b.ravel()))}, two=True,
        allow={"f64": 64}, why="BLAS: not correctly rounded", **{**float_only, "dtypes": ["f64"]})


def quantile_rows():
    every = {"kinds": "image rgb volume", "borders": []}
    for method in ["linear", "lower", "higher", "midpoint", "nearest"]:
        row(f"quantile:q=0.123,method={method}", "numpy", lambda a, m=method: {"@": float(np.quantile(
            a.astype(np.float64), 0.123, method=m))}, **every)


def white_of(a):
    return {"uint8": 256, "uint16": 65536}[str(a.dtype)]


def exact_mean(a):
    from fractions import Fraction
    return float(sum(Fraction(float(x)) for x in a.ravel()) / a.size)


# ---- components ----

def blobs(kind, dtype):
    array = array_for(kind, dtype)
    return np.where(array > np.quantile(array, 0.55), array, 0).astype(array.dtype)


def component_rows():
    every = {"kinds": "image volume", "borders": [], "array": blobs}
    for connectivity in [1, 2]:
        chain = f"label:connectivity={connectivity}"
        whole = lambda a, c=connectivity: ndimage.label(
            a != 0, ndimage.generate_binary_structure(a.ndim, c))[0]
        row(chain, "scipy", lambda a, f=whole: f(a).astype(np.float32), **every)
        row(chain, "skimage", lambda a, c=connectivity: measure.label(
            a != 0, connectivity=c).astype(np.float32), **every)
        row(chain + ",value=size", "scipy", lambda a, f=whole: sizes_of(f(a)), **every)
    row("hysteresis:low=100,high=200", "skimage", lambda a: filters.apply_hysteresis_threshold(
        a, 100, 200).astype(a.dtype) * a.dtype.type({"u": np.iinfo(np.uint8).max}.get(a.dtype.kind, 1)),
        kinds="image volume", borders=[], dtypes=["u8", "f32", "f64"])
    for l2 in ["no", "yes"]:
        for low, high in [(100, 300), (20.5, 60), (400, 200)]:
            row(f"canny:low={low},high={high},l2={l2}", "OpenCV",
                lambda a, low=low, high=high, l2=l2: cv2.Canny(a, low, high, L2gradient=l2 == "yes"),
                by_channel=False, borders=[], dtypes=["u8"])
    row("distance:to=f64", "scipy", lambda a: ndimage.distance_transform_edt(a), kinds="image volume",
        borders=[], array=blobs)


def sizes_of(labels):
    sizes = np.bincount(labels.ravel())
    sizes[0] = 0
    return sizes[labels].astype(np.float32)


# ---- geometry ----

def affine_rows():
    matrix = np.array([[0.9137, 0.2071], [-0.1519, 1.0913]])  # of y, x
    offset = np.array([3.2531, -2.5177])
    text = f"{matrix[1, 1]},{matrix[1, 0]},{offset[1]},{matrix[0, 1]},{matrix[0, 0]},{offset[0]}"
    modes = {**SCIPY_MODE, "wrap": "grid-wrap", "constant": "grid-constant"}
    row(f"affine:matrix={text}", "scipy in f64", lambda a, border: store(ndimage.affine_transform(
        a.astype(np.float64), matrix, offset, order=1, mode=modes[border], cval=VALUE), a.dtype), gain=1,
        label="bilinear", few=True, allow={"u8": 1, "u16": 1, "f32": 8, "f64": 512},
        why="u8 is weighted in f32; coordinates are rounded otherwise, and multiply slopes")
    row("rotate:angle=30", "scipy in f64", lambda a, border: store(ndimage.rotate(
        a.astype(np.float64), 30, reshape=False, order=1, mode=modes[border], cval=VALUE), a.dtype), gain=1,
        few=True, allow={"u8": 1, "u16": 1, "f32": 8, "f64": 512},
        why="u8 is weighted in f32; coordinates are rounded otherwise, and multiply slopes")
    row("rotate:angle=90,expand=yes", "numpy", lambda a, border: np.rot90(a), by_channel=False)


def resize_rows():
    methods = {"nearest": "NEAREST", "bilinear": "BILINEAR", "cubic": "BICUBIC", "lanczos": "LANCZOS",
               "area": "BOX"}
    for ours, theirs in methods.items():
        for width, height in [(29, 23), (131, 97), (40, 150)]:
            def resized(a, width=width, height=height, theirs=theirs):
                return np.array(Image.fromarray(a).resize((width, height), getattr(Image, theirs)))
            row(f"resize:width={width},height={height},method={ours}", "Pillow", resized, dtypes=["u8"],
                borders=[], label=f"{ours}, to {height}x{width}")
            row(f"resize:width={width},height={height},method={ours}", "Pillow", resized, dtypes=["f32"],
                borders=[], kinds="image", gain=1, label=f"{ours}, to {height}x{width}")


# ---- edge-preserving ----

def edge_rows():
    bilateral = padded(lambda a: cv2.bilateralFilter(a, 9, 40, 3), 4)
    row("bilateral:d=9,sigma_color=40,sigma_space=3", "OpenCV", bilateral, kinds="image",
        dtypes=["u8", "f32"], gain=1, allow={"u8": 1, "f32": 16},
        why="OpenCV rounds halves to even, and interpolates the weights of f32 in a table")
    row("bilateral:d=9,sigma_color=40,sigma_space=3", "OpenCV", lambda a, border: cv2.bilateralFilter(
        a, 9, 40, 3, borderType=cv2.BORDER_REFLECT), kinds="rgb", dtypes=["u8", "f32"], by_channel=False,
        borders=["reflect"], gain=1, allow={"u8": 1, "f32": 16},
        why="OpenCV rounds halves to even, and interpolates the weights of f32 in a table")
    row("nlm:h=60,patch=7,search=21", "OpenCV",
        lambda a, border: cv2.fastNlMeansDenoising(a, None, 60, 7, 21), kinds="image",
        dtypes=["u8"], borders=["mirror"], allow={"u8": 2}, why="OpenCV rounds distances of patches and weights to integers")


# ---- stencils ----

def heat(a, border, steps, alpha):
    u = a.astype(np.float64)
    for _ in range(steps):
        u = u + alpha * ndimage.laplace(u, mode=SCIPY_MODE[border], cval=VALUE)
        u = store(u, a.dtype).astype(np.float64)
    return store(u, a.dtype)


def life(a, border):
    alive = (a != 0).astype(int)
    around = np.array([[1, 1, 1], [1, 0, 1], [1, 1, 1]])
    for _ in range(3):
        count = ndimage.convolve(alive, around, mode=SCIPY_MODE[border], cval=1)
        alive = ((count == 3) | (alive == 1) & (count == 2)).astype(int)
    return (alive * 255).astype(a.dtype)


def jacobi(a, border, steps):
    u, n = a.astype(np.float64), a.ndim
    around = ndimage.generate_binary_structure(n, 1).astype(float)
    around[(1,) * n] = 0
    for _ in range(steps):
        u = ndimage.convolve(u, around / (2 * n), mode=SCIPY_MODE[border], cval=VALUE)
        u = u.astype(a.dtype).astype(np.float64)
    return u.astype(a.dtype)


def wave(a, border, steps, courant):
    """Leapfrog from rest: the first step is half of one."""
    change = lambda u: courant ** 2 * ndimage.laplace(u, mode=SCIPY_MODE[border], cval=VALUE)
    before = a.astype(np.float64)
    u = before + change(before) / 2
    for _ in range(steps - 1):
        u, before = 2 * u - before + change(u), u
    return u.astype(a.dtype)


def stencil_rows():
    row("jacobi:steps=7", "scipy in f64", lambda a, border: jacobi(a, border, 7), kinds="image volume",
        dtypes=FLOATS, gain=1, allow={"f32": 4}, why="sums in another order, f32 rounded after each step")
    row("wave:steps=4", "scipy in f64", lambda a, border: wave(a, border, 4, 0.5), kinds="image volume",
        dtypes=FLOATS, gain=1, allow={"f32": 8, "f64": 8}, why="f32 is rounded after each step")
    row("life:steps=3", "scipy", life, dtypes=["u8"], array=lambda kind, dtype: np.where(
        array_for(kind, dtype) > 140, 255, 0).astype(np.uint8))
    row("heat:steps=1,alpha=0.1", "scipy in f64", lambda a, border: heat(a, border, 1, 0.1),
        kinds="image rgb volume", gain=1)
    row("heat:steps=5,alpha=0.1", "scipy in f64", lambda a, border: heat(a, border, 5, 0.1),
        kinds="image rgb volume", gain=1)


for rows in [convolve_rows, box_rows, gaussian_rows, gradient_rows, laplacian_rows, rank_rows,
             morphology_rows, point_rows, colour_rows, reduction_rows, quantile_rows, whole_array_rows,
             component_rows, affine_rows, resize_rows, edge_rows, stencil_rows]:
    rows()
