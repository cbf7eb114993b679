"""The files that `fcn-predict` writes: pictures, COCO and LabelMe annotations, videos."""
