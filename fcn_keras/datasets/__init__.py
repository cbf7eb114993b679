"""Data sets: one file each, all of them sequences of examples.

An example is `{"image": (H, W, 3) uint8 RGB, "label": (H, W) uint8}`, 255 being void, with `"depth"`, `"hha"` or a
mapping of labels (`{"sem": ..., "geo": ...}`) where the data set has them. Nothing is imported here: the builders
bring TensorFlow Datasets, which is heavy.
"""
