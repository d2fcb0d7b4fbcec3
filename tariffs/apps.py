"""Names the app for Django."""

from django.apps import AppConfig


class TariffsConfig(AppConfig):
    """The app `tariffs`."""

    name = "tariffs"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register the list and the configuration for the checks of stored rows."""
        from logbooks.configuration_triggers import register_configuration
        from meters.list_rows import register_value_list
        from tariffs import models

        register_value_list(models.DerivedRecord)
        progress = ["evaluated_to", "queued_to"]
        register_configuration(models.EvaluationProfile, without=progress)
        register_configuration(models.EvaluationProfile.recipients.through)
        register_configuration(models.ProfileInput)
        register_configuration(models.ProfileVersion)
        register_configuration(models.MarketParticipant)
