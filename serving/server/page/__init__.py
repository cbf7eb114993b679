"""The page of `fcn-serve`."""
