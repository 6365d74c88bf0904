"""The one thing that happens by itself: fulfilling due orders and sending due messages."""

import json
import logging
import os
import sqlite3
import threading
import time
from typing import Any

import requests
from lxml import etree

from punchout.sandbox import fulfilment, settings
from punchout.sandbox.allocation import FulfilmentError
from punchout.sandbox.config import Config
from punchout.sandbox.store import Store

_TIMEOUT = (3.05, 10.0)  # seconds to connect and to read
_LEASE_SECONDS = 60.0  # longer than a try takes: nobody else sends a claimed message
_IDLE_SECONDS = 0.5
_LARGEST_ANSWER = 1024 * 1024  # bytes

log = logging.getLogger(__name__)


class Worker:
    """A background thread over the store. What is due lives in the rows, not in the thread."""

    def __init__(self, config: Config, store: Store) -> None:
        self._config = config
        self._store = store
        self._wakened = threading.Event()
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None
        self._process = 0

    def ensure_running(self) -> None:
        """Start the thread unless it runs in this very process (a fork leaves threads behind)."""
        if not self._config.background:
            return
        with self._starting:
            alive = self._thread is not None and self._thread.is_alive()
            if alive and self._process == os.getpid():
                return
            self._process = os.getpid()
            self._thread = threading.Thread(target=self._run, name="sandbox-worker", daemon=True)
            self._thread.start()

    def wake(self) -> None:
        """Look for due work now rather than at the next turn."""
        self._wakened.set()

    def run_due(self, purchase_order_id: int | None = None) -> None:
        """Do what is due: with an id, try that order's messages once even if they wait."""
        if purchase_order_id is None:
            for order_id in self._claim_orders():
                self._fulfil(order_id)
        for delivery_id in self._due_deliveries(purchase_order_id):
            row = self._claim_delivery(delivery_id)
            if row is not None:
                self._send(row)

    def _run(self) -> None:
        while True:
            try:
                self.run_due()
                pause = self._pause()
            except Exception:
                # A worker that dies silently looks like a supplier that never ships.
                log.exception("sandbox worker")
                pause = _IDLE_SECONDS
            self._wakened.wait(pause)
            self._wakened.clear()

    def _pause(self) -> float:
        with self._store.read() as connection:
            due = connection.execute(
                "SELECT MIN(at) FROM (SELECT MIN(fulfil_at) AS at FROM purchase_order"
                " UNION ALL SELECT MIN(due_at) FROM delivery WHERE state = 'pending')"
            ).fetchone()[0]
        if due is None:
            return _IDLE_SECONDS
        return min(max(float(due) - time.time(), 0.02), _IDLE_SECONDS)

    def _claim_orders(self) -> list[int]:
        with self._store.write() as connection:
            rows = connection.execute(
                "UPDATE purchase_order SET fulfil_at = NULL WHERE fulfil_at <= ? RETURNING id",
                (time.time(),),
            ).fetchall()
        return [row["id"] for row in rows]

    def _fulfil(self, purchase_order_id: int) -> None:
        try:
            with self._store.write() as connection:
                fulfilment.fulfil(connection, purchase_order_id)
        except FulfilmentError as error:
            log.info("order %s: %s", purchase_order_id, error)

    def _due_deliveries(self, purchase_order_id: int | None) -> list[int]:
        with self._store.read() as connection:
            if not settings.load(connection)["inbound_url"]:
                return []
            rows = connection.execute(
                "SELECT id FROM delivery WHERE state = 'pending' AND"
                " CASE WHEN ? IS NULL THEN due_at <= ? ELSE purchase_order_id = ? END"
                " ORDER BY due_at, id",
                (purchase_order_id, time.time(), purchase_order_id),
            )
            return [row["id"] for row in rows]

    def _claim_delivery(self, delivery_id: int) -> sqlite3.Row | None:
        now = time.time()
        with self._store.write() as connection:
            row: sqlite3.Row | None = connection.execute(
                "UPDATE delivery SET claimed_until = ?, attempts = attempts + 1"
                " WHERE id = ? AND state = 'pending' AND claimed_until <= ?"
                " RETURNING id, body, attempts",
                (now + _LEASE_SECONDS, delivery_id, now),
            ).fetchone()
        return row

    def _send(self, delivery: sqlite3.Row) -> None:
        with self._store.read() as connection:
            values = settings.load(connection)
        state, outcome = self._post(delivery["body"], values)
        if state == "pending" and delivery["attempts"] >= values["delivery_attempts"]:
            state = "failed"
        pause = values["delivery_backoff"] * 2 ** (delivery["attempts"] - 1)
        with self._store.write() as connection:
            connection.execute(
                "UPDATE delivery SET state = ?, outcome = ?, due_at = ?, claimed_until = 0"
                " WHERE id = ?",
                (state, outcome, time.time() + pause, delivery["id"]),
            )

    def _post(self, body: bytes, values: dict[str, Any]) -> tuple[str, str]:
        """Send one message; return the state it leaves the delivery in and what was seen."""
        username = values["inbound_username"]
        with requests.Session() as session:
            session.trust_env = False  # a proxy of the machine has no business here
            try:
                response = session.post(
                    values["inbound_url"],
                    data=body,
                    headers={"Content-Type": "text/xml; charset=UTF-8"},
                    auth=(username, values["inbound_password"]) if username else None,
                    timeout=_TIMEOUT,
                    verify=self._config.ca_bundle or True,
                    allow_redirects=False,
                )
            except requests.RequestException as error:
                return "pending", f"{type(error).__name__}: {error}"
        code = _cxml_code(response.content[:_LARGEST_ANSWER])
        outcome = f"HTTP {response.status_code}, cXML {code if code else 'none'}"
        if response.status_code == 200 and code and 200 <= code < 300:
            return "delivered", outcome
        permanent = 400 <= response.status_code < 500 or (code and 400 <= code < 500)
        return ("failed" if permanent else "pending"), outcome


def _cxml_code(body: bytes) -> int:
    """Return the status code of a cXML Response, 0 when it is none."""
    parser = etree.XMLParser(resolve_entities=False, load_dtd=False, no_network=True)
    try:
        status = etree.fromstring(body, parser).find("Response/Status")
        return int(status.get("code", "0")) if status is not None else 0
    except (etree.XMLSyntaxError, ValueError):
        return 0


def deliveries(connection: sqlite3.Connection) -> list[dict[str, Any]]:
    """Return every message to the buyer, oldest first, with its document."""
    rows = connection.execute(
        "SELECT delivery.*, order_number FROM delivery JOIN purchase_order"
        " ON purchase_order.id = purchase_order_id ORDER BY delivery.id"
    )
    return [{**dict(row), "body": row["body"].decode()} for row in rows]


def order_list(connection: sqlite3.Connection) -> list[dict[str, Any]]:
    """Return every order ever accepted, oldest first: doubles are two entries."""
    rows = connection.execute("SELECT * FROM purchase_order ORDER BY id").fetchall()
    result = []
    for row in rows:
        supplier_orders = connection.execute(
            "SELECT order_id FROM supplier_order WHERE purchase_order_id = ? ORDER BY order_id",
            (row["id"],),
        )
        result.append(
            {
                "id": row["id"],
                "payload_id": row["payload_id"],
                "order_number": row["order_number"],
                "received_at": row["received_at"],
                "email": row["email"],
                "total": row["total"],
                "test_mode": bool(row["test_mode"]),
                "hash": row["hash"],
                "attempts": row["attempts"],
                "state": row["state"],
                "rejection": row["rejection"].split(),
                "effects": json.loads(row["effects"]),
                "supplier_orders": [item["order_id"] for item in supplier_orders],
                "body": row["body"].decode(),
            }
        )
    return result
