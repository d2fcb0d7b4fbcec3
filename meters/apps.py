"""Names the app for Django."""

from django.apps import AppConfig


class MetersConfig(AppConfig):
    """The app `meters`."""

    name = "meters"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register the list and the configuration for the checks of stored rows."""
        from logbooks.checks import register_check
        from logbooks.configuration_triggers import register_configuration
        from meters import models
        from meters.list_rows import register_value_list
        from meters.service_roles import service_role_faults

        register_check("service roles", service_role_faults)
        register_value_list(models.OriginalRecord)
        register_configuration(models.Consumer)
        register_configuration(models.Account, without=["last_login"])
        register_configuration(models.Meter)
        register_configuration(models.MeterKey, without=["counter"])
        register_configuration(models.LmnGatewayCertificate)
        register_configuration(models.LmnCredentials)
