"""What the desk can do, measured against the gates of the spec: `python -m benchmarks`, never a timed test.

A server of its own with durable settings, two sides in turn in one run, the median of at least three rounds. Ratios
count, not seconds: a run whose own pgbench rounds differ by more than 40 % is thrown away.
"""
