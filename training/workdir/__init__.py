"""What `fcn-train` leaves in a workdir, and how a later run goes on from it."""
