"""Imports of payouts: made in batches, ended when nobody lets them go, forgotten."""
from portal.core.jobs import Kind, register
from portal.payouts import making, service

register(
    Kind(service.MAKE, making.work, batch_max=1, attempts_max=20),
    Kind(service.EXPIRE, service.expire),
    Kind("forget_payout_files", making.forget, every_s=3600),
)
