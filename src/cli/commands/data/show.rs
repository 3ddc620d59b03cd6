//! `lenet data show`: counts the images of each class and shows some of them.

use std::io::Cursor;
use std::path::Path;

use image::{GrayImage, ImageFormat, Luma, imageops};
use serde_json::{Value, json};

use crate::cli::args::{ShowArgs, Split, name};
use crate::cli::error::Error;
use crate::cli::picture::half_blocks;
use crate::cli::ui::table::{Table, row};
use crate::cli::ui::{Drawing, Out, columns, drawing_wanted};
use crate::data::{Image, ImageDataset, Provenance, SIDE, TrainAndTest};
use crate::io::Origin;

use crate::cli::commands::{HeldOut, Notes, data_files, data_options, new_file, reject_inputs};

/// Images per class in the PNG file, and number of pixels between two images.
const COLUMNS: usize = 20;
const GAP: usize = 2;

/// Maximum number of images per class on a terminal.
const COLUMNS_OF_TEXT: usize = 5;

/// Name of a split and its number of images of each class.
type Counts = (String, Vec<usize>);

pub(super) fn show(args: &ShowArgs) -> Result<(), Error> {
    let sheet =
        args.png.as_deref().map(|path| new_file(path, Origin::User, args.force)).transpose()?;
    let ShowArgs { data, validation, .. } = args;
    let held_out = HeldOut::new(validation, data, HeldOut::by_default());
    let TrainAndTest { train, test, provenance } =
        TrainAndTest::load(&data_options(data, data.limit, held_out.stratified))?;
    if let Some(png) = &args.png {
        reject_inputs(png, &data_files(&provenance))?;
    }
    Notes::default().provenance(&provenance);
    let (train, validation) = train.split(held_out.fraction)?;
    let shown = args.split.unwrap_or(Split::Train);
    let images = match shown {
        Split::Train => &train,
        Split::Validation => &validation,
        Split::Test => &test,
    };
    let all = [(Split::Train, &train), (Split::Validation, &validation), (Split::Test, &test)];
    let chosen = all.iter().filter(|(split, _)| args.split.is_none_or(|asked| asked == *split));
    let counts: Vec<_> =
        chosen.map(|(split, images)| (name(split), class_counts(images))).collect();
    if let Some(sheet) = sheet {
        sheet.write(&png(images), args.force)?;
    }
    let mut out = Out::default();
    if args.json {
        out.json(&document(&provenance, &counts, args.png.as_deref()));
        return out.finish();
    }
    if drawing_wanted() == Drawing::Colour {
        for (class, name) in provenance.info.classes.iter().enumerate() {
            out.line(name);
            terminal_row(images, class).iter().for_each(|line| out.verbatim(line));
        }
        out.line("");
    }
    out.table(&table(&provenance, &counts));
    if let Some(path) = &args.png {
        let split = name(&shown);
        out.line(&format!("saved {}: {split} images, one row per class", path.display()));
    }
    out.finish()
}

pub(super) fn class_counts(images: &ImageDataset) -> Vec<usize> {
    let count =
        |class| images.labels().iter().filter(|label| usize::from(**label) == class).count();
    (0..images.info().classes.len()).map(count).collect()
}

fn document(data: &Provenance, counts: &[Counts], png: Option<&Path>) -> Value {
    let split = |(split, counts): &Counts| {
        let classes = data.info.classes.iter().zip(counts);
        let classes = classes.map(|(name, count)| json!({ "name": name, "count": count }));
        json!({
            "split": split, "samples": counts.iter().sum::<usize>(), "classes": classes.collect::<Vec<_>>(),
        })
    };
    json!({
        "schema": 1, "dir": data.dir.to_string_lossy(), "splits": counts.iter().map(split).collect::<Vec<_>>(),
        "png": png.map(Path::to_string_lossy),
    })
}

fn table(data: &Provenance, splits: &[Counts]) -> Table {
    let line = |name: &str, cell: &dyn Fn(&Counts) -> String| row(name, splits.iter().map(cell));
    let classes = data.info.classes.iter().enumerate();
    let classes = classes.map(|(class, name)| line(name, &|(_, counts)| counts[class].to_string()));
    let total = line("total", &|(_, counts)| counts.iter().sum::<usize>().to_string());
    let columns = line("class", &|(split, _)| split.clone());
    Table { columns, rows: classes.chain([total]).collect() }
}

/// Returns the first `count` images of `class`.
fn of_class(images: &ImageDataset, class: usize, count: usize) -> Vec<&Image> {
    let pairs = images.images().iter().zip(images.labels());
    pairs
        .filter(|(_, label)| usize::from(**label) == class)
        .map(|(image, _)| image)
        .take(count)
        .collect()
}

/// Returns a PNG file with one row of images per class.
pub(super) fn png(images: &ImageDataset) -> Vec<u8> {
    let classes = images.info().classes.len();
    let offset = |index: usize| index * (SIDE + GAP) + GAP;
    let (width, height) = (offset(COLUMNS) as u32, offset(classes) as u32);
    let mut sheet = GrayImage::from_pixel(width, height, Luma([96]));
    for class in 0..classes {
        for (column, image) in of_class(images, class, COLUMNS).into_iter().enumerate() {
            let (x, y) = (offset(column) as i64, offset(class) as i64);
            imageops::replace(&mut sheet, &grey(image), x, y);
        }
    }
    let mut bytes = Cursor::new(Vec::new());
    sheet.write_to(&mut bytes, ImageFormat::Png).expect("writing to memory cannot fail");
    bytes.into_inner()
}

fn grey(image: &Image) -> GrayImage {
    GrayImage::from_raw(SIDE as u32, SIDE as u32, image.to_vec())
        .expect("an image has 28x28 pixels")
}

/// Returns the lines of text that draw one row of images of a class at half size.
fn terminal_row(images: &ImageDataset, class: usize) -> Vec<String> {
    // Each image takes half as many columns as it has pixels, and one for a space.
    let count = (columns() / (SIDE / 2 + 1)).clamp(1, COLUMNS_OF_TEXT);
    let images = of_class(images, class, count);
    let picture = |image: &Image| {
        let half = imageops::thumbnail(&grey(image), SIDE as u32 / 2, SIDE as u32 / 2);
        half_blocks(&half, SIDE / 2)
    };
    let pictures: Vec<Vec<String>> = images.into_iter().map(picture).collect();
    let line =
        |row: usize| pictures.iter().map(|lines| lines[row].as_str()).collect::<Vec<_>>().join(" ");
    (0..pictures.first().map_or(0, Vec::len)).map(line).collect()
}
