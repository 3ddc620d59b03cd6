//! `lenet data show`.

use std::path::{Path, PathBuf};

use serde::Serialize;

use burn::data::dataset::Dataset;

use crate::cli::{ShowArgs, Split};
use crate::data::{CLASSES, FashionMnist, Image, ImageDataset, SIDE};
use crate::error::Error;
use crate::format::{FormatError, atomic};
use crate::ui::{Out, Picture, colours_wanted};

use super::super::{data_options, note_provenance};

/// Images of a class in the PNG file, and pixels between them.
const COLUMNS: usize = 20;
const GAP: usize = 2;

/// Images of a class on a terminal: at half their size five of them are as wide as 80 columns allow.
const COLUMNS_OF_TEXT: usize = 5;

#[derive(Serialize)]
struct Document {
    schema: u32,
    dir: PathBuf,
    splits: Vec<Count>,
    png: Option<PathBuf>,
}

/// How many images a split has of each class.
#[derive(Serialize)]
struct Count {
    split: &'static str,
    samples: usize,
    classes: Vec<ClassCount>,
}

#[derive(Serialize)]
struct ClassCount {
    name: &'static str,
    count: usize,
}

pub(super) fn show(args: &ShowArgs) -> Result<(), Error> {
    if let Some(path) = args
        .png
        .as_deref()
        .filter(|path| path.exists() && !args.force)
    {
        return Err(Error::exists(path));
    }
    let data = FashionMnist::load(&data_options(&args.data, args.data.limit))?;
    note_provenance(&data.provenance);
    let (train, validation) = ImageDataset::new(data.train).split(args.validation_split)?;
    let test = ImageDataset::new(data.test);
    let all = [
        (Split::Train, &train),
        (Split::Validation, &validation),
        (Split::Test, &test),
    ];
    let shown = args.split.unwrap_or(Split::Train);
    let chosen = all
        .iter()
        .filter(|(split, _)| args.split.is_none_or(|asked| asked == *split));
    let document = Document {
        schema: 1,
        dir: data.provenance.dir,
        splits: chosen
            .map(|(split, images)| count(*split, images))
            .collect(),
        png: args.png.clone(),
    };
    let images = match shown {
        Split::Train => &train,
        Split::Validation => &validation,
        Split::Test => &test,
    };
    if let Some(path) = &args.png {
        write_png(path, images)?;
    }
    let mut out = Out::default();
    if args.json {
        out.json(&document);
        return out.finish();
    }
    if colours_wanted() {
        for (class, name) in CLASSES.iter().enumerate() {
            out.line(name);
            terminal_row(images, class)
                .iter()
                .for_each(|line| out.line(line));
        }
        out.line("");
    }
    out.line(&table(&document.splits));
    if let Some(path) = &args.png {
        let split = shown.name();
        out.line(&format!(
            "saved {}: {split} images, a row a class",
            path.display()
        ));
    }
    out.finish()
}

fn count(split: Split, images: &ImageDataset) -> Count {
    let mut counts = [0; CLASSES.len()];
    for label in images.labels() {
        counts[usize::from(*label)] += 1;
    }
    let classes = CLASSES.iter().zip(counts);
    Count {
        split: split.name(),
        samples: images.len(),
        classes: classes
            .map(|(name, count)| ClassCount { name, count })
            .collect(),
    }
}

fn table(splits: &[Count]) -> String {
    let row = |name: &str, cells: Vec<String>| {
        let cells: Vec<String> = cells.iter().map(|cell| format!(" {cell:>10}")).collect();
        format!("{name:<12}{}", cells.concat())
    };
    let head = splits.iter().map(|count| count.split.to_owned());
    let mut lines = vec![row("class", head.collect())];
    for (class, name) in CLASSES.iter().enumerate() {
        let counts = splits.iter().map(|split| split.classes[class].count);
        lines.push(row(name, counts.map(|count| count.to_string()).collect()));
    }
    let sums = splits.iter().map(|split| split.samples.to_string());
    lines.push(row("total", sums.collect()));
    lines.join("\n")
}

/// The first `count` images of `class`.
fn of_class(images: &ImageDataset, class: usize, count: usize) -> Vec<&Image> {
    let pairs = images.images().iter().zip(images.labels());
    pairs
        .filter(|(_, label)| usize::from(**label) == class)
        .map(|(image, _)| image)
        .take(count)
        .collect()
}

fn write_png(path: &Path, images: &ImageDataset) -> Result<(), Error> {
    let step = SIDE + GAP;
    let mut sheet = Picture::filled(COLUMNS * step + GAP, CLASSES.len() * step + GAP, 96);
    for class in 0..CLASSES.len() {
        for (column, image) in of_class(images, class, COLUMNS).into_iter().enumerate() {
            sheet.paste(image, SIDE, GAP + column * step, GAP + class * step);
        }
    }
    let bytes = sheet
        .to_png()
        .map_err(|error| Error::file("cannot write", path, error))?;
    Ok(atomic::write(path, &bytes).map_err(FormatError::from)?)
}

/// Images of a class side by side, at half their size.
fn terminal_row(images: &ImageDataset, class: usize) -> Vec<String> {
    let images = of_class(images, class, COLUMNS_OF_TEXT);
    let pictures: Vec<Vec<String>> = images
        .into_iter()
        .map(|image| {
            let mut picture = Picture::filled(SIDE, SIDE, 0);
            picture.paste(image, SIDE, 0, 0);
            picture.halved().to_lines()
        })
        .collect();
    let height = pictures.first().map_or(0, Vec::len);
    (0..height)
        .map(|row| {
            let cells: Vec<&str> = pictures.iter().map(|lines| lines[row].as_str()).collect();
            cells.join(" ")
        })
        .collect()
}
