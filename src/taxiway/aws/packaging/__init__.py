"""The ZIP of each function: what it imports, built without Docker and the same bytes each time."""
