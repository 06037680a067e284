//! Command lines with one thing wrong. Whoever adds a flag adds what cannot be its value here: the test that asks for every
//! flag of `--help` says which are missing.

/// Values that cannot be, by flag or, where a command has its own, by command and flag; arguments are named like flags.
#[must_use]
pub fn values(command: &str, flag: &str) -> Option<Vec<String>> {
    let long = |length: usize| "x".repeat(length);
    let these = |values: &[&str]| Some(values.iter().map(|value| (*value).to_owned()).collect());
    let also =
        |value: String, values: &[&str]| Some([values, &[&value]].concat().into_iter().map(str::to_owned).collect());
    match (command, flag) {
        ("share", "WHAT") => also(long(257), &["", "a\nb"]),
        ("portal", "TENANT") => also(long(129), &["", "a b", "a/b"]),
        (_, "--revoke") => these(&["", "lnk_1", "dlv_00000000000000000000000000000001"]),
        (_, "--public-url") => these(&["hooks.example.com", "https://a.example/x", "ftp://a.example"]),
        (_, "--portal-name") => also(long(61), &["a\nb"]),
        (_, "--portal-logo") => these(&["logo.svg", "http://a.example/logo.svg"]),
        (_, "--portal-accent") => these(&["red", "#12345g"]),
        (_, "--portal-frame-ancestors") => these(&["*", "a.example", "https://a.example/x"]),
        ("emit", "TYPE") => also(long(129), &["", "a b"]),
        ("find", "KEY") => also(long(257), &["", "a\nb"]),
        ("endpoints create", "DESTINATION") | ("endpoints update", "--to") => also(
            format!("https://example.com/{}", long(2_048)),
            &["", "a b", "javascript:alert(1)", "http://169.254.169.254/"],
        ),
        ("replay", "--to") => these(&["", "a b", "javascript:alert(1)", "example.com/hook"]),
        ("token revoke", "TOKEN") => these(&["", "tok_1", "dlv_00000000000000000000000000000001"]),
        ("endpoints create" | "endpoints update" | "endpoints rotate-secret", "--secret") => also(long(513), &[""]),
        ("endpoints create" | "endpoints update", "--name") => also(long(257), &["a\nb"]),
        ("token create", "--name") => also(long(1_000), &["a\nb"]),
        ("listen", "--secret") => these(&["", "s"]),
        (_, "EVENT") => these(&["", "call-1", "evt_1", "dlv_00000000000000000000000000000001"]),
        (_, "DELIVERY") => these(&["", "call-1", "dlv_1", "evt_00000000000000000000000000000001"]),
        (_, "ENDPOINT" | "--endpoint-id") => these(&["", "ep_1", "evt_00000000000000000000000000000001"]),
        (_, "--event-id") => these(&["", "evt_1", "ep_00000000000000000000000000000001"]),
        (_, "SHELL") => these(&["", "cmd"]),
        (_, "--tenant") => also(long(129), &["", "a b", "a/b"]),
        (_, "--type") => also(long(129), &["", "a b", "call.*"]),
        (_, "--key" | "--ordering-key" | "--idempotency-key") => also(long(257), &["", "a\nb"]),
        (_, "--endpoint-keys") => these(&["", "a,,b", "no-endpoint-has-this-key"]),
        (_, "--since" | "--until" | "--occurred-at" | "--switch-at") => {
            these(&["", "yesterday", "1h30m", "2026-13-45T99:00:00Z"])
        }
        (_, "--host") => these(&["", "a b", "a/b"]),
        ("tail", "--lines") => these(&["", "-1", "201", "many"]),
        ("figures", "--step") => these(&["", "soon", "90s", "0"]),
        (_, "--metrics-per-endpoint") => these(&["", "-1", "1001", "many", "1.5"]),
        (_, "--limit") => these(&["", "0", "1001", "-1", "many", "1.5"]),
        (_, "--follow" | "--cancel") => these(&["", "rpl_1", "dlv_00000000000000000000000000000001"]),
        (_, "--if-match") => these(&["", "seven", "-1", "W/\"7\""]),
        (_, "--tenant-weights") => these(&["nonsense", "acme=0", "a b=1", "acme=many"]),
        (_, "--cursor") => these(&["", "nonsense"]),
        (_, "--status") => these(&["", "lost", "99"]),
        (_, "--reason") => these(&["", "tired", "exhausted,expired"]),
        (_, "--note") => also(long(1_001), &["\u{1}"]),
        (_, "--last-status-code") => these(&["", "99", "1000", "-1", "5xx"]),
        (_, "--state") => these(&["", "preview", "lost"]),
        (_, "--rate") => these(&["", "0", "-1", "NaN", "inf", "100001", "fast"]),
        (_, "--url") => these(&["", "nonsense", "ftp://x", "http://"]),
        (_, "--token") => these(&["", "a\nb", "grüße-an-alle"]),
        (_, "--destination") => {
            these(&["", "{url}", "{\"url\":1}", "javascript:alert(1)", "{\"url\":\"https://example.com\",\"x\":1}"])
        }
        (_, "--description") => also(long(4_097), &[]),
        (_, "--enabled" | "--ordered" | "--trace") => these(&["", "yes", "1"]),
        (_, "--event-types") => these(&["a*b", "a b", "*,**"]),
        ("emit", "--deliver-after" | "--expires-at") => these(&["", "soon", "12", "2026-13-01T00:00:00Z"]),
        (_, "--metadata") => also(format!("a={}", long(257)), &["", "a", "=1", "a b=1", "a=\n"]),
        (_, "--preset") => these(&["", "levirage"]),
        (_, "--scheme") => these(&["", "levirage", "{\"digest\":\"md5\"}", "{"]),
        (_, "--header") => these(&["", "no colon", "a b: c"]),
        (_, "--auth") => these(&["", "{", "{\"type\":\"oath\"}", "{\"type\":\"bearer\"}", "[]"]),
        (_, "--client-certificate" | "--client-key" | "--ca" | "--egress-ca") => {
            these(&["", "absent.pem", "body.json"])
        }
        (_, "--timeout") => these(&["", "10", "99ms", "61s", "soon"]),
        (_, "--max-attempts") => these(&["", "0", "101", "-1", "many"]),
        (_, "--delays") => {
            these(&["", "10s,soon", "8d", "1s,1s,1s,1s,1s,1s,1s,1s,1s,1s,1s,1s,1s,1s,1s,1s,1s,1s,1s,1s,1s"])
        }
        (_, "--jitter") => these(&["", "-0.1", "1.1", "some"]),
        (_, "--max-in-flight") => these(&["", "0", "1001", "many"]),
        (_, "--on-dead") => these(&["", "cry"]),
        (_, "--fallback-url") => these(&["", "a b", "ftp://x", "javascript:alert(1)"]),
        (_, "--method") => these(&["", "post", "GET", "DELETE"]),
        ("endpoints create" | "endpoints update", "--filter") | ("filters test", "FILTER") => {
            also(format!("type == '{}'", long(2_048)), &["", "type ==", "colour == 1", "'a'"])
        }
        ("endpoints create" | "endpoints update", "--body") => {
            these(&["", "Raw", "{", "{\"template\":1}", "{\"template\":\"{nonsense}\"}"])
        }
        (_, "--success-statuses" | "--permanent-statuses") => {
            these(&["", "2xx", "199", "200-600", "204-200", "200,,201"])
        }
        (_, "--clear") => these(&["", "url", "name,nonsense"]),
        (_, "--overlap") => these(&["", "1", "31d"]),
        ("gaps", "--expected") => these(&[""]),
        ("gaps", "--late-after") => these(&["", "5", "soon", "31d"]),
        ("audit", "--who" | "--action" | "--object") => also(long(257), &["", "a\nb"]),
        (_, "--tolerance") => these(&["", "5", "soon"]),
        (_, "--secret") => these(&[""]),
        (_, "--port") => these(&["", "70000", "-1", "http"]),
        (_, "--fail-first") => these(&["", "-1", "some"]),
        (_, "--requests") => these(&["", "0", "-1"]),
        (_, "--sent-to") => these(&["nonsense", "ftp://x"]),
        (_, "--without") => these(&["", "everyone"]),
        (_, "--scope") => these(&["", "everything"]),
        (_, "--expires") => these(&["", "90", "0s", "soon"]),
        (_, "--database-url-file" | "--admin-token-file" | "--master-key-file" | "--old-master-keys-file") => {
            these(&["", "absent.txt", "."])
        }
        (_, "--config") => these(&["absent.toml", "body.json"]),
        (_, "--database-url") => these(&["nonsense", "mysql://x/y", "http://127.0.0.1/x"]),
        (_, "--schema") => these(&["a b", "a\"b", "Großartig"]),
        (_, "--bind") => these(&["8080", "localhost", "127.0.0.1:70000"]),
        (_, "--base-path") => these(&["/a b", "/..", "/{id}"]),
        (_, "--dashboard" | "--egress-allow-http" | "--require-verification") => these(&["", "yes"]),
        (_, "--admin-token") => also(long(257), &["too-short", "has a space in its middle"]),
        (_, "--master-key") => these(&["nonsense", "7f7f7f7f"]),
        (_, "--old-master-keys") => these(&["nonsense", "7f7f7f7f,"]),
        (_, "--egress-allow") => these(&["nonsense", "10.0.0.0/33", "127.0.0.1:http"]),
        (_, "--max-in-flight-per-node" | "--max-endpoints-per-tenant" | "--max-payload-bytes") => {
            these(&["", "0", "-1", "many", "99999999999"])
        }
        (_, "--max-connections" | "--max-connections-per-address") => these(&["", "0", "-1", "many", "1000001"]),
        (_, "--max-request-memory") => these(&["", "0", "-1", "256MiB", "99999999999999"]),
        (_, "--trusted-proxies") => these(&["nonsense", "10.0.0.0/33", "10.0.0.0/8:80", "10.0.0.1,,10.0.0.2"]),
        (_, "--header-prefix") => these(&["", "a b", "x:"]),
        (_, "--lease") => these(&["", "1s", "12", "soon"]),
        (_, "--connection-max-age") => these(&["", "0s", "999ms", "2d", "60", "soon"]),
        (_, "--shutdown-grace") => these(&["", "2d", "30", "soon"]),
        (_, "--operations-tenant") => also(long(129), &["", "a b", "a/b"]),
        (_, "--failing-after" | "--stale-after" | "--disable-after") => these(&["", "0s", "7", "367d", "never"]),
        (_, "--otlp-endpoint") => these(&["nonsense", "ftp://x", "http://user@x", "http://x?y"]),
        (_, "--traceparent") => these(&["", "junk", "00-00000000000000000000000000000000-b7ad6b7169203331-01"]),
        ("emit", "--tracestate") => also(format!("a={}", long(511)), &["", "a"]),
        (_, "--idempotency-window" | "--expires-after") => these(&["", "0s", "7", "367d"]),
        (
            _,
            "--retention-events"
            | "--retention-payloads"
            | "--retention-attempts"
            | "--retention-dead-letters"
            | "--retention-figures",
        ) => these(&["", "0s", "90", "99999d"]),
        (_, "--log") => these(&["ringback=loud", "=", "a=b=c"]),
        (_, "--log-format") => these(&["", "xml"]),
        // What it means is for the receiver's side to say: any text may be an id.
        ("verify", "--id") => these(&[]),
        // Files that are not there or hold something else are tried in a test of their own.
        (_, "FILE" | "FILE|-" | "--payload" | "--body" | "--headers") => these(&[]),
        _ => None,
    }
}

/// What makes a command right: its arguments by place, and the flags that it cannot do without.
fn right<'a>(command: &str, endpoint: &'a str) -> (Vec<&'a str>, Vec<(&'static str, &'static str)>) {
    let signature = ("--header", "x-levrage-signature: 00");
    match command {
        "backup" => (vec!["copy.db"], vec![]),
        "emit" => (vec!["t", "body.json"], vec![]),
        "find" => (vec!["k"], vec![]),
        "explain" | "payload" => (vec!["evt_00000000000000000000000000000001"], vec![]),
        "discard" => (vec!["dlv_00000000000000000000000000000001"], vec![]),
        "replay" => (vec![], vec![("--status", "dead")]),
        "expunge" => (vec![], vec![("--tenant", "nobody")]),
        "endpoints create" => (vec!["https://example.com/h"], vec![("--event-types", "*")]),
        "endpoints update" => (vec![endpoint], vec![("--name", "another")]),
        "endpoints rotate-secret" => (vec![endpoint], vec![]),
        "verify" => (vec![], vec![("--scheme", "levrage"), ("--secret", "s"), ("--body", "body.json"), signature]),
        "listen" => (vec![], vec![("--port", "0"), ("--requests", "1")]),
        "share" => (vec!["k"], vec![]),
        "portal" => (vec!["nobody"], vec![]),
        "token create" => (vec![], vec![("--scope", "read")]),
        "token revoke" => (vec!["tok_00000000000000000000000000000001"], vec![]),
        "completions" => (vec!["bash"], vec![]),
        "endpoints get" | "endpoints delete" | "endpoints test" | "endpoints pause" | "endpoints resume" => {
            (vec![endpoint], vec![])
        }
        _ => (vec![], vec![]),
    }
}

/// A command line with this one thing wrong.
#[must_use]
pub fn line(command: &str, endpoint: &str, flag: &str, value: &str, place: Option<usize>) -> Vec<String> {
    let (mut arguments, mut flags) = right(command, endpoint);
    flags.retain(|(name, _)| *name != flag);
    if flag == "--token" {
        flags.push(("--url", "http://127.0.0.1:1"));
    }
    if flag == "--tracestate" {
        flags.push(("--traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"));
    }
    let given = format!("{flag}={value}");
    match place {
        Some(place) if place < arguments.len() => arguments[place] = value,
        Some(_) => arguments.push(value),
        None => {}
    }
    let flags = flags.into_iter().map(|(name, value)| format!("{name}={value}"));
    // A filter stands beside no id.
    let is_filter = |flag: &str| {
        (command == "replay" && flag.starts_with("--status")) || (command == "expunge" && flag.starts_with("--tenant"))
    };
    let flags = flags.filter(|flag| place.is_none() || !is_filter(flag));
    let words = command.split_whitespace().map(str::to_owned).chain(flags).chain(place.is_none().then_some(given));
    words.chain(["--".to_owned()]).chain(arguments.into_iter().map(str::to_owned)).collect()
}
