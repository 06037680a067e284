//! Sends one signed request to one receiver and reports its outcome.
//!
//! ```text
//! vet        may requests go to this URL                                 `crate::egress`
//! connect    resolve the name, vet every answer, dial, handshake         `crate::egress`, connect, tls, stream, budget
//! ask        write the request, wait for the answer's head               connections, connection, request, spelling
//! read       the body, as far as it is worth reading                     answer
//! conclude   what happened, as an `Outcome`                              progress, classify
//! ```
//!
//! One deadline covers all of it. Whatever a receiver does is an [`Outcome`]; nothing here is an `Err`
//! to the caller.
//!
//! This uses hyper's HTTP/1 connections over a stream of Ringback's own, not a pooled client: each lane has its own pool,
//! each request its own byte budget, the address and the phases are known, and no library retries unnoticed. Redirects are
//! not followed and proxy variables are not read: no code here looks at either.

mod answer;
mod budget;
mod classify;
mod connect;
mod connection;
mod connections;
mod idle;
mod progress;
mod request;
mod spelling;
mod stream;
mod tls;

use std::{net::SocketAddr, pin::pin, sync::Arc, time::Duration};

use hyper::{Response, body::Incoming};
use tokio::{
    net::TcpStream,
    time::{Instant, timeout_at},
};
use url::Url;

use self::{
    connection::{Connection, Origin},
    progress::Progress,
    tls::Tls,
};
pub use self::{connections::Connections, spelling::Spelling};
use super::sign::Signed;
use crate::{
    attempt::{ErrorClass, Outcome, Phase},
    egress::{self, Egress, Resolve, Roots, SystemResolver, UnusableRoots},
    engine::OpenError,
    settings::Settings,
};

/// If a deadline is noticed later than this, the process stood still: it was stopped, or its machine was. The receiver may
/// have answered long ago, unread; many such time-outs at once would look like an outage of the receiver, and its lane would
/// be held.
const STOOD_STILL: Duration = Duration::from_millis(500);

/// How much longer than its deadline a request may take then to read its answer; some thousands read at once.
const CATCHES_UP: Duration = Duration::from_secs(2);

/// Sends requests to receivers. One per engine; shared by all lanes.
pub struct Sender {
    egress: Egress,
    resolver: Arc<dyn Resolve>,
    tls: Tls,
    connection_max_age: Duration,
}

impl Sender {
    /// A sender that dials what `egress` permits, trusts `roots`, and begins no request over a connection that is older
    /// than `connection_max_age`.
    ///
    /// # Errors
    /// When a given root certificate cannot be used.
    pub fn new(
        egress: Egress,
        resolver: Arc<dyn Resolve>,
        roots: Roots,
        connection_max_age: Duration,
    ) -> Result<Self, UnusableRoots> {
        Ok(Self { egress, resolver, tls: Tls::trusting(roots)?, connection_max_age })
    }

    /// The sender that an engine's settings ask for.
    pub(crate) fn as_set(settings: &Settings) -> Result<Self, OpenError> {
        let resolver = match &settings.resolver {
            Some(resolver) => Arc::clone(resolver),
            None => Arc::new(SystemResolver::new()?),
        };
        Ok(Self::new(settings.egress.clone(), resolver, settings.roots.clone(), settings.connection_max_age)?)
    }

    /// Sends one request over an idle connection of its lane's `pool` or a new one. Returns its outcome before `timeout`
    /// has passed, or soon after if this process stood still at that moment.
    pub async fn send(&self, pool: &Connections, request: &Signed, timeout: Duration) -> Outcome {
        let mut progress = Progress::begin();
        let deadline = Instant::now() + timeout;
        let end = {
            let mut exchange = pin!(self.exchange(pool, request, &mut progress));
            match timeout_at(deadline, &mut exchange).await {
                Err(_) if deadline.elapsed() > STOOD_STILL => timeout_at(Instant::now() + CATCHES_UP, exchange).await,
                end => end,
            }
        };
        progress.conclude(end.unwrap_or(Err(ErrorClass::Timeout)))
    }

    async fn exchange(&self, pool: &Connections, signed: &Signed, progress: &mut Progress) -> Result<(), ErrorClass> {
        self.egress.permits_url(&signed.url)?;
        let (connection, response) = self.ask(pool, signed, progress).await?;
        let whole = progress.read(response).await;
        if whole && connection.may_be_kept() {
            pool.keep(connection);
        }
        Ok(())
    }

    /// Writes the request and waits for the answer's head. An idle connection that the receiver closed
    /// before a byte was written is replaced; after the first byte nothing is ever sent twice.
    async fn ask(
        &self,
        pool: &Connections,
        signed: &Signed,
        progress: &mut Progress,
    ) -> Result<(Connection, Response<Incoming>), ErrorClass> {
        let mut message = request::message(signed).ok_or(ErrorClass::BlockedDestination)?;
        progress.expects_to_write(request::length(&message, &signed.body));
        loop {
            let mut connection = match pool.take(&signed.url, signed.identity.as_deref()) {
                Some(idle) => idle,
                // Boxed: most attempts open no connection, and the future of every attempt would be as large.
                None => Box::pin(self.open(pool, signed, progress)).await?,
            };
            progress.writes_to(&connection);
            match connection.send(message).await {
                Ok(response) => return Ok((connection, response)),
                Err(mut refusal) => match refusal.take_message() {
                    Some(unsent) if connection.died_idle() => message = unsent,
                    _ => return Err(connection.classify(refusal.error())),
                },
            }
        }
    }

    async fn open(
        &self,
        pool: &Connections,
        Signed { url, identity, .. }: &Signed,
        progress: &mut Progress,
    ) -> Result<Connection, ErrorClass> {
        let identity = identity.as_deref();
        let generation = pool.generation();
        let (stream, remote_addr) = self.reach(url, progress).await?;
        let secured = if url.scheme() == "https" {
            progress.enter(Phase::Tls);
            self.tls.secure(url, identity, stream, remote_addr).await?
        } else {
            Tls::plain(stream, remote_addr)
        };
        Connection::open(Origin::of(url, identity), secured, generation, self.connection_max_age).await
    }

    /// A stream to a vetted address of the URL's host, and that address. Every connection to a receiver is made here: a way
    /// through an egress proxy, which would be asked for the vetted address, belongs here as well.
    async fn reach(&self, url: &Url, progress: &mut Progress) -> Result<(TcpStream, SocketAddr), ErrorClass> {
        let addresses = self.vetted(url, progress).await?;
        progress.enter(Phase::Connect);
        progress.dials(addresses[0]);
        let stream = connect::dial(&addresses, &self.egress).await?;
        let remote_addr = stream.peer_addr().map_err(|_| ErrorClass::Connect)?;
        progress.dials(remote_addr);
        Ok((stream, remote_addr))
    }

    /// The addresses to dial, at least one.
    async fn vetted(&self, url: &Url, progress: &mut Progress) -> Result<Vec<SocketAddr>, ErrorClass> {
        // An address in the URL itself was vetted with the URL.
        if let Some(address) = egress::literal(url) {
            return Ok(vec![address]);
        }
        progress.enter(Phase::Dns);
        let found = egress::addresses(&*self.resolver, url).await?;
        progress.enter(Phase::Policy);
        Ok(self.egress.vet(url.domain().unwrap_or_default(), found)?)
    }
}
