"""The line icons of the pages, drawn into the page (24 grid, stroke 1.8)."""

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

register = template.Library()

_ROUND = "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18z"
PATHS = {
    "home": "M4 11 12 4l8 7M6 9.5V20h12V9.5",
    "bars": "M4 20h16M7 20v-6M12 20V6M17 20v-9",
    "shield": "M12 3l7 3v5c0 4.5-3 8-7 10-4-2-7-5.5-7-10V6z",
    "left": "M15 5l-7 7 7 7",
    "right": "M9 5l7 7-7 7",
    "up": "M12 20V5M6 11l6-6 6 6",
    "down": "M12 4v15M6 13l6 6 6-6",
    "list": "M8 6h12M8 12h12M8 18h12M4 6h.01M4 12h.01M4 18h.01",
    "log": "M7 4h10a1 1 0 0 1 1 1v15H6V5a1 1 0 0 1 1-1zM9 9h6M9 13h6M9 17h3",
    "help": f"{_ROUND}M9.6 9.4a2.4 2.4 0 1 1 3.6 2.1c-.8.5-1.2 1-1.2 1.9M12 16.5v.01",
    "more": "M6 12a1 1 0 1 1-2 0 1 1 0 0 1 2 0zM13 12a1 1 0 1 1-2 0 1 1 0 0 1 2 0z"
    "M20 12a1 1 0 1 1-2 0 1 1 0 0 1 2 0z",
    "info": f"{_ROUND}M12 11v5M12 8v.01",
    "ok": "M5 12.5l4.5 4.5L19 7.5",
    "cross": "M6.5 6.5l11 11M17.5 6.5l-11 11",
    "warn": "M12 4 21 20H3zM12 10v4.5M12 17.3v.01",
    "bad": "M8.5 3.5h7l5 5v7l-5 5h-7l-5-5v-7zM9 9l6 6M15 9l-6 6",
    "clock": f"{_ROUND}M12 7v5l3.5 2",
    "gap": "M4 8V5h3M17 5h3v3M20 16v3h-3M7 19H4v-3M8 16l8-8",
    "key": "M8 15a4 4 0 1 1 3.5-6H21v3h-2v3h-3v-3h-4.5A4 4 0 0 1 8 15zM8 11h.01",
    "seal": "M6 3h12v12H6zM9 7h6M9 10.5h6M12 15v6l-2-1.5M12 21l2-1.5",
    "download": "M12 4v12M7 11l5 5 5-5M5 20h14",
    "lock": "M6 11h12v9H6zM8.5 11V8a3.5 3.5 0 0 1 7 0v3",
    "meter": "M5 4h14v16H5zM8 8h8v3H8zM9 15h.01M12 15h.01M15 15h.01",
    "search": "M11 17a6 6 0 1 0 0-12 6 6 0 0 0 0 12zM15.5 15.5 20 20",
}


@register.simple_tag
def icon(name: str, extra: str = "") -> SafeString:
    """An icon that says nothing by itself; a word stands beside it."""
    return format_html(
        '<svg class="icon {}" viewBox="0 0 24 24" aria-hidden="true">'
        '<path d="{}"/></svg>',
        extra,
        PATHS[name],
    )


@register.simple_tag
def speaking_icon(name: str, label: str, extra: str = "") -> SafeString:
    """An icon that stands alone and is read out as `label`."""
    return format_html(
        '<svg class="icon {}" viewBox="0 0 24 24" role="img" aria-label="{}">'
        '<path d="{}"/></svg>',
        extra,
        label,
        PATHS[name],
    )
