"""Help before a quarrel: a thread between whoever pays or does an order and the desk's staff, with the order in it.

`service` asks, answers and closes, `queries` says who sees which, `replies` are the staff's templates.
"""
