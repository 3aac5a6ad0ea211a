"""Growing old: months of history that are due leave the database for a file, and come back from it.

`months` says which there are and which are due, `needs` what still needs one, `archive` writes and reads the files,
`moving` does it, as the database's owner. Orders and postings stay whole.
"""
