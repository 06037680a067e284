"""The generic platform's first way: an API key in a header of the customer's choice."""

import hmac

from journal import Refused, serve


def check(headers, body, journal):
    if not hmac.compare_digest(headers["X-Customer-Key"], journal.secret()):
        raise Refused("the key is not ours")
    return headers["ringback-event-type"]


serve(check)
