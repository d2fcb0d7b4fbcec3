"""Names the app for Django."""

from django.apps import AppConfig


class MetersConfig(AppConfig):
    """The app `meters`."""

    name = "meters"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register the list of this app for the checks of stored rows."""
        from meters.list_rows import register_value_list
        from meters.models import OriginalRecord

        register_value_list(OriginalRecord)
