//! A restricted pickle reader: a stack machine that finds the tensors in files of PyTorch and skips everything else.
//!
//! The reader imports and calls nothing. It builds tensors and dictionaries. It represents every other class or function, and
//! the object that it would create (for example an optimizer or a date in a checkpoint), only by name. Values are stored in one
//! list and refer to each other by index. Each byte adds at most one value, so a pickle can neither recurse nor grow
//! exponentially. Parts that are not used are checked as PyTorch checks them, because a file that fails there is damaged. The opcodes
//! are listed in <https://github.com/python/cpython/blob/main/Lib/pickletools.py>.

mod containers;
mod machine;
mod weights;

use super::{Fault, FaultKind};
use machine::{Id, Machine, Value};

pub(super) use weights::{StateDict, state_dict};

/// Maximum size of a pickle in bytes. The state dict of LeNet needs about 1,000 bytes, and a checkpoint with an optimizer 4,000.
pub(super) const MAX_PICKLE_BYTES: usize = 1 << 20;

/// A storage: an entry of the zip file that holds numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Storage<'a> {
    /// The PyTorch type, for example `FloatStorage`.
    pub(super) kind: &'a str,
    /// The name of the entry.
    pub(super) key: &'a str,
    /// The number of values.
    pub(super) values: usize,
}

/// A tensor in the pickle, which is a view of a storage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TensorRef<'a> {
    pub(super) storage: Storage<'a>,
    /// The position of the first value in the storage.
    pub(super) offset: usize,
    /// The size of each dimension.
    pub(super) shape: Vec<usize>,
    /// The stride of each dimension in the storage.
    pub(super) strides: Vec<usize>,
}

impl TensorRef<'_> {
    /// Returns whether all values are within the storage.
    pub(super) fn fits(&self) -> bool {
        let mut steps = self.shape.iter().zip(&self.strides);
        // The last value has the largest index, because strides are never negative.
        let last = steps.try_fold(self.offset, |last, (size, stride)| {
            last.checked_add(size.saturating_sub(1).checked_mul(*stride)?)
        });
        let is_empty = self.shape.contains(&0);
        self.strides.len() == self.shape.len()
            && (is_empty || last.is_some_and(|last| last < self.storage.values))
    }
}

impl<'a> Machine<'a> {
    /// Runs the pickle to its end and returns the result.
    fn run(&mut self) -> Result<Id, Fault> {
        loop {
            let at = self.at;
            match self.take(1)?[0] {
                b'.' => break,
                // Skip the protocol number.
                0x80 => drop(self.take(1)?),
                0x95 => self.frame()?,
                b'N' => self.push(Value::None),
                0x88 | 0x89 => self.push(Value::Bool),
                b'K' => self.integer(1)?,
                b'M' => self.integer(2)?,
                b'J' => self.integer(4)?,
                // A float; integers and bytes of any length.
                b'G' => self.take(8).map(|_| self.push(Value::Other))?,
                0x8a | b'C' => self.prefixed(1).map(|_| self.push(Value::Other))?,
                0x8b | b'B' => self.prefixed(4).map(|_| self.push(Value::Other))?,
                0x8e => self.prefixed(8).map(|_| self.push(Value::Other))?,
                0x96 => self.prefixed(8).map(|_| self.push(Value::ByteArray))?,
                0x8c | b'U' => self.text(1)?,
                b'X' | b'T' => self.text(4)?,
                0x8d => self.text(8)?,
                b'(' => self.marks.push(self.stack.len()),
                b'0' => drop(self.pop()?),
                b'1' => drop(self.pop_to_mark()?),
                b'2' => self.top().map(|id| self.stack.push(id))?,
                b')' => self.push_tuple(Vec::new()),
                opcode @ 0x85..=0x87 => {
                    self.pop_many(usize::from(opcode - 0x84)).map(|items| self.push_tuple(items))?
                }
                b't' => self.pop_to_mark().map(|items| self.push_tuple(items))?,
                b']' => self.push(Value::List),
                b'l' => self.pop_to_mark().map(|_| self.push(Value::List))?,
                b'a' => self.pop().and_then(|_| self.append())?,
                b'e' => self.pop_to_mark().and_then(|_| self.append())?,
                0x8f => self.push(Value::Set),
                0x90 => self.pop_to_mark().and_then(|items| self.add_items(&items))?,
                // A frozen set.
                0x91 => self
                    .pop_to_mark()
                    .and_then(|items| self.check_hashable(&items))
                    .map(|()| self.push(Value::Other))?,
                b'}' => self.push_dict(false),
                b's' => self.pop_many(2).and_then(|items| self.set_items(&items))?,
                b'u' => self.pop_to_mark().and_then(|items| self.set_items(&items))?,
                b'q' => self.number(1).and_then(|key| self.put(key))?,
                b'r' => self.number(4).and_then(|key| self.put(key))?,
                0x94 => self.put(self.memo.len() as u64)?,
                b'h' => self.number(1).and_then(|key| self.get(key))?,
                b'j' => self.number(4).and_then(|key| self.get(key))?,
                b'c' => {
                    let (module, name) = (self.line()?, self.line()?);
                    self.push(Value::Global(module, name));
                }
                0x93 => {
                    let items = self.pop_many(2)?;
                    let (module, name) = (self.as_text(items[0])?, self.as_text(items[1])?);
                    self.push(Value::Global(module, name));
                }
                b'Q' => self.persistent_id()?,
                b'R' => self.reduce()?,
                // New objects: a class and its arguments. The second opcode also has named arguments.
                0x81 => self.pop_many(2).and_then(|items| self.object(items[0]))?,
                0x92 => self.pop_many(3).and_then(|items| self.object(items[0]))?,
                b'b' => self.pop().and_then(|state| self.set_state(state))?,
                opcode => {
                    let what = format!("opcode {opcode:#04x} at byte {at} of data.pkl");
                    return Err(unsupported(format!(
                        "the file contains something other than tensors: {what}"
                    )));
                }
            }
        }
        if self.stack.len() != 1 || !self.marks.is_empty() || self.at != self.bytes.len() {
            return Err(self.malformed("does not end with a single value"));
        }
        self.pop()
    }

    fn integer(&mut self, width: usize) -> Result<(), Fault> {
        let number = self.number(width)?;
        // Four-byte integers are signed. Sizes and positions are never negative.
        let value = match i32::try_from(number) {
            Ok(_) => Value::Int(number as usize),
            Err(_) => Value::Other,
        };
        self.push(value);
        Ok(())
    }

    /// Reads the length of a frame. The frame itself is skipped, because its length says nothing about its opcodes.
    fn frame(&mut self) -> Result<(), Fault> {
        let length = self.number(8)?;
        match length > (self.bytes.len() - self.at) as u64 {
            true => Err(self.malformed("is truncated")),
            false => Ok(()),
        }
    }

    fn text(&mut self, width: usize) -> Result<(), Fault> {
        let bytes = self.prefixed(width)?;
        let value = match std::str::from_utf8(bytes) {
            Ok(text) => Value::Text(text),
            Err(_) if has_only_surrogates(bytes) => Value::Other,
            Err(_) => return Err(self.malformed("has text that is not valid UTF-8")),
        };
        self.push(value);
        Ok(())
    }

    fn put(&mut self, key: u64) -> Result<(), Fault> {
        let top = self.top()?;
        self.memo.insert(key, top);
        Ok(())
    }

    fn get(&mut self, key: u64) -> Result<(), Fault> {
        let Some(id) = self.memo.get(&key).copied() else {
            return Err(self.malformed("reads an empty memo slot"));
        };
        self.stack.push(id);
        Ok(())
    }

    /// Pushes the storage that is described by `("storage", type, key, device, number of values)`.
    fn persistent_id(&mut self) -> Result<(), Fault> {
        let id = self.pop()?;
        let &[tag, kind, key, location, values] = self.as_tuple(id)? else {
            return Err(self.malformed("references something that is not a storage"));
        };
        let (Value::Text("storage"), Value::Global(_, kind)) =
            (&self.values[tag], &self.values[kind])
        else {
            return Err(self.malformed("references something that is not a storage"));
        };
        self.as_text(location)?;
        let storage = Storage { kind, key: self.as_text(key)?, values: self.as_int(values)? };
        // PyTorch uses the first declaration of a storage, so later ones must be equal.
        if *self.storages.entry(storage.key).or_insert(storage) != storage {
            return Err(self.malformed("declares a storage with conflicting types or sizes"));
        }
        self.push(Value::Storage(storage.into()));
        Ok(())
    }

    fn reduce(&mut self) -> Result<(), Fault> {
        let [callable, arguments] = self.pop_many(2)?[..] else {
            return Err(self.malformed("has a call without a function"));
        };
        let Value::Global(module, name) = self.values[callable] else {
            return self.object(callable);
        };
        let arguments = self.as_tuple(arguments)?;
        let value = match (module, name, arguments) {
            ("collections", "OrderedDict", []) => {
                Value::Dict { entries: Vec::new(), is_ordered: true }
            }
            (
                "torch._utils",
                "_rebuild_tensor_v2",
                &[storage, offset, shape, strides, gradient, hooks, ..],
            ) => {
                let Value::Storage(storage) = &self.values[storage] else {
                    return Err(self.malformed("builds a tensor without a storage"));
                };
                let tensor = TensorRef {
                    storage: **storage,
                    offset: self.as_int(offset)?,
                    shape: self.as_sizes(shape)?,
                    strides: self.as_sizes(strides)?,
                };
                match self.is_plain(gradient, hooks, &arguments[6..])? {
                    true => Value::Tensor(tensor.into()),
                    false => Value::View,
                }
            }
            ("torch._utils", "_rebuild_tensor_v2", _) => {
                return Err(self.malformed("builds a tensor from too few values"));
            }
            ("torch._utils", "_rebuild_parameter", &[tensor, gradient, hooks])
                if matches!(self.values[tensor], Value::Tensor(_)) =>
            {
                if self.is_plain(gradient, hooks, &[])? {
                    self.stack.push(tensor);
                    return Ok(());
                }
                Value::View
            }
            _ => Value::Object(module, name),
        };
        self.push(value);
        Ok(())
    }

    /// Pushes the object that a class, or the result of a function, would create.
    fn object(&mut self, callable: Id) -> Result<(), Fault> {
        match self.values[callable] {
            Value::Global(module, name) | Value::Object(module, name) => {
                self.push(Value::Object(module, name));
                Ok(())
            }
            _ => Err(self.malformed("calls a value that is not a function")),
        }
    }

    /// Returns whether nothing changes the values of a tensor: neither hooks, which are code, nor metadata, which holds the bits
    /// that negate or conjugate a view.
    fn is_plain(&self, gradient: Id, hooks: Id, metadata: &[Id]) -> Result<bool, Fault> {
        let is_empty = |id: &Id| match &self.values[*id] {
            Value::None => true,
            Value::Dict { entries, .. } => entries.is_empty(),
            _ => false,
        };
        let is_metadata = |id: &Id| matches!(self.values[*id], Value::None | Value::Dict { .. });
        let is_possible = matches!(self.values[gradient], Value::Bool)
            && metadata.len() <= 1
            && metadata.iter().all(is_metadata);
        match is_possible {
            true => Ok(metadata.iter().chain([&hooks]).all(is_empty)),
            false => Err(self.malformed("builds a tensor from values of the wrong type")),
        }
    }
}

/// Returns whether the text is UTF-8 apart from surrogates, which Python encodes like other characters.
fn has_only_surrogates(mut bytes: &[u8]) -> bool {
    while let Err(error) = std::str::from_utf8(bytes) {
        match bytes[error.valid_up_to()..] {
            [0xed, 0xa0..=0xbf, 0x80..=0xbf, ref rest @ ..] => bytes = rest,
            _ => return false,
        }
    }
    true
}

fn unsupported(what: String) -> Fault {
    Fault::new(FaultKind::NotStateDict, what)
}
