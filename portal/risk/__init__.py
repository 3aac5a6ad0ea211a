"""Rules, lists and verdicts over plain facts. Comes with disputes; the order's states know `review` already."""
