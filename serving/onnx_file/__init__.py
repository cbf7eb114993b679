"""What `fcn-export --format onnx` writes: one ONNX file for images of any size."""
