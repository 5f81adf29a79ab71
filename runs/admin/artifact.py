"""Artifacts: payloads too large for a row, to be downloaded and never rendered."""

from io import BytesIO
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import FileResponse, HttpRequest
from django.urls import URLPattern, reverse
from django.utils.html import format_html

from runs.admin.kit.formatting import mono
from runs.admin.kit.lists import CREATED, Column, column
from runs.admin.kit.read_only import ReadOnlyAdmin
from runs.models import Artifact


@admin.register(Artifact)
class ArtifactAdmin(ReadOnlyAdmin[Artifact]):
    """Read and download artifacts."""

    tenant_path = "run__tenant"
    list_display = ("name", "run", "size_in_bytes", CREATED, "download_link")
    list_select_related = ("run",)
    search_fields = ("name",)
    fields = ("name", "run", "size_in_bytes", "content_type", "fingerprint", CREATED, "download_link")
    empty_state = "No artifacts yet. A result too long for its step is kept here whole."

    size_in_bytes = column("size", "size_in_bytes", "{:,}".format)
    fingerprint = column("sha256", "SHA-256", mono)
    download_link = Column(
        "payload",
        lambda one: format_html('<a href="{}">Download</a>', reverse("admin:runs_artifact_download", args=[one.pk])),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Artifact]:
        """Leave the payloads in the database."""
        return super().get_queryset(request).defer("body")

    def get_urls(self) -> list[URLPattern]:
        """Add the download."""
        return [self.own_path("<uuid:pk>/download/", self.download, "download"), *super().get_urls()]

    def download(self, request: HttpRequest, pk: Any) -> FileResponse:
        """Send the payload as a file of plain text: whatever it contains, no browser shall run it."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        artifact = self.get_object(request, str(pk))
        response = FileResponse(
            BytesIO(bytes(artifact.body)),
            as_attachment=True,
            filename=f"{artifact.name}.txt",
            content_type="text/plain; charset=utf-8",
        )
        response["Content-Length"] = str(artifact.size)
        response["X-Content-Type-Options"] = "nosniff"
        response["Content-Security-Policy"] = "default-src 'none'; sandbox"
        return response
