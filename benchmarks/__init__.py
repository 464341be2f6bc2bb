"""Measurements: beside other libraries, and of what papers promise. `scripts/bench NAME` runs one."""
