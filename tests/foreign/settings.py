"""Settings of a project of somebody else, which takes nothing from `agentops.settings`."""

import os
import tempfile
from pathlib import Path

import environ

from agentops.defaults import CLOCK, database, queues

os.environ.setdefault("AGENTOPS_TESTS_VAR", tempfile.mkdtemp(prefix="foreign-"))
VAR_DIR = Path(os.environ["AGENTOPS_TESTS_VAR"]).resolve()

SECRET_KEY = "of the foreign project"
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "tests.foreign.urls"
FORCE_SCRIPT_NAME = "/office"
AUTH_USER_MODEL = "foreign.Person"
LANGUAGE_CODE = "de"
TIME_ZONE = "Europe/Berlin"
USE_TZ = True
USE_THOUSAND_SEPARATOR = True
STATIC_URL = "assets/"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

INSTALLED_APPS = [
    "tests.foreign",
    "runs",
    "deadletters",
    "django_q",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "rest_framework",
    "tests.testapp",
]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [Path(__file__).resolve().parent / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    }
]

DATABASES = {"default": database(environ.Env().db("DATABASE_URL", default=f"sqlite:///{VAR_DIR / 'own.sqlite3'}"))}
DATABASES["default"]["ATOMIC_REQUESTS"] = True
if "sqlite3" in DATABASES["default"]["ENGINE"]:
    DATABASES["default"]["TEST"] = {"NAME": str(VAR_DIR / "test.sqlite3")}
    DATABASES["default"]["OPTIONS"]["init_command"] += " PRAGMA synchronous=OFF;"
RQ_QUEUES = queues("redis://127.0.0.1:1/0")  # nobody answers there
Q_CLUSTER = CLOCK
AGENTOPS = {
    "site_url": "https://intranet.example.com",
    "retry_delays_s": (0.0, 0.0, 0.0),
    "retry_after_default_s": 0.0,
    "replays_max": 1000,
}

REST_FRAMEWORK = {  # as unlike the defaults as may be
    "DEFAULT_AUTHENTICATION_CLASSES": ["rest_framework.authentication.BasicAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAdminUser"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.FormParser"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.BrowsableAPIRenderer"],
    "DEFAULT_PAGINATION_CLASS": "rest_framework.pagination.PageNumberPagination",
    "DEFAULT_FILTER_BACKENDS": ["rest_framework.filters.SearchFilter"],
    "DEFAULT_VERSIONING_CLASS": "rest_framework.versioning.AcceptHeaderVersioning",
    "DEFAULT_THROTTLE_CLASSES": ["rest_framework.throttling.AnonRateThrottle"],
    "DEFAULT_THROTTLE_RATES": {"anon": "1/day", "user": "1/day"},
    "DEFAULT_METADATA_CLASS": "rest_framework.metadata.SimpleMetadata",
    "DEFAULT_VERSION": "9",
    "ALLOWED_VERSIONS": ["9"],
    "PAGE_SIZE": 3,
    "URL_FORMAT_OVERRIDE": "as",
    "NON_FIELD_ERRORS_KEY": "fehler",
    "DATETIME_FORMAT": "%d.%m.%Y",
    "COERCE_DECIMAL_TO_STRING": False,
    "COERCE_BIGINT_TO_STRING": True,
    "UNICODE_JSON": False,
    "COMPACT_JSON": False,
}
