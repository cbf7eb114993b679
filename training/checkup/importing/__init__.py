"""What `fcn-doctor --import` does: turn the annotations of other tools into images and masks in folders."""
