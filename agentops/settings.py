"""Settings, all from the environment. A project of one's own starts with `from agentops.settings import *`."""

import os
import secrets
from pathlib import Path
from typing import Any

import django
import django_stubs_ext
import environ

from agentops.embedded.valkey import socket_path
from agentops.postgresql.reconnect import RECONNECT_S, connect_again
from runs.states import ActionKind, ActionStatus, LimitKind, OnConflict, RunStatus

django_stubs_ext.monkeypatch()  # lets admin classes name their model

env = environ.Env()
BASE_DIR = Path(__file__).resolve().parent.parent
VAR_DIR = Path(env.str("AGENTOPS_VAR", default=str(BASE_DIR / "var"))).resolve()
VAR_DIR.mkdir(parents=True, exist_ok=True)


def _own_secret_key() -> str:
    """Make a key once and keep it under `var/`, so that sessions outlive a restart without a default key."""
    path = VAR_DIR / "secret_key"
    if not path.exists():
        draft = path.with_suffix(f".{os.getpid()}")
        draft.touch(mode=0o600)
        draft.write_text(secrets.token_urlsafe(50))
        try:
            os.link(draft, path)  # the first of several processes wins
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return path.read_text()


DEBUG = env.bool("DEBUG", default=False)
SECRET_KEY = env.str("SECRET_KEY", default="") or _own_secret_key()
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])

INSTALLED_APPS = [
    "agentops",
    "runs",  # before django_rq and django_q: their commands are ours
    "deadletters",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django_rq",
    "django_q",
    "rest_framework",
    "django_filters",
    "drf_spectacular",
    "drf_spectacular_sidecar",
]
if env.bool("AGENTOPS_EXAMPLES", default=False):
    INSTALLED_APPS += ["agentops.examples.support_desk"]
AGENTOPS_WORKLOAD = env.str("AGENTOPS_WORKLOAD", default="")
if AGENTOPS_WORKLOAD:
    INSTALLED_APPS += ["agentops.examples.workload"]
AGENTOPS_CHAOS = env.str("AGENTOPS_CHAOS", default="")
if AGENTOPS_CHAOS:
    INSTALLED_APPS += ["agentops.chaos"]
if env.bool("AGENTOPS_BENCH", default=False):
    INSTALLED_APPS += ["agentops.bench"]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "agentops.urls"
ASGI_APPLICATION = "agentops.asgi.application"
WSGI_APPLICATION = "agentops.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]


def _database() -> dict[str, Any]:
    """Describe the database: the address given, or SQLite under `var/`."""
    config: dict[str, Any] = env.db("DATABASE_URL", default=f"sqlite:///{VAR_DIR / 'agentops.sqlite3'}")
    if config["ENGINE"].endswith("sqlite3"):
        config["ENGINE"] = "agentops.embedded.sqlite3"  # its writers wait their turn
        config["OPTIONS"] = {
            "transaction_mode": "IMMEDIATE",  # a read-then-write transaction cannot fail half-way
            "timeout": 20,
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;",
        }
    elif config["ENGINE"].endswith("postgresql"):
        config["ENGINE"] = "agentops.postgresql"  # its connections survive a restart of the server
        # Runs give their connection back before they wait, so a few connections serve many slots.
        config["CONN_MAX_AGE"] = 0
        config["OPTIONS"] = {
            "connect_timeout": 5,
            "prepare_threshold": 1,  # the statement of each step is planned once a connection
            "keepalives_idle": 30,  # a network that swallows everything is noticed, too
            "keepalives_interval": 5,
            "keepalives_count": 3,
            "tcp_user_timeout": 20_000,  # milliseconds
            **config.get("OPTIONS", {}),
            "pool": {
                "min_size": 0,
                "max_size": env.int("AGENTOPS_DB_POOL", default=10),
                "timeout": 20,
                "reconnect_timeout": RECONNECT_S,
                "reconnect_failed": connect_again,
            },
        }
    return config


DATABASES = {"default": _database()}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

REDIS_URL = env.str("REDIS_URL", default="")
EMBEDDED_VALKEY_DIR = None if REDIS_URL else VAR_DIR
_WITHIN_A_SECOND = "socket_timeout=1&socket_connect_timeout=1"  # a bell that hangs must hold nobody up
_queue = {
    "URL": f"{REDIS_URL}{'&' if '?' in REDIS_URL else '?'}{_WITHIN_A_SECOND}"
    if REDIS_URL
    else f"unix://{socket_path(VAR_DIR)}?db=0&{_WITHIN_A_SECOND}",
    "DEFAULT_TIMEOUT": -1,  # deadlines are ours
    "SERIALIZER": "rq.serializers.JSONSerializer",
}
RQ_QUEUES = {name: dict(_queue) for name in ("realtime", "agents", "default", "batch")}
RQ = {"WORKER_CLASS": "runs.worker.rq_worker.AgentWorker", "DEFAULT_RESULT_TTL": 0}

Q_CLUSTER = {  # the clock, and nothing else: one schedule row calls one function of ours
    "name": "agentops",
    "orm": "default",
    "workers": 1,
    "timeout": 30,
    "retry": 60,
    "max_attempts": 3,
    "catch_up": False,
    "label": "Clock",
}

ANTHROPIC_API_KEY = env.str("ANTHROPIC_API_KEY", default=None)
ANTHROPIC_BASE_URL = env.str("ANTHROPIC_BASE_URL", default=None)
AGENTOPS: dict[str, Any] = {"offline_model": env.bool("AGENTOPS_OFFLINE_MODEL", default=False)}
if _batch_pace_s := env.float("AGENTOPS_BATCH_PACE_S", default=0.0):
    AGENTOPS |= {
        "batch_gather_s": _batch_pace_s,
        "batch_poll_s": _batch_pace_s,
        "batch_settles_s": 5 * _batch_pace_s,
    }

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["runs.api.authentication.BearerAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["runs.api.permissions.HasScope"],
    "DEFAULT_PARSER_CLASSES": ["runs.api.parsers.BoundedJSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PAGINATION_CLASS": "runs.api.pagination.NewestFirst",
    "DEFAULT_FILTER_BACKENDS": ["django_filters.rest_framework.DjangoFilterBackend"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "runs.api.problems.problem_response",
    "UNAUTHENTICATED_USER": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "agentops",
    "DESCRIPTION": "AI agents as durable background jobs.",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SERVE_AUTHENTICATION": [],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_NAME_OVERRIDES": {  # several documents have a `status` or a `kind`
        "ActionKindEnum": [kind.value for kind in ActionKind],
        "ActionStatusEnum": [status.value for status in ActionStatus],
        "LimitKindEnum": [kind.value for kind in LimitKind],
        "OnConflictEnum": [policy.value for policy in OnConflict],
        "RunStatusEnum": [status.value for status in RunStatus],
        "RedriveStatusEnum": "deadletters.models.RedriveStatus",
    },
}

LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True
STATIC_URL = "static/"
STATIC_ROOT = VAR_DIR / "static"
STATIC_ROOT.mkdir(exist_ok=True)
WHITENOISE_USE_FINDERS = True  # no collectstatic needed on one machine
_mail = {
    "BACKEND": env.str("EMAIL_BACKEND", default="django.core.mail.backends.filebased.EmailBackend"),
    "file_path": VAR_DIR / "mail",
    "timeout": 20,  # a silent mail server must not hold up the mails behind it
}
if django.VERSION >= (6, 1):
    _option = {"filebased": "file_path", "smtp": "timeout"}.get(_mail["BACKEND"].split(".")[-2])
    MAILERS = {"default": {"BACKEND": _mail["BACKEND"], "OPTIONS": {_option: _mail[_option]} if _option else {}}}
else:
    EMAIL_BACKEND, EMAIL_FILE_PATH, EMAIL_TIMEOUT = _mail.values()
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="agentops@localhost")
LOGIN_URL = "admin:login"
LOGIN_REDIRECT_URL = "admin:index"

SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SECURE = env.bool("SECURE_COOKIES", default=False)
CSRF_COOKIE_SECURE = SESSION_COOKIE_SECURE
SECURE_CONTENT_TYPE_NOSNIFF = True
DATA_UPLOAD_MAX_MEMORY_SIZE = 5 * 1024 * 1024

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {
            "class": "runs.secrets.RedactingFormatter",
            "format": "%(asctime)s %(levelname)s %(name)s: %(message)s",
        }
    },
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": env.str("LOG_LEVEL", default="WARNING")},
    "loggers": {
        "django": {"handlers": []},  # its own ones, to stderr and by mail, would write exceptions with their secrets
        "runs": {"level": env.str("LOG_LEVEL", default="INFO")},
        "deadletters": {"level": env.str("LOG_LEVEL", default="INFO")},
    },
}
