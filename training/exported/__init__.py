"""What `fcn-export` wrote, as a network that labels images."""
