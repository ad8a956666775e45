"""The drawings of the lessons, a file each: they take numbers and draw them; the lessons compute the numbers."""
