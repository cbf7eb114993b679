"""How the client talks to a server: REST, gRPC, and the images and labels in them. Never imports TensorFlow."""
