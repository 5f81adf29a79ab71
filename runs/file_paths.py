"""Where this project keeps its files. Creates nothing: writers must create the folder first."""

import os
import sys
from importlib.util import find_spec
from pathlib import Path

from django.conf import settings


def var_dir() -> Path:
    """Return the folder for files that are not code: from the settings, else `var/` in the project's folder."""
    given = getattr(settings, "VAR_DIR", None) or os.environ.get("AGENTOPS_VAR")
    if given:
        return Path(given).resolve()
    return outside_of_packages(Path(getattr(settings, "BASE_DIR", None) or project_dir())) / "var"


def project_dir() -> Path:
    """Find the project's folder: the one that holds its settings module, not the working directory.

    So a web server and a worker agree on it, wherever each was started. If the settings are an installed package, there
    is no project folder, and the working directory is used.
    """
    package = os.environ.get("DJANGO_SETTINGS_MODULE", "").partition(".")[0]
    module = sys.modules.get(package)
    spec = getattr(module, "__spec__", None) or (find_spec(package) if package else None)
    places = [*(spec.submodule_search_locations or ())] or [spec.origin] if spec else []
    return outside_of_packages(Path(places[0]).resolve().parent if places and places[0] else Path.cwd())


def outside_of_packages(folder: Path) -> Path:
    """Return the folder, or the working directory if packages are installed in it."""
    installed = {"site-packages", "dist-packages"} & set(folder.resolve().parts)
    return Path.cwd() if installed else folder
