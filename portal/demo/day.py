"""A day of past orders in every state."""
from portal.demo.load import Desk


def play(desk: Desk) -> None:
    """Nothing yet."""
