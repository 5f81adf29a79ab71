"""Serve this project's static files from the web process."""

import os

from whitenoise.middleware import WhiteNoiseMiddleware


class StaticFiles(WhiteNoiseMiddleware):  # type: ignore[misc]  # it has no types
    """Serves the output of `collectstatic`; if it never ran, only the finders serve."""

    def add_files(self, root: str, prefix: str | None = None) -> None:
        """Add the files below a folder, if it exists."""
        if os.path.isdir(root):
            super().add_files(root, prefix)
