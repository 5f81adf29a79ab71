"""A plugin that leaves out the slow tests that use no database, or bring their own: they would say the same again."""

import pytest


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep those that are quick, or have a mark or a fixture of the database."""
    kept, left_out = [], []
    for item in items:
        (kept if _is_quick(item) or _uses_database(item) else left_out).append(item)
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = kept


def _is_quick(item: pytest.Item) -> bool:
    return item.get_closest_marker("slow") is None


def _uses_database(item: pytest.Item) -> bool:
    fixtures = set(getattr(item, "fixturenames", ()))
    return item.get_closest_marker("django_db") is not None or bool(fixtures & {"db", "transactional_db"})
