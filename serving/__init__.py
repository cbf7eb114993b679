"""Serving: export a trained network, serve it, query it. One file is one command, `main(argv=None) -> int`."""
