//! The settings of an endpoint as flags, from the engine's table.

use clap::{Arg, ArgMatches, Command, builder::PossibleValuesParser, error::ErrorKind};
use ringback::{
    endpoint::{Body, BodyForm, Filter, Lasting, SETTINGS, Setting, Shape, Statuses},
    time::print_duration,
};
use serde_json::{Map, Value, json};

use super::super::value;

/// Those that are given, by their names in the API's documents.
#[derive(Debug, Default)]
pub(super) struct Settings(pub(super) Map<String, Value>);

impl clap::Args for Settings {
    fn augment_args(command: Command) -> Command {
        command.args(SETTINGS.iter().map(flag))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl clap::FromArgMatches for Settings {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let mut settings = Self::default();
        settings.update_from_arg_matches(matches)?;
        Ok(settings)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        for setting in SETTINGS {
            if let Some(value) = given(setting, matches).map_err(|error| clap::Error::raw(ErrorKind::Io, error))? {
                self.0.insert(setting.name.to_owned(), value);
            }
        }
        Ok(())
    }
}

fn flag(setting: &Setting) -> Arg {
    let flag = Arg::new(setting.name).long(setting.flag);
    match setting.shape {
        Shape::Flag => flag
            .value_name("true|false")
            .num_args(0..=1)
            .default_missing_value("true")
            .help(setting.about)
            .value_parser(clap::value_parser!(bool)),
        Shape::Milliseconds { least, most } => flag
            .value_name("DURATION")
            .help(format!("{}: {} to {}", setting.about, print_duration(least.into()), print_duration(most.into())))
            .value_parser(value::milliseconds),
        Shape::Whole { least, most } => flag
            .value_name("N")
            .help(format!("{}: {least} to {most}", setting.about))
            .value_parser(clap::value_parser!(u32).range(i64::from(least)..)),
        Shape::Url => flag.value_name("URL").help(setting.about),
        Shape::Rate { .. } => flag.value_name("PER_SECOND").help(setting.about).value_parser(value::rate),
        Shape::Word { words, .. } => flag.help(setting.about).value_parser(PossibleValuesParser::new(words)),
        Shape::Statuses { .. } => {
            flag.value_name("STATUS,…").help(setting.about).value_parser(clap::value_parser!(Statuses))
        }
        Shape::Span { least, most } => flag
            .value_name("DURATION")
            .help(format!("{}: {} to {}", setting.about, print_duration(least), print_duration(most)))
            .value_parser(clap::value_parser!(Lasting)),
        Shape::Condition => flag.value_name("CEL").help(setting.about).value_parser(clap::value_parser!(Filter)),
        Shape::Body => flag
            .value_name("NAME|JSON")
            .help(format!("{}, as the API's JSON: {{\"template\":…,\"content_type\":…}}", setting.about))
            .value_parser(body),
        _ => flag.help(setting.about),
    }
}

fn given(setting: &Setting, matches: &ArgMatches) -> Result<Option<Value>, clap::parser::MatchesError> {
    let name = setting.name;
    Ok(match setting.shape {
        Shape::Flag => matches.try_get_one::<bool>(name)?.map(|flag| json!(flag)),
        Shape::Milliseconds { .. } => matches.try_get_one::<u64>(name)?.map(|milliseconds| json!(milliseconds)),
        Shape::Whole { .. } => matches.try_get_one::<u32>(name)?.map(|number| json!(number)),
        Shape::Rate { .. } => matches.try_get_one::<f64>(name)?.map(|rate| json!(rate)),
        Shape::Statuses { .. } => matches.try_get_one::<Statuses>(name)?.map(|statuses| json!(statuses)),
        Shape::Span { .. } => matches.try_get_one::<Lasting>(name)?.map(|span| json!(span)),
        Shape::Condition => matches.try_get_one::<Filter>(name)?.map(|filter| json!(filter)),
        Shape::Body => matches.try_get_one::<Body>(name)?.map(|body| json!(body)),
        _ => matches.try_get_one::<String>(name)?.map(|text| json!(text)),
    })
}

/// Reads `envelope`, or `{"template":…}`.
fn body(text: &str) -> Result<Body, String> {
    if text.trim_start().starts_with('{') {
        let own = serde_json::from_str(text).map(Body::Template);
        return own.map_err(|error| format!("not a body of one's own: {error}"));
    }
    let form = text.parse::<BodyForm>();
    form.map(Body::Form).map_err(|known| format!("{known}; or a JSON object with a template"))
}
