"""What the HTML pages of commands are made of: elements, pictures inside the page, the style."""
