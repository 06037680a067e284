//! Adds the settings of an endpoint to the schemas of its requests and answers, from the engine's table.

use std::borrow::Cow;

use ringback::endpoint::{BodyForm, SETTINGS, Setting, Shape};
use serde_json::Value;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        ArrayBuilder, Object, ObjectBuilder, OneOfBuilder, Ref, RefOr, Schema, Type,
        schema::{AdditionalProperties, SchemaType},
    },
};

/// Where a schema is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Door {
    /// A body that a route reads: every setting may be left out.
    Request,
    /// What it answers: every setting is there.
    Answer,
}

/// Names a schema that has the settings in addition to the members of its own.
macro_rules! with_settings {
    ($($name:ident = $own:ident, $door:expr;)+) => {$(
        #[doc = concat!("[`", stringify!($own), "`] and the settings.")]
        pub(crate) enum $name {}

        impl utoipa::PartialSchema for $name {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
                $crate::openapi::settings::added(<$own as utoipa::PartialSchema>::schema(), $door)
            }
        }

        impl utoipa::ToSchema for $name {
            fn name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn schemas(schemas: &mut Vec<(String, utoipa::openapi::RefOr<utoipa::openapi::Schema>)>) {
                <$own as utoipa::ToSchema>::schemas(schemas);
                $crate::openapi::settings::named(schemas);
            }
        }
    )+};
}
pub(crate) use with_settings;

/// The settings as answers show them.
pub(crate) enum EndpointSettings {}

impl PartialSchema for EndpointSettings {
    fn schema() -> RefOr<Schema> {
        added(Object::new().into(), Door::Answer)
    }
}

impl ToSchema for EndpointSettings {
    fn name() -> Cow<'static, str> {
        "EndpointSettings".into()
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        named(schemas);
    }
}

/// Adds the settings to the schema of an object, and to its example.
pub(crate) fn added(own: RefOr<Schema>, door: Door) -> RefOr<Schema> {
    let RefOr::T(Schema::Object(mut object)) = own else { return own };
    for setting in SETTINGS {
        object.properties.insert(setting.name.to_owned(), property(setting, door));
        if door == Door::Answer {
            object.required.push(setting.name.to_owned());
        }
        if let Some(Value::Object(example)) = &mut object.example {
            example.insert(setting.name.to_owned(), serde_json::from_str(setting.example).unwrap_or_default());
        }
    }
    RefOr::T(Schema::Object(object))
}

/// The schemas that those of the settings refer to by name.
pub(crate) fn named(schemas: &mut Vec<(String, RefOr<Schema>)>) {
    for setting in SETTINGS {
        match setting.shape {
            Shape::Word { of, words } => schemas.push((of.to_owned(), word(sentence(setting), words))),
            Shape::Body => {
                let meanings: Vec<_> =
                    BodyForm::ALL.iter().map(|form| format!("- `{form}`: {}", form.sentence())).collect();
                let about = format!("A body that is known by name.\n\n{}", meanings.join("\n"));
                schemas.push(("BodyForm".to_owned(), word(about, BodyForm::NAMES)));
                schemas.push(("BodyTemplate".to_owned(), template()));
            }
            _ => {}
        }
    }
}

fn word(about: String, words: &'static [&'static str]) -> RefOr<Schema> {
    let schema = ObjectBuilder::new().schema_type(Type::String).description(Some(about));
    schema.enum_values(Some(words.iter().copied())).into()
}

/// A body of one's own.
fn template() -> RefOr<Schema> {
    let text = "Text with the placeholders `{body} {raw:/pointer} {json:/pointer} {type} {id} {key} {tenant} {occurred_at} \
                {attempt}`; a literal brace is doubled. `{json:/pointer}` is a value of the payload as it stands there, \
                `{raw:/pointer}` what stands between the quotes of a string.";
    let text = ObjectBuilder::new().schema_type(Type::String).description(Some(text)).max_length(Some(16_384));
    let kind = "A media type. In JSON the values of `{key}` and the like are escaped.";
    let kind = ObjectBuilder::new().schema_type(Type::String).description(Some(kind)).max_length(Some(128));
    let kind = kind.default(Some("application/json".into()));
    let object = ObjectBuilder::new().description(Some("A body of one's own."));
    object
        .property("template", text)
        .property("content_type", kind)
        .required("template")
        .additional_properties(Some(AdditionalProperties::<Schema>::FreeForm(false)))
        .into()
}

fn property(setting: &Setting, door: Door) -> RefOr<Schema> {
    let may_be_null = door == Door::Request || setting.may_be_none;
    let mut object = Object::new();
    object.description = Some(sentence(setting));
    let own = match setting.shape {
        Shape::Text { chars_max, one_line } => {
            if door == Door::Request {
                object.max_length = Some(chars_max);
                let pattern = if one_line { r"^[^\u0000-\u001F\u007F-\u009F]*$" } else { r"^[^\u0000]*$" };
                object.pattern = Some(pattern.to_owned());
            }
            Type::String
        }
        Shape::Url => {
            if door == Door::Request {
                object.min_length = Some(1);
                object.max_length = Some(2_048);
            }
            Type::String
        }
        Shape::Flag => Type::Boolean,
        Shape::Whole { least, most } | Shape::Milliseconds { least, most } => {
            object.minimum = Some(f64::from(least).into());
            object.maximum = Some(f64::from(most).into());
            Type::Integer
        }
        Shape::Rate { most } => {
            object.exclusive_minimum = Some(0.0.into());
            object.maximum = Some(most.into());
            Type::Number
        }
        Shape::Word { of, .. } => {
            let word = RefOr::Ref(Ref::from_schema_name(of));
            if !may_be_null {
                return word;
            }
            let nothing = ObjectBuilder::new().schema_type(Type::Null);
            return OneOfBuilder::new().item(nothing).item(word).into();
        }
        Shape::Statuses { least } => {
            let entry =
                ObjectBuilder::new().schema_type(Type::String).pattern(Some("^[2-5][0-9]{2}(-[2-5][0-9]{2})?$"));
            let list = ArrayBuilder::new().items(entry).min_items(Some(least)).max_items(Some(32));
            let list = list.description(Some(sentence(setting)));
            let schema_type =
                if may_be_null { SchemaType::from_iter([Type::Array, Type::Null]) } else { Type::Array.into() };
            return list.schema_type(schema_type).into();
        }
        Shape::Condition => {
            if door == Door::Request {
                object.max_length = Some(ringback::endpoint::filter::FILTER_BYTES_MAX);
            }
            Type::String
        }
        Shape::Body => {
            let named = |name| RefOr::<Schema>::Ref(Ref::from_schema_name(name));
            let either = OneOfBuilder::new().item(named("BodyForm")).item(named("BodyTemplate"));
            let nothing = ObjectBuilder::new().schema_type(Type::Null);
            let either = if may_be_null { either.item(nothing) } else { either };
            return either.description(Some(sentence(setting))).into();
        }
        Shape::Span { .. } => {
            if door == Door::Request {
                let text = ObjectBuilder::new().schema_type(Type::String).pattern(Some("^[0-9]+(ms|s|m|h|d)$"));
                let seconds = ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(0));
                let nothing = ObjectBuilder::new().schema_type(Type::Null);
                let either = OneOfBuilder::new().item(nothing).item(text).item(seconds);
                return either.description(Some(sentence(setting))).into();
            }
            Type::String
        }
        _ => return object.into(),
    };
    object.schema_type = if may_be_null { SchemaType::from_iter([own, Type::Null]) } else { own.into() };
    object.into()
}

fn sentence(setting: &Setting) -> String {
    format!("{}.", setting.about)
}
