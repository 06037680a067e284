"""A token server made of the library Authlib: client credentials (RFC 6749 §4.4) for the client `ringback`, over plain HTTP.

Its journal has one line for each request for a token: who asked how for what, and which token was granted.
"""

import json
import os

os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"  # it looks at this when it is imported

from authlib.integrations.flask_oauth2 import AuthorizationServer
from authlib.oauth2.rfc6749 import ClientMixin, grants
from flask import Flask, request
from werkzeug.serving import make_server

import journal as journals

app = Flask(__name__)
given = journals.options()
journal = journals.Journal(given)

METHODS = ["client_secret_basic", "client_secret_post"]
SCOPES = {"calls:write", "calls:read"}


class Client(ClientMixin):
    def __init__(self, client_id):
        self.client_id = client_id

    def get_client_id(self):
        return self.client_id

    def get_allowed_scope(self, scope):
        return " ".join(one for one in (scope or "").split() if one in SCOPES)

    def check_client_secret(self, client_secret):
        return client_secret == journal.secret()

    def check_endpoint_auth_method(self, method, endpoint):
        return endpoint == "token" and method in METHODS

    def check_grant_type(self, grant_type):
        return grant_type == "client_credentials"


class ClientCredentials(grants.ClientCredentialsGrant):
    TOKEN_ENDPOINT_AUTH_METHODS = METHODS


granted = []
server = AuthorizationServer(
    app,
    query_client=lambda client_id: Client(client_id) if client_id == "ringback" else None,
    save_token=lambda token, request: granted.append(token["access_token"]),
)
server.register_grant(ClientCredentials)


@app.post("/token")
def token():
    granted.clear()
    answer = server.create_token_response()
    print(
        json.dumps(
            {
                "by": "basic" if request.authorization else "body",
                "scope": request.form.get("scope"),
                "audience": request.form.get("audience"),
                "granted": granted[0] if granted else None,
                "answered": answer.status_code,
            }
        ),
        flush=True,
    )
    return answer


server_of_http = make_server("127.0.0.1", 0, app)
journals.announce(given, server_of_http.server_port)
journals.end_with_standard_input(server_of_http)
server_of_http.serve_forever()
