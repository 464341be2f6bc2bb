"""What critique and rating share."""
