"""REST, as TensorFlow Serving answers it."""
