"""TLS as in production: a certificate made for the run, and a proxy that terminates it."""

import datetime
import ipaddress
import socket
import ssl
import threading
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


def make_certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate for localhost and 127.0.0.1 that is its own authority; (certificate, key)."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(minutes=5))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    certificate_path, key_path = folder / "certificate.pem", folder / "key.pem"
    certificate_path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    key_path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return certificate_path, key_path


class TlsProxy:
    """Takes https, tells the product so in ``X-Forwarded-Proto``, and passes bytes on.

    One request per connection: enough for a test, and nothing to get wrong.
    """

    def __init__(self, port: int, backend: int, certificate: Path, key: Path) -> None:
        self._backend = backend
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(certificate, key)
        self._listener = socket.create_server(("127.0.0.1", port))
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Stop listening."""
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _address = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        try:
            with (
                self._context.wrap_socket(client, server_side=True) as secure,
                socket.create_connection(("127.0.0.1", self._backend)) as backend,
            ):
                secure.settimeout(60)
                backend.sendall(_request(secure))
                while part := backend.recv(65536):
                    secure.sendall(part)
        except OSError:
            pass


def _request(client: ssl.SSLSocket) -> bytes:
    """The whole request, marked as having come by https.

    Read before anything is passed on: a second thread that still read from a socket while this one
    closed it would read from whichever connection got the same descriptor next.
    """
    data = b""
    while b"\r\n\r\n" not in data:
        data += _more(client)
    lines, _, body = data.partition(b"\r\n\r\n")
    kept, length = [], 0
    for line in lines.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
        if name.lower() not in (b"connection", b"x-forwarded-proto"):
            kept.append(line)
    while len(body) < length:
        body += _more(client)
    kept += [b"Connection: close", b"X-Forwarded-Proto: https"]
    return b"\r\n".join(kept) + b"\r\n\r\n" + body


def _more(client: ssl.SSLSocket) -> bytes:
    part = client.recv(65536)
    if not part:
        raise ConnectionResetError("the client left before its request was complete")
    return part
