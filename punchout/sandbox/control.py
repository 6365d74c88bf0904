"""The control API and page: settings, faults, what was received, what is to happen next.

JSON with the header `X-Control-Token`; people sign in on the page with the same token.
"""

import hmac
import sqlite3
from collections.abc import Callable
from typing import Any

from flask import (
    Blueprint,
    Response,
    abort,
    jsonify,
    make_response,
    redirect,
    render_template,
    request,
)
from flask.typing import ResponseReturnValue

from punchout.sandbox import faults, fulfilment, settings
from punchout.sandbox.allocation import FulfilmentError
from punchout.sandbox.context import sandbox
from punchout.sandbox.store import reset
from punchout.sandbox.worker import deliveries, order_list

blueprint = Blueprint("control", __name__, url_prefix="/_control")

COOKIE = "sandbox_control"
_OPEN = ("control.page", "control.sign_in")


@blueprint.before_request
def _guard() -> None:
    if request.endpoint not in _OPEN and not _may_enter():
        abort(_error("the control token is missing or wrong", 401))


@blueprint.get("/settings")
def read_settings() -> ResponseReturnValue:
    """Every setting with its value."""
    with sandbox().store.read() as connection:
        return jsonify(settings.load(connection))


@blueprint.put("/settings")
def change_settings() -> ResponseReturnValue:
    """Merge a JSON object over the settings; all of it or nothing."""
    with sandbox().store.write() as connection:
        try:
            settings.merge(connection, _json())
        except settings.SettingError as error:
            return _error(str(error))
        sandbox().worker.wake()
        return jsonify(settings.load(connection))


@blueprint.get("/faults")
def read_faults() -> ResponseReturnValue:
    """The armed faults, and which there are per endpoint."""
    with sandbox().store.read() as connection:
        return jsonify(faults=faults.armed(connection), kinds=faults.KINDS)


@blueprint.post("/faults")
def arm_fault() -> ResponseReturnValue:
    """Arm {"endpoint", "kind", "times" (absent: always), and the kind's options}."""
    options = _json()
    try:
        with sandbox().store.write() as connection:
            faults.arm(
                connection,
                endpoint=str(options.pop("endpoint", "")),
                kind=str(options.pop("kind", "")),
                times=options.pop("times", None),
                options=options,
            )
            return jsonify(faults=faults.armed(connection)), 201
    except faults.FaultError as error:
        return _error(str(error))


@blueprint.delete("/faults")
def clear_faults() -> ResponseReturnValue:
    """Take away all faults, or with ?id= one of them."""
    with sandbox().store.write() as connection:
        chosen = request.args.get("id")
        connection.execute("DELETE FROM fault WHERE ? IS NULL OR id = ?", (chosen, chosen))
        return jsonify(faults=faults.armed(connection))


@blueprint.get("/orders")
def orders() -> ResponseReturnValue:
    """Every order ever accepted; ?payload_id= and ?order_number= narrow it down."""
    with sandbox().store.read() as connection:
        found = order_list(connection)
    for key in ("payload_id", "order_number"):
        if key in request.args:
            found = [order for order in found if order[key] == request.args[key]]
    return jsonify(orders=found)


@blueprint.get("/requests")
def requests() -> ResponseReturnValue:
    """How often each endpoint was called, answered or not."""
    with sandbox().store.read() as connection:
        rows = connection.execute("SELECT kind, count FROM request_count ORDER BY kind")
        return jsonify({row["kind"]: row["count"] for row in rows})


@blueprint.get("/deliveries")
def delivery_list() -> ResponseReturnValue:
    """Every message to the buyer with its document and what came of it."""
    with sandbox().store.read() as connection:
        return jsonify(deliveries=deliveries(connection))


@blueprint.post("/fulfil")
def fulfil() -> ResponseReturnValue:
    """Confirm and ship {"order_number"}; answers with the messages and their outcome."""
    return _step(lambda connection, order, _: fulfilment.fulfil(connection, order))


@blueprint.post("/confirm")
def confirm() -> ResponseReturnValue:
    """Confirm {"order_number"}; again: accept what was back-ordered, as an update."""
    return _step(lambda connection, order, _: fulfilment.confirm(connection, order))


@blueprint.post("/ship")
def ship() -> ResponseReturnValue:
    """Ship what of {"order_number"} is accepted, also before it was confirmed."""
    return _step(lambda connection, order, _: fulfilment.ship(connection, order))


@blueprint.post("/refund")
def refund() -> ResponseReturnValue:
    """Refund {"order_number", "line_number", "quantity", "reason"}."""

    def give_back(connection: sqlite3.Connection, order: int, options: dict[str, Any]) -> None:
        fulfilment.refund(
            connection,
            order,
            line_number=int(options.get("line_number", 1)),
            quantity=int(options.get("quantity", 1)),
            reason=str(options.get("reason", "お客様都合による返品")),
        )

    return _step(give_back)


@blueprint.post("/reset")
def start_over() -> ResponseReturnValue:
    """Forget everything; with {"keep_settings": true} everything but the settings."""
    keep = frozenset({"setting"}) if _json().get("keep_settings") else frozenset()
    with sandbox().store.write() as connection:
        reset(connection, keep=keep)
        inbound_url = sandbox().config.inbound_url
        if not keep and inbound_url:
            settings.merge(connection, {"inbound_url": inbound_url})
    return jsonify(reset=True)


@blueprint.get("/")
def page() -> ResponseReturnValue:
    """The page for people; a form for the token before it."""
    if not _may_enter():
        return render_template("sandbox/sign_in.html"), 401
    with sandbox().store.read() as connection:
        counts = connection.execute("SELECT kind, count FROM request_count ORDER BY kind")
        return render_template(
            "sandbox/control.html",
            values=settings.load(connection),
            definitions=settings.DEFINITIONS,
            choices=settings.CHOICES,
            armed=faults.armed(connection),
            kinds=faults.KINDS,
            orders=order_list(connection)[::-1],
            deliveries=deliveries(connection)[::-1],
            counts=counts.fetchall(),
        )


@blueprint.post("/sign-in")
def sign_in() -> ResponseReturnValue:
    """Keep the token in a cookie for the page."""
    response = make_response(redirect("/_control/", 303))
    token = request.form.get("token", "")
    if _is_token(token):
        secure = sandbox().config.public_url.startswith("https://")
        response.set_cookie(COOKIE, token, httponly=True, samesite="Strict", secure=secure)
    return response


Step = Callable[[sqlite3.Connection, int, dict[str, Any]], object]


def _step(step: Step) -> ResponseReturnValue:
    """Take a step with the newest order of that number and send its messages at once."""
    options = _json()
    try:
        with sandbox().store.write() as connection:
            row = connection.execute(
                "SELECT id FROM purchase_order WHERE order_number = ? ORDER BY id DESC LIMIT 1",
                (str(options.get("order_number", "")),),
            ).fetchone()
            if row is None:
                return _error("no such order", 404)
            step(connection, row["id"], options)
    except (FulfilmentError, ValueError) as error:
        return _error(str(error), 409)
    sandbox().worker.run_due(row["id"])
    with sandbox().store.read() as connection:
        sent = [
            entry for entry in deliveries(connection) if entry["purchase_order_id"] == row["id"]
        ]
    return jsonify(deliveries=sent)


def _json() -> dict[str, Any]:
    content = request.get_json(silent=True) if request.data else {}
    if not isinstance(content, dict):
        abort(_error("expected a JSON object"))
    return content


def _error(text: str, code: int = 400) -> Response:
    return make_response(jsonify(error=text), code)


def _may_enter() -> bool:
    return _is_token(request.headers.get("X-Control-Token") or request.cookies.get(COOKIE, ""))


def _is_token(token: str) -> bool:
    return hmac.compare_digest(token.encode(), sandbox().config.control_token.encode())
