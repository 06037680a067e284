#!/usr/bin/env python3
"""A webhook receiver that misbehaves on purpose, to see what the engine does about it.

    python3 examples/misbehaving_receiver.py [PORT]          (9000 unless given; nothing to install)

The path says how it behaves; every request is printed.

    /ok            200
    /flaky         503 twice for each event, then 200
    /down          500, always
    /gone          410
    /busy          429 with Retry-After: 5
    /slow/SECONDS  200 after so long
    /hang          never answers
    /reset         closes the connection without an answer
    /redirect      302 to /ok
"""

import sys
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

# How often each event came to /flaky, by its id.
seen = Counter()


class Receiver(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        event = self.headers.get("ringback-id", "no id")
        attempt = self.headers.get("ringback-attempt", "?")
        print(f"{self.path}  {event}  attempt {attempt}  {len(body)} bytes", flush=True)
        name, _, argument = self.path.strip("/").partition("/")
        behave = getattr(self, f"behave_{name}", None)
        if behave is None:
            return self.answer(404, "no such behaviour")
        behave(event, argument)

    def behave_ok(self, event, argument):
        self.answer(200, "ok")

    def behave_flaky(self, event, argument):
        seen[event] += 1
        self.answer(503, "not yet") if seen[event] <= 2 else self.answer(200, "ok")

    def behave_down(self, event, argument):
        self.answer(500, "broken")

    def behave_gone(self, event, argument):
        self.answer(410, "gone")

    def behave_busy(self, event, argument):
        self.answer(429, "busy", {"retry-after": "5"})

    def behave_slow(self, event, argument):
        time.sleep(float(argument or 5))
        self.answer(200, "ok")

    def behave_hang(self, event, argument):
        time.sleep(3600)

    def behave_reset(self, event, argument):
        self.close_connection = True

    def behave_redirect(self, event, argument):
        self.answer(302, "elsewhere", {"location": "/ok"})

    def answer(self, status, words, headers=None):
        body = words.encode()
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """The line above says more."""


if __name__ == "__main__":
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 9000
    print(f"misbehaving on port {port}", flush=True)
    ThreadingHTTPServer(("", port), Receiver).serve_forever()
