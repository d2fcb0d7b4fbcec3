"""What may change of a consumer, and when he may go."""

from collections.abc import Collection

from django.db import transaction

from hardware.gateway import Gateway
from meters.accounts import create_account
from meters.configuration import check_consumer, create_consumer
from meters.models import Account, Consumer, Meter


class ConsumerInUse(Exception):
    """The consumer has meters: his values stay his."""


@transaction.atomic
def create_consumer_with_account(
    gateway: Gateway, consumer_id: str, *, name: str, auth: Collection[str]
) -> Consumer:
    """A consumer and his account, in which nobody can log in yet.

    Raises ConsumerInvalid or AccountInvalid.
    """
    consumer = create_consumer(gateway, consumer_id, name=name, auth=auth)
    create_account(
        gateway,
        username=consumer_id,
        role=Account.Role.CONSUMER,
        consumer=consumer,
    )
    return consumer


@transaction.atomic
def change_consumer(consumer_id: str, *, name: str, auth: Collection[str]) -> Consumer:
    """Change name and ways to log in; raises ConsumerInvalid, Consumer.DoesNotExist."""
    check_consumer(name, auth)
    consumer = Consumer.objects.select_for_update().get(pk=consumer_id)
    consumer.name = name
    consumer.password_login = "password" in auth
    consumer.certificate_login = "certificate" in auth
    consumer.save(update_fields=["name", "password_login", "certificate_login"])
    return consumer


@transaction.atomic
def delete_consumer(consumer_id: str) -> None:
    """Delete a consumer without meters, and his account; his log stays as it is.

    Raises ConsumerInUse, Consumer.DoesNotExist; ProtectedError where others refer.
    """
    consumer = Consumer.objects.select_for_update().get(pk=consumer_id)
    if Meter.objects.filter(consumer=consumer).exists():
        raise ConsumerInUse("the consumer has meters")
    Account.objects.filter(consumer=consumer).delete()
    consumer.delete()
