"""A small net that comes with the package, and scenes for it: something to try before anything is trained."""
