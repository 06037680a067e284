//! A filter that was read: what is asked of an event, as a tree.

use regex_lite::Regex;

use super::functions::Function;

/// A filter that was read.
#[derive(Debug)]
pub(super) struct Program {
    pub(super) root: Node,
    /// How many variables it has at a time at most.
    pub(super) slots: usize,
}

/// One thing that has a value.
#[derive(Debug)]
pub(super) enum Node {
    Null,
    Bool(bool),
    Int(i64),
    Uint(u64),
    Double(f64),
    Text(String),
    /// The event's type, key, tenant, payload.
    Type,
    Key,
    Tenant,
    Payload,
    /// A variable of a macro.
    Local(usize),
    List(Vec<Node>),
    /// Names with values.
    Map(Vec<(Node, Node)>),
    Select(Box<Node>, String),
    Has(Box<Node>, String),
    Call(Function, Vec<Node>),
    /// A text, and a pattern that some part of it must fit.
    Matches(Box<Node>, Regex),
    Not(Box<Node>),
    And(Box<Node>, Box<Node>),
    Or(Box<Node>, Box<Node>),
    If(Box<[Node; 3]>),
    /// False only if the value is false: an error is none.
    NotStrictlyFalse(Box<Node>),
    /// Adds an element to the list in a variable, which is empty afterwards.
    Append(usize, Box<Node>),
    Loop(Box<Loop>),
}

/// What `all`, `exists`, `map` and the like come to.
#[derive(Debug)]
pub(super) struct Loop {
    pub(super) range: Node,
    /// Where each element goes, or each index or name, if there are two variables.
    pub(super) item: usize,
    /// Where the element goes then.
    pub(super) second: Option<usize>,
    pub(super) so_far: usize,
    pub(super) first: Node,
    pub(super) goes_on: Node,
    pub(super) step: Node,
    pub(super) result: Node,
}
