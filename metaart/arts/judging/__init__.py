"""What judging pictures is made of, whether a hand is asked for or a score."""
