"""The tie to the parent process: a model that was started for a demonstration must not outlive it."""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def stop_with_parent() -> None:
    """Ask the kernel for a SIGTERM when the parent ends; elsewhere than on Linux nothing happens.

    The kernel means the parent's thread: whoever starts this from a thread must keep that thread.
    """
    if not sys.platform.startswith("linux"):
        return
    parent = os.getppid()
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    # The parent may have ended just before the call, and then no signal ever comes.
    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGTERM)
