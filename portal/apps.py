"""Names the app for Django."""

from django.apps import AppConfig


class PortalConfig(AppConfig):
    """The app `portal`."""

    name = "portal"
    default_auto_field = "django.db.models.BigAutoField"
