//! `ringback serve`: migrate, open, listen, send, until a signal.

use std::time::Duration;

use ringback::{Engine, Sending};
use ringback_admin::{Options, TrustedProxies, portal::Portal};
use tokio::{net::TcpListener, sync::watch, time::Instant};

use crate::{
    configuration::{Configuration, DatabaseUrl, Flags, REFERENCE},
    exposed::exposed_beside,
    failure::{Failure, Result},
    print,
    secrets::{self, AdminToken, Missing},
    serve::{
        listen::{self, Limits, Served},
        log, open_files,
        signals::Signals,
        spans::Exporting,
    },
    stores::{self, Schema},
};

/// Run the engine and its API
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  ringback serve
      SQLite in the working directory, the API on 127.0.0.1:8080, the token on standard error.
  ringback serve --database-url postgres://ringback@db/app
      One of any number of nodes on PostgreSQL, with RINGBACK_MASTER_KEY and RINGBACK_ADMIN_TOKEN set.
  ringback serve --egress-allow 127.0.0.0/8 --egress-allow-http
      Receivers on this very machine, for trying things out.
  ringback serve --print-config > ringback.toml
      A file with every key to begin from.

SIGTERM stops it: what is being sent is finished or given back within shutdown_grace.
A second one ends it at once.")]
pub(crate) struct Serve {
    /// Refuse to start on an old schema instead of bringing it up to date
    #[arg(long)]
    no_migrate: bool,

    /// Make a missing SQLite database although its key or lock is there
    #[arg(long, conflicts_with = "no_migrate")]
    create: bool,

    /// Print every key with its default as a ringback.toml, and end
    #[arg(long)]
    print_config: bool,

    #[command(flatten)]
    flags: Flags,
}

/// The most of the grace period that requests to the API may take; the rest is for open requests to receivers.
const API_GRACE_MAX: Duration = Duration::from_secs(5);

impl Serve {
    /// Serves until a signal.
    pub(crate) async fn run(self) -> Result<()> {
        if self.print_config {
            print::raw(REFERENCE.as_bytes());
            return Ok(());
        }
        let configuration = Configuration::load(&self.flags)?;
        secrets::check_given(&configuration)?;
        log::start(&configuration.log.0, configuration.log_format);
        let mut signals = Signals::listen()?;
        let schema = match (self.no_migrate, self.create) {
            (true, _) => Schema::Check,
            (false, true) => Schema::Create,
            (false, false) => Schema::Migrate,
        };
        let serving = start(&configuration, schema);
        let serving = tokio::select! {
            serving = serving => serving?,
            () = signals.next() => return Ok(()),
        };
        serving.until_told(configuration.shutdown_grace.0, signals).await
    }
}

/// A server that is up.
struct Serving {
    listener: TcpListener,
    served: Served,
    /// Dropped when the server begins to stop, which ends the streams of open pages.
    serving: watch::Sender<()>,
    sending: Sending,
    exporting: Exporting,
}

async fn start(configuration: &Configuration, schema: Schema) -> Result<Serving> {
    let shares = open_files::shares(configuration.max_in_flight_per_node.0, configuration.max_connections.0);
    let store = stores::open(configuration, schema).await?;
    let missing = Missing::of(&store).await?;
    let keys = secrets::master_keys(configuration, missing)?;
    let token = secrets::admin_token(configuration, missing)?;
    if let DatabaseUrl::Sqlite(database) = &configuration.database_url {
        exposed_beside(database).iter().for_each(|warning| print::note(format_args!("warning: {warning}")));
    }
    stores::limit_emits(configuration).await?;
    let mut settings = stores::settings(configuration, keys);
    settings.max_in_flight_per_node = whole(shares.in_flight);
    let exporting = Exporting::begin(configuration, &mut settings)?;
    let engine = Engine::open(store, settings).await.map_err(Failure::failed)?;
    let (serving, end) = watch::channel(());
    let options = options(configuration, &token)?.until(end);
    let listener = TcpListener::bind(configuration.bind)
        .await
        .map_err(|error| Failure::failed(format!("{} cannot be listened on: {error}", configuration.bind)))?;
    let address = listener.local_addr().map_err(Failure::failed)?;
    let router = ringback_admin::router(engine.clone(), options);
    let sending = engine.start().await.map_err(Failure::failed)?;
    if let AdminToken::Generated(token) = &token {
        print::note(format_args!("admin token: {}", token.expose()));
    }
    print::note(format_args!("listening on http://{address}"));
    if configuration.dashboard {
        let path = Some(configuration.base_path.0.as_str()).filter(|path| !path.is_empty()).unwrap_or("/");
        print::note(format_args!("dashboard at http://{address}{path}"));
    }
    let limits = Limits {
        connections: whole(shares.api),
        per_address: whole(configuration.max_connections_per_address.0),
        proxies: proxies(configuration),
    };
    let served = Served { router, base_path: configuration.base_path.0.clone(), limits };
    Ok(Serving { listener, served, serving, sending, exporting })
}

fn whole(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

fn proxies(configuration: &Configuration) -> TrustedProxies {
    configuration.trusted_proxies.iter().map(|network| network.0).collect()
}

fn portal(configuration: &Configuration) -> Portal {
    Portal {
        name: configuration.portal_name.clone(),
        logo: configuration.portal_logo.clone(),
        accent: configuration.portal_accent,
        frame_ancestors: configuration.portal_frame_ancestors.clone(),
    }
}

/// The router's options: who may call the API, and where it is.
fn options(configuration: &Configuration, token: &AdminToken) -> Result<Options> {
    let options = Options::with_token(token.secret().expose())
        .alone()
        .trusted_proxies(proxies(configuration))
        .portal(portal(configuration))
        .request_memory_max(whole(configuration.max_request_memory.0));
    let options = match &configuration.public_url {
        Some(url) => options.public_url(&url.0),
        None => options,
    };
    let options = options.base_path(&configuration.base_path.0).map_err(Failure::usage)?;
    Ok(match (configuration.dashboard, configuration.bind.ip().is_loopback()) {
        (false, _) => options,
        (true, false) => options.dashboard(),
        (true, true) => options.dashboard_on_loopback(),
    })
}

impl Serving {
    /// Serves until the first signal, then ends in an orderly way. A second signal ends the process at once, and so does a
    /// database whose files are gone, since no outcome could be recorded any more.
    ///
    /// # Errors
    /// When a file of the database was removed or replaced.
    async fn until_told(self, grace: Duration, mut signals: Signals) -> Result<()> {
        let (stop, stopped) = tokio::sync::oneshot::channel::<Instant>();
        let insisted = async move {
            signals.next().await;
            tracing::info!("stopping: what is being sent is finished or given back");
            let _ = stop.send(Instant::now() + grace);
            signals.next().await;
            tracing::warn!("stopped at once by a second signal");
        };
        let in_order = async move {
            let mut deadline = Instant::now() + grace;
            let end = async {
                deadline = stopped.await.unwrap_or_else(|_| Instant::now());
                drop(self.serving);
            };
            listen::serve(self.listener, self.served, end, grace.min(API_GRACE_MAX)).await;
            self.sending.shutdown(deadline.saturating_duration_since(Instant::now())).await;
            self.exporting.end().await;
            tracing::info!("stopped");
        };
        tokio::select! {
            () = insisted => Ok(()),
            () = in_order => Ok(()),
            gone = stores::until_gone() => Err(Failure::failed(gone)),
        }
    }
}
