"""Settings of the test suite: the project's own, on a database of its own, with quick heartbeats."""

import os
import tempfile

os.environ.setdefault("AGENTOPS_VAR", tempfile.mkdtemp(prefix="agentops-tests-"))
os.environ.setdefault("AGENTOPS_EXAMPLES", "1")
os.environ.setdefault("REDIS_URL", "redis://127.0.0.1:1/0")  # most tests need no doorbell; those that do set their own

from agentops.settings import *  # noqa: E402, F403
from agentops.settings import AGENTOPS, INSTALLED_APPS  # noqa: E402

INSTALLED_APPS = [*INSTALLED_APPS, "tests.testapp"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
AGENTOPS = {**AGENTOPS, "retry_delays_s": (0.05, 0.1, 0.2)}
