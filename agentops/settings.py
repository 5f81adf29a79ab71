"""The settings of a pure agentops project, from the environment.

A new project starts with `from agentops.settings import *`. An existing project keeps its settings and takes what it
needs from `agentops.defaults`; see `docs/adopting.md`.
"""

import os
import secrets
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import django
import environ

from agentops.defaults import CLOCK, QUEUES, database, queues
from agentops.embedded.valkey import socket_path
from runs.file_paths import project_dir
from runs.states import ActionKind, ActionStatus, LimitKind, OnConflict, RunStatus

env = environ.Env()
BASE_DIR = project_dir()
VAR_DIR = Path(env.str("AGENTOPS_VAR", default=str(BASE_DIR / "var"))).resolve()


def _own_secret_key() -> str:
    """Create a key once and store it under `var/`, so that sessions survive a restart without a default key.

    If `var/` is not writable there is no key, and a system check reports it.
    """
    path = VAR_DIR / "secret_key"
    draft = path.with_suffix(f".{os.getpid()}")
    try:
        if not path.exists():
            VAR_DIR.mkdir(parents=True, exist_ok=True)
            draft.touch(mode=0o600)
            draft.write_text(secrets.token_urlsafe(50))
            try:
                with suppress(FileExistsError):
                    os.link(draft, path)  # the first of several processes wins
            finally:
                draft.unlink()
        return path.read_text()
    except OSError:
        return ""


DEBUG = env.bool("DEBUG", default=False)
SECRET_KEY = env.str("SECRET_KEY", default="") or _own_secret_key()
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])

INSTALLED_APPS = [
    "agentops",
    "runs",  # before django_rq and django_q: their commands are ours
    "deadletters",
    "agentops.console.ConsoleConfig",  # Django's admin
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
    "axes",
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
    INSTALLED_APPS += ["agentops.lab.chaos"]
if env.bool("AGENTOPS_BENCH", default=False):
    INSTALLED_APPS += ["agentops.lab.bench"]

MIDDLEWARE = [
    "runs.web.api_answers.ApiAnswers",
    "runs.web.content_security_policy.ContentSecurityPolicy",
    "django.middleware.security.SecurityMiddleware",
    "agentops.static_files.StaticFiles",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "axes.middleware.AxesMiddleware",  # last: it may answer in place of the sign-in page
]

ROOT_URLCONF = "agentops.urls"
ASGI_APPLICATION = "agentops.asgi.application"
WSGI_APPLICATION = "agentops.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [Path(__file__).resolve().parent / "site_templates"],  # the same folder as `templates/`
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


DATABASES = {
    "default": database(
        env.db("DATABASE_URL", default=f"sqlite:///{VAR_DIR / 'agentops.sqlite3'}"),
        pool=env.int("AGENTOPS_DB_POOL", default=10),
    )
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

REDIS_URL = env.str("REDIS_URL", default="")
EMBEDDED_VALKEY_DIR = None if REDIS_URL else VAR_DIR
RQ_QUEUES = queues(
    REDIS_URL or f"unix://{socket_path(VAR_DIR)}?db=0",
    names=dict.fromkeys([*QUEUES, *env.list("AGENTOPS_QUEUES", default=[])]),
)
RQ = {"WORKER_CLASS": "runs.worker.rq_worker.AgentWorker", "DEFAULT_RESULT_TTL": 0}

Q_CLUSTER = CLOCK

ANTHROPIC_API_KEY = env.str("ANTHROPIC_API_KEY", default=None)
ANTHROPIC_BASE_URL = env.str("ANTHROPIC_BASE_URL", default=None)
AGENTOPS: dict[str, Any] = {"offline_model": env.bool("AGENTOPS_OFFLINE_MODEL", default=False)}
if _batch_pace_s := env.float("AGENTOPS_BATCH_PACE_S", default=0.0):
    AGENTOPS |= {
        "batch_gather_s": _batch_pace_s,
        "batch_poll_s": _batch_pace_s,
        "batch_settles_s": 5 * _batch_pace_s,
    }

REST_FRAMEWORK = {  # for the pages that describe the API; its own views do not use this
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
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
WHITENOISE_USE_FINDERS = True  # no collectstatic needed on one machine
_mail = {
    "BACKEND": env.str("EMAIL_BACKEND", default="django.core.mail.backends.filebased.EmailBackend"),
    "file_path": VAR_DIR / "mail",
    "timeout": 20,  # a silent mail server must not block the mails behind it
}
if django.VERSION >= (6, 1):
    _option = {"filebased": "file_path", "smtp": "timeout"}.get(_mail["BACKEND"].split(".")[-2])
    MAILERS = {"default": {"BACKEND": _mail["BACKEND"], "OPTIONS": {_option: _mail[_option]} if _option else {}}}
else:
    EMAIL_BACKEND, EMAIL_FILE_PATH, EMAIL_TIMEOUT = _mail.values()
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="agentops@localhost")
LOGIN_URL = "admin:login"
LOGIN_REDIRECT_URL = "admin:index"

AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "django.contrib.auth.backends.ModelBackend"]
AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = timedelta(minutes=15)
AXES_RESET_ON_SUCCESS = True
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False  # otherwise a guesser could keep a name locked forever
AXES_LOCKOUT_PARAMETERS = "agentops.sign_in.counted_by"
AXES_LOCKOUT_CALLABLE = "agentops.sign_in.refused"
AXES_USERNAME_FORM_FIELD = "username"  # also if the user model uses another name
AXES_USERNAME_CALLABLE = "agentops.sign_in.account"
AXES_CLIENT_IP_CALLABLE = "agentops.sign_in.address"
AXES_SENSITIVE_PARAMETERS = ["username", "ip_address", "csrfmiddlewaretoken", "next"]  # passwords always are
AXES_ENABLE_ADMIN = False  # its pages show every tenant's people; `axes_reset_username` unlocks

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
    "filters": {"refusals": {"()": "runs.logs.RefusalsInOneLine"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["refusals"]}},
    "root": {"handlers": ["stderr"], "level": env.str("LOG_LEVEL", default="WARNING")},
    "loggers": {
        "django": {"handlers": []},  # Django's own handlers, to stderr and by mail, would leak secrets in exceptions
        "runs": {"level": env.str("LOG_LEVEL", default="INFO")},
        "deadletters": {"level": env.str("LOG_LEVEL", default="INFO")},
    },
}
