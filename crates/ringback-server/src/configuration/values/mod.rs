//! The types of the keys: each refuses wrong values, so that the rest of the program need not check them.

mod database;
mod logging;
mod measure;
mod network;
mod secret;
mod weights;

pub(crate) use self::{
    database::{DatabaseUrl, Schema},
    logging::{LogFilter, LogFormat},
    measure::{Span, Whole, parse_duration, print_duration},
    network::{BasePath, Collector, HeaderPrefix, ProxyNetwork},
    secret::{AdminToken, MasterKey, Secret},
    weights::Weights,
};
