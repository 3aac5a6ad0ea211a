"""Risk: rules and lists that staff edit, what they make of an order, and what came of it.

Knows no orders: whoever has one collects plain `Facts` (`orders/judging`), asks `judge`, and does what follows. Others
use `rule_book` (what is in force), `judge`, `counters`, `lists` and `journal`.
"""
