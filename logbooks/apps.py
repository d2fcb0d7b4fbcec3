"""Names the app for Django."""

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class LogbooksConfig(AppConfig):
    """The app `logbooks`."""

    name = "logbooks"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register what the self-test looks at here."""
        from logbooks import configuration_triggers
        from logbooks.own_checks import register_own_checks

        register_own_checks()
        post_migrate.connect(configuration_triggers.install, sender=self)
