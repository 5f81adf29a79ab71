"""The WSGI application, for tools without ASGI support. Prefer `agentops.asgi`: only that bounds request bodies."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "agentops.settings")
application = get_wsgi_application()
