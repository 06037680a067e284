"""A caller who put a URL into the request that started the call: the document promises him a body and nothing else.

So he compares the bytes with what the platform said (`--bodies`), and a signature or a credential that nobody told
him about would be a leak of somebody's secret.
"""

import pathlib

from journal import Refused, options, serve

EXPECTED = {pathlib.Path(path).read_bytes() for path in options().bodies}


def check(headers, body, journal):
    surprising = [name for name in headers if "signature" in name.lower() or name.lower() == "authorization"]
    if surprising:
        raise Refused(f"headers nobody announced: {surprising}")
    if headers["content-type"] != "application/json":
        raise Refused(f"content type {headers['content-type']}")
    if body not in EXPECTED:
        raise Refused("not the bytes that the platform sent")
    return headers["ringback-event-type"]


serve(check)
