"""A supplier that says yes at once and does nothing else: ``python instant_supplier.py PORT``."""

import http.server
import sys

YES = (
    b'<?xml version="1.0"?><cXML payloadID="a@shop" timestamp="2026-04-01T00:00:00Z">'
    b'<Response><Status code="200" text="OK"/></Response></cXML>'
)


class Yes(http.server.BaseHTTPRequestHandler):
    """Reads the order, answers."""

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self._answer()

    def _answer(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(YES)))
        self.end_headers()
        self.wfile.write(YES)

    def log_message(self, *args: object) -> None:
        pass


if __name__ == "__main__":
    http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Yes).serve_forever()
