"""Quarrels about an order: opened by a side, answered by the other, decided by staff. Money stays held meanwhile.

`service` opens, answers, gives in; `decisions` puts what the order comes to before a second person; `clocks` ends the
silence of a side; `queries` finds what a reader may see.
"""
