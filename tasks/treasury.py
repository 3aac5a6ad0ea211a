"""Money that comes free by itself, and what the desk makes of each day."""
from portal.core.jobs import Kind, register
from portal.treasury import reserve, result, result_proof

register(
    Kind(reserve.KIND, reserve.release, every_s=60),
    Kind(result.KIND, result.compute, every_s=300),
)
assert result_proof
