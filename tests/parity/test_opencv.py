"""Nets that no fixture holds, against OpenCV's own engine for Caffe networks.

The prototxt and the weights are written here from the released topologies' facts; OpenCV's dnn module runs them, and
`load_caffemodel` loads the same file into ours.
"""

import cv2
import numpy as np
import pytest

import fcn_keras as fcn
from tests.weight_files import caffemodel

SIZE = (61, 83)
VOC_MEAN = (104.00699, 116.66877, 122.67892)
HHA_MEAN = (132.431, 94.076, 118.477)


class Prototxt:
    """A Caffe network under construction: its text, and random weights for each layer that has some."""

    def __init__(self, channels, seed=0):
        self.blocks, self.width = channels
        self.rng = np.random.default_rng(seed)
        self.lines, self.weights, self.depth = [], {}, {}

    def add(self, name, kind, bottoms, parameters="", depth=None, top=None):
        top = top or name
        bottom = " ".join(f'bottom: "{b}"' for b in bottoms)
        self.lines.append(f'layer {{ name: "{name}" type: "{kind}" {bottom} top: "{top}" {parameters} }}')
        self.depth[top] = depth or (self.depth[bottoms[0]] if bottoms else None)
        return top

    def data(self, name, depth):
        shape = f"input_param {{ shape {{ dim: 1 dim: {depth} dim: {SIZE[0]} dim: {SIZE[1]} }} }}"
        return self.add(name, "Input", [], shape, depth)

    def conv(self, name, bottom, filters, kernel, pad=0, relu=False):
        fan_in = self.depth[bottom] * kernel**2
        weight = self.rng.normal(size=(filters, self.depth[bottom], kernel, kernel)) * np.sqrt(2 / fan_in)
        self.weights[name] = [weight.astype("float32"), self.rng.normal(size=filters).astype("float32")]
        text = f"convolution_param {{ num_output: {filters} kernel_size: {kernel} pad: {pad} }}"
        top = self.add(name, "Convolution", [bottom], text, filters)
        return self.add("relu_" + name, "ReLU", [top], top=top) if relu else top

    def deconv(self, name, bottom, factor):
        depth, kernel = self.depth[bottom], 2 * factor
        # Random and not symmetric: a transposed or flipped import would show.
        weight = self.rng.normal(size=(depth, depth, kernel, kernel)) / kernel
        self.weights[name] = [weight.astype("float32")]
        text = f"num_output: {depth} kernel_size: {kernel} stride: {factor} bias_term: false"
        return self.add(name, "Deconvolution", [bottom], f"convolution_param {{ {text} }}")

    def scale(self, name, bottom, factor):
        self.weights[name] = [np.full(self.depth[bottom], factor, "float32")]
        return self.add(name, "Scale", [bottom], "scale_param { axis: 1 bias_term: false }")

    def crop(self, name, bottom, reference, offset):
        return self.add(name, "Crop", [bottom, reference], f"crop_param {{ axis: 2 offset: {offset} }}")

    def eltwise(self, name, bottoms, coefficients=""):
        return self.add(name, "Eltwise", bottoms, f"eltwise_param {{ operation: SUM {coefficients} }}")

    def trunk(self, data, suffix="", first="conv1_1"):
        x, pools = data, {}
        for block, (filters, count) in enumerate(self.blocks, 1):
            for i in range(1, count + 1):
                name = first if (block, i) == (1, 1) else f"conv{block}_{i}"
                x = self.conv(name + suffix, x, filters, 3, 100 if (block, i) == (1, 1) else 1, relu=True)
            pool = "pooling_param { pool: MAX kernel_size: 2 stride: 2 }"
            x = pools[block] = self.add(f"pool{block}{suffix}", "Pooling", [x], pool)
        x = self.conv("fc6" + suffix, x, self.width, 7, relu=True)
        return self.conv("fc7" + suffix, x, self.width, 1, relu=True), pools

    def eights(self, data, fc7, pools, classes, head="", scales=(None, None)):
        """FCN-8s above fc7, with the released crop offsets 5, 9 and 31."""
        pool4, pool3 = pools[4], pools[3]
        if scales[0]:
            pool4, pool3 = self.scale("scale_pool4", pool4, scales[0]), self.scale("scale_pool3", pool3, scales[1])
        x = self.deconv("upscore2" + head, self.conv("score_fr" + head, fc7, classes, 1), 2)
        skip = self.crop(f"score_pool4c{head}", self.conv("score_pool4" + head, pool4, classes, 1), x, 5)
        x = self.deconv("upscore_pool4" + head, self.eltwise("fuse_pool4" + head, [x, skip]), 2)
        skip = self.crop(f"score_pool3c{head}", self.conv("score_pool3" + head, pool3, classes, 1), x, 9)
        x = self.deconv("upscore8" + head, self.eltwise("fuse_pool3" + head, [x, skip]), 8)
        return self.crop("score" + head, x, data, 31)

    def run(self, folder, inputs, outputs):
        """Let OpenCV compute `outputs` of `inputs` (name -> (H, W, C)); return (H, W, C) arrays and the weight file."""
        (folder / "net.prototxt").write_text("\n".join(self.lines))
        weights = caffemodel(folder / "net.caffemodel", self.weights)
        net = cv2.dnn.readNetFromCaffe(str(folder / "net.prototxt"), str(weights))
        for name, pixels in inputs.items():
            net.setInput(np.ascontiguousarray(pixels.transpose(2, 0, 1)[None], "float32"), name)
        return [np.array(x)[0].transpose(1, 2, 0) for x in net.forward(outputs)], weights


def photograph(seed=0):
    return np.random.default_rng(seed).integers(0, 256, (*SIZE, 3)).astype("float32")


def bgr(image):
    return image[..., ::-1] - np.array(VOC_MEAN)


def agree(found, expected):
    found = np.asarray(found)[0]
    assert found.shape == expected.shape
    assert np.abs(found - expected).max() / np.abs(expected).max() <= 1e-5
    assert (found.argmax(-1) == expected.argmax(-1)).mean() > 0.9995  # two engines may break near-ties differently


@pytest.mark.parametrize(("classes", "at_once"), [(21, True), (60, False)])
def test_8s(classes, at_once, narrow, tmp_path):
    net = Prototxt(narrow)
    net.eights(
        data := net.data("data", 3), *net.trunk(data), classes, scales=(0.01, 0.0001) if at_once else (None, None)
    )
    image = photograph()
    (expected,), weights = net.run(tmp_path, {"data": bgr(image)}, ["score"])
    model = fcn.FCN8s(classes, padding="caffe", at_once=at_once, channels=narrow)
    assert not fcn.load_caffemodel(model, weights).missing
    agree(model(image[None]), expected)


def test_8s_with_two_heads(narrow, tmp_path):
    net = Prototxt(narrow)
    data = net.data("data", 3)
    fc7, pools = net.trunk(data)
    for head, classes in (("_sem", 33), ("_geo", 3)):
        net.eights(data, fc7, pools, classes, head)
    image = photograph()
    (sem, geo), weights = net.run(tmp_path, {"data": bgr(image)}, ["score_sem", "score_geo"])
    model = fcn.FCN8s({"sem": 33, "geo": 3}, padding="caffe", channels=narrow)
    assert not fcn.load_caffemodel(model, weights).missing
    found = model(image[None])
    agree(found["sem"], sem)
    agree(found["geo"], geo)


@pytest.mark.parametrize("modality", ["hha", "rgbd"])
def test_32s_of_other_modalities(modality, narrow, tmp_path):
    net = Prototxt(narrow)
    if modality == "hha":
        image = photograph()
        pixels, first = image - np.array(HHA_MEAN), "conv1_1"
    else:
        depth = np.random.default_rng(1).uniform(500, 9000, (*SIZE, 1))
        image = np.concatenate([photograph(), depth], -1).astype("float32")
        pixels, first = np.concatenate([bgr(image[..., :3]), np.log(image[..., 3:]) - 7.844], -1), "conv1_1_bgrd"
    data = net.data("data", pixels.shape[-1])
    fc7, _ = net.trunk(data, first=first)
    net.crop("score", net.deconv("upscore", net.conv("score_fr", fc7, 40, 1), 32), data, 19)
    (expected,), weights = net.run(tmp_path, {"data": pixels}, ["score"])
    model = fcn.FCN32s(40, modality=modality, padding="caffe", channels=narrow)
    assert not fcn.load_caffemodel(model, weights).missing
    agree(model(image[None]), expected)


def test_late_fusion(narrow, tmp_path):
    net = Prototxt(narrow)
    data = {"color": net.data("color", 3), "hha": net.data("hha", 3)}
    scores = [net.conv("score_fr" + s, net.trunk(data[s], s)[0], 40, 1) for s in data]
    fused = net.eltwise("score_fused", scores, "coeff: 0.5 coeff: 0.5")
    net.crop("score", net.deconv("upscore", fused, 32), data["color"], 19)
    image, hha = photograph(0), photograph(1)
    (expected,), weights = net.run(tmp_path, {"color": bgr(image), "hha": hha - np.array(HHA_MEAN)}, ["score"])
    model = fcn.LateFusion(40, padding="caffe", channels=narrow)
    assert not fcn.load_caffemodel(model, weights).missing
    agree(model({"rgb": image[None], "hha": hha[None]}), expected)
