"""One module a format: the bytes of a file to text and what is known about it."""
