//! The JSON Schemas of what is printed by --json and of the record beside a model: files, which a test compares with what is
//! printed.

/// Name and schema of every document.
pub const SCHEMAS: [(&str, &str); 12] = [
    ("record", include_str!("record.json")),
    ("train", include_str!("train.json")),
    ("eval", include_str!("eval.json")),
    ("predict", include_str!("predict.json")),
    ("compare", include_str!("compare.json")),
    ("shapes", include_str!("shapes.json")),
    ("convert", include_str!("convert.json")),
    ("fetch", include_str!("fetch.json")),
    ("verify", include_str!("verify.json")),
    ("show", include_str!("show.json")),
    ("doctor", include_str!("doctor.json")),
    ("config", include_str!("config.json")),
];

/// The names, in the order in which they are listed.
pub fn names() -> [&'static str; SCHEMAS.len()] {
    SCHEMAS.map(|(name, _)| name)
}
