"""Where this project keeps its files. Nothing is made here: who writes, makes the folder first."""

import os
import sys
from importlib.util import find_spec
from pathlib import Path

from django.conf import settings


def var_dir() -> Path:
    """Say where files live that are no code: what the settings say, else `var/` in the project's own folder."""
    given = getattr(settings, "VAR_DIR", None) or os.environ.get("AGENTOPS_VAR")
    if given:
        return Path(given).resolve()
    return outside_of_packages(Path(getattr(settings, "BASE_DIR", None) or project_dir())) / "var"


def project_dir() -> Path:
    """Find the folder of the project in use: the one that holds its settings module, not where commands are typed.

    So a web server and a worker agree on it, wherever each was started. Settings that are an installed package have no
    project around them; then it is the working directory.
    """
    package = os.environ.get("DJANGO_SETTINGS_MODULE", "").partition(".")[0]
    module = sys.modules.get(package)
    spec = getattr(module, "__spec__", None) or (find_spec(package) if package else None)
    places = [*(spec.submodule_search_locations or ())] or [spec.origin] if spec else []
    return outside_of_packages(Path(places[0]).resolve().parent if places and places[0] else Path.cwd())


def outside_of_packages(folder: Path) -> Path:
    """Give the folder back, or the working directory for one in which packages are installed."""
    installed = {"site-packages", "dist-packages"} & set(folder.resolve().parts)
    return Path.cwd() if installed else folder
