"""The pipeline of `fcn-batch`: what its workers import."""
