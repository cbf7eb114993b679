"""Fully convolutional networks for semantic segmentation in Keras (Long, Shelhamer, Darrell, CVPR 2015)."""
