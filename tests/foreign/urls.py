"""The project's own API and admin, and runs below an address of their own."""

from django.contrib import admin
from django.urls import include, path
from rest_framework.response import Response
from rest_framework.views import APIView


class Greeting(APIView):
    """What the project has answered ever since."""

    def get(self, request):
        return Response({"hello": request.user.email})


urlpatterns = [
    path("admin/", admin.site.urls),
    path("api/own/", include(([path("greeting/", Greeting.as_view(), name="greeting")], "api"))),
    path("", include("runs.urls")),
]
