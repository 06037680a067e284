"""A customer who verifies with the PyPI package `standardwebhooks`."""

from standardwebhooks.webhooks import Webhook

from journal import serve


def check(headers, body, journal):
    Webhook(journal.secret()).verify(body, dict(headers))
    return headers["webhook-id"]


serve(check)
