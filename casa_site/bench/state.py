"""The gateway that is measured: the product's own set-up in a folder that goes."""

import gc
import logging
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import django
from django.core.management import call_command

from casa_site import first_start
from hardware.gateway import Gateway


@contextmanager
def temporary_gateway() -> Iterator[Gateway]:
    """A new gateway with tables and certificate, in the configuration of the product.

    Settings of the user do not count, and nothing of his is touched. The settings
    are read here for the first time in the process.
    """
    for name in [name for name in os.environ if name.startswith("CASA_")]:
        del os.environ[name]
    with tempfile.TemporaryDirectory(prefix="casa-bench-") as folder:
        state = Path(folder) / "state"
        os.environ["CASA_STATE"] = str(state)
        first_start.begin(state, with_demo=False)
        django.setup()
        logging.disable(logging.INFO)
        yield _installed()
        _close_database()


def _installed() -> Gateway:
    # These need the settings.
    from casa_site.gateways import open_configured_gateway
    from logbooks.certificates import ensure_signature_certificate

    call_command("migrate", verbosity=0, interactive=False)
    gateway = open_configured_gateway()
    ensure_signature_certificate(gateway, gateway.clock.now())
    gc.collect()
    gc.freeze()  # as `casa up` does before it starts the roles
    return gateway


def _close_database() -> None:
    from django.db import connections

    connections.close_all()
