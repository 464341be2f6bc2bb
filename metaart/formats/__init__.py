"""Files of every format as values: bytes in, values out, hostile until counted."""
