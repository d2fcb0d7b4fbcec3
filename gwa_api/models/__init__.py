"""What the WAN side keeps: ways to partners, sealed deliveries, proxy profiles, and
what the administrator's API needs."""

from gwa_api.models.administration import AdministratorChange
from gwa_api.models.api import KeptAnswer, Operation
from gwa_api.models.communication_profile import (
    CommunicationProfile,
    SealedDelivery,
)
from gwa_api.models.han_network import HanNetwork
from gwa_api.models.management import AlarmReport, ManagementState
from gwa_api.models.proxy_profile import ProxyConnection, ProxyProfile

__all__ = [
    "AdministratorChange",
    "AlarmReport",
    "CommunicationProfile",
    "HanNetwork",
    "KeptAnswer",
    "ManagementState",
    "Operation",
    "ProxyConnection",
    "ProxyProfile",
    "SealedDelivery",
]
