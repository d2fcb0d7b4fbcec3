"""Names the app for Django."""

from django.apps import AppConfig


class TariffsConfig(AppConfig):
    """The app `tariffs`."""

    name = "tariffs"
    default_auto_field = "django.db.models.BigAutoField"
