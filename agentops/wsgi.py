"""The WSGI application, for tools that know nothing else. Serve `agentops.asgi`: bodies are bounded only there."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "agentops.settings")
application = get_wsgi_application()
