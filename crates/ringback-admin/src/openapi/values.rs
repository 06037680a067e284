//! Schemas of the values in requests and answers: ids, names, times, and enumerated words.
//!
//! The engine does not depend on OpenAPI, so each of its types has a counterpart here, which serves only as a description.
//! The lists of words are the engine's own, so that none can be missing here.

use std::borrow::Cow;

use ringback::{
    attempt::{Conclusion, ErrorClass, Phase},
    delivery::{DeadReason as Reason, HoldReason as Hold, Status as State},
    endpoint::{
        ClientAuthentication as ClientAuthenticated, Digest as Hash, Encoding as Written, KeyFormat as Format, Method,
        PolicyOrigin as Origin, Preset as Bundle, Scheme,
    },
    link::PortalScope as Portal,
    operate::gaps::Fate as Fated,
    operate::routing::Skipped as Skip,
    store::rules::health::HealthState as Healthy,
    store::{EventState as Routed, ExpungeState as Erasing, NodeState as Noded, ReplayState as Replaying, Replayed},
    word::Word,
};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{KnownFormat, ObjectBuilder, OneOfBuilder, RefOr, Schema, SchemaFormat, Type},
};

fn text(description: &str, pattern: &str, example: &str) -> ObjectBuilder {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .description(Some(description))
        .pattern(Some(pattern))
        .examples([example])
}

fn one_of(description: &str, words: &[&str]) -> RefOr<Schema> {
    let words = words.iter().copied();
    ObjectBuilder::new().schema_type(Type::String).description(Some(description)).enum_values(Some(words)).into()
}

/// How long a link lasts: a text with a unit, or seconds.
fn life() -> Schema {
    let text = text("With `s`, `m`, `h` or `d`; at most 90 days.", "^[0-9]{1,9}(ms|s|m|h|d)$", "7d");
    let seconds = ObjectBuilder::new()
        .schema_type(Type::Integer)
        .description(Some("Seconds."))
        .minimum(Some(1))
        .maximum(Some(7_776_000));
    OneOfBuilder::new().item(text).item(seconds).into()
}

/// All of the engine's words of a kind, each with what it means.
fn words<T: Word>(description: &str) -> RefOr<Schema> {
    some_of(description, T::ALL)
}

/// Some of the engine's words of a kind.
fn some_of<T: Word>(description: &str, words: &[T]) -> RefOr<Schema> {
    let meanings: Vec<_> = words.iter().map(|word| format!("- `{word}`: {}", word.sentence())).collect();
    let names: Vec<_> = words.iter().map(|word| word.name()).collect();
    one_of(&format!("{description}\n\n{}", meanings.join("\n")), &names)
}

macro_rules! described {
    ($($name:ident = $schema:expr;)+) => {$(
        pub(crate) enum $name {}

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                $schema.into()
            }
        }

        impl ToSchema for $name {
            fn name() -> Cow<'static, str> {
                stringify!($name).into()
            }
        }
    )+};
}

described! {
    EventId = text("An event's id.", "^evt_[0-9a-f]{32}$", "evt_0199c0de5eed7a11b0a1c2d3e4f50000");
    DeliveryId = text(
        "A delivery's id; a dead letter's is its delivery's.",
        "^dlv_[0-9a-f]{32}$",
        "dlv_0199c0de5eed7a11b0a1c2d3e4f50001",
    );
    EndpointId = text("An endpoint's id.", "^ep_[0-9a-f]{32}$", "ep_0199c0de5eed7a11b0a1c2d3e4f56789");
    ReplayId = text("A replay's id.", "^rpl_[0-9a-f]{32}$", "rpl_0199c0de5eed7a11b0a1c2d3e4f56789");
    ExpungeId = text("An expunge's id.", "^exp_[0-9a-f]{32}$", "exp_0199c0de5eed7a11b0a1c2d3e4f56789");
    LinkId = text("A link's id.", "^lnk_[0-9a-f]{32}$", "lnk_0199c0de5eed7a11b0a1c2d3e4f56789");
    PortalScope = words::<Portal>("What a link to a portal allows.");
    Life = life();
    Tenant = text("One customer of the platform; `default` where none is named.", "^[A-Za-z0-9_.:-]{1,128}$", "acme");
    EventType = text("What happened; its case is kept.", "^[A-Za-z0-9_.-]{1,128}$", "call.ended");
    Key = text(
        "1 to 256 characters without control characters.",
        "^[^\\u0000-\\u001F\\u007F-\\u009F]{1,256}$",
        "call-42",
    );
    Selector = text("An exact type, `*` for all, or a prefix such as `call.*`.", "^(\\*|[A-Za-z0-9_.-]{1,128}(\\.\\*)?)$", "call.*");
    SigningSecret = ObjectBuilder::new()
        .schema_type(Type::String)
        .description(Some("A signing secret, 1 to 512 bytes; the scheme says what its text means."))
        .min_length(Some(1))
        .max_length(Some(512))
        .examples(["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"]);
    Url = ObjectBuilder::new()
        .schema_type(Type::String)
        .description(Some("Where requests go: absolute, up to 2,048 bytes. `https://` is added where no scheme stands."))
        .min_length(Some(1))
        .max_length(Some(2048))
        .examples(["https://hooks.example.com/ringback"]);
    Time = ObjectBuilder::new()
        .schema_type(Type::String)
        .format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)))
        .description(Some("RFC 3339; answers are in UTC."))
        .examples(["2026-01-31T12:00:00Z"]);
    Metadata = ObjectBuilder::new()
        .schema_type(Type::Object)
        .description(Some("At most 16 texts of at most 256 characters, under names of 1 to 64 of `A-Z a-z 0-9 _ . -`."))
        .max_properties(Some(16))
        .property_names(Some(Schema::Object(
            ObjectBuilder::new().schema_type(Type::String).pattern(Some("^[A-Za-z0-9_.-]{1,64}$")).build(),
        )))
        .additional_properties(Some(Schema::Object(
            ObjectBuilder::new()
                .schema_type(Type::String)
                .max_length(Some(256))
                .pattern(Some("^[^\\u0000-\\u001F\\u007F-\\u009F]*$"))
                .build(),
        )))
        .examples([serde_json::json!({"campaign": "spring"})]);
    Cursor = ObjectBuilder::new()
        .schema_type(Type::String)
        .description(Some("`next_cursor` of the page before, with the same parameters."));
    Limit = ObjectBuilder::new()
        .schema_type(Type::Integer)
        .description(Some("Most items of the page."))
        .minimum(Some(1))
        .maximum(Some(1000))
        .default(Some(50.into()));
    AttemptMethod = words::<Method>("The method of a request.");
    Status = words::<State>("Where a delivery stands.");
    DeadReason = words::<Reason>("Why a delivery was given up.");
    HoldReason = words::<Hold>("Why a delivery waits.");
    ClientAuthentication = words::<ClientAuthenticated>("Where the client's credentials stand in the request for a token.");
    PolicyOrigin = words::<Origin>("Where the retry policy comes from.");
    NodeState = words::<Noded>("How a node stands.");
    HealthState = words::<Healthy>("How an endpoint does.");
    Fate = words::<Fated>("What became of the events with a key.");
    EventState = words::<Routed>("What routing made of an event.");
    SkipReason = words::<Skip>("Why an endpoint got no delivery.");
    ReplayState = words::<Replaying>("Where a replay stands.");
    StoredReplayState = some_of("Where a replay stands that was no dry run.", &Replaying::ALL[1..]);
    ExpungeState = words::<Erasing>("Where an expunge stands.");
    Flag = one_of("Yes or no, as a query has it.", &["true", "false"]);
    RoutingVerdict = one_of("Whether an endpoint got a delivery.", &["delivery", "skipped"]);
    BytesAs = one_of("Which bytes of an event.", &["emitted", "sent"]);
    BodyEncoding = one_of("How a body that is not text is written.", &["base64"]);
    WarningCode = one_of("What was probably a mistake.", &ringback::invalid::Warning::CODES);
    ReplayedStatus = words::<Replayed>("Which deliveries a replay takes.");
    AttemptOutcome = words::<Conclusion>("How an attempt ended.");
    AttemptError = words::<ErrorClass>("What went wrong.");
    AttemptPhase = words::<Phase>("Where it went wrong.");
    Preset = words::<Bundle>("A scheme with the policy that its vendor documents.");
    SchemeName = one_of("A built-in signing scheme.", &Scheme::BUILT_IN.each_ref().map(Scheme::name));
    KeyFormat = words::<Format>("What the text of the secret means.");
    Digest = words::<Hash>("The hash under the HMAC.");
    Encoding = words::<Written>("How the signature is written.");
}
