"""The ASGI application; `uvicorn agentops.asgi:application` serves it."""

import os

from django.conf import settings
from django.core.asgi import get_asgi_application

from runs.web.bounded_bodies import BoundedBodies

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "agentops.settings")
# The console's forms may be larger than the API's bodies, but not larger than Django keeps in memory.
application = BoundedBodies(get_asgi_application(), larger={"/admin/": settings.FILE_UPLOAD_MAX_MEMORY_SIZE})
