"""Package the library, and the two folders of commands under names that collide with nothing."""

import re
from pathlib import Path

from setuptools import find_packages, setup

HERE = Path(__file__).parent
VERSION = re.search(r'__version__ = "(.+)"', (HERE / "fcn_keras" / "__init__.py").read_text())[1]

HOME = "https://github.com/fcn-keras/fcn_keras"


def described():
    """Return README as a package index shows it, which has no files beside it: whole addresses of this version's."""
    text = (HERE / "README.md").read_text(encoding="utf-8")
    text = re.sub(r"\]\((?!https?:|#)([^)]+\.(?:jpg|png))\)", rf"]({HOME}/raw/v{VERSION}/\1)", text)
    return re.sub(r"\]\((?!https?:|#)([^)]+)\)", rf"]({HOME}/blob/v{VERSION}/\1)", text)


def packages(name, folder):
    """List the packages of a folder under the name that it is installed by."""
    return [name, *(f"{name}.{package}" for package in find_packages(HERE / folder))]


setup(
    name="fcn_keras",
    version=VERSION,
    description="Fully convolutional networks for semantic segmentation in Keras 3",
    long_description=described(),
    long_description_content_type="text/markdown",
    url=HOME,
    project_urls={"Documentation": f"{HOME}/tree/main/docs", "Changelog": f"{HOME}/blob/main/CHANGELOG.md"},
    classifiers=[
        "Intended Audience :: Science/Research",
        "Programming Language :: Python :: 3 :: Only",
        "Topic :: Scientific/Engineering :: Image Recognition",
        "Typing :: Typed",
    ],
    license="MIT",
    license_files=["LICENSE"],
    python_requires=">=3.11",
    packages=[
        *packages("fcn_keras", "fcn_keras"),
        *packages("fcn_keras_console", "fcn_keras_console"),
        *packages("fcn_keras_training", "training"),
        *packages("fcn_keras_serving", "serving"),
    ],
    package_dir={"fcn_keras_training": "training", "fcn_keras_serving": "serving"},
    package_data={
        "fcn_keras": ["py.typed"],
        "fcn_keras.datasets": ["checksums.tsv", "lists/*.txt"],
        "fcn_keras.demo": ["card.json", "net.keras"],
        "fcn_keras_training.pages": ["page.css"],
        "fcn_keras_serving.kit": ["config/**/*"],
        "fcn_keras_serving.server.page": ["*.html", "*.css", "*.js", "*.json"],
    },
    install_requires=[
        "keras>=3.14,<3.17",  # 3.13 has published holes: docs/dependencies.md
        "numpy>=2.2,<3",
        "pillow>=12.3,<14",  # reads every image and mask
        "h5py>=3.14,<4",  # Keras's published VGG16 weights
        "contourpy>=1.3,<2",  # outlines of labels as polygons; matplotlib brings it as well
        "matplotlib>=3.10,<4",  # pictures of the metrics
        "rich>=13.9,<16",  # progress of the commands; Keras brings it as well
        "scipy>=1.15,<2",  # distances from the borders of classes
        "urllib3>=2.8,<3",  # REST in `fcn-query`. 2.7 has published holes
    ],
    extras_require={
        # TensorFlow, for all but `fcn-query`, is an extra: `tensorflow` and `tensorflow-cpu` share one folder, so a
        # machine that has either, as Colab has, must not get the other.
        "cpu": [
            "tensorflow-cpu>=2.21,<2.23; platform_machine in 'x86_64 AMD64' and sys_platform != 'darwin'",
            # Elsewhere `tensorflow` is without CUDA.
            "tensorflow>=2.21,<2.23; platform_machine not in 'x86_64 AMD64' or sys_platform == 'darwin'",
            "tensorboard>=2.20,<3",  # tf.summary.image, which TensorFlow 2.21 no longer brings
        ],
        "cuda": ["tensorflow[and-cuda]>=2.21,<2.23", "tensorboard>=2.20,<3"],
        # The originals of VOC, SBD, PASCAL-Context, NYUDv2, SIFT Flow; `tfds.load("voc_sbd")`.
        "datasets": [
            "tensorflow-datasets>=4.9.10,<5",
            "importlib_resources>=6,<8",  # TFDS 4.9.10 imports it without declaring it
        ],
        # `fcn-serve`
        "serve": [
            "starlette>=1.3.1,<2",  # REST
            "uvicorn>=0.50,<1",
            "orjson>=3.11.6,<4",  # REST's replies
            "h11>=0.16,<1",  # its limits are told to uvicorn's connections
            "grpcio>=1.80,<2",
            "protobuf>=6.33.5,<8",
            "prometheus-client>=0.22,<1",
        ],
        # gRPC in `fcn-query`; REST needs nothing more
        "client": ["grpcio>=1.80,<2", "protobuf>=6.33.5,<8"],
        # `fcn-export --format onnx`
        "onnx": ["tf2onnx>=1.17,<2", "onnx>=1.21,<2", "onnxruntime>=1.23,<2"],
        # `fcn-export --format openvino`, which goes through ONNX
        "openvino": ["openvino>=2025.4,<2027", "tf2onnx>=1.17,<2", "onnx>=1.21,<2", "onnxruntime>=1.23,<2"],
        # `fcn-export --format litert`: runs the file that was written, which else TensorFlow does
        "litert": ["ai-edge-litert>=2.1,<3"],
        # `fcn-train` on several hosts: KERAS_BACKEND=jax
        "jax": ["jax>=0.6.2,<0.11"],
        # `fcn-... --print-completion SHELL`
        "completion": ["shtab>=1.7,<2"],
        # `fcn-predict` on videos: H.264 that plays everywhere, any size, with the frames' own times
        "video": ["av>=17.1,<19"],
        # HEIC and HEIF, as iPhones and some cameras write photographs
        "heif": ["pillow-heif>=1.2,<2"],
        # `fcn-predict --format coco`; `fcn-doctor --import coco`: polygons as COCO's own programs fill them
        "coco": ["pycocotools>=2.0.10,<3"],
        # `fcn-doctor --import yolo`: names of classes in data.yaml
        "yolo": ["pyyaml>=6.0.2,<7"],
        # `fcn-train --weights FILE.safetensors`: VGG16 as PyTorch's torchvision and timm publish it
        "safetensors": ["safetensors>=0.5.3,<1"],
        # A net within CVAT: the function that `cvat-cli` loads
        "cvat": ["cvat-sdk>=2.60,<3", "cvat-cli>=2.60,<3"],
        # `fcn-label-studio`
        "label-studio": ["starlette>=1.3.1,<2", "uvicorn>=0.50,<1", "h11>=0.16,<1"],
        # `fcn-train --log mlflow`: 43 packages and 600 MB, so that requirements.txt goes without
        "mlflow": ["mlflow>=3.17.2,<4"],
        # `fcn-batch`
        "batch": ["apache-beam>=2.77,<3"],
    },
    entry_points={
        "console_scripts": [
            "fcn-train=fcn_keras_training.train:main",
            "fcn-evaluate=fcn_keras_training.evaluate:main",
            "fcn-compare=fcn_keras_training.compare:main",
            "fcn-predict=fcn_keras_training.predict:main",
            "fcn-rank=fcn_keras_training.rank:main",
            "fcn-label-studio=fcn_keras_training.label_studio:main",
            "fcn-doctor=fcn_keras_training.doctor:main",
            "fcn-bound=fcn_keras_training.bound:main",
            "fcn-figures=fcn_keras_training.figures:main",
            "fcn-report=fcn_keras_training.report:main",
            "fcn-submit=fcn_keras_training.submit:main",
            "fcn-import-weights=fcn_keras_training.import_weights:main",
            "fcn-export=fcn_keras_serving.export:main",
            "fcn-check=fcn_keras_serving.check:main",
            "fcn-kit=fcn_keras_serving.kit:main",
            "fcn-serve=fcn_keras_serving.server:main",
            "fcn-query=fcn_keras_serving.client:main",
            "fcn-batch=fcn_keras_serving.batch:main",
        ]
    },
)
