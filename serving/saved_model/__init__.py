"""What `fcn-export` writes: the graph, from files to label PNGs, and everything that lies around it."""
