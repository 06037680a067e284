//! A wire between a node and its database that can be cut without either noticing.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    task::AbortHandle,
};

/// Carries connections to one address.
pub struct Wire {
    address: SocketAddr,
    /// Connections with a lower number carry nothing any more, and are not closed.
    dead_below: Arc<AtomicUsize>,
    made: Arc<AtomicUsize>,
    target: Arc<Mutex<String>>,
    is_cut: Arc<AtomicBool>,
    listening: AbortHandle,
}

impl Wire {
    /// To this host and port.
    pub async fn to(target: String) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("the loopback has a free port");
        let address = listener.local_addr().expect("it is bound");
        let (dead_below, made) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let target = Arc::new(Mutex::new(target));
        let (dead, number, led) = (Arc::clone(&dead_below), Arc::clone(&made), Arc::clone(&target));
        let is_cut = Arc::new(AtomicBool::new(false));
        let cut = Arc::clone(&is_cut);
        let listening = tokio::spawn(async move {
            let mut unheard = Vec::new();
            while let Ok((near, _)) = listener.accept().await {
                if cut.load(Ordering::SeqCst) {
                    unheard.push(near);
                    continue;
                }
                let target = led.lock().expect("nobody panics with it").clone();
                let Ok(far) = TcpStream::connect(target).await else { continue };
                let (own, dead) = (number.fetch_add(1, Ordering::SeqCst), Arc::clone(&dead));
                tokio::spawn(carry(near, far, move || dead.load(Ordering::SeqCst) > own));
            }
        });
        Self { address, dead_below, made, target, is_cut, listening: listening.abort_handle() }
    }

    /// Where it begins.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// New connections lead to this host and port; those that there are stay as they are.
    ///
    /// # Panics
    /// Never: nobody panics in the middle of it.
    pub fn lead_to(&self, target: String) {
        *self.target.lock().expect("nobody panics with it") = target;
    }

    /// As if a firewall had forgotten them: connections that there are carry nothing from now on, and nobody is told.
    /// New ones are carried.
    pub fn forget_connections(&self) {
        self.dead_below.store(self.made.load(Ordering::SeqCst), Ordering::SeqCst);
    }

    /// As if the network were gone, until it is mended: neither connections that there are nor new ones carry anything, and
    /// nobody is told.
    pub fn cut(&self) {
        self.is_cut.store(true, Ordering::SeqCst);
        self.forget_connections();
    }

    /// New connections are carried again.
    pub fn mend(&self) {
        self.is_cut.store(false, Ordering::SeqCst);
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

/// Carries what either side says until one of them ends, or for ever nothing once the connection is dead.
async fn carry(mut near: TcpStream, mut far: TcpStream, is_dead: impl Fn() -> bool) {
    let (mut asked, mut answered) = (vec![0; 64 * 1024], vec![0; 64 * 1024]);
    loop {
        let carried = tokio::select! {
            read = near.read(&mut asked) => match read {
                Ok(0) | Err(_) => return,
                Ok(_) if is_dead() => break,
                Ok(count) => far.write_all(&asked[..count]).await,
            },
            read = far.read(&mut answered) => match read {
                Ok(0) | Err(_) => return,
                Ok(_) if is_dead() => break,
                Ok(count) => near.write_all(&answered[..count]).await,
            },
        };
        if carried.is_err() {
            return;
        }
    }
    std::future::pending::<()>().await;
}
