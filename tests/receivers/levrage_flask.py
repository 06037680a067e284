"""A Levrage customer: Flask, the signature check of the document's length, and the fields its CRM example needs.

The document's example reads four fields without a guard and two with one; so does this, because that is what its
readers run: a body without the four, or with `details_collection: null`, breaks them.
"""

import hashlib
import hmac

from flask import Flask, request
from werkzeug.serving import make_server

import journal as journals

app = Flask(__name__)
given = journals.options()
journal = journals.Journal(given)


def is_from_levrage(payload: bytes, signature: str, secret: str) -> bool:
    ours = hmac.new(secret.encode(), payload, hashlib.sha256).hexdigest()
    return hmac.compare_digest(ours, signature)


def check(headers, body, journal):
    if not is_from_levrage(body, headers["X-Levrage-Signature"], journal.secret()):
        raise journals.Refused("the signature is not Levrage's")
    if request.content_type != "application/json":
        raise journals.Refused(f"content type {request.content_type}")
    event = request.json
    if event["event"] != "CALL_ENDED":
        raise journals.Refused(f"an event nobody subscribed to: {event['event']}")
    call = event["data"]
    update_crm(
        phone=call["phone_number"],
        status=call["status"],
        sentiment=call["sentiment"],
        summary=call["call_summary"],
        collected=call.get("details_collection", {}).get("collected_values", {}),
        recording=call.get("recording_url"),
    )
    return call["session_id"]


def update_crm(phone, status, sentiment, summary, collected, recording):
    if not all(isinstance(text, str) for text in (phone, status, sentiment, summary)):
        raise journals.Refused("the CRM wants text")
    if status not in ("completed", "no_answer", "failed", "voicemail", "busy"):
        raise journals.Refused(f"a call status the document does not name: {status}")
    if not isinstance(collected, dict) or not isinstance(recording, (str, type(None))):
        raise journals.Refused("the CRM cannot file what was collected")


@app.post("/webhook/levrage")
def webhook():
    status = journal.write(check, request.headers, request.get_data())
    return {"status": "ok" if status == 200 else "not ok"}, status


server = make_server("127.0.0.1", 0, app, threaded=True)
journals.announce(given, server.server_port)
journals.end_with_standard_input(server)
server.serve_forever()
