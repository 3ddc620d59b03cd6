//! A restricted pickle reader: a stack machine with the opcodes of PyTorch state dicts, which can only build tensors.
//!
//! The reader imports and calls nothing. The four names that a state dict needs are built in, and all other names are rejected.
//! Values are stored in one list and refer to each other by index. Each byte adds at most one value, so a pickle can
//! neither recurse nor grow exponentially. The opcodes are listed in
//! <https://github.com/python/cpython/blob/main/Lib/pickletools.py>.

mod machine;

use super::{Fault, FaultKind};
use crate::io::text::quoted;
use machine::{Id, Machine, Value};

/// Maximum size of a pickle in bytes. The state dict of LeNet needs about 1,000 bytes.
pub(super) const MAX_PICKLE_BYTES: usize = 64 << 10;

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

/// Parses a pickled dictionary of tensors and returns its entries in order.
///
/// # Errors
/// Returns an error if the pickle is malformed or contains anything else.
pub(super) fn state_dict(bytes: &[u8]) -> Result<Vec<(&str, TensorRef<'_>)>, Fault> {
    let mut machine = Machine { bytes, ..Machine::default() };
    let result = machine.run()?;
    let Value::Dict(entries) = &machine.values[result] else {
        return Err(unsupported("the file contains no dictionary of tensors".to_owned()));
    };
    let entry = |&(key, value): &(Id, Id)| match (&machine.values[key], &machine.values[value]) {
        (Value::Text(name), Value::Tensor(tensor)) => Ok((*name, tensor.clone())),
        (Value::Text(name), _) => Err(unsupported(format!("{} is not a tensor", quoted(name)))),
        _ => Err(unsupported("a key is not a string".to_owned())),
    };
    entries.iter().map(entry).collect()
}

fn unsupported(what: String) -> Fault {
    Fault::new(FaultKind::NotStateDict, what)
}

impl<'a> Machine<'a> {
    /// Runs the pickle to its end and returns the result.
    fn run(&mut self) -> Result<Id, Fault> {
        loop {
            let at = self.at;
            match self.take(1)?[0] {
                b'.' => break,
                // Skip the protocol number and the length of a frame.
                0x80 => drop(self.take(1)?),
                0x95 => drop(self.take(8)?),
                b'N' => self.push(Value::None),
                0x88 | 0x89 => self.push(Value::Bool),
                b'K' => self.integer(1)?,
                b'M' => self.integer(2)?,
                b'J' => self.integer(4)?,
                0x8c => self.text(1)?,
                b'X' => self.text(4)?,
                b'(' => self.marks.push(self.stack.len()),
                b')' => self.push(Value::Tuple(Vec::new())),
                0x85 => self.pop_many(1).map(|items| self.push(Value::Tuple(items)))?,
                0x86 => self.pop_many(2).map(|items| self.push(Value::Tuple(items)))?,
                0x87 => self.pop_many(3).map(|items| self.push(Value::Tuple(items)))?,
                b't' => self.pop_to_mark().map(|items| self.push(Value::Tuple(items)))?,
                b'}' => self.push(Value::Dict(Vec::new())),
                b's' => self.pop_many(2).and_then(|items| self.set_items(&items))?,
                b'u' => self.pop_to_mark().and_then(|items| self.set_items(&items))?,
                b'q' => self.number(1).and_then(|key| self.put(key))?,
                b'r' => self.number(4).and_then(|key| self.put(key))?,
                0x94 => self.put(self.memo.len() as u32)?,
                b'h' => self.number(1).and_then(|key| self.get(key))?,
                b'j' => self.number(4).and_then(|key| self.get(key))?,
                b'c' => {
                    let (module, name) = (self.line()?, self.line()?);
                    self.global(module, name)?;
                }
                0x93 => {
                    let items = self.pop_many(2)?;
                    self.global(self.as_text(items[0])?, self.as_text(items[1])?)?;
                }
                b'Q' => self.persistent_id()?,
                b'R' => self.reduce()?,
                b'b' => self.build()?,
                opcode => {
                    return Err(unsupported(format!(
                        "the file contains something other than tensors: opcode {opcode:#04x} at byte {at} of data.pkl"
                    )));
                }
            }
        }
        if self.stack.len() != 1 || self.at != self.bytes.len() {
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

    fn text(&mut self, width: usize) -> Result<(), Fault> {
        let length = self.number(width)? as usize;
        let bytes = self.take(length)?;
        let text = std::str::from_utf8(bytes)
            .map_err(|_| self.malformed("has a string that is not valid UTF-8"))?;
        self.push(Value::Text(text));
        Ok(())
    }

    fn set_items(&mut self, items: &[Id]) -> Result<(), Fault> {
        let dict = self.top()?;
        let (pairs, rest) = items.as_chunks();
        match &mut self.values[dict] {
            Value::Dict(entries) if rest.is_empty() => {
                entries.extend(pairs.iter().map(|[key, value]| (*key, *value)));
                Ok(())
            }
            _ => Err(self.malformed("sets items on a value that is not a dictionary")),
        }
    }

    fn put(&mut self, key: u32) -> Result<(), Fault> {
        let top = self.top()?;
        self.memo.insert(key, top);
        Ok(())
    }

    fn get(&mut self, key: u32) -> Result<(), Fault> {
        let Some(id) = self.memo.get(&key).copied() else {
            return Err(self.malformed("reads an empty memo slot"));
        };
        self.stack.push(id);
        Ok(())
    }

    fn global(&mut self, module: &'a str, name: &'a str) -> Result<(), Fault> {
        match (module, name) {
            ("collections", "OrderedDict")
            | ("torch._utils", "_rebuild_tensor_v2" | "_rebuild_parameter") => {}
            ("torch", kind) if kind.ends_with("Storage") => {}
            _ => {
                let name = quoted(&format!("{module}.{name}"));
                return Err(unsupported(format!(
                    "the file contains something other than tensors: {name}"
                )));
            }
        }
        self.push(Value::Global(module, name));
        Ok(())
    }

    /// Pushes the storage that is described by `("storage", type, key, device, number of values)`.
    fn persistent_id(&mut self) -> Result<(), Fault> {
        let id = self.pop()?;
        let &[tag, kind, key, _, values] = self.as_tuple(id)? else {
            return Err(self.malformed("references something that is not a storage"));
        };
        let (Value::Text("storage"), Value::Global("torch", kind)) =
            (&self.values[tag], &self.values[kind])
        else {
            return Err(self.malformed("references something that is not a storage"));
        };
        let storage = Storage { kind, key: self.as_text(key)?, values: self.as_int(values)? };
        // PyTorch uses the first declaration of a storage, so later ones must be equal.
        if *self.storages.entry(storage.key).or_insert(storage) != storage {
            return Err(self.malformed("declares a storage with conflicting types or sizes"));
        }
        self.push(Value::Storage(storage));
        Ok(())
    }

    fn reduce(&mut self) -> Result<(), Fault> {
        let [callable, arguments] = self.pop_many(2)?[..] else {
            return Err(self.malformed("has a call without a function"));
        };
        let arguments = self.as_tuple(arguments)?;
        let value = match (&self.values[callable], arguments) {
            (Value::Global(_, "OrderedDict"), []) => Value::Dict(Vec::new()),
            (
                Value::Global(_, "_rebuild_tensor_v2"),
                &[storage, offset, shape, strides, gradient, hooks, ..],
            ) => {
                self.check_rest(gradient, hooks, &arguments[6..])?;
                let Value::Storage(storage) = self.values[storage] else {
                    return Err(self.malformed("builds a tensor without a storage"));
                };
                Value::Tensor(TensorRef {
                    storage,
                    offset: self.as_int(offset)?,
                    shape: self.as_ints(shape)?,
                    strides: self.as_ints(strides)?,
                })
            }
            (Value::Global(_, "_rebuild_parameter"), &[tensor, gradient, hooks])
                if matches!(self.values[tensor], Value::Tensor(_)) =>
            {
                self.check_rest(gradient, hooks, &[])?;
                self.stack.push(tensor);
                return Ok(());
            }
            _ => return Err(self.malformed("calls an unsupported function")),
        };
        self.push(value);
        Ok(())
    }

    /// Rejects everything that changes the values of a tensor: hooks, which are code, and metadata, which holds the bits
    /// that negate or conjugate a view.
    fn check_rest(&self, gradient: Id, hooks: Id, metadata: &[Id]) -> Result<(), Fault> {
        let is_empty = |id: &Id| match &self.values[*id] {
            Value::None => true,
            Value::Dict(entries) => entries.is_empty(),
            _ => false,
        };
        let is_plain = metadata.len() <= 1 && metadata.iter().chain([&hooks]).all(is_empty);
        if is_plain && matches!(self.values[gradient], Value::Bool) {
            return Ok(());
        }
        Err(Fault::new(FaultKind::View, "a tensor has hooks or is a negated or conjugated view"))
    }

    /// Pops the attributes to set on a dictionary, such as `_metadata`, and ignores them.
    fn build(&mut self) -> Result<(), Fault> {
        self.pop()?;
        match self.values[self.top()?] {
            Value::Dict(_) => Ok(()),
            _ => Err(self.malformed("sets attributes on a value that is not a dictionary")),
        }
    }
}
