"""What is wrong with something that cannot be set up."""


class ConfigurationInvalid(ValueError):
    """Something that cannot be set up; `field` names what is wrong with it."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.field = field
        self.reason = reason


class ConsumerInvalid(ConfigurationInvalid):
    """A consumer that cannot be created."""


class MeterInvalid(ConfigurationInvalid):
    """A meter that cannot be created."""
