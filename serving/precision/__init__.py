"""How far a file's answers are from the model's: images to calibrate on, figures, and the card that tells them."""
