"""The shop people see: from the one-time start page to the cart that goes back to the buyer."""

import base64
import hmac
import json
import secrets
import sqlite3
import time
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Response, abort, make_response, redirect, render_template, request
from flask.typing import ResponseReturnValue

from punchout.sandbox import documents, history, report_csv, settings
from punchout.sandbox.context import sandbox
from punchout.sandbox.documents import CartLine
from punchout.sandbox.faults import faulty
from punchout.sandbox.pricing import Priced
from punchout.sandbox.products import CATEGORIES, PRODUCTS, Product, find

blueprint = Blueprint("shop", __name__)

COOKIE = "sandbox_session"
_MOST_PER_LINE = 999


@dataclass(frozen=True, slots=True)
class Session:
    """One shopping trip."""

    id: int
    email: str
    name: str
    business_unit: str
    buyer_identity: str
    buyer_cookie: str
    return_url: str
    ship_to: dict[str, Any]
    test_mode: bool
    message: bytes | None
    message_field: str | None


@blueprint.get("/start")
def start() -> ResponseReturnValue:
    """Begin shopping: the key in the link works once."""
    cookie = secrets.token_urlsafe(32)
    with sandbox().store.write() as connection:
        lifetime = settings.load(connection)["start_page_seconds"]
        opened = connection.execute(
            "UPDATE shopping_session SET cookie = ? WHERE start_key = ? AND cookie IS NULL"
            " AND created_at > ?",
            (cookie, request.args.get("key", ""), time.time() - lifetime),
        ).rowcount
    if not opened:
        return render_template("sandbox/closed.html", reason="start"), 410
    response = make_response(redirect("/"))
    secure = sandbox().config.public_url.startswith("https://")
    response.set_cookie(COOKIE, cookie, httponly=True, samesite="Lax", secure=secure)
    return response


@blueprint.get("/")
def home() -> ResponseReturnValue:
    """The shop window: all products, or those of a search and a category."""
    words, category = request.args.get("q", ""), request.args.get("category", "")
    return _page("home", products=find(words=words, category=category), q=words, category=category)


@blueprint.get("/products/<asin>")
def product(asin: str) -> ResponseReturnValue:
    """One product."""
    return _page("product", product=_product(asin))


@blueprint.post("/cart/add")
def add_to_cart() -> ResponseReturnValue:
    """Put units of a product into the cart, up to 999 of each."""
    session = _shopping()
    chosen = _product(request.form.get("asin", ""))
    with sandbox().store.write() as connection:
        connection.execute(
            "INSERT INTO cart_item VALUES (?, ?, ?) ON CONFLICT (session_id, asin)"
            " DO UPDATE SET quantity = MIN(quantity + excluded.quantity, ?)",
            (session.id, chosen.asin, max(_quantity("quantity"), 1), _MOST_PER_LINE),
        )
    return redirect("/cart", 303)


@blueprint.get("/cart")
def cart() -> ResponseReturnValue:
    """The cart with its quantities."""
    return _page("cart")


@blueprint.post("/cart/update")
def update_cart() -> ResponseReturnValue:
    """Set the quantity of one product; 0 takes it out."""
    session = _shopping()
    asin, quantity = request.form.get("asin", ""), _quantity("quantity")
    with sandbox().store.write() as connection:
        if quantity == 0:
            connection.execute(
                "DELETE FROM cart_item WHERE session_id = ? AND asin = ?", (session.id, asin)
            )
        else:
            connection.execute(
                "UPDATE cart_item SET quantity = ? WHERE session_id = ? AND asin = ?",
                (quantity, session.id, asin),
            )
    return redirect("/cart", 303)


@blueprint.get("/checkout")
def checkout() -> ResponseReturnValue:
    """The last look before the cart goes to the approver."""
    return _page("checkout")


@blueprint.post("/checkout/request-approval")
def request_approval() -> ResponseReturnValue:
    """Hand the cart to the buyer's system by way of this browser."""
    return _leave(empty=False)


@blueprint.post("/sign-out")
def sign_out() -> ResponseReturnValue:
    """End the trip with an empty cart."""
    return _leave(empty=True)


@blueprint.get("/reports")
def reports() -> ResponseReturnValue:
    """Where an accountant downloads the report files."""
    return _page("reports")


@blueprint.get("/reports/<name>.csv")
@faulty("history")
def report(name: str) -> ResponseReturnValue:
    """A report file, for a shopper or the holder of the control token."""
    write = {"orders": report_csv.orders_csv, "shipments": report_csv.shipments_csv}.get(name)
    if write is None:
        abort(404)
    token = request.headers.get("X-Control-Token", "")
    if not hmac.compare_digest(token.encode(), sandbox().config.control_token.encode()):
        _session()
    with sandbox().store.read() as connection:
        content = write(history.orders(connection))
    disposition = f'attachment; filename="{name}.csv"'
    return Response(
        content,
        content_type="text/csv; charset=UTF-8",
        headers={"Content-Disposition": disposition},
    )


def _leave(*, empty: bool) -> ResponseReturnValue:
    """Write the message once and show the page that posts it; later calls show the same page."""
    session = _session()
    if session.message is None:
        with sandbox().store.write() as connection:
            values = settings.load(connection)
            rows = [] if empty else _cart_rows(connection, session)
            if not empty and not rows:
                return redirect("/cart", 303)
            message = documents.cart(
                buyer_identity=session.buyer_identity,
                buyer_cookie=session.buyer_cookie,
                lines=_hand_out(connection, session, rows),
                detail_url=f"{sandbox().config.public_url}/products",
                test_mode=session.test_mode,
                fault=values["cart_fault"],
            )
            connection.execute(
                "UPDATE shopping_session SET message = ?, message_field = ?"
                " WHERE id = ? AND message IS NULL",
                (message, values["cart_field"], session.id),
            )
        session = _session()  # two clicks at once: both show what the first one wrote
    assert session.message is not None
    assert session.message_field is not None
    content = (
        base64.b64encode(session.message).decode()
        if session.message_field == "cXML-base64"
        else session.message.decode()
    )
    empty = b"<ItemIn" not in session.message
    response = make_response(
        render_template("sandbox/return.html", session=session, content=content, empty=empty)
    )
    response.headers["Cache-Control"] = "no-store"
    return response


def _hand_out(
    connection: sqlite3.Connection, session: Session, rows: list[tuple[Product, Priced]]
) -> list[CartLine]:
    number = f"358-{_digits(7)}-{_digits(7)}"
    lines = [
        CartLine(f"{number},{position}", product, priced)
        for position, (product, priced) in enumerate(rows, start=1)
    ]
    connection.executemany(
        "INSERT INTO handed_line VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (
                line.auxiliary_id,
                number,
                session.id,
                line.product.asin,
                line.priced.quantity,
                line.priced.unit_price,
                line.priced.rate,
                line.priced.shipping,
            )
            for line in lines
        ],
    )
    return lines


def _page(name: str, **values: Any) -> ResponseReturnValue:
    session = _shopping()
    with sandbox().store.read() as connection:
        rows = _cart_rows(connection, session)
    return render_template(
        f"sandbox/{name}.html",
        session=session,
        categories=CATEGORIES,
        rows=rows,
        count=sum(priced.quantity for _, priced in rows),
        subtotal=sum(priced.subtotal for _, priced in rows),
        shipping=sum(priced.shipping for _, priced in rows),
        tax=sum(priced.tax for _, priced in rows),
        payable=sum(priced.payable for _, priced in rows),
        **values,
    )


def _cart_rows(connection: sqlite3.Connection, session: Session) -> list[tuple[Product, Priced]]:
    rows = connection.execute(
        "SELECT asin, quantity FROM cart_item WHERE session_id = ? ORDER BY rowid", (session.id,)
    )
    result = []
    for row in rows:
        chosen = PRODUCTS[row["asin"]]
        priced = Priced(chosen.price, row["quantity"], chosen.rate, chosen.shipping)
        result.append((chosen, priced))
    return result


def _shopping() -> Session:
    """Return the trip this browser is on; a finished one can't be gone on with."""
    session = _session()
    if session.message is not None:
        abort(make_response(render_template("sandbox/closed.html", reason="finished"), 410))
    return session


def _session() -> Session:
    cookie = request.cookies.get(COOKIE, "")
    with sandbox().store.read() as connection:
        row = connection.execute(
            "SELECT shopping_session.*, name, business_unit FROM shopping_session"
            " JOIN account USING (email) WHERE cookie = ?",
            (cookie,),
        ).fetchone()
    if row is None:
        abort(make_response(render_template("sandbox/closed.html", reason="stranger"), 403))
    return Session(
        id=row["id"],
        email=row["email"],
        name=row["name"] or row["email"],
        business_unit=row["business_unit"],
        buyer_identity=row["buyer_identity"],
        buyer_cookie=row["buyer_cookie"],
        return_url=row["return_url"],
        ship_to=json.loads(row["ship_to"]),
        test_mode=bool(row["test_mode"]),
        message=row["message"],
        message_field=row["message_field"],
    )


def _product(asin: str) -> Product:
    found = PRODUCTS.get(asin)
    if found is None:
        abort(404)
    return found


def _quantity(name: str) -> int:
    text = request.form.get(name, "1").strip()
    if not text.isascii() or not text.isdigit() or int(text[:9]) > _MOST_PER_LINE:
        abort(400)
    return int(text[:9])


def _digits(length: int) -> str:
    return "".join(secrets.choice("0123456789") for _ in range(length))
