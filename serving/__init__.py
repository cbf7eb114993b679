"""Serving: export a trained network, serve it, query it. A folder is a command, `main(argv=None) -> int`."""
