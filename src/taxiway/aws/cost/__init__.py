"""What a stage costs in a month."""
