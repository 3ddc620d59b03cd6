//! The state of the pickle machine (bytes, stack and values) and the primitives that opcodes use.

use std::collections::{BTreeMap, HashMap};

use super::{Storage, TensorRef};
use crate::format::Fault;

/// Index of a value in [`Machine::values`].
pub(super) type Id = usize;

/// Maximum number of dimensions of a tensor. With a higher limit, a small file could require a lot of memory.
const MAX_DIMENSIONS: usize = 8;

#[derive(Debug)]
pub(super) enum Value<'a> {
    /// Python's `None`.
    None,
    Bool,
    Int(usize),
    Text(&'a str),
    Tuple {
        items: Vec<Id>,
        is_hashable: bool,
    },
    /// A `dict`, or an `OrderedDict`, which can have attributes.
    Dict {
        entries: Vec<(Id, Id)>,
        is_ordered: bool,
    },
    List,
    Set,
    ByteArray,
    /// A Python class or function, by module and name.
    Global(&'a str, &'a str),
    Storage(Box<Storage<'a>>),
    Tensor(Box<TensorRef<'a>>),
    /// A tensor that has hooks or is a negated or conjugated view.
    View,
    /// An object that this class or function would create.
    Object(&'a str, &'a str),
    /// A value that cannot be a part of a tensor: a float, bytes, a frozen set, text with surrogates, or an integer that is
    /// negative or large.
    Other,
}

#[derive(Default)]
pub(super) struct Machine<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) at: usize,
    pub(super) values: Vec<Value<'a>>,
    pub(super) stack: Vec<Id>,
    /// The height of the stack at each open mark.
    pub(super) marks: Vec<usize>,
    pub(super) memo: HashMap<u64, Id>,
    /// All storages referenced so far, by key.
    pub(super) storages: BTreeMap<&'a str, Storage<'a>>,
}

impl<'a> Machine<'a> {
    // -- bytes --

    pub(super) fn malformed(&self, what: &str) -> Fault {
        Fault::malformed(format!("data.pkl {what}, at byte {}", self.at))
    }

    /// Returns the error for a value that is not `expected`.
    fn unexpected(&self, expected: &str) -> Fault {
        Fault::malformed(format!("data.pkl: expected {expected} at byte {}", self.at))
    }

    pub(super) fn take(&mut self, length: usize) -> Result<&'a [u8], Fault> {
        let Some(taken) = self.bytes[self.at..].get(..length) else {
            return Err(self.malformed("is truncated"));
        };
        self.at += length;
        Ok(taken)
    }

    /// Reads a little-endian number of `width` bytes, at most eight.
    pub(super) fn number(&mut self, width: usize) -> Result<u64, Fault> {
        let bytes = self.take(width)?;
        Ok(bytes.iter().rfold(0, |number, byte| number << 8 | u64::from(*byte)))
    }

    /// Reads bytes after their length, which has `width` bytes.
    pub(super) fn prefixed(&mut self, width: usize) -> Result<&'a [u8], Fault> {
        let length = self.number(width)?;
        self.take(usize::try_from(length).unwrap_or(usize::MAX))
    }

    /// Reads text up to the end of the line.
    pub(super) fn line(&mut self) -> Result<&'a str, Fault> {
        let rest = &self.bytes[self.at..];
        let Some(length) = rest.iter().position(|byte| *byte == b'\n') else {
            return Err(self.malformed("is truncated"));
        };
        let line = self.take(length + 1)?;
        std::str::from_utf8(&line[..length])
            .map_err(|_| self.malformed("has a name that is not valid UTF-8"))
    }

    // -- stack --

    pub(super) fn push(&mut self, value: Value<'a>) {
        self.stack.push(self.values.len());
        self.values.push(value);
    }

    /// Returns the last `count` values on the stack. Values below the last open mark cannot be reached.
    fn last(&self, count: usize) -> Result<&[Id], Fault> {
        let reachable = self.stack.get(self.marks.last().copied().unwrap_or(0)..);
        let last =
            reachable.and_then(|reachable| reachable.get(reachable.len().checked_sub(count)?..));
        last.ok_or_else(|| self.malformed("pops from an empty stack"))
    }

    pub(super) fn top(&self) -> Result<Id, Fault> {
        self.last(1).map(|last| last[0])
    }

    pub(super) fn pop(&mut self) -> Result<Id, Fault> {
        let top = self.top()?;
        self.stack.pop();
        Ok(top)
    }

    pub(super) fn pop_many(&mut self, count: usize) -> Result<Vec<Id>, Fault> {
        let values = self.last(count)?.to_vec();
        self.stack.truncate(self.stack.len() - count);
        Ok(values)
    }

    pub(super) fn pop_to_mark(&mut self) -> Result<Vec<Id>, Fault> {
        match self.marks.pop() {
            Some(height) if height <= self.stack.len() => Ok(self.stack.split_off(height)),
            _ => Err(self.malformed("pops a missing mark")),
        }
    }

    // -- values --

    pub(super) fn as_text(&self, id: Id) -> Result<&'a str, Fault> {
        match self.values[id] {
            Value::Text(text) => Ok(text),
            _ => Err(self.unexpected("a string")),
        }
    }

    pub(super) fn as_int(&self, id: Id) -> Result<usize, Fault> {
        match self.values[id] {
            Value::Int(number) => Ok(number),
            _ => Err(self.unexpected("a size (a non-negative integer)")),
        }
    }

    pub(super) fn as_tuple(&self, id: Id) -> Result<&[Id], Fault> {
        match &self.values[id] {
            Value::Tuple { items, .. } => Ok(items),
            _ => Err(self.unexpected("a tuple")),
        }
    }

    pub(super) fn as_sizes(&self, id: Id) -> Result<Vec<usize>, Fault> {
        let items = self.as_tuple(id)?;
        if items.len() > MAX_DIMENSIONS {
            return Err(self.unexpected("at most eight dimensions"));
        }
        items.iter().map(|item| self.as_int(*item)).collect()
    }
}
