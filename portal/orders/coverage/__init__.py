"""How many could take an order of each size now, what is asked for at this hour, and the holes between the two."""
