"""The settings of the tests, for a server that gives bodies a second to arrive."""

from tests.settings import *  # noqa: F403
from tests.settings import AGENTOPS

AGENTOPS = AGENTOPS | {"body_timeout_s": 1.0}
