//! Reads a filter's text: the parser is the `cel` crate's; names, functions, patterns and bounds are checked here, so that
//! what is wrong is told when a filter is given, not event by event.

use std::panic::{AssertUnwindSafe, catch_unwind};

use cel::{
    common::ast::{ComprehensionExpr, EntryExpr, Expr, IdedExpr, LiteralValue},
    parser::PrattParser,
};
use regex_lite::RegexBuilder;

use super::{
    FILTER_BYTES_MAX, Malformed,
    functions::{Function, KNOWN},
    program::{Loop, Node, Program},
};

/// Deepest nesting of brackets, calls and macros that the parser follows.
const NESTING_MAX: u16 = 32;

/// Deepest tree: `a + b + c` and `a.b.c` are one level deeper for each sign; of `a || b || c` the parser makes a flat one. Each
/// level takes some kilobytes of a thread's stack in a build for tests.
const DEPTH_MAX: usize = 100;

/// Most question marks: the parser follows `a ? b : c ? d : e` without counting.
const CHOICES_MAX: usize = 64;

/// Most places of the tree, what macros are replaced by included.
const NODES_MAX: usize = 2_000;

/// Most memory of a pattern that was read, in bytes; some hundred characters, or a few repetitions of them.
const PATTERN_BYTES_MAX: usize = 8 * 1024;

/// Reads it.
pub(super) fn compile(text: &str) -> Result<Program, Malformed> {
    if text.len() > FILTER_BYTES_MAX {
        return Err(Malformed { why: format!("must be at most {FILTER_BYTES_MAX} bytes"), line: 1, column: 1 });
    }
    if text.matches('?').count() > CHOICES_MAX {
        let why = format!("holds more than {CHOICES_MAX} question marks");
        return Err(Malformed { why, line: 1, column: 1 });
    }
    let parser = PrattParser::new().max_recursion_depth(NESTING_MAX).max_expression_node_count(NODES_MAX);
    let parser = parser.error_recovery_limit(1).error_reporting_limit(1);
    // A defect of the parser must not end the task that reads all endpoints.
    let parsed = catch_unwind(AssertUnwindSafe(|| parser.parse(text)));
    let parsed =
        parsed.map_err(|_| Malformed { why: "cannot be read".to_owned(), line: 1, column: 1 })?.map_err(unread)?;
    let mut compiler = Compiler { text, scope: Vec::new(), slots: 0, depth: 0 };
    let root = compiler.node(&parsed)?;
    if is_no_condition(&root) {
        return Err(Malformed { why: "is no condition: it is never true or false".to_owned(), line: 1, column: 1 });
    }
    Ok(Program { root, slots: compiler.slots })
}

/// What the parser says, without its drawing.
fn unread(errors: cel::ParseErrors) -> Malformed {
    let Some(first) = errors.errors.into_iter().next() else {
        return Malformed { why: "is no expression".to_owned(), line: 1, column: 1 };
    };
    let number = |number: isize| u32::try_from(number).unwrap_or(1).max(1);
    Malformed { why: first.msg, line: number(first.pos.0), column: number(first.pos.1) }
}

fn is_no_condition(root: &Node) -> bool {
    match root {
        Node::Null
        | Node::Int(_)
        | Node::Uint(_)
        | Node::Double(_)
        | Node::Text(_)
        | Node::Type
        | Node::Key
        | Node::Tenant
        | Node::List(_)
        | Node::Map(_) => true,
        Node::Call(function, _) => function.is_no_condition(),
        _ => false,
    }
}

struct Compiler<'t> {
    text: &'t str,
    /// The variables of the macros around; each has the slot of its place.
    scope: Vec<String>,
    slots: usize,
    depth: usize,
}

impl Compiler<'_> {
    fn node(&mut self, expression: &IdedExpr) -> Result<Node, Malformed> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(self.wrong("", format!("is nested deeper than {DEPTH_MAX} levels")));
        }
        let node = self.of(&expression.expr);
        self.depth -= 1;
        node
    }

    fn of(&mut self, expression: &Expr) -> Result<Node, Malformed> {
        match expression {
            Expr::Literal(literal) => self.literal(literal),
            Expr::Ident(name) => self.named(name),
            Expr::Select(select) => {
                let (of, name) = (Box::new(self.node(&select.operand)?), select.field.clone());
                Ok(if select.test { Node::Has(of, name) } else { Node::Select(of, name) })
            }
            Expr::Call(call) => {
                let arguments: Vec<&IdedExpr> = call.target.as_deref().into_iter().chain(&call.args).collect();
                self.call(&call.func_name, &arguments)
            }
            Expr::List(list) => {
                let items = list.elements.iter().map(|item| self.node(item));
                items.collect::<Result<_, _>>().map(Node::List)
            }
            Expr::Map(map) => {
                let mut entries = Vec::with_capacity(map.entries.len());
                for entry in &map.entries {
                    if let EntryExpr::MapEntry(entry) = &entry.expr {
                        entries.push((self.node(&entry.key)?, self.node(&entry.value)?));
                    }
                }
                Ok(Node::Map(entries))
            }
            Expr::Comprehension(of) => self.comprehension(of),
            Expr::Struct(of) => Err(self.wrong(&of.type_name, format!("there is no type {}", of.type_name))),
            Expr::Unspecified => Err(self.wrong("", "is no expression".to_owned())),
        }
    }

    fn literal(&self, literal: &LiteralValue) -> Result<Node, Malformed> {
        Ok(match literal {
            LiteralValue::Null => Node::Null,
            LiteralValue::Boolean(flag) => Node::Bool(*flag.inner()),
            LiteralValue::Int(number) => Node::Int(*number.inner()),
            LiteralValue::UInt(number) => Node::Uint(*number.inner()),
            LiteralValue::Double(number) => Node::Double(*number.inner()),
            LiteralValue::String(text) => Node::Text(text.inner().to_owned()),
            LiteralValue::Bytes(_) => return Err(self.wrong("b", "JSON has no bytes".to_owned())),
        })
    }

    fn named(&self, name: &str) -> Result<Node, Malformed> {
        if let Some(slot) = self.scope.iter().rposition(|variable| variable == name) {
            return Ok(Node::Local(slot));
        }
        Ok(match name {
            "type" => Node::Type,
            "key" => Node::Key,
            "tenant" => Node::Tenant,
            "payload" => Node::Payload,
            _ => return Err(self.wrong(name, format!("{name} is not known; known are type, key, tenant and payload"))),
        })
    }

    fn call(&mut self, name: &str, arguments: &[&IdedExpr]) -> Result<Node, Malformed> {
        let two = |nodes: [Node; 2]| nodes.map(Box::new);
        Ok(match (name, arguments) {
            ("!_", [one]) => Node::Not(Box::new(self.node(one)?)),
            ("@not_strictly_false", [one]) => Node::NotStrictlyFalse(Box::new(self.node(one)?)),
            ("_&&_", [one, other]) => {
                let [one, other] = two([self.node(one)?, self.node(other)?]);
                Node::And(one, other)
            }
            ("_||_", [one, other]) => {
                let [one, other] = two([self.node(one)?, self.node(other)?]);
                Node::Or(one, other)
            }
            ("_?_:_", [condition, one, other]) => {
                Node::If(Box::new([self.node(condition)?, self.node(one)?, self.node(other)?]))
            }
            ("matches", [text, pattern]) => {
                let text = Box::new(self.node(text)?);
                Node::Matches(text, self.pattern(pattern)?)
            }
            ("_+_", [list, item]) => {
                if let (Expr::Ident(list), Expr::List(items)) = (&list.expr, &item.expr)
                    && list.starts_with('@')
                    && let [item] = &*items.elements
                    && let Some(slot) = self.scope.iter().rposition(|variable| variable == list)
                {
                    return Ok(Node::Append(slot, Box::new(self.node(item)?)));
                }
                Node::Call(Function::Add, vec![self.node(list)?, self.node(item)?])
            }
            _ => {
                let Some(function) = Function::named(name, arguments.len()) else {
                    let why = format!("{name} with {} arguments is not known; known are {KNOWN}", arguments.len());
                    return Err(self.wrong(name, why));
                };
                let arguments: Result<_, _> = arguments.iter().map(|argument| self.node(argument)).collect();
                Node::Call(function, arguments?)
            }
        })
    }

    /// A pattern must stand in the filter: one from the payload would have to be read for each event.
    fn pattern(&self, pattern: &IdedExpr) -> Result<regex_lite::Regex, Malformed> {
        let Expr::Literal(LiteralValue::String(text)) = &pattern.expr else {
            return Err(self.wrong("matches", "the pattern of matches must be a text in quotes".to_owned()));
        };
        let read = RegexBuilder::new(text.inner()).size_limit(PATTERN_BYTES_MAX).nest_limit(16).build();
        read.map_err(|error| self.wrong("matches", format!("the pattern of matches cannot be used: {error}")))
    }

    fn comprehension(&mut self, of: &ComprehensionExpr) -> Result<Node, Malformed> {
        let range = self.node(&of.iter_range)?;
        let first = self.node(&of.accu_init)?;
        let around = self.scope.len();
        let so_far = self.enter(&of.accu_var);
        let result = self.node(&of.result)?;
        let goes_on = self.node(&of.loop_cond)?;
        let item = self.enter(&of.iter_var);
        let second = of.iter_var2.as_deref().map(|name| self.enter(name));
        let step = self.node(&of.loop_step)?;
        self.scope.truncate(around);
        Ok(Node::Loop(Box::new(Loop { range, item, second, so_far, first, goes_on, step, result })))
    }

    fn enter(&mut self, name: &str) -> usize {
        self.scope.push(name.to_owned());
        self.slots = self.slots.max(self.scope.len());
        self.scope.len() - 1
    }

    /// What is wrong, at the first place where `name` stands as a word.
    fn wrong(&self, name: &str, why: String) -> Malformed {
        let is_part = |char: char| char.is_alphanumeric() || char == '_';
        let stands = |at: &usize| {
            let (before, after) = (&self.text[..*at], &self.text[at + name.len()..]);
            !before.ends_with(is_part) && !after.starts_with(is_part)
        };
        let at = self.text.match_indices(name).map(|(at, _)| at).find(stands).unwrap_or(0);
        let before = &self.text[..at];
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        let number = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        Malformed { why, line: number(line), column: number(column) }
    }
}
