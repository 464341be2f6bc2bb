"""Pure tensor maths, one formula a function."""
