"""`./casa doctor`: says what is wrong with an installation, and changes nothing."""

from casa_site.doctor.command import main

__all__ = ["main"]
