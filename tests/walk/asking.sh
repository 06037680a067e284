# How the walk asks, and how it looks at what it is answered. Needs nothing but bash and curl: answers are JSON without
# white space, so that a field is a piece of text.

server='' token='' # who is asked, and as whom
answer='' heads='' # the last answer's body, and its headers in lower case
declare -A called=() # every "METHOD /route" that has done its work

# Where words of the walk are told, and what ends it.
step() { printf '\n%s\n' "$*"; }
fail() {
    printf '\nNOT AS DOCUMENTED: %s\nthe last answer:\n%s\n%s\n' "$*" "$heads" "$answer" >&2
    exit 1
}

# ask METHOD PATH STATUS [curl's own flags]: asks without a body; another status than this ends the walk.
ask() {
    local method=$1 path=$2 expected=$3 told status
    shift 3
    [[ -z $token ]] || set -- "$@" --header "Authorization: Bearer $token"
    told=$(mktemp)
    answer=$(curl --silent --show-error --max-time 60 --dump-header "$told" --request "$method" \
        "$@" "$server$path") || { rm -f "$told"; fail "$method $path is not answered"; }
    heads=$(tr -d '\r' <"$told" | tr '[:upper:]' '[:lower:]')
    rm -f "$told"
    status=$(grep -oE '^http/[0-9.]+ [0-9]{3}' <<<"$heads" | tail -n 1 | cut -d ' ' -f 2)
    [[ $status == "$expected" ]] || fail "$method $path answers $status instead of $expected"
    printf '  %s  %-6s %s\n' "$status" "$method" "$path"
    # A route is walked where it does what it is for, not where it refuses.
    if [[ $status == [23]* ]]; then called["$method $(route_of "$path")"]=yes; fi
}

# send METHOD PATH STATUS [curl's own flags]: the same with the JSON body that stands on standard input.
send() { ask "$@" --header 'Content-Type: application/json' --data-binary @-; }

# until_shows TEXT PATH: asks again until the answer shows this, for a minute at most.
until_shows() {
    local text=$1 path=$2 deadline=$((SECONDS + 60))
    while ask GET "$path" 200 >/dev/null && [[ $answer != *"$text"* ]]; do
        ((SECONDS < deadline)) || fail "GET $path never shows $text"
        sleep 0.1
    done
    printf '  200  GET    %s  until it shows %s\n' "$path" "$text"
}

# What the last answer must show, must not show, and must have as fields.
shows() { local text; for text; do [[ $answer == *"$text"* ]] || fail "it does not show $text"; done; }
hides() { local text; for text; do [[ $answer != *"$text"* ]] || fail "it shows $text"; done; }
has() { local field; for field; do [[ $answer == *"\"$field\":"* ]] || fail "it has no field $field"; done; }
says() { local text; for text; do [[ $heads == *"$text"* ]] || fail "its headers do not say $text"; done; }

# The first field of this name, a text, in the last answer.
value_of() {
    [[ $answer =~ \"$1\":\"([^\"]*)\" ]] || fail "it has no text $1"
    printf '%s' "${BASH_REMATCH[1]}"
}

# A refusal: this code, with the whole form of RFC 9457.
refuses() {
    says 'content-type: application/problem+json'
    has type title status code detail errors instance
    shows "\"code\":\"$1\""
}

# The route that a path belongs to, written as the document writes it.
route_of() {
    sed -E -e 's/\?.*//' -e 's#/by-key/[^/]+/[^/]+#/by-key/{tenant}/{key}#' -e 's#/(evt|ep|dlv|rpl|exp|lnk)_[0-9a-f]{32}#/{id}#' <<<"$1"
}

# Every route that the server documents, one "METHOD /route" a line.
documented_routes() {
    local document path='' name
    document=$(curl --silent --show-error --max-time 60 "$server/openapi.json")
    while read -r name; do
        name=${name#\"} name=${name%\":\{}
        case $name in
        /*) path=$name ;;
        *) printf '%s %s\n' "${name^^}" "$path" ;;
        esac
    done < <(grep -oE '"(/[^"]*|get|put|post|patch|delete|head|options)":\{' <<<"$document")
}

# Ends the walk unless each documented route was called, and each called one is documented.
nothing_was_left_out() {
    local documented route count=0
    documented=$(documented_routes)
    while read -r route; do
        count=$((count + 1))
        [[ ${called[$route]:-} ]] || fail "the walk does not call $route"
    done <<<"$documented"
    ((count >= 30)) || fail "the document names only $count routes"
    for route in "${!called[@]}"; do
        case $route in 'GET /' | 'GET /login' | 'GET /share/'* | 'GET /portal/'*) continue ;; esac # pages are no part of the API
        grep -qxF -- "$route" <<<"$documented" || fail "the document does not name $route"
    done
    printf '\n%s routes, each answered as documented\n' "$count"
}
