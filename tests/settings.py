"""Settings of the test suite: the project's own, on a database of its own, with quick retries."""

import os
import tempfile

# A folder of its own for each call of pytest, shared with its workers: two calls must not share a database.
os.environ.setdefault("AGENTOPS_TESTS_VAR", tempfile.mkdtemp(prefix="agentops-"))
os.environ["AGENTOPS_VAR"] = os.environ["AGENTOPS_TESTS_VAR"]
os.environ.setdefault("AGENTOPS_EXAMPLES", "1")
os.environ.setdefault("REDIS_URL", "redis://127.0.0.1:1/0")  # nobody answers there; tests of doorbells set their own

from agentops.settings import *  # noqa: F403
from agentops.settings import AGENTOPS, DATABASES, INSTALLED_APPS, VAR_DIR

INSTALLED_APPS = [*INSTALLED_APPS, "tests.testapp"]
WHITENOISE_AUTOREFRESH = True  # every client of a test makes the middleware anew, which would list all static files
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
AGENTOPS = {
    **AGENTOPS,
    "retry_delays_s": (0.0, 0.0, 0.0),
    "retry_after_default_s": 0.0,
    "api_rate_units": 0,  # the tests ask more in a second than any client; those of the rate limit set their own
    "replays_max": 1000,  # the state machine retries at will
}
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    # A file, not memory: threads and child processes of the tests see what everybody sees.
    DATABASES["default"]["TEST"] = {"NAME": str(VAR_DIR / "test.sqlite3")}
    # No test survives a power cut, so none waits for the disk; what a commit costs is for `bench` to say.
    DATABASES["default"]["OPTIONS"]["init_command"] += " PRAGMA synchronous=OFF;"
