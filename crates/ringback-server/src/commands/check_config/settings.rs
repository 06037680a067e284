//! Checks whether values that are right by themselves fit together.

use super::finding::Finding;
use crate::{
    configuration::{AuthorityFile, Configuration},
    secrets, serve,
};

/// All findings that need no database.
pub(super) fn check(configuration: &Configuration) -> Vec<Finding> {
    let mut findings = vec![bind(configuration)];
    findings.extend(egress(configuration));
    findings.extend(retention(configuration));
    findings.extend(open_files(configuration));
    findings
}

fn bind(configuration: &Configuration) -> Finding {
    let bind = configuration.bind;
    match (&configuration.admin_token, secrets::database_for_made_token(configuration)) {
        (None, Err(why)) => Finding::wrong("admin_token", why),
        (None, Ok(_)) => {
            Finding::fine("bind", format!("{bind}, this machine alone; a token is made beside the database"))
        }
        (Some(_), _) if bind.ip().is_loopback() => Finding::fine("bind", format!("{bind}, this machine alone")),
        (Some(_), _) => {
            let why = format!("{bind}, which others can reach: put TLS before it, because tokens travel in the clear");
            Finding::warning(Some("bind"), why)
        }
    }
}

fn egress(configuration: &Configuration) -> Vec<Finding> {
    let mut findings = Vec::new();
    for entry in &configuration.egress_allow {
        let told = entry.to_string();
        // A prefix of no bits: 0.0.0.0/0, [::/0]:443.
        let prefix = told.split_once('/').map(|(_, rest)| rest);
        findings.push(if prefix.is_some_and(|rest| rest.starts_with('0')) {
            let why = format!("{told} allows every private address, the cloud's metadata service among them");
            Finding::warning(Some("egress.allow"), why).remedy("name the networks of your receivers alone")
        } else {
            Finding::fine("egress.allow", format!("{told} may be dialled though it may be private"))
        });
    }
    if configuration.egress_allow_http {
        let why = "plain http:// destinations are accepted: payloads and credentials to them travel in the clear";
        let remedy = "leave it false unless every such receiver is in a network of yours";
        findings.push(Finding::warning(Some("egress.allow_http"), why).remedy(remedy));
    }
    if let Some(AuthorityFile { path, certificates }) = &configuration.egress_ca {
        let told =
            format!("{}: {} certificate authorities beside those of this machine", path.display(), certificates.len());
        findings.push(Finding::fine("egress.ca", told));
    }
    findings
}

fn retention(configuration: &Configuration) -> Vec<Finding> {
    let events = configuration.retention_events.0;
    let within = [
        ("retention.payloads", configuration.retention_payloads.0, "payloads go with their events"),
        ("retention.attempts", configuration.retention_attempts.0, "attempts go with their events"),
        ("idempotency_window", configuration.idempotency_window.0, "what is forgotten cannot be recognised"),
    ];
    let beyond = within.into_iter().filter(|(_, span, _)| *span > events);
    let finding = |(key, _, why): (&str, _, &str)| {
        let why = format!("longer than retention.events: {why}");
        Finding::warning(Some(key), why).remedy("raise retention.events, or lower this")
    };
    beyond.map(finding).collect()
}

/// The findings if the limit of open files is too low for the configured numbers.
fn open_files(configuration: &Configuration) -> Vec<Finding> {
    let (in_flight, api) = (configuration.max_in_flight_per_node.0, configuration.max_connections.0);
    let shares = serve::open_files::shares(in_flight, api);
    let lowered = [("max_in_flight_per_node", in_flight, shares.in_flight), ("max_connections", api, shares.api)];
    let lowered = lowered.into_iter().filter(|(_, wanted, share)| share < wanted).map(|(key, wanted, share)| {
        let why = format!("lowered from {wanted} to {share} by the limit of open files (ulimit -n)");
        Finding::warning(Some(key), why).remedy("raise the limit (LimitNOFILE with systemd), or lower the number")
    });
    lowered.collect()
}
