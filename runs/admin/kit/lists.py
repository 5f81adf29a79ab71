"""Lists: which filters they take, and the columns and filters that are made from a field.

Django takes a filter on any column from the address. A column that the page hides could then be read letter by letter,
so a list takes the filters that it offers, and no other.
"""

from collections.abc import Callable, Iterator
from typing import Any, ClassVar, TypeVar

from django.contrib import admin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import BadRequest, ValidationError
from django.db import DataError
from django.db.models import Model, QuerySet
from django.http import HttpRequest

from runs.admin.kit import formatting

_NUL = "\x00"
M = TypeVar("M", bound=Model)

_SUFFIXES = frozenset("exact isnull in gt gte lt lte year month day id pk".split())  # what offered filters append


class FilledChangeList(ChangeList):
    """A page of a list whose rows get what they show besides their columns, all at once."""

    def get_results(self, request: HttpRequest) -> None:
        """Read the page, then what belongs to its rows."""
        super().get_results(request)
        rows = list(self.result_list)
        self.model_admin.fill(request, rows)  # type: ignore[attr-defined]  # only `FilledAdmin` uses it
        self.result_list = rows  # templates only go through it


class ShownOnlyAdmin(admin.ModelAdmin[M]):
    """Refuses lookups beyond the list's filters. `linked_by` are further columns by which our own pages link to it."""

    linked_by: ClassVar[tuple[str, ...]] = ()

    def lookup_allowed(self, lookup: str, value: Any, request: Any = None) -> bool:
        """Allow a parameter of an offered filter; a refused one is answered with 400."""
        return lookup in self.linked_by or any(_is_of(lookup, name) for name in self._offered(request))

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """Read the page of the list. Raises: BadRequest if the address holds what no column can."""
        try:
            return super().get_changelist_instance(request)
        except (ValueError, OverflowError, DataError) as error:
            raise BadRequest("The address holds a value that this list cannot be filtered by.") from error

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> M | None:
        """Find a row, None if there is none: an id with a NUL is none, and PostgreSQL would refuse the question."""
        return None if _NUL in object_id else super().get_object(request, object_id, from_field)

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> Any:
        """Search, for a choice of rows too. Raises: BadRequest for a NUL, which no column holds."""
        check_term(search_term)
        return super().get_search_results(request, queryset, search_term)

    def response_action(self, request: HttpRequest, queryset: Any, *args: Any, **kwargs: Any) -> Any:
        """Do a bulk action. Raises: BadRequest for a row that cannot exist, where Django would crash."""
        try:
            for chosen in request.POST.getlist(ACTION_CHECKBOX_NAME):
                self.opts.pk.clean(chosen, None)
        except ValidationError as error:
            raise BadRequest("What was chosen is no row of this list.") from error
        return super().response_action(request, queryset, *args, **kwargs)

    def _offered(self, request: HttpRequest) -> Iterator[str]:
        if self.date_hierarchy:
            yield str(self.date_hierarchy)
        for offered in self.get_list_filter(request):
            named = offered[0] if isinstance(offered, list | tuple) else offered
            yield str(getattr(named, "parameter_name", named))


def check_term(term: str) -> None:
    """Refuse to search for what no column holds. Raises: BadRequest."""
    if _NUL in term:
        raise BadRequest("The address holds a value that this list cannot be searched for.")


def _is_of(lookup: str, name: str) -> bool:
    path, *suffixes = lookup.removeprefix(name).split("__")
    return lookup.startswith(name) and path == "" and _SUFFIXES.issuperset(suffixes)


class Column:
    """A column of a list and a field of a page, named by the attribute that holds it: what `write` makes of a row."""

    def __init__(self, label: str, write: Callable[[Any], Any], *, ordering: Any = None, name: str = "column") -> None:
        self.short_description, self.admin_order_field, self.__name__ = label, ordering, name
        self.write = write

    def __call__(self, row: Any) -> Any:
        """Write it for one row."""
        return self.write(row)


def column(name: str, label: str, write: Callable[[Any], Any] = str, *, empty: str = "-") -> Column:
    """Make a column of a field; `empty` stands where it says nothing."""

    def shown(row: Any) -> Any:
        value = getattr(row, name)
        return empty if value is None or value == "" else write(value)

    return Column(label, shown, ordering=name, name=name)


def moment_column(name: str, label: str, *, empty: str = "never") -> Column:
    """Make a column that shows a time the one way the console does, in UTC."""
    return column(name, f"{label} (UTC)", formatting.minute, empty=empty)


def clip_column(name: str, label: str) -> Column:
    """Make a column of a long text: its beginning, and all of it under the pointer and on the row's page."""
    return column(name, label, formatting.clipped)


def id_column(length: int = 8) -> Column:
    """Make a column of the ids, each by its beginning."""
    return column("id", "id", lambda key: formatting.mono(str(key)[:length]))


def badge_column(label: str, word_of: Callable[[Any], str], *, ordering: Any = None) -> Column:
    """Make a column of a status, with an icon beside its text."""
    return Column(label, lambda row: formatting.badge_html(word_of(row)), ordering=ordering)


CREATED = moment_column("created_at", "created")


class InForceFilter(admin.SimpleListFilter):
    """A filter by whether a row holds."""

    title = "state"
    parameter_name = "is_active"
    words = ("In force", "Off")

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Offer the two states."""
        return list(zip(("1", "0"), self.words, strict=True))

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Filter the list."""
        return queryset.filter(is_active=self.value() == "1") if self.value() in ("0", "1") else queryset


class ActiveFilter(InForceFilter):
    """A filter by whether a tenant's runs may run."""

    words = ("Active", "Suspended")
