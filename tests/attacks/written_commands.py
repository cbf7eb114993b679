"""Every command that writes, with small inputs: what `full_disks` lets fail."""

import numpy as np
from PIL import Image

from tests.attacks.forked import main_of

SIDES = 40, 50  # of every image
STAGE = "synthetic_fcn16s"
TRAIN = ["--width", 0.0625, "--batch-size", 2, "--steps", 2, "--steps-per-epoch", 2, "--quiet", "--no-watchdog"]


def prepare(folder):
    """Write what the commands read: a data set, two stages, a network of VOC's classes, a video, a Caffe file."""
    import keras

    from fcn_keras.caffe_export import save_caffemodel
    from fcn_keras.datasets.synthetic import SEM, Synthetic
    from fcn_keras.models import FCN8s, FCN32s
    from tests.serving.batch.files import save_model
    from tests.training.small_run import TINY

    keras.utils.set_random_seed(0)
    for name in ("images", "labels"):
        (folder / "data" / name).mkdir(parents=True)
    for i, scene in enumerate(Synthetic(4, seed=1, height=SIDES[0], width=SIDES[1])):
        Image.fromarray(scene["image"]).save(folder / "data" / "images" / f"{i}.png")
        Image.fromarray(scene["label"]).save(folder / "data" / "labels" / f"{i}.png")
    (folder / "data" / "classes.txt").write_text("\n".join(SEM) + "\n", encoding="utf-8")
    assert main_of("train")([*map(str, [STAGE, "--workdir", folder / "runs", *TRAIN])]) == 0
    FCN8s(21, channels=TINY).save(folder / "voc.keras")
    caffe = FCN32s(21, padding="caffe", channels=TINY)
    caffe.save(folder / "caffe.keras")
    save_caffemodel(caffe, folder / "net.caffemodel")
    for name in ("net", "other"):
        FCN8s(len(SEM), channels=TINY).save(folder / f"{name}.keras")
    save_model(folder / "served" / "1")
    _video(folder / "film.mp4")
    marked = [folder / "net.keras", folder / "data" / "images", "--output", folder / "marked", "--format", "labelme"]
    assert main_of("predict")([*map(str, marked), "--quiet"]) == 0
    return folder


def _video(path):
    import av

    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=5)
        stream.height, stream.width, stream.pix_fmt = 32, 48, "yuv420p"
        for i in range(4):
            frame = av.VideoFrame.from_ndarray(np.full((32, 48, 3), 60 * i, np.uint8), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def commands(given, out):
    """Return `{name: [command, arguments...]}`; everything goes to `out`."""
    data, net, stage = given / "data", given / "net.keras", given / "runs" / STAGE
    images = data / "images"
    predict = ["predict", net, images, "--output", out / "labelled", "--format"]
    scored = ["--data", data, "--split", "none"]
    export = ["export", net]
    labelme = [given / "marked" / "labelme", "--images", images]
    return {
        "train": ["train", STAGE, "--workdir", out / "runs", *TRAIN],
        "predict": [*predict, "palette,ids,overlay"],
        "predict coco": [*predict, "coco,labelme"],
        "predict cvat": [*predict, "cvat,label-studio"],
        "predict video": ["predict", net, given / "film.mp4", "--output", out / "labelled"],
        "evaluate": ["evaluate", net, *scored, "--output", out / "scores"],
        "compare": ["compare", net, given / "other.keras", *scored, "--output", out / "compared", "--pictures", 2],
        "report": ["report", stage, "--output", out / "report.html"],
        "doctor": ["doctor", data, "--output", out / "checked", "--html", out / "page.html"],
        "doctor --fix": ["doctor", data, "--fix", out / "fixed"],
        "doctor --import": ["doctor", "--import", "labelme", *labelme, "--into", out / "imported"],
        "submit": ["submit", given / "voc.keras", "--data", images, "--output", out / "submitted"],
        "import-weights": ["import_weights", given / "net.caffemodel", out / "net.keras"],
        "import-weights to Caffe": ["import_weights", given / "caffe.keras", out / "net.caffemodel"],
        "export": [*export, out / "models" / "fcn", "--size", "32x32", "--memory", 64],
        "export onnx": [*export, out / "net.onnx", "--format", "onnx"],
        "export openvino": [*export, out / "net.xml", "--format", "openvino"],
        "export litert": [*export, out / "net.tflite", "--format", "litert"],
        "kit": ["kit", "mine", out / "kit"],
        "batch": ["batch", "--input", f"{images}/*", "--model", given / "served", "--output", out / "masks"],
    }
