"""The clock ends on SIGTERM, whatever its processes are doing."""

import subprocess
import sys

HANGS = """
import django, os, signal, threading
django.setup()
from runs.management.commands import qcluster

class Sentinel:
    def is_alive(self):
        return True
    def join(self):
        threading.Event().wait()

qcluster.STOPS_IN_S = 0.2
clock = qcluster.Clock()
clock.sentinel, clock.stop_event = Sentinel(), threading.Event()
os.kill(os.getpid(), signal.SIGTERM)
"""


def test_a_clock_whose_children_do_not_end_ends_all_the_same():
    ended = subprocess.run([sys.executable, "-c", HANGS], timeout=120, check=False)

    assert ended.returncode == 1
