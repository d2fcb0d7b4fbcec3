"""A request of the service listener, and who asks."""

from logbooks.access import Access, Network, Role
from meters.models import Account
from portal.request import PortalRequest
from portal.service_facts import ServiceFacts


class ServiceRequest(PortalRequest):
    """`account` has the active service role, `facts` are of the processes."""

    account: Account
    facts: ServiceFacts


def service_access_of(request: ServiceRequest) -> Access:
    """Who asks, as the logs want it: both service roles are the technician of R89."""
    name = request.account.username
    return Access(name, True, Network.HAN, Role.TECHNICIAN)
