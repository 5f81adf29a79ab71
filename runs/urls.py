"""The URLs that a project includes: the API and health. The console is on its admin site.

The API answers every address below its own, so `include()` this beside `admin/`, at the root or under a prefix.
"""

from django.urls import include, path

from runs.api.health import livez, readyz

urlpatterns = [
    path("api/v1/", include("runs.api.urls")),
    path("livez", livez),
    path("readyz", readyz),
]
