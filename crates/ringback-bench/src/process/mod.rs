//! The processes of a benchmark: the same executable started again with a hidden command, so that what each of them
//! uses can be told apart. All of them end when their standard input does, that is with the one who started them.

pub(crate) mod child;
pub(crate) mod cluster;
pub(crate) mod connection;
pub(crate) mod keeper;
pub(crate) mod node;
pub(crate) mod pages;
pub(crate) mod producer;
pub(crate) mod receiver;
pub(crate) mod storer;

/// Lets this process have as many sockets as it may.
pub(crate) fn allow_many_files() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    // Where it is refused, connections fail with a message of their own.
    let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum });
}
