"""The cluster of `deploy/cluster`, all of it on this machine, and what may happen to it: `deploy/cluster/drill`."""
