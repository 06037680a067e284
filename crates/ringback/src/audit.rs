//! Who changed what: the record that a store writes in the same transaction as the change itself.
//!
//! The code that asks for a change passes its [`Entry`] to the store, which writes the entry if and only if something
//! changes. The object's forms before and after the change never contain a credential.

use std::fmt;

use serde_json::Value;

use crate::id::{LinkId, TokenId};

/// Most characters that are kept of a name that a host gives: a longer text is no name, and the log is kept for long.
const NAME_CHARS_MAX: usize = 200;

/// Who asks for a change.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Who {
    /// A caller with the configured admin token.
    AdminToken,
    /// A caller with this token.
    Token(TokenId),
    /// A person who came by this link to a portal.
    Link(LinkId),
    /// A caller that the host application has let in, with the name by which the host knows them: shown as `host` or
    /// `host:NAME`. Of the name the log keeps the first 200 characters, and none that is a control character.
    Host(Option<String>),
    /// A command that was run on the store itself.
    CommandLine,
    /// The engine, because of what a receiver answered.
    Engine,
}

impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AdminToken => f.write_str("admin_token"),
            Self::Token(id) => id.fmt(f),
            Self::Link(id) => id.fmt(f),
            Self::Host(None) => f.write_str("host"),
            Self::Host(Some(name)) => {
                let name = name.chars().filter(|char| !char.is_control()).take(NAME_CHARS_MAX);
                write!(f, "host:{}", name.collect::<String>())
            }
            Self::CommandLine => f.write_str("command_line"),
            Self::Engine => f.write_str("engine"),
        }
    }
}

/// Who asks for a change, and in which request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// Who asks.
    pub who: Who,
    /// The id of the request, if the change was asked for in one that has an id.
    pub request_id: Option<String>,
}

impl From<Who> for Actor {
    fn from(who: Who) -> Self {
        Self { who, request_id: None }
    }
}

impl Actor {
    /// The record of a change that this actor asks for.
    #[must_use]
    pub fn asks(&self, action: Action, object: impl fmt::Display, tenant: Option<&str>) -> Entry {
        Entry {
            by: self.clone(),
            action,
            object: object.to_string(),
            tenant: tenant.map(str::to_owned),
            before: None,
            after: None,
        }
    }
}

/// A change, before it is made.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Who asks for it.
    pub by: Actor,
    /// What is done.
    pub action: Action,
    /// The id of the object.
    pub object: String,
    /// The tenant that owns the object; `None` if it belongs to all tenants or to none.
    pub tenant: Option<String>,
    /// The object before the change, without credentials.
    pub before: Option<Value>,
    /// The object after the change, without credentials.
    pub after: Option<Value>,
}

impl Entry {
    /// Adds the object as it was before the change.
    #[must_use]
    pub fn before(self, before: Value) -> Self {
        Self { before: Some(before), ..self }
    }

    /// Adds the object as it will be after the change.
    #[must_use]
    pub fn after(self, after: Value) -> Self {
        Self { after: Some(after), ..self }
    }
}

macro_rules! actions {
    ($($(#[$doc:meta])* $name:ident $text:literal)+) => {
        /// What can be done to a thing.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Action {
            $($(#[$doc])* $name),+
        }

        impl Action {
            /// The thing's kind and the verb, as stores keep it.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $text),+
                }
            }
        }
    };
}

actions! {
    /// An endpoint was made.
    CreateEndpoint "endpoint.create"
    /// All of an endpoint's settings were given anew (PUT).
    ReplaceEndpoint "endpoint.replace"
    /// Some of an endpoint's settings were given anew (PATCH).
    UpdateEndpoint "endpoint.update"
    /// An endpoint was deleted.
    DeleteEndpoint "endpoint.delete"
    /// An endpoint was paused.
    PauseEndpoint "endpoint.pause"
    /// An endpoint was resumed.
    ResumeEndpoint "endpoint.resume"
    /// An endpoint got another signing secret.
    RotateSecret "endpoint.rotate_secret"
    /// A test event was sent to an endpoint.
    TestEndpoint "endpoint.test"
    /// A verification was sent to an endpoint, or its receiver has answered it.
    VerifyEndpoint "endpoint.verify"
    /// An endpoint was disabled because it answered 410.
    DisableEndpoint "endpoint.disable"
    /// An event's payload was removed for good.
    ExpungeEvent "event.expunge"
    /// An expunge of many events was begun.
    CreateExpunge "expunge.create"
    /// A delivery was put back into its lane.
    ReplayDelivery "delivery.replay"
    /// A dead letter was moved to cancelled.
    DiscardDeadLetter "dead_letter.discard"
    /// A replay of many was begun.
    CreateReplay "replay.create"
    /// A replay of many was stopped.
    CancelReplay "replay.cancel"
    /// What is sealed was sealed anew under the current master key.
    Rekey "master_key.rekey"
    /// The master key that sealed what is there was given up as lost.
    ForgetMasterKey "master_key.forget"
    /// A token was made.
    CreateToken "token.create"
    /// A token was revoked.
    RevokeToken "token.revoke"
    /// A link to the evidence of one call was made.
    CreateShare "share.create"
    /// A link to the evidence of one call was revoked.
    RevokeShare "share.revoke"
    /// A link to a tenant's portal was made.
    CreatePortalLink "portal_link.create"
    /// A link to a tenant's portal became a session.
    OpenPortalLink "portal_link.open"
    /// A link to a tenant's portal was revoked, and its session with it.
    RevokePortalLink "portal_link.revoke"
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_told_with_the_name_that_it_gives() {
        let told = |name: &str| Who::Host(Some(name.to_owned())).to_string();
        assert_eq!(Who::Host(None).to_string(), "host");
        assert_eq!(told("jane@acme.example"), "host:jane@acme.example");
        assert_eq!(told("a\0b\n"), "host:ab", "what a database refuses would keep the change from being made");
        assert_eq!(told(&"ä".repeat(1_000)), format!("host:{}", "ä".repeat(NAME_CHARS_MAX)));
    }
}
