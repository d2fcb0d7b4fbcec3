"""Names the roof for Django and registers its checks."""

from django.apps import AppConfig


class CasaSiteConfig(AppConfig):
    """The roof: settings, processes, command line."""

    name = "casa_site"

    def ready(self) -> None:
        """Register the checks of settings, and those of the self-test."""
        from casa_site import checks  # noqa: F401
        from casa_site.service_checks import register_service_checks

        register_service_checks()
