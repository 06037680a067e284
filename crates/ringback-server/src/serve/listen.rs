//! The accept loop: every connection has a limited time for its request's head, and there is a limited number of
//! connections; what is open when the end comes is answered first.

use std::{sync::Arc, time::Duration};

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
};

/// How long a client may take for the head of a request, idle keep-alive included.
const HEAD: Duration = Duration::from_secs(10);

/// How long to wait after an accept that failed, which is for want of files as a rule.
const PAUSE: Duration = Duration::from_millis(50);

/// Answers connections until `end`, then lets open requests finish for at most `grace`.
pub(crate) async fn serve(
    listener: TcpListener,
    router: Router,
    connections_max: usize,
    end: impl Future<Output = ()>,
    grace: Duration,
) {
    let places = Arc::new(Semaphore::new(connections_max));
    let open = GracefulShutdown::new();
    let mut end = std::pin::pin!(end);
    loop {
        let accepted = tokio::select! {
            accepted = accept(&listener, &places) => accepted,
            () = &mut end => break,
        };
        match accepted {
            Ok((stream, place)) => answer(stream, place, router.clone(), &open),
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted: {error}");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
    drop(listener);
    if tokio::time::timeout(grace, open.shutdown()).await.is_err() {
        tracing::warn!("some requests to the API were still open when the time to stop was over");
    }
}

async fn accept(listener: &TcpListener, places: &Arc<Semaphore>) -> std::io::Result<(TcpStream, OwnedSemaphorePermit)> {
    let place = Arc::clone(places).acquire_owned().await.map_err(std::io::Error::other)?;
    let (stream, _) = listener.accept().await?;
    Ok((stream, place))
}

fn answer(stream: TcpStream, place: OwnedSemaphorePermit, router: Router, open: &GracefulShutdown) {
    // Answers are small and whole: waiting to fill a packet would only add to their time.
    let _ = stream.set_nodelay(true);
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    let connection = open.watch(connection);
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(%error, "a connection to the API ended early: {error}");
        }
        drop(place);
    });
}
