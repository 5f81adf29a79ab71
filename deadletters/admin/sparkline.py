"""The trend of a cause, small enough for a column."""

from collections.abc import Sequence

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

HEIGHT = 20
STEP = 4


def sparkline(trend: Sequence[int]) -> SafeString:
    """Draw one bar for each hour, oldest first; who cannot see it is told the numbers."""
    most = max(trend, default=0)
    words = f"Letters per hour in the last {len(trend)} hours: {sum(trend)} in all, at most {most} in one hour"
    bars = format_html_join(
        "",
        '<rect x="{}" y="{}" width="{}" height="{}"/>',
        ((place * STEP, HEIGHT - high, STEP - 1, high) for place, high in enumerate(_heights(trend, most))),
    )
    frame = '<svg class="spark" role="img" aria-label="{}" width="{}" height="{}"><title>{}</title>{}</svg>'
    return format_html(frame, words, len(trend) * STEP, HEIGHT, words, bars)


def _heights(trend: Sequence[int], most: int) -> list[int]:
    """An hour with any letter is at least two pixels high, one with none a line."""
    return [max(2, round(count / most * HEIGHT)) if count else 1 for count in trend]
