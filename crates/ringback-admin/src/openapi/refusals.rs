//! All refusals, by status, and which routes can return them. The tests of the API look up here every refusal that they
//! provoke.

use serde_json::{Map, Value, json};

/// One status of a refusal.
struct Refusal {
    status: u16,
    name: &'static str,
    description: &'static str,
    codes: &'static [&'static str],
    headers: &'static [(&'static str, &'static str)],
}

const ALL: &[Refusal] = &[
    Refusal {
        status: 400,
        name: "BadRequest",
        description: "Broken JSON, or a query parameter, cursor or header that cannot be.",
        codes: &[
            "malformed_json",
            "incomplete_body",
            "unknown_parameter",
            "duplicate_parameter",
            "malformed",
            "out_of_range",
            "unknown_value",
            "invalid_cursor",
            "malformed_request",
            "required",
        ],
        headers: &[],
    },
    Refusal {
        status: 401,
        name: "Unauthorized",
        description: "No valid bearer token.",
        codes: &["unauthorized"],
        headers: &[("WWW-Authenticate", "`Bearer`.")],
    },
    Refusal {
        status: 403,
        name: "Forbidden",
        description: "The token's scope is for other things.",
        codes: &["forbidden"],
        headers: &[],
    },
    Refusal {
        status: 404,
        name: "NotFound",
        description: "Nothing there, or nothing that this caller may know of.",
        codes: &["not_found"],
        headers: &[],
    },
    Refusal {
        status: 405,
        name: "MethodNotAllowed",
        description: "The path does not take this method.",
        codes: &["method_not_allowed"],
        headers: &[("Allow", "The methods that it takes.")],
    },
    Refusal {
        status: 408,
        name: "RequestTimeout",
        description: "The body did not arrive in time.",
        codes: &["request_timeout"],
        headers: &[],
    },
    Refusal {
        status: 409,
        name: "Conflict",
        description: "Against the state of things.",
        codes: &[
            "key_taken",
            "overlap_in_use",
            "pending",
            "cancelled",
            "payload_expunged",
            "endpoint_deleted",
            "unroutable",
        ],
        headers: &[],
    },
    Refusal {
        status: 410,
        name: "Gone",
        description: "The payload is gone.",
        codes: &["payload_expunged", "payload_expired"],
        headers: &[],
    },
    Refusal {
        status: 412,
        name: "PreconditionFailed",
        description: "The endpoint has changed since the version that `If-Match` names.",
        codes: &["precondition_failed"],
        headers: &[],
    },
    Refusal {
        status: 413,
        name: "PayloadTooLarge",
        description: "The body, or a payload in it, is too large.",
        codes: &["payload_too_large"],
        headers: &[],
    },
    Refusal {
        status: 415,
        name: "UnsupportedMediaType",
        description: "The body is not said to be JSON, or is compressed.",
        codes: &["unsupported_media_type", "unsupported_content_encoding"],
        headers: &[
            ("Accept", "The media type that is taken."),
            ("Accept-Encoding", "The content coding that is taken: `identity`."),
        ],
    },
    Refusal {
        status: 422,
        name: "Unprocessable",
        description: "A field of the body, or a name in the path, cannot be; every one that cannot is named.",
        codes: &[
            "required",
            "unknown_field",
            "duplicate_field",
            "wrong_type",
            "unknown_value",
            "malformed",
            "too_deep",
            "too_long",
            "too_many",
            "masked",
            "header_refused",
            "reserved",
            "unknown_placeholder",
            "unbalanced_brace",
            "out_of_range",
            "conflict",
            "immutable",
            "idempotency_conflict",
            "unknown_endpoint_key",
            "https_required",
            "blocked_destination",
            "ambiguous_ip",
            "too_many_endpoints",
            "too_many_deliveries",
        ],
        headers: &[],
    },
    Refusal {
        status: 429,
        name: "TooManyRequests",
        description: "The token is not valid, and too many from this address were not. A valid one is never refused so.",
        codes: &["too_many_failures"],
        headers: &[("Retry-After", "Seconds to wait.")],
    },
    Refusal {
        status: 431,
        name: "HeaderFieldsTooLarge",
        description: "The head of the request has more than 32 KiB or more than 100 headers.",
        codes: &["head_too_large"],
        headers: &[],
    },
    Refusal {
        status: 500,
        name: "Internal",
        description: "A fault of ours; it is in the server's log under the request's id.",
        codes: &["internal"],
        headers: &[],
    },
    Refusal {
        status: 503,
        name: "Unavailable",
        description: "Not now, but soon.",
        codes: &[
            "store_unavailable",
            "store_damaged",
            "schema_mismatch",
            "not_writable",
            "stalled",
            "shutting_down",
            "timed_out",
            "request_memory_exhausted",
            "too_many_connections",
            "contended",
        ],
        headers: &[("Retry-After", "Seconds to wait.")],
    },
];

/// The schema of every refusal.
pub(super) fn problem() -> Value {
    json!({
        "type": "object",
        "description": "A refusal (RFC 9457).",
        "required": ["type", "title", "status", "code", "detail", "errors", "instance"],
        "properties": {
            "type": {"type": "string", "const": "about:blank"},
            "title": {"type": "string"},
            "status": {"type": "integer", "minimum": 400, "maximum": 599},
            "code": {"type": "string", "description": "Stable, for programs: that of the first error, if there is any."},
            "detail": {"type": "string", "description": "For people."},
            "errors": {"type": "array", "items": {
                "type": "object",
                "description": "One thing that was wrong.",
                "required": ["code", "detail"],
                "properties": {
                    "pointer": {"type": "string", "description": "A place in the body (RFC 6901)."},
                    "parameter": {"type": "string", "description": "A parameter of query or header."},
                    "code": {"type": "string"},
                    "detail": {"type": "string"},
                },
            }},
            "instance": {"type": "string", "pattern": "^urn:request:", "description": "The request's id."},
        },
    })
}

/// The refusals, each once.
pub(super) fn components() -> Value {
    Value::Object(ALL.iter().map(|refusal| (refusal.name.to_owned(), refusal.response(refusal.description))).collect())
}

/// Adds the refusals that an operation can return, and completes those that it names itself.
pub(super) fn add(path: &str, operation: &mut Value) {
    let has_body = operation.get("requestBody").is_some();
    let has_parameters = operation.get("parameters").is_some();
    // An operation that names no scope is open to all.
    let is_guarded = operation["security"][0].get("token").is_some();
    // A caller that is bound to a tenant may name no other.
    let can_be_absent = path.contains('{') || has_body || names(operation, "tenant");
    // `/healthz` asks no store, and finds a place in the reserve of connections: it is never refused with 503.
    let needs_place = path != "/healthz";
    let possible = |status| match status {
        // A guarded route that takes no parameter refuses those that are given.
        400 => has_body || has_parameters || is_guarded,
        401 | 403 | 429 => is_guarded,
        431 => true,
        404 => can_be_absent,
        408 | 413 | 415 => has_body,
        422 => has_body || path.contains("{tenant}"),
        500 => true,
        503 => needs_place,
        _ => false,
    };
    let Some(responses) = operation["responses"].as_object_mut() else { return };
    for refusal in ALL {
        match responses.get_mut(&refusal.status.to_string()) {
            Some(own) => {
                let description = own["description"].as_str().unwrap_or_default().to_owned();
                *own = refusal.response(&description);
            }
            None if possible(refusal.status) => {
                let reference = json!({"$ref": format!("#/components/responses/{}", refusal.name)});
                responses.insert(refusal.status.to_string(), reference);
            }
            None => {}
        }
    }
}

fn names(operation: &Value, parameter: &str) -> bool {
    let parameters = operation["parameters"].as_array();
    parameters.is_some_and(|parameters| parameters.iter().any(|each| each["name"] == parameter))
}

impl Refusal {
    fn response(&self, description: &str) -> Value {
        let title = http::StatusCode::from_u16(self.status).ok().and_then(|status| status.canonical_reason());
        let mut headers: Map<String, Value> = self
            .headers
            .iter()
            .map(|(name, description)| {
                ((*name).to_owned(), json!({"description": description, "schema": {"type": "string"}}))
            })
            .collect();
        headers.insert("X-Request-Id".to_owned(), json!({"$ref": "#/components/headers/RequestId"}));
        json!({
            "description": description,
            "headers": headers,
            "content": {"application/problem+json": {
                "schema": {"allOf": [
                    {"$ref": "#/components/schemas/Problem"},
                    {"properties": {"status": {"const": self.status}, "code": {"enum": self.codes}}},
                ]},
                "example": {
                    "type": "about:blank",
                    "title": title.unwrap_or("Error"),
                    "status": self.status,
                    "code": self.codes[0],
                    "detail": description,
                    "errors": [],
                    "instance": "urn:request:0199c0de5eed7a11b0a1c2d3e4f56789",
                },
            }},
        })
    }
}
