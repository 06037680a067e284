"""A customer who reads CloudEvents with the PyPI package `cloudevents`, and verifies with `standardwebhooks`."""

import json

from cloudevents.core.bindings.http import HTTPMessage, from_http_event
from standardwebhooks.webhooks import Webhook

from journal import Refused, serve


def check(headers, body, journal):
    Webhook(journal.secret()).verify(body, dict(headers))
    event = from_http_event(HTTPMessage(headers=dict(headers), body=body))
    if event.get_id() != headers["webhook-id"]:
        raise Refused(f"the id is {event.get_id()}")
    for told, name in [(event.get_type(), "ringback-event-type"), (event.get_subject(), "x-key")]:
        if told != headers[name]:
            raise Refused(f"{name} is {headers[name]!r}, and the event says {told!r}")
    if event.get_time() is None or not event.get_source().startswith("/tenants/"):
        raise Refused(f"time {event.get_time()}, source {event.get_source()}")
    data = event.get_data()
    if not isinstance(data, dict):
        data = json.loads(data)
    if data["cost"] != 3.0 or data["name"] != "Zoë":
        raise Refused(f"the data is {data!r}")
    return event.get_id()


serve(check)
