"""Score a network over a whole split, image by image."""
