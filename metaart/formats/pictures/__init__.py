"""Pictures: reading what nobody vouches for, drawing, writing."""
