"""A Levers customer: the documents name Svix signature headers, so he takes the PyPI package `svix`."""

import json

from svix.webhooks import Webhook

from journal import Refused, serve

FIELDS = (
    "providerCallId numberFrom numberTo providerStatus deliveryStatus duration summary endedReason callOutput "
    "callOutputReasoning sentimentOutput sentimentOutputReasoning transcription recordingUrl metadata"
).split()


def check(headers, body, journal):
    Webhook(journal.secret()).verify(body, dict(headers))
    call = json.loads(body)
    missing = [field for field in FIELDS if field not in call]
    if missing:
        raise Refused(f"fields of phone_call.ended are missing: {missing}")
    return headers["svix-id"]


serve(check)
