"""One HTTP exchange with a supplier: fresh connection, no redirects, one deadline for everything.

What matters to an order is whether the supplier can have received anything. That is decided by the
connection itself: until it is established (DNS, proxy, TCP, TLS) nothing has been sent.
"""

import socket
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import requests
from django.conf import settings
from requests.adapters import HTTPAdapter
from requests.auth import HTTPBasicAuth
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import LocationValueError

CONNECT_SECONDS = 5.0
MAX_ANSWER_BYTES = 10_000_000


class NotDelivered(Exception):
    """The supplier surely received nothing. ``str()`` is a Japanese sentence without secrets."""


class NoAnswer(Exception):
    """Something was sent, and no usable answer came: the outcome is unknown."""


@dataclass(frozen=True)
class Answer:
    """What came back over HTTP."""

    status: int
    body: bytes
    headers: Mapping[str, str]
    """Names in any case."""


class _Watch:
    """Knows whether a connection was established, and cuts it when the time is up."""

    def __init__(self) -> None:
        self.established = False
        self.expired = False
        self._socket: socket.socket | None = None
        self._lock = threading.Lock()

    def connected(self, sock: socket.socket) -> None:
        with self._lock:
            self.established = True
            self._socket = sock
            if self.expired:
                self._cut()

    def expire(self) -> None:
        with self._lock:
            self.expired = True
            self._cut()

    def _cut(self) -> None:
        # Read time-outs alone are defeated by an answer that drips; shutting the socket is not.
        if self._socket is not None:
            try:
                self._socket.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


class _WatchedAdapter(HTTPAdapter):
    """An adapter whose connections report to a :class:`_Watch`."""

    def __init__(self, watch: _Watch) -> None:
        self._watch = watch
        super().__init__(pool_connections=1, pool_maxsize=1, max_retries=0)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        watch = self._watch

        class Plain(HTTPConnection):
            def connect(self) -> None:
                super().connect()
                watch.connected(self.sock)

        class Secure(HTTPSConnection):
            def connect(self) -> None:
                super().connect()
                watch.connected(self.sock)

        class PlainPool(HTTPConnectionPool):
            ConnectionCls = Plain

        class SecurePool(HTTPSConnectionPool):
            ConnectionCls = Secure

        self.poolmanager.pool_classes_by_scheme = {"http": PlainPool, "https": SecurePool}


def exchange(
    method: str,
    url: str,
    *,
    body: bytes | None = None,
    headers: dict[str, str] | None = None,
    params: dict[str, str] | None = None,
    auth: tuple[str, str] | None = None,
    seconds: float = 30.0,
) -> Answer:
    """Send one request and read the whole answer within ``seconds``, the body included.

    Raises ``NotDelivered`` when nothing can have arrived, ``NoAnswer`` when it may have. A redirect
    is an answer like any other. Proxies and credentials from the environment are not used.
    """
    watch = _Watch()
    deadline = time.monotonic() + seconds
    timer = threading.Timer(seconds, watch.expire)
    timer.daemon = True
    with requests.Session() as session:
        session.trust_env = False
        session.mount("http://", _WatchedAdapter(watch))
        session.mount("https://", _WatchedAdapter(watch))
        timer.start()
        try:
            response = session.request(
                method,
                url,
                data=body,
                headers=headers,
                params=params,
                # Bytes: a library would write text as latin-1, and secrets may be Japanese.
                auth=HTTPBasicAuth(auth[0].encode(), auth[1].encode()) if auth else None,
                allow_redirects=False,
                stream=True,
                timeout=(min(CONNECT_SECONDS, seconds), seconds),
                verify=settings.SUPPLIER_CA_BUNDLE or True,
            )
            content = _read(response, deadline)
            if watch.expired:
                # A cut connection can look like the regular end of an answer without a length.
                raise NoAnswer("相手先の応答が時間内に終わりませんでした。")
            return Answer(response.status_code, content, response.headers)
        except (
            requests.exceptions.InvalidURL,
            requests.exceptions.MissingSchema,
            LocationValueError,
        ) as error:
            raise NotDelivered("URL の設定が正しくありません。") from error
        except (requests.RequestException, OSError) as error:
            raise _judged(watch, error) from error
        finally:
            timer.cancel()


def _read(response: requests.Response, deadline: float) -> bytes:
    parts: list[bytes] = []
    size = 0
    for part in response.iter_content(65536):
        parts.append(part)
        size += len(part)
        if size > MAX_ANSWER_BYTES:
            raise NoAnswer("相手先の応答が大きすぎます。")
        if time.monotonic() > deadline:
            raise NoAnswer("相手先の応答が時間内に終わりませんでした。")
    return b"".join(parts)


def _judged(watch: _Watch, error: Exception) -> NotDelivered | NoAnswer:
    if not watch.established:
        if isinstance(error, requests.exceptions.SSLError):
            return NotDelivered("相手先の証明書を確認できませんでした。")
        if isinstance(error, requests.exceptions.Timeout):
            return NotDelivered("相手先に時間内に接続できませんでした。")
        return NotDelivered("相手先に接続できませんでした。")
    if watch.expired or isinstance(error, requests.exceptions.Timeout):
        return NoAnswer("相手先の応答が時間内に終わりませんでした。")
    return NoAnswer("応答を受け取る前に接続が切れました。")
