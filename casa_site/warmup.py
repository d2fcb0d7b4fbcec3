"""What the supervisor loads before it forks, so that all roles share its memory.

A page that a role writes to is copied for it. So everything that would be built on
first use (the tables of Celery and of the URLs, the middleware, the cryptographic
library) is built here, once, and without a connection, a thread or a key.
"""

import importlib
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec

import django
from cryptography.hazmat.primitives.asymmetric import ec
from django.apps import apps
from django.conf import settings
from django.core import checks
from django.urls import get_resolver

_MODULES = (
    "casa_site.roles",
    "casa_site.installation",
    "celery.app.control",
    "celery.app.events",
    "celery.app.log",
    "celery.apps.worker",
    "celery.beat",
    "celery.concurrency.solo",
    "celery.events.receiver",
    "celery.worker.autoscale",
    "celery.worker.components",
    "celery.worker.consumer",
    "celery.worker.control",
    "celery.worker.heartbeat",
    "celery.worker.loops",
    "aiomqtt",
    "asyncio",
    "casa_site.gwa_server",
    "casa_site.light_services",
    "casa_site.service_server",
    "casa_site.tasks",
    "gunicorn.arbiter",
    "gunicorn.workers.gthread",
    "gwa_api.cls.service",
    "gwa_api.tasks",
    "gwa_api.urls",
    "gwa_api.wake_up_service",
    "gwa_api.wsgi",
    "kombu.asynchronous.hub",
    "logbooks.tasks",
    "meters.acquisition",
    "portal.announcement",
    "portal.house_publisher",
    "portal.service_urls",
    "portal.service_wsgi",
    "portal.urls",
    "tariffs.tasks",
)

_NOT_USED: tuple[str, ...] = ("coreapi", "guardian", "inflection", "markdown")
_NOT_USED += ("pygments", "requests", "uritemplate", "yaml")
"""What Django REST framework imports where it is, for browsable pages and schemas of
its own; tools of development bring some of them."""


def load_everything() -> None:
    """Import what the roles need and build what they share.

    Raises SystemExit with one sentence for each setting that cannot work.
    """
    # Checked here for all; each Celery node would check again and load templates.
    os.environ["CELERY_SKIP_CHECKS"] = "1"
    uses_postgresql = settings.DATABASES["default"]["ENGINE"].endswith("postgresql")
    with _absent(_NOT_USED if uses_postgresql else (*_NOT_USED, "psycopg")):
        django.setup()
        for name in _MODULES:
            if find_spec(name):
                importlib.import_module(name)
        _refuse_bad_settings()
    _build_tables()
    _compile_queries()
    ec.generate_private_key(ec.BrainpoolP256R1())  # loads OpenSSL's providers


def _build_tables() -> None:
    from casa_site import wsgi
    from casa_site.celery import app

    app.finalize()
    app.loader.import_default_modules()
    _ = app.amqp.queues, get_resolver().reverse_dict
    wsgi.django_application()


def _compile_queries() -> None:
    """What the ORM builds for its first query of each table: one for all roles."""
    for model in apps.get_models():
        str(model._default_manager.all().query)


def _refuse_bad_settings() -> None:
    errors = [each for each in checks.run_checks() if each.is_serious()]
    if errors:
        raise SystemExit("\n".join(f"casa: {each.msg} ({each.id})" for each in errors))


@contextmanager
def _absent(packages: tuple[str, ...]) -> Iterator[None]:
    """Hide packages that Django REST framework would load for nothing of ours."""
    hidden = [name for name in packages if name not in sys.modules]
    for name in hidden:
        sys.modules[name] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        for name in hidden:
            del sys.modules[name]
