"""The console: one module per model, each registers its page. Records are changed only through named verbs."""

from importlib import import_module
from pkgutil import iter_modules

for _module in iter_modules(__path__, f"{__name__}."):
    import_module(_module.name)
