//! Tests pictures from users: damaged and oversized files, standard input, URLs and patterns, parts of a picture, and pictures
//! that are unlike the training images.

use std::fs::File;
use std::io::Write;
use std::process::Stdio;
use std::thread;

use image::imageops::{self, FilterType};
use image::{GrayImage, Luma};
use lenet::data::{self, Options, Part};
use serde_json::Value;

use super::commands::write_pictures;
use super::{CommandOutput, DATA, TestDir};

const MODEL: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/interop/lenet.pt");
/// A photo of trousers, 4,645 bytes.
const WHOLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/pictures/whole.jpg");

/// Runs `lenet predict` with `input` on standard input, through a pipe.
fn predict_piped(dir: &TestDir, args: &str, input: Vec<u8>) -> CommandOutput {
    let mut command = dir.lenet(&format!("predict {MODEL} {args}"));
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    // The program may exit before it has read everything.
    let writer = thread::spawn(move || drop(stdin.write_all(&input)));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    CommandOutput(output)
}

fn class(document: &Value, index: usize) -> (&str, f64) {
    let prediction = &document["predictions"][index];
    (prediction["class"].as_str().unwrap(), prediction["probability"].as_f64().unwrap())
}

#[test]
fn truncated_jpeg_is_rejected() {
    let dir = TestDir::empty();
    let whole = std::fs::read(WHOLE).unwrap();
    for percent in [45, 60, 99] {
        dir.write(&format!("{percent}.jpg"), &whole[..whole.len() * percent / 100]);
    }
    let output = dir.run(&format!("predict {MODEL} 45.jpg {WHOLE} 60.jpg 99.jpg --json"));
    assert_eq!(output.code(), 1);
    let document = output.json();
    assert_eq!(document["predictions"].as_array().unwrap().len(), 1);
    let (class, probability) = class(&document, 0);
    assert!(class == "Trouser" && (probability - 0.9964).abs() < 1e-4, "{class} {probability}");
    for (index, name) in ["45.jpg", "60.jpg", "99.jpg"].iter().enumerate() {
        let error = format!("{name} is corrupt: the file ends in the middle of the picture");
        assert_eq!(document["errors"][index]["error"], error);
    }
    output.assert_stderr_contains("hint: save or download it again");
}

#[test]
fn standard_input_and_pipes_are_read() {
    let dir = TestDir::empty();
    let whole = std::fs::read(WHOLE).unwrap();
    for name in ["-", "/dev/stdin"] {
        let document = predict_piped(&dir, &format!("{name} --json"), whole.clone()).ok().json();
        assert_eq!(class(&document, 0).0, "Trouser", "{name}");
        assert_eq!(document["predictions"][0]["source"], name);
    }
    let mut command = dir.lenet(&format!("predict {MODEL} - --json"));
    let from_file = CommandOutput::of(command.stdin(File::open(WHOLE).unwrap())).ok();
    assert_eq!(class(&from_file.json(), 0).0, "Trouser");
    dir.create_fifo("pipe");
    let path = dir.path("pipe");
    let writer = thread::spawn(move || std::fs::write(path, whole).unwrap());
    let output = dir.run(&format!("predict {MODEL} pipe --json")).ok();
    writer.join().unwrap();
    assert_eq!(class(&output.json(), 0).0, "Trouser");
    let empty = predict_piped(&dir, "-", Vec::new());
    empty.assert_error(1, "standard input is not a PNG, JPEG, GIF, WebP or BMP picture", "");
    // Reading stops at the limit if the input is endless.
    let endless = CommandOutput::of(
        dir.lenet(&format!("predict {MODEL} -")).stdin(File::open("/dev/zero").unwrap()),
    );
    endless.assert_error(
        1,
        "cannot read standard input: expected at most 67108864 bytes",
        "shrink it",
    );
}

#[test]
fn urls_and_patterns_have_hints() {
    let dir = TestDir::empty();
    for (args, hint) in [
        (
            "predict M https://example.org/shirt.jpg",
            "save it to a file first: curl -fLo shirt.jpg https://example.org/shirt.jpg",
        ),
        ("predict M file:///home/me/shirt.png", "give only the path: /home/me/shirt.png"),
        ("predict M http://example.org/?id=4&b", "curl -fLo file 'http://example.org/?id=4&b'"),
        ("predict M *.png", "no file matches this pattern"),
        ("eval https://example.org/m.pt", "curl -fLo m.pt https://example.org/m.pt"),
        ("eval *.mpk", "no file matches this pattern"),
        ("convert *.mpk m.onnx", "no file matches this pattern"),
        ("compare *.json b.json", "no file matches this pattern"),
    ] {
        let output = dir.run(&args.replace('M', MODEL));
        output.assert_error(1, "No such file", hint);
    }
}

/// A PNG file whose colour profile decompresses to 400 MiB of zeros.
fn png_with_profile() -> Vec<u8> {
    let mut profile =
        flate2::write::ZlibEncoder::new(b"iCCPicc\0\0".to_vec(), flate2::Compression::fast());
    (0..400).for_each(|_| profile.write_all(&[0; 1 << 20]).unwrap());
    let data = profile.finish().unwrap();
    let mut crc = flate2::Crc::new();
    crc.update(&data);
    let mut file = std::io::Cursor::new(Vec::new());
    GrayImage::from_pixel(40, 40, Luma([200]))
        .write_to(&mut file, image::ImageFormat::Png)
        .unwrap();
    let mut file = file.into_inner();
    let length = (data.len() as u32 - 4).to_be_bytes();
    file.splice(33..33, [&length[..], &data, &crc.sum().to_be_bytes()].concat());
    file
}

// macOS does not support `ulimit -v`.
#[cfg(target_os = "linux")]
#[test]
fn large_colour_profile_is_ignored() {
    let dir = TestDir::empty();
    dir.write("profile.png", png_with_profile());
    let args = format!("predict {MODEL} profile.png --threads 1 --json");
    let output = dir.run_in_shell("ulimit -v 400000", &args).ok();
    assert_eq!(output.json()["predictions"].as_array().unwrap().len(), 1);
}

#[test]
fn oversized_pictures_do_not_stop_others() {
    let dir = TestDir::empty();
    // 15,000 x 15,000 grey pixels need 450 MB to decode and turn.
    let mut file = std::io::Cursor::new(Vec::new());
    GrayImage::new(4, 4).write_to(&mut file, image::ImageFormat::Bmp).unwrap();
    let mut file = file.into_inner();
    file[18..26].copy_from_slice(&[0x98, 0x3a, 0, 0, 0x98, 0x3a, 0, 0]);
    dir.write("large.bmp", file);
    let output = dir.run(&format!("predict {MODEL} large.bmp {WHOLE}"));
    assert_eq!(output.code(), 1);
    assert!(output.stdout().contains(": Trouser\n"), "{}", output.stdout());
    output.assert_stderr_contains("error: large.bmp is too large\nhint: shrink it first");
}

#[test]
fn panic_in_decoder_is_an_error() {
    let dir = TestDir::empty();
    let seeds = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fuzz/seeds/picture");
    let output = dir.run(&format!("predict {MODEL} {seeds}/part_of_colour.png {WHOLE}"));
    assert_eq!(output.code(), 1);
    assert!(output.stdout().contains(": Trouser\n"), "{}", output.stdout());
    output.assert_stderr_contains(
        "part_of_colour.png is corrupt: the decoder failed\nhint: save or download it",
    );
    assert!(!output.stderr().contains("internal error"), "{}", output.stderr());
    write_pictures(dir.root.path());
    std::fs::copy(format!("{seeds}/part_of_colour.png"), dir.path("pictures/a/bad")).unwrap();
    let import = dir.run("data import pictures imported --json").ok();
    let refused = &import.json()["refused"];
    assert_eq!(refused[0]["path"], "pictures/a/bad");
    assert_eq!(refused.as_array().unwrap().len(), 1);
}

/// Returns a test image of Fashion-MNIST, enlarged ten times.
fn photo(index: usize) -> GrayImage {
    let options = Options { dir: Some(DATA.into()), ..Options::default() };
    let (images, _) = data::load_part(Part::Test, &options).unwrap();
    let image = GrayImage::from_vec(28, 28, images.images()[index].to_vec()).unwrap();
    imageops::resize(&image, 280, 280, FilterType::Triangle)
}

#[test]
fn light_shirt_on_wood_stays_light() {
    let dir = TestDir::empty();
    // Test image 7 is a shirt. Wood is brighter than half of the range, but darker than the shirt.
    let mut picture = photo(7);
    picture
        .pixels_mut()
        .for_each(|Luma([grey])| *grey = 150 + (u16::from(*grey) * 100 / 255) as u8);
    picture.save(dir.path("light.png")).unwrap();
    imageops::invert(&mut picture);
    picture.save(dir.path("dark.png")).unwrap();
    let output = dir.run(&format!("predict {MODEL} light.png dark.png --json")).ok();
    let document = output.json();
    assert_eq!(document["predictions"][0].get("inverted"), None);
    assert_eq!(document["predictions"][1]["inverted"], true);
    assert_eq!(class(&document, 0), class(&document, 1));
}

#[test]
fn mirrored_shoe_is_noted() {
    let dir = TestDir::empty();
    // Test image 0 is an ankle boot, and 1 is a pullover.
    let boot = photo(0);
    boot.save(dir.path("left.png")).unwrap();
    imageops::flip_horizontal(&boot).save(dir.path("right.png")).unwrap();
    photo(1).save(dir.path("pullover.png")).unwrap();
    let output = dir.run(&format!("predict {MODEL} left.png right.png pullover.png --json")).ok();
    let document = output.json();
    let (left, right) = (class(&document, 0), class(&document, 1));
    assert!(left.0 == "Ankle boot" && left != right, "{left:?} {right:?}");
    let note = format!(
        "the mirrored picture is classified as {} ({:.4}); the shoes of Fashion-MNIST face left",
        left.0, left.1
    );
    let warnings = document["predictions"][1]["warnings"].to_string();
    assert!(warnings.contains(&note), "{warnings}");
    output.assert_stderr_contains(&format!("note: right.png: {note}"));
    assert!(!output.stderr().contains("pullover.png: mirrored"), "{}", output.stderr());
}

#[test]
fn crop_selects_part_of_picture() {
    let dir = TestDir::empty();
    // Trousers and a bag side by side.
    let mut both = GrayImage::new(560, 280);
    let (trousers, bag) = (photo(2), photo(30));
    imageops::replace(&mut both, &trousers, 0, 0);
    imageops::replace(&mut both, &bag, 280, 0);
    both.save(dir.path("both.png")).unwrap();
    trousers.save(dir.path("left.png")).unwrap();
    bag.save(dir.path("right.png")).unwrap();
    let predict = |args: &str| dir.run(&format!("predict {MODEL} {args} --json")).ok().json();
    let expected = predict("left.png right.png");
    for (crop, index) in [("0,0,280,280", 0), ("280,0,280,280", 1)] {
        let document = predict(&format!("both.png --crop {crop}"));
        assert_eq!(class(&document, 0), class(&expected, index), "{crop}");
    }
    let outside = dir.run(&format!("predict {MODEL} both.png --crop 281,0,280,280"));
    let error = "both.png has 560x280 pixels, so 281,0,280,280 is not inside the picture";
    outside.assert_error(1, error, "--crop takes the left and top edge");
    for args in ["both.png --crop 1,2,3", "--index 0 --crop 0,0,9,9"] {
        assert_eq!(dir.run(&format!("predict {MODEL} {args}")).code(), 2, "{args}");
    }
}
