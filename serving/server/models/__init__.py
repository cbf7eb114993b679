"""The served models: versions that come and go, batches, threads."""
