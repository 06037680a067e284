//! Shares the limit of open files between connections to receivers and connections to the API.

/// Files that are no such connections: the database, its log, standard streams, epoll.
const RESERVE: u64 = 64;

/// The numbers that the limit allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Shares {
    /// Open requests to receivers.
    pub(crate) in_flight: u64,
    /// Open connections to the API.
    pub(crate) api: u64,
}

/// Raises the soft limit as far as this process may, and shares it.
pub(crate) fn shares(in_flight_wanted: u64, api_wanted: u64) -> Shares {
    // If the limit is unknown, there is none: the wanted numbers are tried.
    let limit = rlimit::increase_nofile_limit(u64::MAX).unwrap_or(u64::MAX);
    let shares = share(limit, in_flight_wanted, api_wanted);
    if shares.in_flight < in_flight_wanted {
        tracing::warn!(
            limit,
            wanted = in_flight_wanted,
            lowered_to = shares.in_flight,
            "max_in_flight_per_node is lowered from {in_flight_wanted} to {}, because only {limit} files may be open \
             (ulimit -n)",
            shares.in_flight
        );
    }
    if shares.api < api_wanted {
        tracing::warn!(
            limit,
            wanted = api_wanted,
            lowered_to = shares.api,
            "max_connections is lowered from {api_wanted} to {}, because only {limit} files may be open (ulimit -n)",
            shares.api
        );
    }
    shares
}

/// The API gets at most a quarter. A request to a receiver counts twice: for each open one, there may also be a connection
/// that waits idle for its lane's next request.
fn share(limit: u64, wanted: u64, api_wanted: u64) -> Shares {
    let usable = limit.saturating_sub(RESERVE);
    let api = api_wanted.min(usable / 4).max(1);
    Shares { in_flight: wanted.min((usable - api.min(usable)) / 2).max(1), api }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_limit_lowers_both_and_never_to_nothing() {
        assert_eq!(share(1_048_576, 4_096, 1_024), Shares { in_flight: 4_096, api: 1_024 });
        assert_eq!(share(1_024, 4_096, 1_024), Shares { in_flight: 360, api: 240 });
        assert_eq!(share(10, 4_096, 1_024), Shares { in_flight: 1, api: 1 });
    }
}
