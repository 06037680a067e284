//! The types of the keys: each refuses wrong values, so that the rest of the program need not check them.

mod authority;
mod database;
mod logging;
mod measure;
mod network;
mod portal;
mod secret;
mod tenant;
mod weights;

pub(crate) use self::{
    authority::AuthorityFile,
    database::{DatabaseUrl, Schema},
    logging::{LogFilter, LogFormat},
    measure::{Limit, Span, Whole},
    network::{BasePath, Collector, HeaderPrefix, ProxyNetwork},
    portal::PublicUrl,
    secret::{AdminToken, MasterKey, Secret},
    tenant::Tenant,
    weights::Weights,
};
