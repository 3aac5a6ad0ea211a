"""The simulator's second, for a desk on which somebody turned it on. In production nobody can."""
from portal.core.jobs import register_outside
from portal.demo import simulator

register_outside(simulator.KIND, simulator.drain)
