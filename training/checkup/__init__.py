"""What fcn-doctor does: look a data set over, say what is wrong with it, and write a corrected copy."""
