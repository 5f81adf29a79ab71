"""The catalog of declared job types of this deploy, filled at start-up."""

from collections.abc import Iterator, Mapping
from typing import TypeVar

from runs.declarations.job_types import JobType
from runs.errors import DeclarationError, UnknownJobTypeError

T = TypeVar("T", bound=type[JobType])

_catalog: dict[str, JobType] = {}
_refused: list[DeclarationError] = []


def register(declaration: T) -> T:
    """Add a job type to the catalog; used as a decorator.

    A wrong declaration is set aside and reported by Django's system check with what to write instead, so that all
    mistakes show up at once and not as a stack trace.
    """
    try:
        if not (isinstance(declaration, type) and issubclass(declaration, JobType) and declaration.form):
            name = getattr(declaration, "__qualname__", repr(declaration))
            raise DeclarationError(f"{name} is registered and no job type", hint="Subclass Agent or Job.")
        job_type = declaration()
        job_type.check()
        present = _catalog.get(job_type.name)
        if present and _place(present) != _place(job_type):
            raise DeclarationError(
                f"two job types are named {job_type.name!r}: {_place(present)} and {_place(job_type)}",
                hint="Rename one of them.",
            )
    except DeclarationError as error:
        refuse(error)
    else:
        _catalog[job_type.name] = job_type
    return declaration


def refuse(error: DeclarationError) -> None:
    """Set a wrong declaration aside for the system check."""
    _refused.append(error)


def _place(job_type: JobType) -> str:
    return f"{type(job_type).__module__}.{type(job_type).__qualname__}"


def job_type_named(name: str) -> JobType:
    """Find a job type. Raises: UnknownJobTypeError."""
    try:
        return _catalog[name]
    except KeyError:
        raise UnknownJobTypeError(f"no job type {name!r} is declared in this deploy") from None


def errors_of(name: str) -> Mapping[type[BaseException], str]:
    """Return the rows that a job type adds to the table of errors; empty if this deploy does not declare it."""
    return _catalog[name].errors if name in _catalog else {}


def job_types() -> Iterator[JobType]:
    """Return all job types, by name."""
    return iter(sorted(_catalog.values(), key=lambda job_type: job_type.name))


def refused() -> list[DeclarationError]:
    """Return the wrong declarations."""
    return list(_refused)
