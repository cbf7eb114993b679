"""What `fcn-export --format litert` writes: one LiteRT file for images of any size."""
