"""OpenVINO files."""
