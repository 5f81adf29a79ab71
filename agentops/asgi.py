"""The ASGI application; `uvicorn agentops.asgi:application` serves it."""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "agentops.settings")
application = get_asgi_application()
