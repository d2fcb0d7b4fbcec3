"""Names the roof for Django and registers its checks."""

from django.apps import AppConfig


class CasaSiteConfig(AppConfig):
    """The roof: settings, processes, command line."""

    name = "casa_site"

    def ready(self) -> None:
        """Register the checks of settings that cannot work together."""
        from casa_site import checks  # noqa: F401
