"""Nets are loaded once for all calls of the command, and saved once for all test files."""

from tests.training.loaded_once import loaded_once

__all__ = ["loaded_once"]
