"""What concerns every path of a listener."""

from django.http import HttpRequest
from django.middleware.common import CommonMiddleware


class PathMiddleware(CommonMiddleware):
    """Adds a missing final slash by a redirect, but never below /json/ or /smgw/.

    A redirect would break digest logins: the signed `uri` would name the old path
    (decisions D26).
    """

    def should_redirect_with_slash(self, request: HttpRequest) -> bool:
        """Whether to answer with a redirect to the path with a slash."""
        if request.path_info.startswith(("/json/", "/smgw/")):
            return False
        return super().should_redirect_with_slash(request)
