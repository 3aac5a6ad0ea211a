"""Instruments of traders: what they are, what they may take, what they have taken, and who comes next."""
