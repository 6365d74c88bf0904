"""WSGI entry point: `gunicorn punchout.sandbox.wsgi:application --threads 8 --workers 1`."""

from punchout.sandbox.app import create_app
from punchout.sandbox.config import Config

application = create_app(Config.from_environment())
