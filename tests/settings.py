"""Settings of the test suite: the project's own, on a database of its own, with quick retries."""

import os
import tempfile

os.environ.setdefault("AGENTOPS_VAR", tempfile.mkdtemp(prefix="agentops-tests-"))
os.environ.setdefault("AGENTOPS_EXAMPLES", "1")
os.environ.setdefault("REDIS_URL", "redis://127.0.0.1:1/0")  # nobody answers there; tests of doorbells set their own

from agentops.settings import *  # noqa: E402, F403
from agentops.settings import AGENTOPS, DATABASES, INSTALLED_APPS, VAR_DIR  # noqa: E402

INSTALLED_APPS = [*INSTALLED_APPS, "tests.testapp"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
AGENTOPS = {**AGENTOPS, "retry_delays_s": (0.0, 0.0, 0.0)}
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    # A file, not memory: threads and child processes of the tests see what everybody sees.
    DATABASES["default"]["TEST"] = {"NAME": str(VAR_DIR / "test.sqlite3")}
