"""A SavedModel in a TensorFlow session, as TensorFlow Serving runs it. Importing this imports TensorFlow."""

import contextlib
import logging

import tensorflow as tf
from tensorflow.core.protobuf import rewriter_config_pb2

# What TensorFlow does to a graph before it first runs, once for each signature, and what graphs of `fcn-export` gain
# nothing by: no answer is another or comes later without. Other SavedModels are answered alike, perhaps a little later.
NEEDLESS = (
    "arithmetic_optimization",
    "common_subgraph_elimination",
    "constant_folding",
    "debug_stripper",
    "dependency_optimization",
    "implementation_selector",
    "layout_optimizer",
    "loop_optimization",
    "pin_to_host_optimization",
    "scoped_allocator_optimization",
    "shape_optimization",
)


def open_session(folder):
    """Load a SavedModel with the tag `serve`.

    Args:
        folder: of it; a local folder.

    Returns:
        `tf.compat.v1.Session`, which is to be closed, and the `MetaGraphDef` that names its tensors.

    Raises:
        RuntimeError, ValueError, OSError, tf.errors.OpError: what TensorFlow says of a damaged one.
    """
    session = tf.compat.v1.Session(graph=tf.Graph(), config=_config())
    try:
        with session.graph.as_default(), _without_notices():
            return session, tf.compat.v1.saved_model.load(session, [tf.saved_model.SERVING], str(folder))
    except BaseException:
        session.close()
        raise


def ask(session, meta_graph, signature, inputs):
    """Answer a request.

    Args:
        session, meta_graph: what `open_session` returned.
        signature: its name.
        inputs: `{name: array}`.

    Returns:
        `{name of an output: array}`.

    Raises:
        tf.errors.OpError: what TensorFlow says of it.
    """
    definition = meta_graph.signature_def[signature]
    feeds = {definition.inputs[name].name: x for name, x in inputs.items()}
    return session.run({name: x.name for name, x in definition.outputs.items()}, feeds)


def _config():
    config = tf.compat.v1.ConfigProto()
    rewriting = config.graph_options.rewrite_options
    rewriting.meta_optimizer_iterations = rewriter_config_pb2.RewriterConfig.ONE  # TensorFlow would do it all twice
    for name in NEEDLESS:
        setattr(rewriting, name, rewriter_config_pb2.RewriterConfig.OFF)
    rewriting.memory_optimization = rewriter_config_pb2.RewriterConfig.NO_MEM_OPT
    rewriting.disable_tfg_optimizer = True
    return config


@contextlib.contextmanager
def _without_notices():
    """Keep back that `tf.compat.v1.saved_model.load` is deprecated: the second API has no sessions."""
    logger = tf.get_logger()
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)
