"""The page of `fcn-report`: what it reads, what it draws, how it is laid out."""
