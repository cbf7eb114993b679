"""What `fcn-export --format openvino` writes: OpenVINO's two files, for images of any size."""
