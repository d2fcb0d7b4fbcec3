"""Names the app for Django."""

from django.apps import AppConfig


class GwaApiConfig(AppConfig):
    """The app `gwa_api`."""

    name = "gwa_api"
    default_auto_field = "django.db.models.BigAutoField"
