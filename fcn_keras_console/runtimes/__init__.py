"""Run what `fcn-export` wrote: ONNX, OpenVINO's files and LiteRT, each by its own runtime."""
