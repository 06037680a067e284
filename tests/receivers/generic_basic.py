"""The generic platform's third way: user name and password. The secret file holds `name:password`."""

import base64
import hmac

from journal import Refused, serve


def check(headers, body, journal):
    kind, _, credentials = headers["Authorization"].partition(" ")
    if kind != "Basic":
        raise Refused(f"authorization of the kind {kind}")
    if not hmac.compare_digest(base64.b64decode(credentials, validate=True), journal.secret().encode()):
        raise Refused("not our name and password")
    return headers["ringback-event-type"]


serve(check)
