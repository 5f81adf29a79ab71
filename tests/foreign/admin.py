"""The project's own pages."""

from django.contrib import admin

from tests.foreign.models import Person

admin.site.site_header = "The office"


@admin.register(Person)
class PersonAdmin(admin.ModelAdmin):
    list_display = ["email"]
    list_filter = ["is_staff"]
