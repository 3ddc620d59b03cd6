//! `lenet data import`: makes a data set of pictures that are sorted into one directory per class.

use std::io;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::show::{class_counts, png};
use crate::cli::args::{ImportArgs, quoted};
use crate::cli::commands::{Notes, new_file, reject_inputs, reject_inside};
use crate::cli::error::Error;
use crate::cli::import::{Import, Picture};
use crate::cli::ui::format::plural;
use crate::cli::ui::{self, Out};
use crate::data::source::path_of;
use crate::data::{DataFile, class_names, idx_writer};
use crate::io::{FileError, FileSet, NewFile, Origin, OutputDir, exists, lock_directory};

/// Number of training pictures below which a class has very few.
const FEW: usize = 10;

/// Number of training pictures below which small batches learn better, because an epoch then has more steps.
const FEW_TO_TRAIN: usize = 1000;

/// Maximum number of pictures that are named on the terminal for one reason. The JSON output names all.
const NAMED: usize = 20;

pub(super) fn import(args: &ImportArgs) -> Result<(), Error> {
    let paths = paths(&args.dir);
    if let Some(existing) = existing(&args.dir, &paths)
        && !args.force
    {
        return Err(Error::exists(&existing));
    }
    if let Some(png) = &args.png {
        reject_inputs(png, &paths)?;
        reject_inside(png, [Some(&args.pictures), args.test.as_ref()].into_iter().flatten())?;
    }
    let sheet =
        args.png.as_deref().map(|path| new_file(path, Origin::User, args.force)).transpose()?;
    let test = args.test.as_deref();
    let split = (args.test_split, args.seed);
    let import = Import::new(&args.pictures, test, split, args.invert, &args.flip)?;
    write(args, &paths, &import)?;
    if let Some(sheet) = sheet {
        sheet.write(&png(&import.images[0]), args.force)?;
    }
    let mut notes = Notes::default();
    let counts = import.images.each_ref().map(class_counts);
    let duplicates = import.duplicates();
    note_pictures(&import, &duplicates);
    note_classes(&import, &counts, &mut notes);
    let mut out = Out::default();
    if args.json {
        let mut document = document(args, &paths, &import, &duplicates, &counts);
        notes.add_to(&mut document);
        out.json(&document);
        return out.finish();
    }
    out.lines(table(&import, &counts));
    out.lines(paths.iter().map(|path| format!("saved {}", path.display())));
    if let Some(path) = &args.png {
        out.line(&format!("saved {}: training images, one row per class", path.display()));
    }
    let batches = if import.parts[0].len() < FEW_TO_TRAIN { " --batch-size 16" } else { "" };
    ui::note(&format!(
        "note: train a model with: lenet train --data={} --recipe tuned --epochs 40{batches}",
        quoted(args.dir.as_os_str())
    ));
    out.finish()
}

/// Returns the paths of the four data files and of the class names.
fn paths(dir: &Path) -> Vec<PathBuf> {
    let files = DataFile::ALL.iter().map(|file| format!("{}.gz", file.name()));
    files.chain([class_names::FILE.to_owned()]).map(|name| dir.join(name)).collect()
}

/// Returns a file of a data set in `dir`, if any: one of `paths`, or one with another name that the other commands read.
fn existing(dir: &Path, paths: &[PathBuf]) -> Option<PathBuf> {
    let written = paths.iter().find(|path| exists(path));
    written.cloned().or_else(|| DataFile::ALL.iter().find_map(|file| path_of(dir, *file)))
}

/// Writes the files. Until the images are replaced, the directory has neither labels nor class names, so that none of them
/// describe other images.
fn write(args: &ImportArgs, paths: &[PathBuf], import: &Import) -> Result<(), Error> {
    let failed = FileError::of("cannot compress the images of", &args.pictures);
    let encode = |path: &PathBuf, bytes: io::Result<Vec<u8>>| -> Result<NewFile, FileError> {
        Ok((path.clone(), bytes.map_err(&failed)?))
    };
    let mut set = FileSet::default();
    for (part, paths) in import.images.iter().zip(paths.chunks(2)) {
        set.files.push(encode(&paths[0], idx_writer::images(part.images()))?);
        set.descriptions.push(encode(&paths[1], idx_writer::labels(part.labels()))?);
    }
    let names = class_names::encode(&import.info).into_bytes();
    set.descriptions.extend(paths.last().map(|path| (path.clone(), names)));
    OutputDir::typed(&args.dir).create()?;
    Ok(set.write(&lock_directory(&args.dir)?, args.force)?)
}

/// Prints a warning for each file that was not imported, for each doubtful picture, and for each pair of equal pictures.
fn note_pictures(import: &Import, duplicates: &[[&PathBuf; 2]]) {
    let warn = |lines: Vec<String>| {
        lines.iter().take(NAMED).for_each(|line| ui::note(&format!("warning: {line}")));
        if lines.len() > NAMED {
            ui::note(&format!("warning: .. and {} more like this", lines.len() - NAMED));
        }
    };
    warn(import.refused.iter().map(|refused| format!("not imported: {}", refused.cause)).collect());
    warn(doubted(import).map(|(path, doubt)| format!("{}: {doubt}", path.display())).collect());
    warn(
        duplicates
            .iter()
            .map(|[a, b]| {
                format!(
                    "{} and {} are the same picture in different parts or classes",
                    a.display(),
                    b.display()
                )
            })
            .collect(),
    );
}

/// Returns the pictures in which hardly anything can be seen, sorted by path.
fn doubted(import: &Import) -> impl Iterator<Item = (&PathBuf, &String)> {
    let pictures = import.parts.iter().flatten();
    let mut doubted: Vec<_> =
        pictures.filter_map(|Picture { path, doubt, .. }| Some((path, doubt.as_ref()?))).collect();
    doubted.sort();
    doubted.into_iter()
}

/// Adds a warning for each class with very few training pictures or no test pictures, and a note about inverted pictures.
fn note_classes(import: &Import, [train, test]: &[Vec<usize>; 2], notes: &mut Notes) {
    for (label, name) in import.info.classes.iter().enumerate() {
        if train[label] < FEW {
            let pictures = plural(train[label], "training picture");
            notes.warning(format!("{name} has only {pictures}; add more, at least {FEW}"));
        }
        if test[label] == 0 {
            notes.warning(format!("{name} has no test pictures, so its accuracy is unknown"));
        }
    }
    let pictures = import.parts.iter().flatten();
    let inverted = pictures.clone().filter(|picture| picture.inverted).count();
    let all = pictures.count();
    if inverted > 0 {
        notes.note(format!(
            "{inverted} of {all} pictures have a light background and were inverted (see --invert)"
        ));
    }
}

/// Returns the number of files of each class that were not imported.
fn refused(import: &Import) -> Vec<usize> {
    let count = |label| import.refused.iter().filter(|refused| refused.label == label).count();
    (0..import.info.classes.len()).map(count).collect()
}

fn table(import: &Import, [train, test]: &[Vec<usize>; 2]) -> Vec<String> {
    let width = import.info.name_width();
    let row = |name: &str, cells: [&str; 3]| {
        let [train, test, refused] = cells;
        format!("{name:<width$} {train:>10} {test:>10} {refused:>12}")
    };
    let refused = refused(import);
    let counts = |name: &str, counts: [usize; 3]| {
        let [a, b, c] = counts.map(|count| count.to_string());
        row(name, [&a, &b, &c])
    };
    let classes = import.info.classes.iter().enumerate();
    let classes =
        classes.map(|(label, name)| counts(name, [train[label], test[label], refused[label]]));
    let sum = |counts: &[usize]| counts.iter().sum::<usize>();
    let total = counts("total", [sum(train), sum(test), sum(&refused)]);
    [row("class", ["training", "test", "not imported"])]
        .into_iter()
        .chain(classes)
        .chain([total])
        .collect()
}

fn document(
    args: &ImportArgs,
    paths: &[PathBuf],
    import: &Import,
    duplicates: &[[&PathBuf; 2]],
    [train, test]: &[Vec<usize>; 2],
) -> Value {
    let refused = refused(import);
    let classes = import.info.classes.iter().enumerate().map(|(label, name)| {
        json!({
            "name": name, "train": train[label], "test": test[label], "refused": refused[label],
            "flip": import.info.may_flip(label as u8),
        })
    });
    let text = |path: &Path| path.to_string_lossy().into_owned();
    let refused = import
        .refused
        .iter()
        .map(|refused| json!({ "path": text(&refused.path), "error": refused.cause.to_string() }));
    let doubted =
        doubted(import).map(|(path, doubt)| json!({ "path": text(path), "doubt": doubt }));
    json!({
        "schema": 1,
        "dir": text(&args.dir),
        "seed": args.seed,
        "classes": classes.collect::<Vec<_>>(),
        "refused": refused.collect::<Vec<_>>(),
        "doubted": doubted.collect::<Vec<_>>(),
        "duplicates": duplicates.iter().map(|pair| pair.map(|path| text(path))).collect::<Vec<_>>(),
        "files": paths.iter().map(|path| text(path)).collect::<Vec<_>>(),
        "png": args.png.as_deref().map(text),
    })
}
