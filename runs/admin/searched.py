"""A foreign key that is chosen by searching."""

from collections.abc import Sequence
from typing import Any

from django.contrib.admin.widgets import AutocompleteSelect
from django.core.exceptions import ValidationError


class SearchedSelect(AutocompleteSelect):
    """Django's widget; a key that cannot be one is shown as an error of the form, where Django's crashes."""

    def optgroups(self, name: str, value: Sequence[str], attr: Any = None) -> Any:
        """List what is chosen: of what was posted, only what may be a key."""
        return super().optgroups(name, [key for key in value if not key or self._may_be_key(key)], attr)

    def _may_be_key(self, text: str) -> bool:
        try:
            self.field.target_field.clean(text, None)
        except ValidationError:
            return False
        return True
