"""The generic platform's fourth way: a bearer token."""

import hmac

from journal import Refused, serve


def check(headers, body, journal):
    kind, _, token = headers["Authorization"].partition(" ")
    if kind != "Bearer" or not hmac.compare_digest(token, journal.secret()):
        raise Refused("not our token")
    return headers["ringback-event-type"]


serve(check)
