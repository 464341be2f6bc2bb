"""Music: create, judge, evaluate."""
