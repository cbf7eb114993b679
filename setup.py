"""Package the library, and the two folders of commands under names that collide with nothing."""

import re
from pathlib import Path

from setuptools import setup

HERE = Path(__file__).parent
VERSION = re.search(r'__version__ = "(.+)"', (HERE / "fcn_keras" / "__init__.py").read_text())[1]

setup(
    name="fcn_keras",
    version=VERSION,
    description="Fully convolutional networks for semantic segmentation in Keras 3",
    long_description=(HERE / "README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license="MIT",
    license_files=["LICENSE"],
    python_requires=">=3.10",
    packages=["fcn_keras", "fcn_keras.datasets", "fcn_keras_training", "fcn_keras_serving"],
    package_dir={"fcn_keras_training": "training", "fcn_keras_serving": "serving"},
    install_requires=[
        "keras>=3.12,<3.16",
        "tensorflow>=2.21,<2.22",  # input pipeline, training, export
        "numpy>=2.2",
        "pillow>=12.3,<14",  # reads every image and mask
        "h5py>=3.14,<4",  # Keras's published VGG16 weights
        "matplotlib>=3.10,<4",  # pictures of the metrics
        "tensorboard>=2.20,<3",  # tf.summary.image, which TensorFlow 2.21 no longer brings
    ],
    entry_points={
        "console_scripts": [
            "fcn-train=fcn_keras_training.train:main",
            "fcn-evaluate=fcn_keras_training.evaluate:main",
            "fcn-predict=fcn_keras_training.predict:main",
            "fcn-export=fcn_keras_serving.export:main",
        ]
    },
)
