//! What a scripted name server answers, and when.

use std::{net::IpAddr, time::Duration};

use hickory_resolver::proto::{
    op::{Message, ResponseCode},
    rr::{
        Name, RData, Record,
        rdata::{CNAME, SOA},
    },
};

use super::{Kind, Question};
use crate::gate::Gate;

/// For how long an answer may be used again unless a test says otherwise, in seconds.
const TTL_DEFAULT: u32 = 60;

/// The answer to one question.
#[derive(Debug, Clone)]
pub struct Answer {
    silent: bool,
    code: ResponseCode,
    aliases: Vec<String>,
    addresses: Vec<IpAddr>,
    ttl: u32,
    truncated: bool,
    after: Duration,
    gate: Option<Gate>,
}

impl Answer {
    /// Those of `addresses` that are of the family asked for. If none is, the name exists and has none.
    pub fn addresses<I>(addresses: I) -> Self
    where
        I: IntoIterator,
        I::Item: Into<IpAddr>,
    {
        let addresses = addresses.into_iter().map(Into::into).collect();
        Self { addresses, ..Self::code(ResponseCode::NoError) }
    }

    /// The name exists and has no address of this family.
    #[must_use]
    pub const fn nothing() -> Self {
        Self::code(ResponseCode::NoError)
    }

    /// The name is another name for `target`, which has to be asked for itself.
    #[must_use]
    pub fn alias(target: &str) -> Self {
        Self::nothing().via(&[target])
    }

    /// There is no such name (NXDOMAIN).
    #[must_use]
    pub const fn no_such_name() -> Self {
        Self::code(ResponseCode::NXDomain)
    }

    /// The name server could not find out (SERVFAIL).
    #[must_use]
    pub const fn server_failure() -> Self {
        Self::code(ResponseCode::ServFail)
    }

    /// The name server does not want to say (REFUSED).
    #[must_use]
    pub const fn refused() -> Self {
        Self::code(ResponseCode::Refused)
    }

    /// No answer ever comes.
    #[must_use]
    pub const fn silence() -> Self {
        let mut answer = Self::nothing();
        answer.silent = true;
        answer
    }

    /// The addresses stand behind a chain of aliases: the name is one for the first, which is one for the second.
    #[must_use]
    pub fn via(mut self, aliases: &[&str]) -> Self {
        self.aliases = aliases.iter().map(ToString::to_string).collect();
        self
    }

    /// It may be used again for so many seconds; 60 unless said.
    #[must_use]
    pub const fn ttl(mut self, seconds: u32) -> Self {
        self.ttl = seconds;
        self
    }

    /// Over UDP it says that it is too long and holds nothing; over TCP all of it is there.
    #[must_use]
    pub const fn truncated(mut self) -> Self {
        self.truncated = true;
        self
    }

    /// It comes so much later.
    #[must_use]
    pub const fn after(mut self, pause: Duration) -> Self {
        self.after = pause;
        self
    }

    /// It comes when the gate has been opened.
    #[must_use]
    pub fn behind(mut self, gate: &Gate) -> Self {
        self.gate = Some(gate.clone());
        self
    }

    const fn code(code: ResponseCode) -> Self {
        Self {
            silent: false,
            code,
            aliases: Vec::new(),
            addresses: Vec::new(),
            ttl: TTL_DEFAULT,
            truncated: false,
            after: Duration::ZERO,
            gate: None,
        }
    }

    /// Its bytes, when its time has come; `None` if it never does.
    pub(super) async fn ready(self, asked: &Message, question: &Question) -> Option<Vec<u8>> {
        if self.silent {
            return None;
        }
        tokio::time::sleep(self.after).await;
        if let Some(gate) = &self.gate {
            gate.passed().await;
        }
        Some(self.message(asked, question).to_vec().expect("an answer of a test can be written"))
    }

    fn message(&self, asked: &Message, question: &Question) -> Message {
        let mut message = Message::response(asked.metadata.id, asked.metadata.op_code);
        message.metadata.recursion_desired = asked.metadata.recursion_desired;
        message.metadata.recursion_available = true;
        message.metadata.response_code = self.code;
        // As it was asked, letter case included.
        message.queries.clone_from(&asked.queries);
        if self.truncated && !question.over_tcp {
            message.metadata.truncation = true;
            return message;
        }
        let mut owner = asked.queries[0].name().clone();
        for alias in &self.aliases {
            let target = name(alias);
            message.add_answer(Record::from_rdata(owner, self.ttl, RData::CNAME(CNAME(target.clone()))));
            owner = target;
        }
        let of_family = self.addresses.iter().filter(|address| match question.kind {
            Kind::A => address.is_ipv4(),
            Kind::Aaaa => address.is_ipv6(),
            Kind::Other(_) => false,
        });
        let mut holds_addresses = false;
        for address in of_family {
            message.add_answer(Record::from_rdata(owner.clone(), self.ttl, RData::from(*address)));
            holds_addresses = true;
        }
        let is_negative = !holds_addresses && self.aliases.is_empty();
        if is_negative && matches!(self.code, ResponseCode::NoError | ResponseCode::NXDomain) {
            // Says for how long the absence may be remembered (RFC 2308).
            message.add_authority(Record::from_rdata(name("example.com"), self.ttl, self.authority()));
        }
        message
    }

    fn authority(&self) -> RData {
        RData::SOA(SOA::new(name("ns.example.com"), name("hostmaster.example.com"), 1, 60, 60, 60, self.ttl))
    }
}

fn name(text: &str) -> Name {
    let mut name = Name::from_ascii(text).expect("a test gives names that DNS can hold");
    name.set_fqdn(true);
    name
}
