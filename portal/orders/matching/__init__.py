"""Giving each order a requisite."""
