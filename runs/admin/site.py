"""The console on other admin sites than the default one."""

from django.contrib import admin

import deadletters.admin  # noqa: F401 (its pages are to be copied, too)

OUR_APPS = ("runs", "deadletters")


def add_console_to(site: admin.AdminSite) -> None:
    """Put the console's pages on an admin site of your own. On the default site they are without this."""
    for model, page in list(admin.site._registry.items()):
        if model._meta.app_label in OUR_APPS and not site.is_registered(model):
            site.register(model, type(page))
