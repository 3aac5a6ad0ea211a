"""Backups of a desk: made, shipped, listed, checked and restored, by bin/flask backup in the virtual environment.

One folder keeps them all, sealed: a copy of the database, every file, the keys, and where the server is the launcher's
own each segment of its write-ahead log, by which a desk is restored to a second. docs/decisions/0147 says why so.
"""
