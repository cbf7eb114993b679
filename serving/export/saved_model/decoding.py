"""Image files to pixels inside the SavedModel's graph: sizes before pixels, and a sentence instead of a failure.

Importing this imports TensorFlow.
"""

import tensorflow as tf

from .exif import number, orientation, part, upright

PNG = b"\x89PNG\r\n\x1a\n"
GREY_16_BIT = 0x1000  # PNG's bit depth and colour type, a byte each

UNKNOWN = "This is not a JPEG, PNG, BMP or WebP file."
STRANGERS = {  # what phones and cameras write as well, by bytes and where they stand
    "HEIC": (4, [b"ftyp" + brand for brand in (b"heic", b"heix", b"hevc", b"mif1", b"msf1")]),
    "AVIF": (4, [b"ftypavif", b"ftypavis"]),
    "TIFF": (0, [b"II*\0", b"MM\0*"]),
}
STRANGE = "This file is %s, and not JPEG, PNG, BMP or WebP. Save it as JPEG."
ANIMATED = "Animated WebP files are not supported. Send one frame."
NOT_DEPTH = "Depth must be a 16-bit grey PNG in millimetres."
DAMAGED = "This file is damaged or cut off, or of a variety that cannot be decoded."
MAX_TEXTS = 16  # compressed ones in a PNG file: libpng inflates each to as much as 8 MB, and keeps them all
MAX_SCANS = 500  # of a progressive JPEG file: each costs a walk over all pixels, and few bytes
TOO_MANY_TEXTS = f"This PNG file holds more than {MAX_TEXTS} compressed texts. Save it without them."
TOO_MANY_SCANS = f"This JPEG file has more than {MAX_SCANS} scans. Save it anew."


# A graph of its own, which every signature and every input calls: it takes most of the time to build.
_reader = tf.function(input_signature=[tf.TensorSpec([], tf.string), tf.TensorSpec([], tf.int64)], autograph=False)


@_reader
def read_image(contents, max_pixels):
    """Decode a photograph to what `fcn_keras.datasets.images.read_image` makes of it.

    Args:
        contents: scalar string, a JPEG, PNG, BMP or WebP file.
        max_pixels: largest height times width; checked in the header, before memory for pixels is taken.

    Returns:
        `(H, W, 3)` uint8 RGB, upright by EXIF, and a scalar string: empty, or a sentence on what is wrong with the
        file (the image is then `(0, 0, 3)`).
    """
    is_kind = _kinds(contents)
    animated = is_kind["webp"] & _has(contents, 12, b"VP8X") & (number(contents, 20, 1) // 2 % 2 > 0)
    known = tf.reduce_any(tf.stack(list(is_kind.values())))
    status = tf.where(known, tf.where(animated, ANIMATED, ""), _stranger(contents))
    size = _when(status, lambda: _size(contents, is_kind), tf.zeros([2], tf.int64))
    status = _first(_checked(status, size, max_pixels), lambda: _bomb(contents, is_kind))

    def decoded():
        image = _attempt(_decode, contents, tf.zeros([0, 0, 3], tf.uint8))
        return upright(image, orientation(contents, is_kind))

    image = _when(status, decoded, tf.zeros([0, 0, 3], tf.uint8))
    return image, _damaged_if_empty(status, image)


@_reader
def read_depth(contents, max_pixels):
    """Decode a depth map.

    Returns:
        `(H, W, 1)` uint16 millimetres, and the status, as `read_image`.
    """
    is_depth = _has(contents, 0, PNG) & tf.equal(number(contents, 24, 2, big=True), GREY_16_BIT)
    status = tf.where(is_depth, "", NOT_DEPTH)
    size = tf.stack([number(contents, 20, 4, big=True), number(contents, 16, 4, big=True)])
    status = _first(_checked(status, size, max_pixels), lambda: _crowded(contents))

    def decode(contents):
        return tf.io.decode_png(contents, channels=1, dtype=tf.uint16)

    nothing = tf.zeros([0, 0, 1], tf.uint16)
    image = _when(status, lambda: _attempt(decode, contents, nothing), nothing)
    return image, _damaged_if_empty(status, image)


def _kinds(contents):
    """Tell a file's kind by its first bytes: `{kind: scalar bool}`, at most one of them true."""
    return {
        "jpeg": _has(contents, 0, b"\xff\xd8\xff"),
        "png": _has(contents, 0, PNG),
        "bmp": _has(contents, 0, b"BM"),
        "webp": _has(contents, 0, b"RIFF") & _has(contents, 8, b"WEBP"),
    }


def _stranger(contents):
    """Call a file that is of no kind of these by its name, where it is a photograph all the same."""
    sentence = tf.constant(UNKNOWN)
    for name, (position, beginnings) in STRANGERS.items():
        found = tf.reduce_any(tf.equal(part(contents, position, len(beginnings[0])), beginnings))
        sentence = tf.where(found, STRANGE % name, sentence)
    return sentence


def _has(contents, position, expected):
    return tf.equal(part(contents, position, len(expected)), expected)


def _when(status, make, otherwise):
    """Call `make` where nothing is wrong so far."""
    return tf.cond(tf.equal(status, ""), make, lambda: otherwise)


def _attempt(function, contents, otherwise):
    """Return `function(contents)`, or `otherwise` where TensorFlow refuses the bytes.

    A graph has no `try`; a data set of one element that leaves out what fails is the same. (`reduce` would do without
    the second data set, but sets its function up anew at every call, which takes longer than to decode.)
    """
    results = tf.data.Dataset.from_tensors(contents).map(function).ignore_errors()
    either = results.concatenate(tf.data.Dataset.from_tensors(otherwise)).take(1)
    return tf.ensure_shape(either.get_single_element(), otherwise.shape.rank * [None])


def _size(contents, is_kind):
    """Read `[height, width]` (int64) from a file's header; zeros where there is none."""

    def jpeg():
        def shape(contents):
            return tf.io.extract_jpeg_shape(contents, output_type=tf.int64)[:2]

        return _attempt(shape, contents, tf.zeros([2], tf.int64))

    def png():
        return tf.stack([number(contents, 20, 4, big=True), number(contents, 16, 4, big=True)])

    branches = {"jpeg": jpeg, "png": png, "bmp": lambda: _bmp_size(contents), "webp": lambda: _webp_size(contents)}
    return tf.case([(is_kind[kind], branch) for kind, branch in branches.items()], exclusive=True)


def _bmp_size(contents):
    height, width = (number(contents, position, 4) for position in (22, 18))
    return tf.stack([tf.minimum(height, 2**32 - height), width])  # rows from the top down have a negative height


def _webp_size(contents):
    """Read `[height, width]` by https://developers.google.com/speed/webp/docs/riff_container."""

    def lossy():  # 3 bytes of frame tag and 3 of start code before
        return tf.stack([number(contents, 28, 2) % 2**14, number(contents, 26, 2) % 2**14])

    def lossless():  # 14 bits each behind one byte of signature
        bits = number(contents, 21, 4)
        return tf.stack([bits // 2**14 % 2**14 + 1, bits % 2**14 + 1])

    def extended():
        return tf.stack([number(contents, 27, 3) + 1, number(contents, 24, 3) + 1])

    branches = [(_has(contents, 12, b"VP8 "), lossy), (_has(contents, 12, b"VP8L"), lossless)]
    return tf.case(branches, default=extended, exclusive=True)


def _checked(status, size, max_pixels):
    """Say in `status` what is wrong with a size, unless something is already wrong."""
    too_large = tf.strings.format(
        "This image is {} pixels high and {} wide; more than {} pixels are refused. Scale it down.",
        (size[0], size[1], max_pixels),
    )
    wrong = tf.where(
        tf.reduce_any(size < 1), DAMAGED, tf.where(size[0] > max_pixels // tf.maximum(size[1], 1), too_large, "")
    )
    return tf.where(tf.equal(status, ""), wrong, status)


def _first(status, look):
    """Keep what is wrong already, or look for more."""
    return _when(status, look, status)


def _bomb(contents, is_kind):
    """Say what is wrong with a file that costs far more than its pixels."""

    def scans():
        return tf.where(_count(contents, b"\xff\xda", MAX_SCANS) > MAX_SCANS, TOO_MANY_SCANS, "")

    branches = [(is_kind["png"], lambda: _crowded(contents)), (is_kind["jpeg"], scans)]
    return tf.case(branches, default=lambda: tf.constant(""), exclusive=True)


def _crowded(contents):
    texts = _count(contents, b"zTXt", MAX_TEXTS) + _count(contents, b"iTXt", MAX_TEXTS)
    return tf.where(texts > MAX_TEXTS, TOO_MANY_TEXTS, "")


def _count(contents, part, most):
    """Count how often bytes occur, up to one more than `most`."""
    return tf.size(tf.strings.split(contents, part, maxsplit=most + 1)) - 1


def _damaged_if_empty(status, image):
    return tf.where(tf.equal(status, "") & tf.equal(tf.size(image), 0), DAMAGED, status)


def _decode(contents):
    """Decode as Pillow's `convert("RGB")` does; transparency is dropped, EXIF rotation is ignored."""
    is_kind = _kinds(contents)
    is_indexed = is_kind["bmp"] & tf.reduce_any(tf.equal(number(contents, 28, 2), (1, 4, 8)))

    def jpeg():  # the default method changes two thirds of the values
        return tf.io.decode_jpeg(contents, channels=3, dct_method="INTEGER_ACCURATE")

    def webp():  # decode_image refuses transparency here
        return tf.io.decode_webp(contents, channels=0)[0, ..., :3]

    def other():
        return tf.io.decode_image(contents, channels=3, expand_animations=False)

    branches = [(is_kind["jpeg"], jpeg), (is_kind["webp"], webp), (is_indexed, lambda: _indexed_bmp(contents))]
    return tf.ensure_shape(tf.case(branches, default=other), (None, None, 3))


def _indexed_bmp(contents):
    """Decode a BMP file of 1, 4 or 8 bits a pixel, which are indices of colours: TensorFlow knows 8 bits, as grey."""
    plain = tf.debugging.assert_equal(number(contents, 30, 4), tf.constant(0, tf.int64), "a compressed BMP file")
    with tf.control_dependencies([plain]):
        bits = number(contents, 28, 2)
    end = number(contents, 10, 4)  # of the palette: there the pixels start
    height, width = tf.unstack(_bmp_size(contents))
    stride = (width * bits + 31) // 32 * 4  # bytes of a row
    rows = tf.reshape(tf.io.decode_raw(part(contents, end, height * stride), tf.uint8), [height, stride])
    shifts = tf.cast(tf.range(8 - bits, -1, -bits), tf.uint8)
    indices = tf.bitwise.right_shift(rows[..., None], shifts) & tf.cast(2**bits - 1, tf.uint8)
    indices = tf.reshape(indices, [height, -1])[:, :width]
    is_upside_down = number(contents, 22, 4) < 2**31
    indices = tf.cond(is_upside_down, lambda: indices[::-1], lambda: indices)
    start = 14 + number(contents, 14, 4)
    palette = tf.io.decode_raw(part(contents, start, tf.minimum(end - start, 1024)), tf.uint8)
    palette = tf.pad(palette, [[0, 1024 - tf.size(palette)]])
    return tf.gather(tf.reshape(palette, [256, 4])[:, 2::-1], tf.cast(indices, tf.int32))  # stored as BGR0
