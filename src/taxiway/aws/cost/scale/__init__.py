"""What a stage does under load: cold starts, latency, throttles, and the bill that follows, by simulation."""
