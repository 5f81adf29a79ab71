"""Static files of this project, served by the web process itself."""

import os

from whitenoise.middleware import WhiteNoiseMiddleware


class StaticFiles(WhiteNoiseMiddleware):  # type: ignore[misc]  # it has no types
    """Serves what `collectstatic` has gathered; where it never ran, the finders alone serve."""

    def add_files(self, root: str, prefix: str | None = None) -> None:
        """Add the files below a folder, if it is there."""
        if os.path.isdir(root):
            super().add_files(root, prefix)
