"""Names the app for Django."""

from django.apps import AppConfig


class LogbooksConfig(AppConfig):
    """The app `logbooks`."""

    name = "logbooks"
    default_auto_field = "django.db.models.BigAutoField"
