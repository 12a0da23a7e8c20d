"""What Taxiway costs, in figures: `make bench`."""
