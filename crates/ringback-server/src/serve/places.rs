//! Limits the connections to the API: each needs a place.
//!
//! Most places are general: for any connection, but only so many for one address. The last places are a reserve for
//! connections that find no general one, because the purpose of a connection is known only once its first request has a
//! head. `door` then answers monitoring (`/healthz`, `/readyz`, `/metrics`) and callers on this machine, one request each,
//! and tells all others that there are too many connections.
//!
//! The reserve is never full: a new connection takes the place of another one, if possible of one that has sent nothing yet.
//! So however many silent connections there are, one that asks at once is answered, and none waits in the kernel's queue
//! behind them. Which connection must leave is decided in this order: other machines before this machine, connections that
//! have sent no request before those being answered, the address with the most places, the oldest connection.
//!
//! Invariant: there are never more places taken than [`Limits::connections`].

use std::{collections::HashMap, net::IpAddr, sync::Arc};

use parking_lot::Mutex;
use ringback_admin::{Network, TrustedProxies};
use tokio::sync::oneshot;

/// Places of the reserve.
const RESERVE: usize = 32;

/// How many connections there may be.
#[derive(Debug, Clone)]
pub(crate) struct Limits {
    /// Of all connections, including the reserve.
    pub(crate) connections: usize,
    /// Of one address, without the reserve.
    pub(crate) per_address: usize,
    /// Addresses that stand for many callers: their connections are not limited by address.
    pub(crate) proxies: TrustedProxies,
}

/// The places, taken and free.
#[derive(Debug)]
pub(super) struct Places {
    limits: Limits,
    taken: Mutex<Taken>,
}

#[derive(Debug, Default)]
struct Taken {
    general: usize,
    by_network: HashMap<Network, usize>,
    reserve: Vec<Guest>,
    guests_so_far: u64,
}

/// A connection in the reserve.
#[derive(Debug)]
struct Guest {
    number: u64,
    network: Network,
    /// It is from a caller on this machine, and not from a proxy.
    is_near: bool,
    /// It has sent a request and is being answered.
    is_heard: bool,
    /// Dropped when the guest must leave.
    _seat: oneshot::Sender<()>,
}

/// A place, given back when dropped.
#[derive(Debug)]
pub(super) struct Place {
    places: Arc<Places>,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    /// A general place, counted for this network.
    General(Option<Network>),
    /// A place of the reserve.
    Reserve { number: u64, is_near: bool },
}

/// Resolves when a place of the reserve is given to another connection.
pub(super) type Notice = oneshot::Receiver<()>;

impl Places {
    pub(super) fn new(limits: Limits) -> Arc<Self> {
        Arc::new(Self { limits, taken: Mutex::default() })
    }

    /// A place for a new connection.
    pub(super) fn take(self: &Arc<Self>, peer: IpAddr) -> (Place, Option<Notice>) {
        let mut taken = self.taken.lock();
        let network = Network::of(peer);
        let is_proxy = self.limits.proxies.trusts(peer);
        let counted = (!is_proxy).then_some(network);
        if self.has_room(&taken, counted) {
            taken.general += 1;
            if let Some(network) = counted {
                *taken.by_network.entry(network).or_default() += 1;
            }
            return (Place { places: Arc::clone(self), kind: Kind::General(counted) }, None);
        }
        if taken.reserve.len() >= self.reserve() {
            taken.make_room();
        }
        let (seat, notice) = oneshot::channel();
        let number = taken.guests_so_far;
        let is_near = !is_proxy && peer.to_canonical().is_loopback();
        taken.guests_so_far += 1;
        taken.reserve.push(Guest { number, network, is_near, is_heard: false, _seat: seat });
        (Place { places: Arc::clone(self), kind: Kind::Reserve { number, is_near } }, Some(notice))
    }

    fn has_room(&self, taken: &Taken, counted: Option<Network>) -> bool {
        let of_network = counted.and_then(|network| taken.by_network.get(&network)).copied().unwrap_or_default();
        taken.general + self.reserve() < self.limits.connections && of_network < self.limits.per_address
    }

    /// The size of the reserve: at least one place, and at least one general place is left.
    fn reserve(&self) -> usize {
        RESERVE.min(self.limits.connections.saturating_sub(1)).max(1)
    }
}

impl Taken {
    /// Frees the place of the connection in the reserve that must leave first.
    fn make_room(&mut self) {
        let seats = |network| self.reserve.iter().filter(|guest| guest.network == network).count();
        let order = |guest: &Guest| (guest.is_heard, guest.is_near, usize::MAX - seats(guest.network), guest.number);
        let leaves = self.reserve.iter().enumerate().min_by_key(|(_, guest)| order(guest)).map(|(index, _)| index);
        if let Some(index) = leaves {
            self.reserve.swap_remove(index);
        }
    }
}

impl Place {
    /// `Some` if it is a place of the reserve, with whether its holder is on this machine.
    pub(super) const fn of_reserve(&self) -> Option<bool> {
        match self.kind {
            Kind::General(_) => None,
            Kind::Reserve { is_near, .. } => Some(is_near),
        }
    }

    /// The holder has sent a request and is being answered.
    pub(super) fn mark_heard(&self) {
        if let Kind::Reserve { number, .. } = self.kind
            && let Some(guest) = self.places.taken.lock().reserve.iter_mut().find(|guest| guest.number == number)
        {
            guest.is_heard = true;
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.taken.lock();
        match self.kind {
            Kind::General(counted) => {
                taken.general -= 1;
                if let Some(network) = counted
                    && let Some(count) = taken.by_network.get_mut(&network)
                {
                    *count -= 1;
                    if *count == 0 {
                        taken.by_network.remove(&network);
                    }
                }
            }
            Kind::Reserve { number, .. } => taken.reserve.retain(|guest| guest.number != number),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(connections: usize, per_address: usize) -> Arc<Places> {
        let proxies = ["10.0.0.0/8".parse().unwrap()].into_iter().collect();
        Places::new(Limits { connections, per_address, proxies })
    }

    fn take(places: &Arc<Places>, address: &str) -> (Place, Option<Notice>) {
        places.take(address.parse().unwrap())
    }

    fn must_leave(notice: &mut Option<Notice>) -> bool {
        notice.as_mut().unwrap().try_recv() == Err(oneshot::error::TryRecvError::Closed)
    }

    #[test]
    fn the_last_places_are_the_reserve() {
        let places = places(100, 1_000);
        let general: Vec<_> = (0..68).map(|_| take(&places, "192.0.2.1")).collect();
        assert!(general.iter().all(|(place, _)| place.of_reserve().is_none()));
        let (stranger, _notice) = take(&places, "192.0.2.1");
        let (near, _notice_too) = take(&places, "::ffff:127.0.0.1");
        assert_eq!((stranger.of_reserve(), near.of_reserve()), (Some(false), Some(true)));
        drop(general);
        assert_eq!(take(&places, "192.0.2.1").0.of_reserve(), None, "places come back");
    }

    #[test]
    fn one_address_has_only_so_many_unless_it_belongs_to_a_proxy() {
        let places = places(1_024, 3);
        let mine: Vec<_> = ["2001:db8:1:2::1", "2001:db8:1:2::2", "2001:db8:1:2::3"].map(|it| take(&places, it)).into();
        assert_eq!(take(&places, "2001:db8:1:2::4").0.of_reserve(), Some(false), "a network is one address");
        assert_eq!(take(&places, "2001:db8:1:3::1").0.of_reserve(), None);
        drop(mine);
        assert_eq!(take(&places, "2001:db8:1:2::4").0.of_reserve(), None);
        assert_eq!(places.taken.lock().by_network.len(), 0, "nobody is remembered who has gone");
        let proxied: Vec<_> = (0..10).map(|_| take(&places, "10.0.0.1")).collect();
        assert!(proxied.iter().all(|(place, _)| place.of_reserve().is_none()));
    }

    #[test]
    fn a_newcomer_takes_the_seat_of_who_is_missed_least() {
        let places = places(33, 1_000);
        let _general = take(&places, "192.0.2.1");
        let (heard, mut heard_notice) = take(&places, "192.0.2.2");
        heard.mark_heard();
        let (_near, mut near_notice) = take(&places, "127.0.0.1");
        let (_first, mut first_notice) = take(&places, "192.0.2.3");
        let mut many: Vec<_> = (0..29).map(|_| take(&places, "192.0.2.4")).collect();
        // All 32 seats are taken. The one with the most of them loses them first, the oldest first.
        let mut newcomers = Vec::new();
        for index in 0..28 {
            newcomers.push(take(&places, &format!("198.51.100.{index}")));
            assert!(must_leave(&mut many[index].1) && !must_leave(&mut many[index + 1].1));
        }
        // Each address has one now: the oldest stranger who says nothing goes.
        newcomers.push(take(&places, "198.51.100.100"));
        assert!(must_leave(&mut first_notice) && !must_leave(&mut near_notice));
        for index in 101..132 {
            let (place, notice) = take(&places, &format!("198.51.100.{index}"));
            place.mark_heard();
            newcomers.push((place, notice));
        }
        assert!(must_leave(&mut near_notice) && !must_leave(&mut heard_notice), "who is being answered stays longest");
        assert_eq!(places.taken.lock().reserve.len(), 32);
        drop((many, newcomers, heard));
        assert!(places.taken.lock().reserve.iter().all(|guest| guest.number > 0));
    }

    #[test]
    fn few_places_still_have_a_reserve() {
        for connections in [1, 2, 33] {
            let places = places(connections, 10);
            let all: Vec<_> = (0..4).map(|_| take(&places, "192.0.2.1")).collect();
            let general = all.iter().filter(|(place, _)| place.of_reserve().is_none()).count();
            assert_eq!(general, usize::from(connections > 1), "{connections}");
        }
    }
}
