"""Two models on one split: read what both say, resample the images, report and draw."""
