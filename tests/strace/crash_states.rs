//! Computes the possible states of a run's files after a power loss, from a trace of its system calls.
//!
//! The model is POSIX without the additional guarantees of any file system. The content of a file is durable once the file has
//! been flushed with `fsync`, a directory entry once its directory has been flushed. Until then a crash may lose any subset of
//! the changes, in any order. A rename consists of two changes: the new name appears, and the old name disappears.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};

/// The system calls that `strace` must record. The model supports those that the program uses, and rejects the others.
pub(crate) const CALLS: &str = "openat,open,creat,close,write,writev,pwrite64,ftruncate,truncate,fallocate,\
    copy_file_range,fsync,fdatasync,rename,renameat,renameat2,link,linkat,symlink,symlinkat,unlink,unlinkat,mkdir,mkdirat,rmdir";

/// The files after a crash by their path: the number of their content in [`Crashes::contents`], or `None` for a directory.
pub(crate) type State = BTreeMap<PathBuf, Option<usize>>;

/// All states that a crash during a run can leave.
#[derive(Default)]
pub(crate) struct Crashes {
    /// The states after a crash at any time.
    pub(crate) states: BTreeSet<State>,
    /// The states after a crash immediately after the end of the run.
    pub(crate) last: BTreeSet<State>,
    /// The different contents of files.
    pub(crate) contents: Vec<Vec<u8>>,
    numbers: HashMap<Vec<u8>, usize>,
}

impl Crashes {
    /// Returns the content of a file in `state`, or `None` if the file does not exist.
    pub(crate) fn content(&self, state: &State, name: &str) -> Option<&[u8]> {
        state.get(Path::new(name)).map(|content| &self.contents[content.unwrap()][..])
    }

    fn number(&mut self, content: Vec<u8>) -> usize {
        *self.numbers.entry(content).or_insert_with_key(|content| {
            self.contents.push(content.clone());
            self.contents.len() - 1
        })
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Entry {
    File(usize),
    Directory,
}

#[derive(Default)]
struct Content {
    durable: Vec<u8>,
    current: Vec<u8>,
}

impl Content {
    /// Returns the possible contents after a crash: the flushed bytes, followed by all, none or some of the other bytes, of
    /// which all or some may be zeros instead.
    fn possible(&self) -> BTreeSet<Vec<u8>> {
        if self.durable == self.current {
            return [self.current.clone()].into();
        }
        let (old, all) = (self.durable.len().min(self.current.len()), self.current.len());
        let with_zeros = |end: usize| {
            let mut bytes = self.current[..end].to_vec();
            bytes.resize(all, 0);
            bytes
        };
        let half = (old + all) / 2;
        let cut = self.current[..half].to_vec();
        [self.durable.clone(), self.current.clone(), cut, with_zeros(old), with_zeros(half)].into()
    }
}

/// The file system below `root`, as the program sees it and as it is stored on the disk.
struct Disk<'a> {
    root: &'a Path,
    contents: Vec<Content>,
    current: BTreeMap<PathBuf, Entry>,
    durable: BTreeMap<PathBuf, Entry>,
    /// Changes of entries in directories that have not been flushed since.
    pending: Vec<(PathBuf, Option<Entry>)>,
    /// The path of each open file descriptor, and its file if it is not a directory.
    open: HashMap<i32, (PathBuf, Entry)>,
}

/// Returns the possible states after a power loss. `files` are the durable files below `root` before the run, and `log` is the
/// trace of the run in `root`, recorded with `strace -f -xx -e trace=CALLS`.
pub(crate) fn crashes(
    root: &Path,
    files: &BTreeMap<PathBuf, Option<Vec<u8>>>,
    log: &str,
) -> Crashes {
    let mut disk = Disk {
        root,
        contents: Vec::new(),
        current: BTreeMap::new(),
        durable: BTreeMap::new(),
        pending: Vec::new(),
        open: HashMap::new(),
    };
    for (path, bytes) in files {
        let entry = bytes.as_ref().map_or(Entry::Directory, |bytes| {
            disk.contents.push(Content { durable: bytes.clone(), current: bytes.clone() });
            Entry::File(disk.contents.len() - 1)
        });
        disk.current.insert(path.clone(), entry);
    }
    disk.durable = disk.current.clone();
    let mut crashes = Crashes::default();
    disk.add_states(&mut crashes);
    // The starts of calls that another thread interrupted in the log, by the number of their thread.
    let mut unfinished = HashMap::new();
    for line in log.lines() {
        let (thread, rest) = line.split_once(' ').unwrap();
        if let Some((start, _)) = line.split_once("<unfinished ...>") {
            unfinished.insert(thread, start.trim_end());
            continue;
        }
        let line = match rest.contains(" resumed>") {
            true => {
                unfinished.remove(thread).unwrap().to_owned()
                    + rest.split_once(" resumed>").unwrap().1
            }
            false => line.to_owned(),
        };
        if line.contains('(') && !line.contains(") = -1 ") && disk.call(&line) {
            disk.add_states(&mut crashes);
        }
    }
    disk.add_states(&mut crashes);
    crashes
}

impl Disk<'_> {
    /// Applies a call and returns whether it may have changed anything.
    fn call(&mut self, line: &str) -> bool {
        let (pid_and_name, arguments) = line.split_once('(').unwrap();
        let name = pid_and_name.rsplit(' ').next().unwrap();
        let strings: Vec<Vec<u8>> = arguments.split('"').skip(1).step_by(2).map(unhex).collect();
        let paths = || strings.iter().map(|string| self.path(string)).collect::<Vec<_>>();
        let descriptor = arguments.split([',', ')']).next().unwrap().parse::<i32>().ok();
        let file = descriptor.and_then(|descriptor| self.open.get(&descriptor)).cloned();
        match name {
            "openat" => {
                let result = arguments.rsplit(' ').next().unwrap().parse().unwrap();
                let Some(path) = paths().remove(0) else { return false };
                let found = self.current.get(&path).copied();
                let is_root = path.as_os_str().is_empty().then_some(Entry::Directory);
                assert!(!arguments.contains("O_TRUNC"), "{line}");
                if let Some(entry) = found.or(is_root) {
                    self.open.insert(result, (path, entry));
                    return false;
                }
                self.contents.push(Content::default());
                let entry = Entry::File(self.contents.len() - 1);
                self.open.insert(result, (path.clone(), entry));
                self.change(path, Some(entry));
            }
            "close" => {
                descriptor.iter().for_each(|descriptor| drop(self.open.remove(descriptor)));
                return false;
            }
            "write" => match file {
                // All writes append: new files are written from start to end, and old ones are opened for appending.
                Some((_, Entry::File(number))) => {
                    let written = arguments.rsplit(' ').next().unwrap().parse().unwrap();
                    self.contents[number].current.extend(&strings[0][..written]);
                }
                _ => return false,
            },
            "ftruncate" => match file {
                Some((_, Entry::File(number))) => {
                    let size = arguments.split([',', ')']).nth(1).unwrap().trim().parse().unwrap();
                    self.contents[number].current.resize(size, 0);
                }
                _ => return false,
            },
            "fsync" | "fdatasync" => match file.unwrap() {
                (_, Entry::File(number)) => {
                    let content = &mut self.contents[number];
                    content.durable = content.current.clone();
                }
                (directory, Entry::Directory) => {
                    let changes = std::mem::take(&mut self.pending);
                    for (path, entry) in changes {
                        match path.parent() == Some(&directory) {
                            true => set(&mut self.durable, &path, entry),
                            false => self.pending.push((path, entry)),
                        }
                    }
                }
            },
            "rename" | "renameat" | "renameat2" => {
                let [Some(from), Some(to)] = &paths()[..] else { return false };
                self.change(to.clone(), Some(self.current[from]));
                self.change(from.clone(), None);
            }
            "link" | "linkat" => {
                let [Some(from), Some(to)] = &paths()[..] else { return false };
                self.change(to.clone(), Some(self.current[from]));
            }
            "unlink" | "unlinkat" | "rmdir" => match paths().remove(0) {
                Some(path) => self.change(path, None),
                None => return false,
            },
            "mkdir" | "mkdirat" => match paths().remove(0) {
                Some(path) => self.change(path, Some(Entry::Directory)),
                None => return false,
            },
            _ => {
                assert!(file.is_none() && strings.is_empty(), "unsupported call: {line}");
                return false;
            }
        }
        true
    }

    fn change(&mut self, path: PathBuf, entry: Option<Entry>) {
        set(&mut self.current, &path, entry);
        self.pending.push((path, entry));
    }

    /// Returns `path` relative to the root, or `None` if it is elsewhere.
    fn path(&self, path: &[u8]) -> Option<PathBuf> {
        let path = self.root.join(std::str::from_utf8(path).unwrap());
        let path: PathBuf = path.components().collect();
        path.strip_prefix(self.root).ok().map(Path::to_owned)
    }

    /// Adds the possible states after a crash at this moment.
    fn add_states(&self, crashes: &mut Crashes) {
        // The values that each name may have.
        let mut names: BTreeMap<&Path, Vec<Option<Entry>>> = BTreeMap::new();
        for (path, entry) in &self.pending {
            let values = names.entry(path).or_insert_with(|| vec![self.durable.get(path).copied()]);
            if !values.contains(entry) {
                values.push(*entry);
            }
        }
        let mut trees = vec![self.durable.clone()];
        for (path, values) in names {
            let choose = |tree: &BTreeMap<PathBuf, Entry>| {
                let with = |value: &Option<Entry>| {
                    let mut tree = tree.clone();
                    set(&mut tree, path, *value);
                    tree
                };
                values.iter().map(with).collect::<Vec<_>>()
            };
            trees = trees.iter().flat_map(choose).collect();
        }
        crashes.last.clear();
        for tree in trees {
            let is_reachable = |path: &Path| {
                let mut above = path.ancestors().skip(1).filter(|above| *above != Path::new(""));
                above.all(|above| tree.contains_key(above))
            };
            let mut states = vec![State::new()];
            for (path, entry) in tree.iter().filter(|(path, _)| is_reachable(path)) {
                let contents: Vec<Option<usize>> = match entry {
                    Entry::Directory => vec![None],
                    // No command reads temporary files, so one content is enough.
                    Entry::File(number) if path.to_string_lossy().contains(".lenet-") => {
                        vec![Some(crashes.number(self.contents[*number].current.clone()))]
                    }
                    Entry::File(number) => {
                        let possible = self.contents[*number].possible().into_iter();
                        possible.map(|content| Some(crashes.number(content))).collect()
                    }
                };
                let with = |state: &State| {
                    let with = |content: &Option<usize>| {
                        let mut state = state.clone();
                        state.insert(path.clone(), *content);
                        state
                    };
                    contents.iter().map(with).collect::<Vec<_>>()
                };
                states = states.iter().flat_map(with).collect();
            }
            crashes.last.extend(states);
        }
        crashes.states.extend(crashes.last.iter().cloned());
    }
}

fn set(tree: &mut BTreeMap<PathBuf, Entry>, path: &Path, entry: Option<Entry>) {
    match entry {
        Some(entry) => drop(tree.insert(path.to_owned(), entry)),
        None => drop(tree.remove(path)),
    }
}

/// Decodes a string that `strace -xx` has printed, such as `\x6d\x2e`.
fn unhex(text: &str) -> Vec<u8> {
    let digits = text.split("\\x").skip(1);
    digits.map(|digits| u8::from_str_radix(digits, 16).unwrap()).collect()
}
