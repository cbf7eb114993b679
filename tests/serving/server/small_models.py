"""SavedModels of a few operations."""


def write_line(folder, slope):
    """Write `serving_default`, y = slope * x, and return the folder."""
    import tensorflow as tf

    module = tf.Module()
    module.slope = tf.Variable(float(slope))
    function = tf.function(lambda x: {"y": module.slope * x}, [tf.TensorSpec([None], tf.float32, "x")])
    tf.saved_model.save(module, str(folder), function.get_concrete_function())
    return folder


def write_half(folder, offset):
    """Write `serving_default`, y = x / 2 + offset, as in TF Serving's examples, and signatures that test the server."""
    import tensorflow as tf

    def function(answer, **inputs):
        specs = {name: tf.TensorSpec(shape, dtype, name) for name, (dtype, shape) in inputs.items()}
        return tf.function(answer, autograph=False).get_concrete_function(**specs)

    def checked(x):
        message = "x must be positive" + "x" * 3000
        with tf.control_dependencies([tf.debugging.Assert(tf.reduce_all(x > 0), [message])]):
            return {"y": tf.identity(x)}

    floats, text = (tf.float32, [None]), (tf.string, [None])
    signatures = {
        "serving_default": function(lambda x: {"y": x / 2 + offset}, x=(tf.float32, None)),
        "pair": function(lambda a, b: {"sum": a + b, "difference": a - b}, a=floats, b=floats),
        "files": function(
            lambda image_bytes: {"echo_bytes": image_bytes, "length": tf.strings.length(image_bytes)}, image_bytes=text
        ),
        "words": function(lambda word: {"upper": tf.strings.upper(word)}, word=text),
        "tensors": function(lambda image: {"label": tf.reduce_max(image, -1)}, image=(tf.uint8, [None, None, None, 3])),
        "depth": function(lambda depth: {"depth": depth}, depth=(tf.uint16, [None])),
        "mean": function(lambda x: {"mean": tf.reduce_mean(x)}, x=floats),
        "checked": function(checked, x=floats),
    }
    tf.saved_model.save(tf.Module(), str(folder), signatures)
