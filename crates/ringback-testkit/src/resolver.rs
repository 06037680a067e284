//! Names that mean what a test says, also when that changes between two look-ups.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use async_trait::async_trait;
use ringback::egress::{Resolve, ResolveError};

/// A resolver that knows the names of a test. Any other name does not exist.
#[derive(Debug, Default)]
pub struct Names {
    answers: Mutex<HashMap<String, Answers>>,
    lookups: AtomicUsize,
}

#[derive(Debug, Default)]
struct Answers {
    given: usize,
    in_turn: Vec<Answer>,
}

#[derive(Debug, Clone)]
enum Answer {
    Addresses(Vec<IpAddr>),
    Silence,
}

impl Names {
    /// A resolver that knows no name.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds what `name` resolves to. Given again, it is what later look-ups get; the last one stays.
    #[must_use]
    pub fn with<I>(self, name: &str, addresses: I) -> Self
    where
        I: IntoIterator,
        I::Item: Into<IpAddr>,
    {
        self.add(name, Answer::Addresses(addresses.into_iter().map(Into::into).collect()));
        self
    }

    /// Adds that looking up `name` never ends.
    #[must_use]
    pub fn with_silence(self, name: &str) -> Self {
        self.add(name, Answer::Silence);
        self
    }

    /// How many look-ups there were.
    #[must_use]
    pub fn lookups(&self) -> usize {
        self.lookups.load(Ordering::SeqCst)
    }

    fn add(&self, name: &str, answer: Answer) {
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        answers.entry(name.to_owned()).or_default().in_turn.push(answer);
    }

    fn answer(&self, name: &str) -> Option<Answer> {
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        let answers = answers.get_mut(name.trim_end_matches('.'))?;
        let index = answers.given.min(answers.in_turn.len() - 1);
        answers.given += 1;
        Some(answers.in_turn[index].clone())
    }
}

#[async_trait]
impl Resolve for Names {
    async fn resolve(&self, host: &str) -> Result<Vec<IpAddr>, ResolveError> {
        self.lookups.fetch_add(1, Ordering::SeqCst);
        match self.answer(host) {
            Some(Answer::Addresses(addresses)) => Ok(addresses),
            Some(Answer::Silence) => std::future::pending().await,
            None => Err(ResolveError::NoAddress),
        }
    }
}
