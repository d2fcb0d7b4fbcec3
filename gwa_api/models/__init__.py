"""What the WAN side keeps: ways to partners, sealed deliveries, proxy profiles."""

from gwa_api.models.communication_profile import (
    CommunicationProfile,
    SealedDelivery,
)
from gwa_api.models.proxy_profile import ProxyConnection, ProxyProfile

__all__ = [
    "CommunicationProfile",
    "ProxyConnection",
    "ProxyProfile",
    "SealedDelivery",
]
