"""Settings, all from the environment. Production unless RAKURAKU_ENV says demo or test.

A missing secret stops the start with its name; docs/configuration.md explains every variable.
"""

from pathlib import Path
from urllib.parse import urlsplit

import environ
from celery.schedules import schedule
from cryptography.fernet import Fernet
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured

from rakuraku import local_secrets, logs

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()

ENVIRONMENT = env("RAKURAKU_ENV", default="production")
if ENVIRONMENT not in ("production", "demo", "test"):
    raise ImproperlyConfigured("RAKURAKU_ENV must be production, demo or test")
PRODUCTION = ENVIRONMENT == "production"
VAR_DIR = Path(env("RAKURAKU_VAR", default=str(BASE_DIR / "var")))


def _required(name: str, local: str | None = None) -> str:
    """A variable that production must be given; ``local`` serves the demo and the tests."""
    value = env(name, default=None if PRODUCTION else local)
    if not value:
        raise ImproperlyConfigured(f"{name} is not set")
    return value


def _fernet_keys(text: str) -> list[str]:
    """The keys, checked now rather than when the first secret is read."""
    keys = [key.strip() for key in text.split(",")]
    try:
        for key in keys:
            Fernet(key)
    except ValueError:
        raise ImproperlyConfigured(
            "FIELD_ENCRYPTION_KEYS must hold Fernet keys, separated by commas"
        ) from None
    return keys


# Debug pages show settings and local variables: there is no switch for them.
DEBUG = False
SECRET_KEY = _required("SECRET_KEY", None if PRODUCTION else local_secrets.secret_key(VAR_DIR))
FIELD_ENCRYPTION_KEYS = _fernet_keys(
    _required("FIELD_ENCRYPTION_KEYS", None if PRODUCTION else local_secrets.field_key(VAR_DIR))
)
PUBLIC_URL = _required("PUBLIC_URL", "http://127.0.0.1:8800")
_PUBLIC = urlsplit(PUBLIC_URL)
if PRODUCTION and _PUBLIC.scheme != "https":
    raise ImproperlyConfigured("PUBLIC_URL must be https in production")
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=[_PUBLIC.hostname])
CSRF_TRUSTED_ORIGINS = [f"{_PUBLIC.scheme}://{_PUBLIC.netloc}"]

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django.contrib.postgres",
    "allauth",
    "allauth.account",
    "pgtrigger",
    "pghistory",
    "csp",
    "django_htmx",
    "django_structlog",
    "rakuraku",
    "masters",
    "expenses",
    "punchout",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django_structlog.middlewares.RequestMiddleware",
    "rakuraku.middleware.HistoryMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "rakuraku.middleware.PlainRefusalMiddleware",
    "expenses.middleware.RefusalMiddleware",
]

ROOT_URLCONF = "rakuraku.urls"
WSGI_APPLICATION = "rakuraku.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "rakuraku.navigation.tabs",
            ],
        },
    },
]

# Engines ----------------------------------------------------------------------------------------

_DATABASE = env.db_url_config(_required("DATABASE_URL"))
if _DATABASE["ENGINE"] != "django.db.backends.postgresql":
    raise ImproperlyConfigured("DATABASE_URL must name a PostgreSQL: postgresql://…")
DATABASES = {
    "default": {
        **_DATABASE,
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {
            "connect_timeout": 5,
            # A statement that takes longer holds locks that people wait for.
            "options": "-c statement_timeout=30000 -c lock_timeout=10000",
        },
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

REDIS_URL = _required("REDIS_URL")
# Pages still answer while Redis is away: orders are found by the sweep.
_REDIS_SECONDS = 1.0
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": "rakuraku",
        "OPTIONS": {
            "socket_timeout": _REDIS_SECONDS,
            "socket_connect_timeout": _REDIS_SECONDS,
        },
    }
}
SESSION_ENGINE = "django.contrib.sessions.backends.db"

# How long one try to send an order may take, its answer included. A claim that is five times older
# belongs to a dead worker.
ORDER_POST_SECONDS = env.float("ORDER_POST_SECONDS", default=60.0)
# Waiting times after tries that surely did not arrive: ten tries over more than six hours.
ORDER_RETRY_MINUTES = env.list(
    "ORDER_RETRY_MINUTES", default=[1, 2, 5, 10, 20, 40, 60, 100, 150], cast=float
)

# The two endpoints that anybody can post to. A supplier sends a handful of messages for an order.
INBOUND_PER_MINUTE = env.int("INBOUND_PER_MINUTE", default=600)  # per connection
STRANGERS_PER_MINUTE = env.int("STRANGERS_PER_MINUTE", default=60)  # counted, per address
CARTS_PER_MINUTE = env.int("CARTS_PER_MINUTE", default=120)  # per address: a whole office's

CELERY_BROKER_URL = REDIS_URL
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "socket_timeout": _REDIS_SECONDS,
    "socket_connect_timeout": _REDIS_SECONDS,
    # Publishing tries once; without these it waits for the broker to come back.
    "max_retries": 1,
    "interval_start": 0,
    "interval_step": 0,
    "connect_retries_timeout": _REDIS_SECONDS,
    "visibility_timeout": 3600,
}
CELERY_TASK_PUBLISH_RETRY = False
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_TIMEZONE = "Asia/Tokyo"
_SWEEP_SECONDS = env.int("ORDER_SWEEP_SECONDS", default=60)
_PULL_SECONDS = env.int("HISTORY_PULL_SECONDS", default=900)
# Each expires when the next one is sent: after a pause of the workers none pile up before orders.
CELERY_BEAT_SCHEDULE = {
    "sweep-orders": {
        "task": "punchout.tasks.sweep_orders",
        "schedule": schedule(_SWEEP_SECONDS),
        "options": {"expires": _SWEEP_SECONDS},
    },
    "send-mails": {
        "task": "expenses.tasks.send_mails",
        "schedule": schedule(_SWEEP_SECONDS),
        "options": {"expires": _SWEEP_SECONDS},
    },
    "pull-purchase-history": {
        "task": "punchout.tasks.pull_purchase_history",
        "schedule": schedule(_PULL_SECONDS),
        "options": {"expires": _PULL_SECONDS},
    },
}
CELERY_BEAT_SCHEDULE_FILENAME = str(VAR_DIR / "celerybeat-schedule")

# People -----------------------------------------------------------------------------------------

AUTH_USER_MODEL = "masters.Employee"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
ACCOUNT_ADAPTER = "rakuraku.accounts.AccountAdapter"
ACCOUNT_USER_MODEL_USERNAME_FIELD = "code"
ACCOUNT_USER_MODEL_EMAIL_FIELD = "email"
ACCOUNT_LOGIN_METHODS = {"username", "email"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_FORMS = {"login": "rakuraku.accounts.LoginForm"}
ACCOUNT_PRESERVE_USERNAME_CASING = True
ACCOUNT_SESSION_REMEMBER = False
# Per account and per address: guessing is stopped, a whole office behind one address is not.
ACCOUNT_RATE_LIMITS = {"login": "60/m/ip", "login_failed": "5/15m/key,100/15m/ip"}
# Production stands behind a proxy: without this everybody would share the proxy's address, and
# one person's wrong passwords would lock out all.
ALLAUTH_TRUSTED_PROXY_COUNT = env.int("TRUSTED_PROXIES", default=1 if PRODUCTION else 0)
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "expenses:list"
ACCOUNT_LOGOUT_REDIRECT_URL = "account_login"

PGHISTORY_APPEND_ONLY = True

# Language and time ------------------------------------------------------------------------------

LANGUAGE_CODE = "ja"
TIME_ZONE = "Asia/Tokyo"
USE_I18N = True
USE_TZ = True
# `2026/11/23` everywhere, as on paper.
FORMAT_MODULE_PATH = ["rakuraku.formats"]

# Files, mail ------------------------------------------------------------------------------------

STATIC_URL = "static/"
STATIC_ROOT = VAR_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if ENVIRONMENT == "test"
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}
WHITENOISE_USE_FINDERS = ENVIRONMENT == "test"
DEFAULT_FROM_EMAIL = _required("DEFAULT_FROM_EMAIL", "rakuraku@localhost")
EMAIL_CONFIG = env.email_url_config(_required("EMAIL_URL", "consolemail://"))
vars().update(EMAIL_CONFIG)
EMAIL_TIMEOUT = 10

# Browsers ---------------------------------------------------------------------------------------

SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = 60 * 60 * 12
CSRF_COOKIE_HTTPONLY = True
CSRF_FAILURE_VIEW = "rakuraku.csrf.failed"
if PRODUCTION:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_SSL_REDIRECT = True
    SECURE_REDIRECT_EXEMPT = [r"^healthz$"]
    SECURE_HSTS_SECONDS = env.int("HSTS_SECONDS", default=31_536_000)
    SECURE_HSTS_INCLUDE_SUBDOMAINS = True
    SECURE_HSTS_PRELOAD = True
    SESSION_COOKIE_SECURE = True
    CSRF_COOKIE_SECURE = True
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "img-src": [SELF, "data:"],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "base-uri": [NONE],
        "object-src": [NONE],
    }
}
DATA_UPLOAD_MAX_NUMBER_FIELDS = 20_000

# Suppliers --------------------------------------------------------------------------------------

# A certificate bundle for suppliers with a private authority; empty: the public ones.
SUPPLIER_CA_BUNDLE = env("SUPPLIER_CA_BUNDLE", default="")

# Logs -------------------------------------------------------------------------------------------

LOGGING = logs.configuration(json=PRODUCTION, level=env("LOG_LEVEL", default="INFO"))
DJANGO_STRUCTLOG_CELERY_ENABLED = False
DJANGO_STRUCTLOG_IP_LOGGING_ENABLED = False
