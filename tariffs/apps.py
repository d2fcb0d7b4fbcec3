"""Names the app for Django."""

from django.apps import AppConfig


class TariffsConfig(AppConfig):
    """The app `tariffs`."""

    name = "tariffs"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register the list of this app for the checks of stored rows."""
        from meters.list_rows import register_value_list
        from tariffs.models import DerivedRecord

        register_value_list(DerivedRecord)
