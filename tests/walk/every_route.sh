#!/usr/bin/env bash
# Every route of the admin API once, in the order in which a platform comes to need them, with what each answers. To be
# read as much as to be run: what stands here is all that it takes to run Ringback by HTTP.
#
#     ringback serve --egress-allow 127.0.0.0/8 --egress-allow-http     # the server, and its token on standard error
#     ringback listen                                                   # a receiver that answers 200
#     tests/walk/every_route.sh http://127.0.0.1:8080 TOKEN http://127.0.0.1:8099/
#
# It works under a tenant of its own and may be repeated. A token that may do everything is needed, bound to no tenant.
# Whatever is answered in another way than documented ends it with status 1 and says so, as does a route of
# /openapi.json that is not walked here.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/asking.sh"

if (($# != 3)); then
    sed -n '2,/^set/{/^#/s/^# \{0,1\}//p}' "${BASH_SOURCE[0]}" >&2
    exit 2
fi
server=${1%/} token=$2 receiver=$3
tenant="walk-$$-$RANDOM"
nobody='http://127.0.0.1:1/' # nothing listens there

step 'Is it up? These need no token.'
token='' ask GET /healthz 200
token='' ask GET /readyz 200
shows '"unreadable_endpoints":0'
token='' ask GET /openapi.json 200
shows '"openapi":"3.1' '"title":"Ringback"'

step 'An endpoint: whom to tell of what. The answer holds the signing secret, this once.'
send POST /v1/endpoints 201 <<JSON
{"url": "$receiver", "tenant": "$tenant", "event_types": ["CALL_ENDED"], "name": "Acme's CRM", "headers": {"x-team": "one"},
 "retry": {"max_attempts": 1}}
JSON
has id url tenant key name description enabled paused disabled_reason event_types preset scheme has_secret secret \
    public_key headers auth timeout_ms retry max_in_flight rate_per_second ordered on_dead created_at updated_at warnings
shows '"secret":"whsec_' '"scheme":"standard"' '"timeout_ms":10000' '"delays_ms":[10000,60000]'
says 'etag: "'
endpoint=$(value_of id)
version=$(grep -oE '^etag: .*' <<<"$heads" | cut -d ' ' -f 2)
ask GET "/v1/endpoints/$endpoint" 200
shows '"x-team":"***"' '"has_secret":true' '"last_24h":{"delivered":0,"failed":0,"dead":0,'
hides '"secret":'
ask GET "/v1/endpoints/$endpoint/figures?step=1h" 200
shows '"first_attempts":0'
ask GET "/v1/endpoints?tenant=$tenant" 200
shows '"health":{"state":"idle"'
shows "$endpoint" '"next_cursor":null'

step 'Changed as it was seen: If-Match is optional, and refuses to overwrite what somebody else changed meanwhile.'
send PATCH "/v1/endpoints/$endpoint" 200 --header "If-Match: $version" <<<'{"name": "The CRM", "description": null}'
shows '"name":"The CRM"' '"description":null'
send PATCH "/v1/endpoints/$endpoint" 412 --header "If-Match: $version" <<<'{"name": "Too late"}'
refuses precondition_failed

step "An agent's configuration, put in its place as often as one likes under the platform's own key."
send PUT "/v1/endpoints/by-key/$tenant/agent-7" 201 <<<"{\"url\": \"$nobody\", \"event_types\": [\"agent.*\"], \"retry\": {\"max_attempts\": 1}}"
shows '"key":"agent-7"'
agent=$(value_of id)
send PUT "/v1/endpoints/by-key/$tenant/agent-7" 200 <<<"{\"url\": \"$nobody\", \"event_types\": [\"agent.*\"], \"retry\": {\"max_attempts\": 1}}"
shows "\"id\":\"$agent\""
hides '"secret":'
ask GET "/v1/endpoints/by-key/$tenant/agent-7" 200
shows "\"id\":\"$agent\"" '"last_24h":'
send PATCH "/v1/endpoints/by-key/$tenant/agent-7" 200 <<<'{"name": "Agent 7"}'
shows '"name":"Agent 7"'
send PUT "/v1/endpoints/by-key/$tenant/agent-8" 201 <<<"{\"url\": \"$nobody\", \"event_types\": []}"
ask DELETE "/v1/endpoints/by-key/$tenant/agent-8" 204
ask GET "/v1/endpoints/by-key/$tenant/agent-8" 404
send POST /v1/endpoints 409 <<<"{\"url\": \"$nobody\", \"event_types\": [], \"tenant\": \"$tenant\", \"key\": \"agent-7\"}"
refuses key_taken

step 'A test: a real, signed delivery, marked by a header only.'
send POST "/v1/endpoints/$endpoint/test" 202 <<<'{"type": "hello", "payload": {"test": true}}'
has event_id delivery_id
delivery=$(value_of delivery_id)
until_shows '"status":"delivered"' "/v1/deliveries/$delivery"
has id event_id endpoint_id tenant type key url status dead_reason attempt_count next_attempt_at held_until hold_reason \
    created_at finished_at last_error attempts
has number at outcome status_code error phase ambiguous duration_ms timings remote_addr request response
has dns_ms connect_ms tls_ms head_ms body_ms headers body truncated
shows '"outcome":"delivered"' '"webhook-signature":"v1,' '"ringback-test":"1"'

step 'What happened. The payload is kept, signed and sent byte for byte; the same event a second time is a duplicate.'
call="{\"type\": \"CALL_ENDED\", \"tenant\": \"$tenant\", \"key\": \"call-42\", \"idempotency_key\": \"call-42-ended\",
 \"payload\": { \"session_id\":\"call-42\", \"duration_minutes\": 3.0 }}"
send POST /v1/events 202 <<<"$call"
has id duplicate warnings
shows '"duplicate":false'
event=$(value_of id)
send POST /v1/events 200 <<<"$call"
shows "\"id\":\"$event\"" '"duplicate":true'
send POST /v1/events 422 <<<"${call/3.0/4.0}"
refuses idempotency_conflict
shows '"pointer":"/idempotency_key"'
send POST /v1/events/batch 202 <<JSON
{"events": [{"type": "CALL_ENDED", "tenant": "$tenant", "key": "call-43", "payload": {"session_id": "call-43"}},
            {"type": "agent.lost", "tenant": "$tenant", "key": "call-44", "payload": {"callback_url": "no URL"}}]}
JSON
shows '{"items":[{"id":"evt_' '"code":"url_field_not_a_url"'
send POST /v1/events/batch 422 <<<'{"events": [{"type": "one", "payload": 1}, {"type": "not a type", "payload": 2}]}'
refuses malformed
shows '"pointer":"/events/1/type"'

step 'What became of it: whom it was for, why not the others, and every delivery.'
until_shows '"status":"delivered"' "/v1/events/$event"
has id type tenant key ordering_key idempotency_key occurred_at accepted_at state duplicate_of payload_bytes expunged_at \
    routing deliveries
shows '"state":"routed"' "{\"endpoint_id\":\"$endpoint\",\"endpoint_key\":null,\"verdict\":\"delivery\",\"reason\":null}" \
    "{\"endpoint_id\":\"$agent\",\"endpoint_key\":\"agent-7\",\"verdict\":\"skipped\",\"reason\":\"type_not_selected\"}"
ask GET "/v1/events/$event/payload" 200
[[ $answer == '{ "session_id":"call-42", "duration_minutes": 3.0 }' ]] || fail 'these are not the bytes that were emitted'
says 'content-type: application/octet-stream' 'content-disposition: attachment' 'x-content-type-options: nosniff'
ask GET "/v1/events/$event/payload?as=sent&endpoint_id=$endpoint" 200
[[ $answer == '{ "session_id":"call-42", "duration_minutes": 3.0 }' ]] || fail 'these are not the bytes that were sent'
send POST /v1/filters/test 200 <<<"{\"filter\": \"payload.duration_minutes > 2 && key == 'call-42'\", \"event_id\": \"$event\"}"
shows '"result":true' '"error":null'
send POST /v1/filters/test 422 <<<'{"filter": "payload.", "payload": {}}'
ask GET "/v1/events?tenant=$tenant&type=CALL_ENDED&limit=1" 200
hides '"next_cursor":null'
ask GET "/v1/events?tenant=$tenant&type=CALL_ENDED&limit=1&cursor=$(value_of next_cursor)" 200
shows "\"id\":\"$event\""
ask GET "/v1/find?q=call-42&tenant=$tenant" 200
has items kind id nearest
shows '"kind":"event"' '"key":"call-42"'
ask GET "/v1/find?q=call-4&tenant=$tenant" 200
shows '"key":"call-42"'
send POST "/v1/gaps?tenant=$tenant" 200 <<<'"call-42"'
has items key status delivery_id counts
shows '"status":"delivered"'
ask GET "/v1/deliveries?tenant=$tenant&key=call-42&status=delivered" 200
shows "\"event_id\":\"$event\"" '"type":"CALL_ENDED"'
delivery=$(value_of id)

step 'Once more: a delivered one stays delivered, whatever its replay does.'
ask POST "/v1/deliveries/$delivery/replay" 202
shows "\"id\":\"$delivery\"" '"status":"delivered"'
until_shows '"attempt_count":2' "/v1/deliveries/$delivery"
shows '"ringback-replay":"1"'

step 'Paused: deliveries are held, and nothing is lost.'
ask POST "/v1/endpoints/$endpoint/pause" 200
shows '"paused":true'
send POST /v1/events 202 <<<"{\"type\": \"CALL_ENDED\", \"tenant\": \"$tenant\", \"key\": \"call-45\", \"payload\": {}}"
until_shows '"hold_reason":"paused"' "/v1/deliveries?tenant=$tenant&key=call-45"
shows '"status":"pending"'
held=$(value_of id)
ask POST "/v1/deliveries/$held/replay" 409
refuses pending
ask POST "/v1/endpoints/$endpoint/resume" 200
shows '"paused":false'
until_shows '"status":"delivered"' "/v1/deliveries/$held"

step 'Given up: a dead letter says why, and is sent again once its receiver is repaired.'
until_shows '"reason":"exhausted"' "/v1/dead-letters?tenant=$tenant"
has id event_id endpoint_id tenant type key url status dead_reason attempt_count created_at reason died_at last_status_code \
    last_error
shows '"key":"call-44"' '"last_error":"connect_refused"'
letter=$(value_of id)
ask GET "/v1/dead-letters/groups?tenant=$tenant" 200
has tenant endpoint_id host type reason last_error last_status_code count first_died_at last_died_at example more
shows '"count":1' "\"example\":\"$letter\""
send PATCH "/v1/endpoints/$agent" 200 <<<"{\"url\": \"$receiver\"}"
ask POST "/v1/dead-letters/$letter/replay" 202
shows "\"id\":\"$letter\""
until_shows '"status":"delivered"' "/v1/deliveries/$letter"
shows '"attempt_count":2'

step 'Given up for good: discarding a dead letter is a decision, and is on record.'
send PATCH "/v1/endpoints/$agent" 200 <<<"{\"url\": \"$nobody\"}"
send POST /v1/events 202 <<<"{\"type\": \"agent.lost\", \"tenant\": \"$tenant\", \"key\": \"call-46\", \"payload\": {}}"
until_shows '"reason":"exhausted"' "/v1/dead-letters?tenant=$tenant&key=call-46"
letter=$(value_of id)
ask DELETE "/v1/dead-letters/$letter" 204
ask GET "/v1/deliveries/$letter" 200
shows '"status":"cancelled"'

step 'Many at once: counted first, then at a pace, and it can be cancelled.'
send POST /v1/replays 200 <<<"{\"filter\": {\"tenant\": \"$tenant\", \"status\": \"delivered\"}, \"dry_run\": true}"
has id state matched released skipped remaining delivered dead bytes rate_per_second filter note reason created_at finished_at
shows '"id":null' '"state":"preview"'
send POST /v1/replays 202 <<JSON
{"filter": {"tenant": "$tenant", "status": "delivered", "key": "call-43"}, "rate_per_second": 100, "note": "they lost it"}
JSON
shows '"matched":1' '"note":"they lost it"' '"reason":"they lost it"'
replay=$(value_of id)
until_shows '"state":"completed"' "/v1/replays/$replay"
shows '"released":1' '"remaining":0'
ask GET "/v1/replays?tenant=$tenant&state=completed&limit=1" 200
shows "\"id\":\"$replay\""
send POST /v1/replays 200 <<<"{\"filter\": {\"endpoint_id\": \"$endpoint\", \"status\": \"missing\"}, \"dry_run\": true}"
shows '"state":"preview"'
send POST /v1/replays 422 <<<'{"filter": {"status": "missing"}}'
refuses required
send POST /v1/replays 202 <<<"{\"filter\": {\"tenant\": \"$tenant\", \"status\": \"delivered\"}, \"rate_per_second\": 0.01}"
shows '"state":"running"'
ask POST "/v1/replays/$(value_of id)/cancel" 200
shows '"state":"cancelled"'

step 'A new secret: with an overlap where the header carries several signatures, at one moment where it carries one.'
send POST "/v1/endpoints/$endpoint/rotate-secret" 200 <<<'{"overlap_seconds": 3600}'
has secret overlap_until switch_at warnings
shows '"secret":"whsec_' '"switch_at":null'
ask GET "/v1/endpoints/$endpoint" 200
shows '"rotation":{"secrets":2,'
send POST "/v1/endpoints/$endpoint/rotate-secret" 409 <<<'{"overlap_seconds": 0}'
refuses overlap_in_use
send POST "/v1/endpoints/$endpoint/rotate-secret" 200 <<<'{"overlap_seconds": 0, "force": true}'

step 'Forgotten on demand: the payload is gone for good, and nothing of it is sent any more.'
ask DELETE "/v1/events/$event/payload" 204
ask GET "/v1/events/$event/payload" 410
refuses payload_expunged
ask POST "/v1/deliveries/$delivery/replay" 409
refuses payload_expunged

step 'The same for many, by key or by type; what it came to is told in a receipt.'
send POST /v1/expunge 200 <<<"{\"tenant\": \"$tenant\", \"key\": \"call-43\", \"dry_run\": true}"
has id tenant state filter erases_keys matched expunged skipped remaining bytes created_at finished_at receipt
shows '"id":null' '"state":"preview"'
send POST '/v1/expunge?key=true' 202 <<<"{\"tenant\": \"$tenant\", \"key\": \"call-43\"}"
shows '"key":"***"' '"erases_keys":true'
expunge=$(value_of id)
until_shows '"state":"completed"' "/v1/expunges/$expunge"
has events payload_bytes deliveries_cancelled attempts ids_sha256 at actor
shows '"actor":"admin_token"'

step 'Deleted: pending deliveries are cancelled, what was delivered stays on record.'
ask DELETE "/v1/endpoints/$agent" 204
ask GET "/v1/endpoints/$agent" 404
refuses not_found

step 'Somebody outside sees what became of one call, without a login, until the link is revoked.'
send POST /v1/share 200 <<<"{\"key\": \"call-42\", \"tenant\": \"$tenant\", \"expires_in\": \"1h\"}"
has id url expires_at
share=$(value_of id) shown=/share/$(basename "$(value_of url)")
token='' ask GET "$shown" 200
says 'referrer-policy: no-referrer' 'cache-control: no-store' 'x-robots-tag: noindex'
ask DELETE "/v1/share/$share" 204
token='' ask GET "$shown" 404

step 'A tenant looks after its own endpoints, in a portal that a link opens.'
send POST /v1/portal-links 201 <<<"{\"tenant\": \"$tenant\", \"scope\": \"manage\", \"expires_in\": \"1h\"}"
has id url expires_at
portal=$(value_of id) opened=/portal/open/$(basename "$(value_of url)")
token='' ask GET "$opened" 303
says 'set-cookie: '
token='' ask GET "$opened" 404
ask DELETE "/v1/portal-links/$portal" 204

step 'Does it add up? Accepted = unrouted + duplicate + unmatched + routed; owed = pending + delivered + dead + cancelled.'
ask GET "/v1/figures?tenant=$tenant&step=1h" 200
ask GET "/v1/ledger?tenant=$tenant" 200
[[ $answer =~ ^\{\"events\":\{\"accepted\":([0-9]+),\"unrouted\":([0-9]+),\"duplicate\":([0-9]+),\"unmatched\":([0-9]+),\"routed\":([0-9]+)\},\"deliveries\":\{\"owed\":([0-9]+),\"pending\":([0-9]+),\"delivered\":([0-9]+),\"dead\":([0-9]+),\"cancelled\":([0-9]+)\}\}$ ]] ||
    fail 'this is no ledger'
((BASH_REMATCH[1] == BASH_REMATCH[2] + BASH_REMATCH[3] + BASH_REMATCH[4] + BASH_REMATCH[5])) || fail 'the events do not add up'
((BASH_REMATCH[6] == BASH_REMATCH[7] + BASH_REMATCH[8] + BASH_REMATCH[9] + BASH_REMATCH[10])) || fail 'the deliveries do not add up'
((BASH_REMATCH[1] == 6)) || fail 'six events were accepted: a test, a call, a batch of two, one that was held, one that was discarded'

step 'A verification: the endpoint is verified once an answer holds the challenge.'
send POST "/v1/endpoints/$endpoint/verify" 202
has event_id delivery_id

step 'Who changed what, newest first; and the figures for Prometheus.'
ask GET '/v1/audit?limit=20' 200
has at who action object_id tenant request_id before after
shows '"who":"admin_token"' '"action":"endpoint.delete"' "\"object_id\":\"$agent\""
ask GET /v1/nodes 200
has items id state since lease_until shards is_this unowned_shards
shows '"state":"alive"' '"is_this":true'
ask GET /metrics 200
shows ringback_events_accepted_total 'ringback_attempts_total{outcome="delivered"' ringback_deliveries_pending \
    ringback_oldest_due_age_seconds ringback_lanes_held

step 'What is refused has one form, whatever refuses it.'
send POST /v1/endpoints 422 <<<"{\"url\": \"http://169.254.169.254/\", \"event_types\": [\"a*b\"], \"colour\": \"red\"}"
refuses malformed
shows '"pointer":"/event_types/0"' '"pointer":"/colour"' '"code":"unknown_field"'
send POST /v1/endpoints 422 <<<"{\"url\": \"http://169.254.169.254/\", \"event_types\": []}"
refuses blocked_destination
shows '"pointer":"/url"'
send POST /v1/events 400 <<<'{"type": '
refuses malformed_json
ask POST /v1/events 415 --data-binary '{}' --header 'Content-Type: text/plain'
refuses unsupported_media_type
ask GET '/v1/events?limit=1001' 400
refuses out_of_range
shows '"parameter":"limit"'
ask GET "/v1/deliveries/dlv_00000000000000000000000000000001" 404
refuses not_found
token='' ask GET /v1/ledger 401
refuses unauthorized

step 'A page for people, behind a login of its own.'
token='' ask GET / 303
says 'location: '
token='' ask GET /login 200
says 'content-type: text/html' "content-security-policy: default-src 'none'"

nothing_was_left_out
