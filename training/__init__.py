"""The commands: train, evaluate, predict. One file is one command, `main(argv=None) -> int`."""
