"""Four eyes: one asks, another decides."""
