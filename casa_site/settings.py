"""Django's settings; every knob is an environment variable CASA_*."""

import os
from pathlib import Path

BASE_DIR = Path(__file__).resolve().parent.parent
STATE = Path(os.environ.get("CASA_STATE", BASE_DIR / "var"))
SECRET_KEY = "spine"
DEBUG = False
ALLOWED_HOSTS = ["*"]
INSTALLED_APPS = [
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "rest_framework",
    "axes",
    "logbooks",
    "meters",
    "tariffs",
    "portal",
    "gwa_api",
]
MIDDLEWARE: list[str] = []
ROOT_URLCONF = "portal.urls"
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": STATE / "casa.sqlite3",
        "OPTIONS": {
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
            "init_command": (
                "PRAGMA journal_mode=WAL;PRAGMA synchronous=FULL;"
                "PRAGMA foreign_keys=ON;PRAGMA wal_autocheckpoint=1000;"
                "PRAGMA cache_size=-4000;"
            ),
        },
    }
}
AUTH_USER_MODEL = "meters.Account"
LANGUAGE_CODE = "de"
TIME_ZONE = "Europe/Berlin"
USE_TZ = True
USE_I18N = True
