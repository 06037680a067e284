//! Judges an event by a program, within a budget of steps. Nothing here waits, and nothing can take longer than its steps.

use std::rc::Rc;

use super::{
    Facts, Failed,
    functions::short,
    program::{Loop, Node, Program},
    value::Value,
};

/// So many bytes of text are looked at, copied or compared in one step.
const BYTES_OF_STEP: usize = 16;

/// Looking for a pattern takes a step for each byte, and more: a pattern of the largest size has some hundred places to be
/// in at the same time.
const STEPS_OF_PATTERN: usize = 16;

/// The steps that are left.
#[derive(Debug)]
pub(super) struct Budget(u64);

impl Budget {
    pub(super) fn spend(&mut self, steps: usize) -> Result<(), Failed> {
        match self.0.checked_sub(steps as u64) {
            Some(left) => {
                self.0 = left;
                Ok(())
            }
            None => {
                self.0 = 0;
                Err(Failed::TooLong)
            }
        }
    }

    pub(super) fn spend_bytes(&mut self, bytes: usize) -> Result<(), Failed> {
        self.spend(bytes / BYTES_OF_STEP)
    }
}

/// What the program says about an event, and how many of its steps that took.
pub(super) fn judge(program: &Program, facts: &Facts<'_>, steps: u64) -> (Result<bool, Failed>, u64) {
    let mut run = Run { facts, locals: vec![Ok(Value::Null); program.slots], budget: Budget(steps) };
    let said = run.value(&program.root).and_then(|value| match value {
        Value::Bool(said) => Ok(said),
        other => Err(Failed::NoValue(format!("it comes to a {}, not to true or false", other.kind()))),
    });
    (said, steps - run.budget.0)
}

struct Run<'e> {
    facts: &'e Facts<'e>,
    /// The variables of macros. One may hold an error, which counts only if nothing makes up for it.
    locals: Vec<Result<Value<'e>, Failed>>,
    budget: Budget,
}

impl<'e> Run<'e> {
    fn value(&mut self, node: &'e Node) -> Result<Value<'e>, Failed> {
        self.budget.spend(1)?;
        Ok(match node {
            Node::Null => Value::Null,
            Node::Bool(flag) => Value::Bool(*flag),
            Node::Int(number) => Value::Int(*number),
            Node::Uint(number) => Value::Uint(*number),
            Node::Double(number) => Value::Double(*number),
            Node::Text(text) => Value::Text(text.as_str().into()),
            Node::Type => Value::Text(self.facts.event_type.into()),
            Node::Key => Value::Text(self.facts.key.into()),
            Node::Tenant => Value::Text(self.facts.tenant.into()),
            Node::Payload => Value::from(self.facts.payload()?),
            Node::Local(slot) => return self.local(*slot),
            Node::List(items) => Value::List(Rc::new(self.values(items)?)),
            Node::Map(entries) => {
                let mut map = Vec::with_capacity(entries.len());
                for (name, value) in entries {
                    map.push((self.value(name)?, self.value(value)?));
                }
                Value::Map(Rc::new(map))
            }
            Node::Select(of, name) => {
                let of = self.value(of)?;
                let found = of.member(name, &mut self.budget)?;
                found.ok_or_else(|| Failed::NoValue(format!("there is no {}", short(name))))?
            }
            Node::Has(of, name) => {
                let of = self.value(of)?;
                Value::Bool(of.member(name, &mut self.budget)?.is_some())
            }
            Node::Call(function, arguments) => {
                let arguments = self.values(arguments)?;
                function.of(arguments, &mut self.budget)?
            }
            Node::Matches(text, pattern) => match self.value(text)? {
                Value::Text(text) => {
                    self.budget.spend(text.len().saturating_mul(STEPS_OF_PATTERN))?;
                    Value::Bool(pattern.is_match(&text))
                }
                other => return Err(Failed::NoValue(format!("matches is not for a {}", other.kind()))),
            },
            Node::Not(one) => Value::Bool(!self.condition(one)?),
            Node::And(one, two) => Value::Bool(!self.either(one, two, false)?),
            Node::Or(one, two) => Value::Bool(self.either(one, two, true)?),
            Node::If(parts) => {
                let [condition, one, two] = &**parts;
                return if self.condition(condition)? { self.value(one) } else { self.value(two) };
            }
            Node::NotStrictlyFalse(one) => match self.value(one) {
                Ok(Value::Bool(flag)) => Value::Bool(flag),
                Err(Failed::TooLong) => return Err(Failed::TooLong),
                _ => Value::Bool(true),
            },
            Node::Append(slot, item) => {
                let item = self.value(item)?;
                let list = self.locals.get_mut(*slot).map(|local| std::mem::replace(local, Ok(Value::Null)));
                match list {
                    Some(Ok(Value::List(mut list))) => {
                        // Only where a filter has kept the list elsewhere, too, is it copied.
                        if Rc::strong_count(&list) > 1 {
                            self.budget.spend(list.len())?;
                        }
                        Rc::make_mut(&mut list).push(item);
                        Value::List(list)
                    }
                    Some(Err(error)) => return Err(error),
                    _ => return Err(Failed::NoValue("+ is for lists here".to_owned())),
                }
            }
            Node::Loop(of) => return self.over(of),
        })
    }

    fn values(&mut self, nodes: &'e [Node]) -> Result<Vec<Value<'e>>, Failed> {
        let mut values = Vec::with_capacity(nodes.len());
        for node in nodes {
            values.push(self.value(node)?);
        }
        Ok(values)
    }

    fn local(&self, slot: usize) -> Result<Value<'e>, Failed> {
        self.locals.get(slot).cloned().unwrap_or(Ok(Value::Null))
    }

    fn set(&mut self, slot: usize, value: Result<Value<'e>, Failed>) {
        if let Some(local) = self.locals.get_mut(slot) {
            *local = value;
        }
    }

    fn condition(&mut self, node: &'e Node) -> Result<bool, Failed> {
        match self.value(node)? {
            Value::Bool(flag) => Ok(flag),
            other => Err(Failed::NoValue(format!("a {} stands where true or false is meant", other.kind()))),
        }
    }

    /// Whether one of two conditions is `decisive`; then the other may have no value.
    fn either(&mut self, one: &'e Node, two: &'e Node, decisive: bool) -> Result<bool, Failed> {
        let first = match self.condition(one) {
            Ok(flag) if flag == decisive => return Ok(true),
            Err(Failed::TooLong) => return Err(Failed::TooLong),
            first => first,
        };
        if self.condition(two)? == decisive {
            return Ok(true);
        }
        first.map(|_| false)
    }

    fn over(&mut self, of: &'e Loop) -> Result<Value<'e>, Failed> {
        let range = self.value(&of.range)?.listed(&mut self.budget)?;
        if range.count().is_none() {
            return Err(Failed::NoValue(format!("a {} has no elements to go through", range.kind())));
        }
        let first = self.value(&of.first);
        self.set(of.so_far, first);
        let is_map = matches!(range, Value::Map(_));
        let mut index = 0;
        while let Some((name, item)) = range.at(index) {
            self.budget.spend(1)?;
            match (self.condition(&of.goes_on), of.second) {
                (Ok(false), _) => break,
                (Err(error), _) => return Err(error),
                (Ok(true), Some(second)) => {
                    self.set(of.item, Ok(name));
                    self.set(second, Ok(item));
                }
                (Ok(true), None) => self.set(of.item, Ok(if is_map { name } else { item })),
            }
            match self.value(&of.step) {
                Err(Failed::TooLong) => return Err(Failed::TooLong),
                step => self.set(of.so_far, step),
            }
            index += 1;
        }
        self.value(&of.result)
    }
}
