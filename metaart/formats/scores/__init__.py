"""Musical scores: reading them safely, bringing them to one form, and turning them into tokens."""
