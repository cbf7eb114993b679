"""What a file is made of."""

import numpy as np
import pytest
import tensorflow as tf

from serving.export.litert.structure import check_structure


def test_operators_of_tensorflow_are_found_in_the_file(tmp_path):
    function = tf.function(tf.linalg.inv, input_signature=[tf.TensorSpec([2, 2], tf.float32)])
    converter = tf.lite.TFLiteConverter.from_concrete_functions([function.get_concrete_function()], tf.Module())
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS, tf.lite.OpsSet.SELECT_TF_OPS]
    path = tmp_path / "net.tflite"
    path.write_bytes(converter.convert())
    with pytest.raises(ValueError, match=r"net.tflite needs operators that LiteRT lacks: \['FlexMatrixInverse'\]"):
        check_structure(path, integers=False)


def test_floats_between_operators_are_found_where_integers_have_to_be(tmp_path):
    function = tf.function(lambda x: tf.nn.relu(x) / np.float32(3), input_signature=[tf.TensorSpec([2], tf.float32)])
    converter = tf.lite.TFLiteConverter.from_concrete_functions([function.get_concrete_function()], tf.Module())
    path = tmp_path / "net.tflite"
    path.write_bytes(converter.convert())
    check_structure(path, integers=False)
    with pytest.raises(ValueError, match=r"This network has no int8 form: .* stays a float. Nothing was written"):
        check_structure(path, integers=True)
