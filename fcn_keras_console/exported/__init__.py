"""What `fcn-export` wrote: which file or version a path means, whether it is whole, and what runs it."""
