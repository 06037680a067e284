"""What the Python receivers share: the command line, the journal on standard output, failing on demand, TLS.

A receiver hands `serve` a function that looks at one request and raises when it would not trust it. Nothing here
knows how Ringback works, and nothing of Ringback's is imported.

Standard output is the journal: `listening on URL`, then one JSON object a line for each request:

    {"ok": true, "why": null, "id": "evt_…", "event": "evt_…", "sha256": "…", "bytes": 12, "attempt": "1", "replay": false, "answered": 200}
"""

import argparse
import hashlib
import json
import ssl
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Refused(Exception):
    """The request is not what the vendor's document promises."""


def options():
    parser = argparse.ArgumentParser()
    parser.add_argument("--secret-file", help="holds what the customer was given; read anew for every request")
    parser.add_argument("--fail-first", type=int, default=0, help="answer 500 to the first N requests of each body")
    parser.add_argument("--bodies", nargs="*", default=[], help="files; only these bodies are expected")
    parser.add_argument("--tls-certificate")
    parser.add_argument("--tls-key")
    return parser.parse_args()


class Journal:
    """Writes down every request and says what to answer."""

    def __init__(self, given):
        self.given = given
        self.lock = threading.Lock()
        self.seen = {}

    def secret(self):
        with open(self.given.secret_file, encoding="utf-8") as file:
            return file.read()

    def write(self, check, headers, body):
        """Runs `check(headers, body, journal)`, writes the line, returns the status to answer."""
        identity, why = None, None
        try:
            identity = check(headers, body, self)
        except Exception as error:  # whatever a receiver stumbles over, the customer's webhook was not accepted
            why = f"{type(error).__name__}: {error}"
        digest = hashlib.sha256(body).hexdigest()
        with self.lock:
            self.seen[digest] = self.seen.get(digest, 0) + 1
            fails = self.seen[digest] <= self.given.fail_first
            status = 401 if why else 500 if fails else 200
            print(
                json.dumps(
                    {
                        "ok": why is None,
                        "why": why,
                        "id": identity,
                        "event": headers.get("ringback-id"),
                        "sha256": digest,
                        "bytes": len(body),
                        "attempt": headers.get("ringback-attempt"),
                        "replay": headers.get("ringback-replay") == "1",
                        "answered": status,
                    }
                ),
                flush=True,
            )
        return status


def tls_context(given):
    if not given.tls_certificate:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(given.tls_certificate, given.tls_key)
    return context


def announce(given, port):
    scheme = "https" if given.tls_certificate else "http"
    print(f"listening on {scheme}://127.0.0.1:{port}", flush=True)


def serve(check):
    """Listens until standard input is closed, so that no receiver outlives the test that started it."""
    given = options()
    journal = Journal(given)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            body = self.rfile.read(int(self.headers["content-length"]))
            status = journal.write(check, self.headers, body)
            self.send_response(status)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    context = tls_context(given)
    if context:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    announce(given, server.server_address[1])
    end_with_standard_input(server)
    server.serve_forever()


def end_with_standard_input(server):
    def wait():
        sys.stdin.read()
        server.shutdown()

    threading.Thread(target=wait, daemon=True).start()
