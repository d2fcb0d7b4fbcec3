"""Django's settings; every knob is an environment variable CASA_* or in casa.env.

Reading the settings makes nothing: the state folder is the business of set-up.
"""

import secrets
from datetime import timedelta
from pathlib import Path

from csp.constants import NONE, SELF

from casa_site import broker, databases, env, identity
from hardware.led_devices import parse_mapping

BASE_DIR = Path(__file__).resolve().parent.parent
STATE = env.path("CASA_STATE", BASE_DIR / "var")
env.load_file(STATE / env.ENV_FILE)

# The gateway (casa_site.gateways opens it)
HUID = env.text("CASA_HUID").lower()
_LONGEST_OFFSET_S = 25 * 366 * 86_400  # times stay within what certificates can say
CLOCK_OFFSET = timedelta(
    seconds=env.integer(
        "CASA_CLOCK_OFFSET", 0, minimum=-_LONGEST_OFFSET_S, maximum=_LONGEST_OFFSET_S
    )
)
LIVE_PERIOD = timedelta(seconds=env.integer("CASA_LIVE_PERIOD", 10, minimum=1))
_supply_input = env.text("CASA_LMN_SUPPLY_INPUT")
SUPPLY_INPUT = Path(_supply_input) if _supply_input else None
_rtc = env.text("CASA_RTC")
RTC = Path(_rtc) if _rtc else None
SETS_HOST_CLOCK = env.flag("CASA_SET_HOST_CLOCK", False)
SIGNATURE_CURVE = env.choice(
    "CASA_SIGNATURE_CURVE", "brainpoolP256r1", {"brainpoolP256r1", "secp256r1"}
)
STORAGE_QUOTA = env.integer("CASA_STORAGE_QUOTA", 4 * 1024**3, minimum=64 * 1024**2)
HARDWARE = env.text("CASA_HARDWARE")
LEDS = env.text("CASA_LEDS")
try:
    parse_mapping(LEDS)
except ValueError as error:
    raise env.SettingInvalid(f"CASA_LEDS: {error}.") from None
# How long values are kept (decisions D23): longer if you like, never shorter
_LONGEST_MONTHS, _LONGEST_DAYS = 1200, 36_525
KEPT_MONTHS = env.integer("CASA_KEEP_MONTHS", 24, minimum=24, maximum=_LONGEST_MONTHS)
KEPT_BILLING_MONTHS = env.integer(
    "CASA_KEEP_BILLING_MONTHS", 36, minimum=36, maximum=_LONGEST_MONTHS
)
KEPT_DAYS = env.integer("CASA_KEEP_DAYS", 42, minimum=42, maximum=_LONGEST_DAYS)
TLS_MAX = env.choice("CASA_TLS_MAX", "1.3", {"1.2", "1.3"})


# The administrator's listener: loopback or a management address (decisions D31)
GWA_HOST = env.text("CASA_GWA_HOST", "127.0.0.1")
if GWA_HOST in {"0.0.0.0", "::", ""}:
    raise env.SettingInvalid("CASA_GWA_HOST must be one address, not any.")
HAN_SETTER = env.text("CASA_HAN_SETTER")
MODEM = env.text("CASA_MODEM")
if MODEM not in {"", "modemmanager"} and not Path(MODEM).is_file():
    raise env.SettingInvalid("CASA_MODEM must be modemmanager, or a file that exists.")
if HAN_SETTER and not HAN_SETTER.startswith("/"):
    raise env.SettingInvalid("CASA_HAN_SETTER must be the absolute path of a program.")
GWA_RATE = env.integer("CASA_GWA_RATE", 60, minimum=0, maximum=6000)

_device_key = identity.existing_device_key(STATE)
SECRET_KEY = (
    _device_key.sub_key("cookie").hex() if _device_key else secrets.token_hex(32)
)

DEBUG = False
# Clients use addresses, tunnels and names of their own (decisions D28).
ALLOWED_HOSTS = ["*"]
INSTALLED_APPS = [
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "rest_framework",
    "axes",
    "csp",
    "logbooks",
    "meters",
    "tariffs",
    "portal",
    "gwa_api",
    "casa_site",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "portal.middleware.GatewayMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "portal.lockdown.LockdownMiddleware",
    "casa_site.middleware.PathMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "portal.certificate_login.CertificateMiddleware",
    "portal.middleware.InactivityMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "axes.middleware.AxesMiddleware",
]
ROOT_URLCONF = "portal.urls"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

# Storage
ENCRYPTED_FILE = env.flag("CASA_SQLCIPHER", databases.has_sqlcipher())
DATABASES = {
    "default": databases.database(
        env.secret("CASA_DATABASE_URL"),
        state=STATE,
        key=_device_key.sub_key("database").hex() if _device_key else "",
        encrypted=ENCRYPTED_FILE,
        has_schemas=env.flag("CASA_SCHEMA_FOR_EACH_GATEWAY", False),
    )
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# Who may come in
AUTH_USER_MODEL = "meters.Account"
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "portal.backends.PasswordBackend",
    "portal.backends.DigestBackend",
    "portal.backends.CertificateBackend",
]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
LOGIN_URL = "login"
# portal.inactivity ends a login after ten minutes, to the second. Its row may lag a
# minute behind the last activity, so it must outlive the ten minutes.
SESSION_COOKIE_AGE = 720
SESSION_EXPIRE_AT_BROWSER_CLOSE = True
SESSION_SAVE_EVERY_REQUEST = False
SESSION_COOKIE_NAME = "__Host-casa"
SESSION_COOKIE_SECURE = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_NAME = "__Host-csrf"
CSRF_COOKIE_SECURE = True
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_FAILURE_VIEW = "portal.error_pages.form_outdated"
LANGUAGE_COOKIE_NAME = "__Host-language"
LANGUAGE_COOKIE_SECURE = True
LANGUAGE_COOKIE_HTTPONLY = True
LANGUAGE_COOKIE_SAMESITE = "Lax"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "connect-src": [SELF],
        "font-src": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "base-uri": [NONE],
    }
}

# Digest on /json/: clients in the field survive MD5 only (decisions D26)
DIGEST_ALGORITHM = env.choice("CASA_DIGEST_ALGORITHM", "MD5", {"MD5", "SHA-256"})

# Lockout over the whole consumer access (decisions D27)
AXES_FAILURE_LIMIT = env.integer("CASA_LOGIN_FAILURES", 5, minimum=3, maximum=10)
AXES_COOLOFF_TIME = timedelta(minutes=5)
AXES_LOCKOUT_PARAMETERS = ["ip_address"]
AXES_CLIENT_IP_CALLABLE = "portal.lockout.access_key"
AXES_HANDLER = "portal.lockout.CasaAxesHandler"
AXES_LOCKOUT_CALLABLE = "portal.lockout.lockout_response"
AXES_RESET_ON_SUCCESS = True
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
AXES_NEVER_LOCKOUT_GET = False  # digest logs in by GET
AXES_DISABLE_ACCESS_LOG = True
AXES_ENABLE_ADMIN = False
AXES_VERBOSE = False

REST_FRAMEWORK = {
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_AUTHENTICATION_CLASSES": [],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
}

# Language, time, files
LANGUAGE_CODE = "de"
LANGUAGES = [("de", "Deutsch"), ("en", "English")]
LOCALE_PATHS = [BASE_DIR / "locale"]
TIME_ZONE = "Europe/Berlin"
USE_TZ = True
USE_I18N = True
STATIC_URL = "/static/"
# Static files are served from the apps' folders as they are: nothing to collect.
WHITENOISE_USE_FINDERS = True
WHITENOISE_MAX_AGE = 600
WHITENOISE_ALLOW_ALL_ORIGINS = False

# Queues (casa_site.celery)
CELERY_BROKER_URL, CELERY_BROKER_TRANSPORT_OPTIONS = broker.broker(
    env.secret("CASA_BROKER_URL"), state=STATE
)

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{levelname} {name}: {message}", "style": "{"}},
    "handlers": {
        "console": {"class": "logging.StreamHandler", "formatter": "line"},
        "nowhere": {"class": "logging.NullHandler"},
    },
    "root": {"handlers": ["console"], "level": "WARNING"},
    "loggers": {
        **{
            app: {"level": "INFO"}
            for app in INSTALLED_APPS[INSTALLED_APPS.index("logbooks") :]
        },
        "django": {"handlers": [], "propagate": True},
        # A stranger's malformed Host header is answered with 400 and worth no trace.
        "django.security.DisallowedHost": {"handlers": ["nowhere"], "propagate": False},
    },
}
