"""A request of the console, and who asks."""

from datetime import datetime

from django.http import HttpRequest

from gwa_api.rest.identity import Administrator
from hardware.gateway import Gateway


class ConsoleRequest(HttpRequest):
    """`certificate` is the fingerprint of the one that `administrator` came with."""

    gateway: Gateway
    received_at: datetime
    administrator: Administrator
    certificate: str
