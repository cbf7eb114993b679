"""The parts of the local server, `fcn-serve`: models and their versions, REST, gRPC, the page."""
