"""The death of a process at a fault point, in this very one."""

import pytest

from runs import fault_points


class Crash(BaseException):
    """The process is gone."""


@pytest.fixture
def die_at(monkeypatch, work, work_alone):
    """Work until the «process» dies at this fault point, passed for the nth time."""

    def die(point, nth=1):
        left = [nth]

        def kill(pid, sig):
            left[0] -= 1
            if not left[0]:
                raise Crash

        monkeypatch.setattr(fault_points, "_armed", lambda: {point: (9, 1.1)})
        monkeypatch.setattr(fault_points.os, "kill", kill)
        with pytest.raises(Crash):
            work(), work_alone()
        monkeypatch.setattr(fault_points, "_armed", dict)

    return die
