"""What the WAN side keeps: proxy profiles and their connections."""

from gwa_api.models.proxy_profile import ProxyConnection, ProxyProfile

__all__ = ["ProxyConnection", "ProxyProfile"]
