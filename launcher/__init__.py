"""What stands behind bin/run, bin/flask and bin/test: the environment, the servers and the processes of the desk.

It runs before the virtual environment exists, so it uses the standard library alone.
"""
