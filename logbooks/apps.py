"""Names the app for Django."""

from django.apps import AppConfig


class LogbooksConfig(AppConfig):
    """The app `logbooks`."""

    name = "logbooks"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register what the self-test looks at here."""
        from logbooks.own_checks import register_own_checks

        register_own_checks()
