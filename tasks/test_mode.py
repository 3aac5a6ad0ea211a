"""The robots of test mode: one order at a time, so that what one of them does holds up no other's."""
from portal.core.jobs import Kind, register
from portal.requisites.test_outcomes import PLAY
from portal.test_mode import play

register(Kind(PLAY, play.work, batch_max=1, drains_max=1))
