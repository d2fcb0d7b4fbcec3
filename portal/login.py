"""Logging in by the form, and out (R97, R107)."""

import logging
from threading import Lock

from django.contrib import auth

from meters.models import Account
from portal.backends import PasswordCheck
from portal.lockout import lock_left
from portal.login_log import log_success
from portal.request import PortalRequest

logger = logging.getLogger(__name__)

ONE_ATTEMPT_AT_A_TIME = Lock()
"""Held while an attempt is decided and counted, which takes some milliseconds.

Else attempts that arrive together would all be decided before the first failure is
counted, and the limit could be passed.
"""

ONE_HASH_AT_A_TIME = Lock()
"""Held by a login by the form until it is counted; digest logins do not wait for it.

Keeps Argon2 from filling the memory, and has one password at most hashed that was let
in before the last failure was counted, however many forms arrive together.
"""


def log_in(request: PortalRequest, username: str, password: str) -> bool:
    """Check the credentials, count and log the outcome, begin a login.

    False when they are wrong or the access is locked; then `AxesMiddleware` turns
    the answer into the lockout page.
    """
    check = PasswordCheck(username, password)
    with ONE_HASH_AT_A_TIME:
        if lock_left() is None:
            _ = check.account  # computed here, decided below
        with ONE_ATTEMPT_AT_A_TIME:
            account = auth.authenticate(request, username=username, check=check)
    if not isinstance(account, Account):
        return False
    auth.login(request, account)
    log_success(request, account)
    logger.info("a consumer logged in by password")
    return True


def log_out(request: PortalRequest) -> None:
    """End the login on the server: its row is deleted, its cookies are worthless."""
    auth.logout(request)
