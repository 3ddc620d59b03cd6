//! `lenet data show`.

use std::io::{self, Cursor};
use std::path::{Path, PathBuf};

use burn::data::dataset::Dataset;
use image::{GrayImage, ImageFormat, Luma, imageops};
use serde::Serialize;

use crate::cli::{ShowArgs, Split};
use crate::data::{CLASSES, FashionMnist, Image, ImageDataset, SIDE};
use crate::error::Error;
use crate::io::Target;
use crate::picture::half_blocks;
use crate::ui::{Drawing, Out, columns, drawing_wanted};

use super::super::{data_options, note_provenance};

/// Images of a class in the PNG file, and pixels between them.
const COLUMNS: usize = 20;
const GAP: usize = 2;

/// Images of a class on a terminal, at the most.
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
    if let Some(path) =
        args.png.as_deref().filter(|path| (path.exists() || path.is_symlink()) && !args.force)
    {
        return Err(Error::exists(path));
    }
    let data =
        FashionMnist::load(&data_options(&args.data, args.data.limit, args.validation.stratified))?;
    note_provenance(&data.provenance);
    let (train, validation) = data.train.split(args.validation.validation_split)?;
    let test = data.test;
    let all = [(Split::Train, &train), (Split::Validation, &validation), (Split::Test, &test)];
    let shown = args.split.unwrap_or(Split::Train);
    let chosen = all.iter().filter(|(split, _)| args.split.is_none_or(|asked| asked == *split));
    let document = Document {
        schema: 1,
        dir: data.provenance.dir,
        splits: chosen.map(|(split, images)| count(*split, images)).collect(),
        png: args.png.clone(),
    };
    let images = match shown {
        Split::Train => &train,
        Split::Validation => &validation,
        Split::Test => &test,
    };
    if let Some(path) = &args.png {
        write_png(path, images, args.force)?;
    }
    let mut out = Out::default();
    if args.json {
        out.json(&document);
        return out.finish();
    }
    if drawing_wanted() == Drawing::Colour {
        for (class, name) in CLASSES.iter().enumerate() {
            out.line(name);
            terminal_row(images, class).iter().for_each(|line| out.verbatim(line));
        }
        out.line("");
    }
    out.verbatim(&table(&document.splits));
    if let Some(path) = &args.png {
        let split = shown.name();
        out.line(&format!("saved {}: {split} images, a row a class", path.display()));
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
        classes: classes.map(|(name, count)| ClassCount { name, count }).collect(),
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

fn write_png(path: &Path, images: &ImageDataset, force: bool) -> Result<(), Error> {
    let place = |index: usize| index * (SIDE + GAP) + GAP;
    let (width, height) = (place(COLUMNS) as u32, place(CLASSES.len()) as u32);
    let mut sheet = GrayImage::from_pixel(width, height, Luma([96]));
    for class in 0..CLASSES.len() {
        for (column, image) in of_class(images, class, COLUMNS).into_iter().enumerate() {
            let (x, y) = (place(column) as i64, place(class) as i64);
            imageops::replace(&mut sheet, &grey(image), x, y);
        }
    }
    let mut bytes = Vec::new();
    sheet
        .write_to(&mut Cursor::new(&mut bytes), ImageFormat::Png)
        .map_err(|error| Error::file("cannot write", path, io::Error::other(error)))?;
    Ok(Target::typed(path)?.write(&bytes, force)?)
}

fn grey(image: &Image) -> GrayImage {
    GrayImage::from_raw(SIDE as u32, SIDE as u32, image.to_vec()).expect("an image is 28 by 28")
}

/// Images of a class side by side, at half their size.
fn terminal_row(images: &ImageDataset, class: usize) -> Vec<String> {
    // Half an image and a space each.
    let fitting = (columns() / (SIDE / 2 + 1)).clamp(1, COLUMNS_OF_TEXT);
    let images = of_class(images, class, fitting);
    let pictures: Vec<Vec<String>> = images
        .into_iter()
        .map(|image| {
            let half = imageops::thumbnail(&grey(image), SIDE as u32 / 2, SIDE as u32 / 2);
            half_blocks(&half, SIDE / 2)
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
