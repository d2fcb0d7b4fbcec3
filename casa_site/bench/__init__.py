"""`./casa bench`: the figures of decisions.md, section 5, each beside its reference."""

from casa_site.bench.command import main

__all__ = ["main"]
