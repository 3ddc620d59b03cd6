//! Operations on containers and objects. Only the entries of dictionaries and the items of tuples are stored, but an operation
//! that fails in Python is an error.

use super::machine::{Id, Machine, Value};
use crate::format::Fault;

impl Machine<'_> {
    pub(super) fn push_tuple(&mut self, items: Vec<Id>) {
        let is_hashable = items.iter().all(|item| self.is_hashable(*item));
        self.push(Value::Tuple { items, is_hashable });
    }

    pub(super) fn push_dict(&mut self, is_ordered: bool) {
        self.push(Value::Dict { entries: Vec::new(), is_ordered });
    }

    /// Returns whether a value can be a key of a dictionary. Objects can be, as far as is known.
    fn is_hashable(&self, id: Id) -> bool {
        match self.values[id] {
            Value::Tuple { is_hashable, .. } => is_hashable,
            Value::Dict { .. } | Value::List | Value::Set | Value::ByteArray => false,
            _ => true,
        }
    }

    /// Checks that all values can be keys of a dictionary or items of a set.
    pub(super) fn check_hashable(&self, items: &[Id]) -> Result<(), Fault> {
        match items.iter().all(|item| self.is_hashable(*item)) {
            true => Ok(()),
            false => Err(self.malformed("has a key or an item of a set that Python cannot hash")),
        }
    }

    /// Adds keys and values, in turn, to the dictionary at the top of the stack.
    pub(super) fn set_items(&mut self, items: &[Id]) -> Result<(), Fault> {
        let dict = self.top()?;
        let (pairs, rest) = items.as_chunks();
        let keys: Vec<_> = pairs.iter().map(|[key, _]| *key).collect();
        self.check_hashable(&keys)?;
        match &mut self.values[dict] {
            Value::Dict { entries, .. } if rest.is_empty() => {
                entries.extend(pairs.iter().map(|[key, value]| (*key, *value)));
                Ok(())
            }
            Value::Object(..) if rest.is_empty() => Ok(()),
            _ => Err(self.malformed("sets items on a value that is not a dictionary")),
        }
    }

    /// Checks that the value at the top of the stack can be appended to. The items of lists are not stored.
    pub(super) fn append(&self) -> Result<(), Fault> {
        match self.values[self.top()?] {
            Value::List | Value::Object(..) => Ok(()),
            _ => Err(self.malformed("appends to a value that is not a list")),
        }
    }

    /// Checks that `items` can be added to the set at the top of the stack. The items of sets are not stored.
    pub(super) fn add_items(&self, items: &[Id]) -> Result<(), Fault> {
        self.check_hashable(items)?;
        match self.values[self.top()?] {
            Value::Set | Value::Object(..) => Ok(()),
            _ => Err(self.malformed("adds items to a value that is not a set")),
        }
    }

    /// Checks that `state` can become the state of the value at the top of the stack. The state is not stored, because it
    /// concerns an object, of which only the name is stored, or attributes of a dictionary such as `_metadata`.
    pub(super) fn set_state(&self, state: Id) -> Result<(), Fault> {
        match (&self.values[self.top()?], &self.values[state]) {
            (Value::Object(..), _) | (Value::Dict { is_ordered: true, .. }, Value::Dict { .. }) => {
                Ok(())
            }
            _ => Err(self.malformed("sets attributes of a value that cannot have them")),
        }
    }
}
