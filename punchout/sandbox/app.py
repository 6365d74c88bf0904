"""The application factory: shop, cXML endpoints, history API and control in one program."""

from flask import Flask, Response, render_template

from punchout.sandbox import artwork, control, endpoints, reporting, settings, shop
from punchout.sandbox.config import Config
from punchout.sandbox.context import Sandbox
from punchout.sandbox.store import Store
from punchout.sandbox.worker import Worker

_LARGEST_REQUEST = 12 * 1024 * 1024  # bytes
# The page that posts the cart leaves for the buyer's server, wherever that redirects to: so there
# is no form-action. Frames are refused as Amazon does.
_POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self';"
    " base-uri 'none'; frame-ancestors 'none'"
)


def create_app(config: Config) -> Flask:
    """Return the WSGI program; SANDBOX_INBOUND_URL fills the setting only while it is empty."""
    app = Flask(__name__)
    app.config["MAX_CONTENT_LENGTH"] = _LARGEST_REQUEST
    app.jinja_env.globals["artwork"] = artwork.picture
    app.jinja_env.filters["yen"] = lambda amount: f"¥{amount:,}"
    store = Store(config.state)
    worker = Worker(config, store)
    app.extensions["sandbox"] = Sandbox(config, store, worker)
    if config.inbound_url:
        with store.write() as connection:
            if not settings.load(connection)["inbound_url"]:
                settings.merge(connection, {"inbound_url": config.inbound_url})
    for blueprint in (
        shop.blueprint,
        endpoints.blueprint,
        reporting.blueprint,
        control.blueprint,
    ):
        app.register_blueprint(blueprint)
    app.register_error_handler(404, _not_found)
    app.before_request(worker.ensure_running)
    app.after_request(_harden)
    worker.ensure_running()  # what was due when the last process ended need not wait for a request
    return app


def _not_found(_: Exception) -> tuple[str, int]:
    return render_template("sandbox/closed.html", reason="missing"), 404


def _harden(response: Response) -> Response:
    response.headers["X-Frame-Options"] = "DENY"
    response.headers["Content-Security-Policy"] = _POLICY
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "same-origin"
    return response
