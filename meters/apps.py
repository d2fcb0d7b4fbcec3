"""Names the app for Django."""

from django.apps import AppConfig


class MetersConfig(AppConfig):
    """The app `meters`."""

    name = "meters"
    default_auto_field = "django.db.models.BigAutoField"
