"""What passwords take while they are judged goes back to the system."""
import subprocess
import sys

from tests.running import ROOT

AT_ONCE = """
import os, threading
from portal.parties import passwords
from portal.server import malloc_tuning
malloc_tuning.settle()
def held():
    return int(open("/proc/self/statm").read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
passwords.hashed("the first two of a process")
passwords.hashed("teach malloc to keep such blocks")
before = held()
threads = [threading.Thread(target=passwords.hashed, args=("of somebody",)) for _ in range(passwords.AT_ONCE_MAX)]
for thread in threads: thread.start()
for thread in threads: thread.join()
print((held() - before) // (passwords.MEMORY_KIB * 1024))
"""


def test_four_sign_ins_at_once_leave_nothing_behind():
    """Without `settle` the memory of three or four of them stays in the arenas of their threads."""
    done = subprocess.run([sys.executable, "-c", AT_ONCE], cwd=ROOT, capture_output=True, text=True, check=True)
    assert int(done.stdout) <= 0
