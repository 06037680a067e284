"""The generic platform's second way: a cryptographic signature of the payload, hex HMAC-SHA256 in one header."""

import hashlib
import hmac

from journal import Refused, serve


def check(headers, body, journal):
    ours = hmac.new(journal.secret().encode(), body, hashlib.sha256).hexdigest()
    if not hmac.compare_digest(ours, headers["X-Webhook-Signature"]):
        raise Refused("the signature is not ours")
    return headers["ringback-event-type"]


serve(check)
