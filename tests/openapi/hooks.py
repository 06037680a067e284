"""What schemathesis is told beside the document.

Its requests are made up, and a made-up URL may be somebody's: wherever one would be accepted, the test's own receiver
on the loopback takes its place.
"""

import itertools
import os
from urllib.parse import urlsplit

import schemathesis
from schemathesis.specs.openapi import checks

# Whoever shows many wrong tokens is told so with 429 instead of 401, and is let in as little.
checks.AUTH_REJECTION_STATUSES = frozenset(checks.AUTH_REJECTION_STATUSES) | {429}

RECEIVER = os.environ["RINGBACK_TEST_RECEIVER"]


def is_url(text):
    """Whether the server might take this for a URL; what it must refuse is left as it is."""
    if not isinstance(text, str) or not 1 <= len(text.encode("utf-8", "replace")) <= 2048:
        return False
    try:
        return urlsplit(text).scheme in ("http", "https", "")
    except ValueError:
        return False


def redirect(value):
    """Puts the receiver's URL where a destination's stands; in payloads nothing is touched."""
    if not isinstance(value, dict):
        return
    if is_url(value.get("url")):
        value["url"] = RECEIVER
    redirect(value.get("destination"))
    for event in value["events"] if isinstance(value.get("events"), list) else []:
        redirect(event)


KEY = "Idempotency-Key"
CALLS = itertools.count()


def vary_key(headers):
    """A key that stood for another body is refused, which would hide what this body comes to: most go without one. What
    the server must refuse is left as it is."""
    key = headers.get(KEY) if headers else None
    if isinstance(key, str) and 1 <= len(key.strip()) <= 256 and key.isprintable() and next(CALLS) % 4:
        del headers[KEY]


@schemathesis.hook
def before_call(context, case, kwargs):
    redirect(case.body)
    vary_key(case.headers)
