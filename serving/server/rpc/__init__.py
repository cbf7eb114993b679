"""gRPC, as TensorFlow Serving answers it."""
