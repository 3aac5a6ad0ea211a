"""Made of quittance/aio/__init__.py by bin/clients: change that one."""
