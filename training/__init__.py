"""The commands that make and judge networks: a folder a command, `main(argv=None) -> int`."""
