"""The console on an admin site of the project's own, beside or instead of the default one."""

from types import ModuleType

import pytest
from django.contrib import admin
from django.contrib.admin import AdminSite, ModelAdmin
from django.urls import include, path

from runs.admin.site import OUR_APPS, add_console_to
from runs.models import Run, Tenant
from tests.runs.admin.addresses import real

pytestmark = pytest.mark.django_db

OURS = {model: page for model, page in admin.site._registry.items() if model._meta.app_label in OUR_APPS}


@pytest.fixture
def site() -> AdminSite:
    return AdminSite(name="office")


@pytest.fixture
def mounted(site, settings):
    """The site is the only one of the project, at `/office/`."""
    add_console_to(site)
    urls = ModuleType("urls_of_the_office")
    urls.urlpatterns = [path("office/", site.urls), path("agents/", include("runs.urls"))]
    settings.ROOT_URLCONF = urls
    return site


def test_all_pages_of_ours_are_added_and_none_of_other_apps(site):
    add_console_to(site)

    assert {model: type(page) for model, page in site._registry.items()} == {m: type(p) for m, p in OURS.items()}
    assert all(page.admin_site is site for page in site._registry.values()) and len(OURS) > 20


def test_adding_twice_does_nothing_and_a_page_of_the_projects_own_stays(site):
    class Mine(ModelAdmin):
        pass

    site.register(Tenant, Mine)

    add_console_to(site)
    add_console_to(site)

    assert type(site._registry[Tenant]) is Mine and type(site._registry[Run]) is type(OURS[Run])


def test_the_default_site_is_left_as_it_is():
    before = dict(admin.site._registry)

    add_console_to(admin.site)

    assert admin.site._registry == before


def test_the_site_passes_djangos_checks(site):
    """Users have no page there, so nothing may search for them."""
    add_console_to(site)

    assert site.check(None) == []


def test_every_list_and_page_opens_there_and_leads_nowhere_else(mounted, root_client, filled):
    wrong = []
    for model in OURS:
        start = f"admin/{model._meta.app_label}/{model._meta.model_name}/"
        for route in (start, f"{start}<path:object_id>/change/")[: 1 + model._default_manager.exists()]:
            address = real(route).replace("/admin/", "/office/")
            answer = root_client.get(address)
            wrong += [(address, answer.status_code)] if answer.status_code not in (200, 302) else []
            wrong += [(address, "leads away")] if b'href="/admin/' in answer.content else []

    assert wrong == []
    assert b"Pending actions" in root_client.get("/office/").content
