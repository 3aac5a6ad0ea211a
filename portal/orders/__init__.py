"""The heart of the desk: orders, their assignments and steps; matching and settlement."""
