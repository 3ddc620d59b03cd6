//! Advice on model files, and on files of any type that are not what they should be. If possible, it is a line of Python that
//! converts the file to a model file.

use std::ffi::OsString;
use std::io::ErrorKind;
use std::path::Path;

use super::files::{file, is_reading, missing};
use crate::cli::args;
use crate::format::{Fault, FaultKind, Format, FormatError};
use crate::io::FileKind;
use crate::io::text::escaped;

const A_MODEL: &str = "give a LeNet model file (.mpk, .bpk, .safetensors or .pt)";
const KERAS: &str = "the lines under \"Keras\" in docs/models-elsewhere.md";

pub(super) fn format(error: &FormatError) -> Option<String> {
    let hint = match error {
        FormatError::File(error) if is_reading(error) => match error.source.kind() {
            ErrorKind::NotFound => {
                let missing = missing(&error.path);
                return missing.or(Some("create a model with `lenet train`".to_owned()));
            }
            ErrorKind::InvalidInput | ErrorKind::FileTooLarge => A_MODEL,
            _ => return file(error),
        },
        FormatError::File(error) => return file(error),
        FormatError::NotAModel { path, found } => {
            return Some(any(*found, path).unwrap_or_else(|| model(*found, path)));
        }
        FormatError::Unrecognised { .. } => A_MODEL,
        FormatError::WrongExtension { content, .. } => {
            return Some(format!("rename it to end in .{}", content.extension()));
        }
        FormatError::UnknownExtension { .. } => {
            "use a file name that ends in .mpk, .bpk, .safetensors or .onnx"
        }
        FormatError::Content { path, fault } => return Some(content(path, fault)),
    };
    Some(hint.to_owned())
}

/// Returns the advice on a file that can be neither a model nor a picture nor a data file.
pub(super) fn any(found: FileKind, path: &Path) -> Option<String> {
    Some(match found {
        FileKind::Empty => "copy or download it again".to_owned(),
        FileKind::GitLfsPointer => "fetch the file itself with `git lfs pull`".to_owned(),
        FileKind::Page(_) => {
            "download the file itself: on GitHub and Hugging Face, use the link \"raw\" or \"download\"".to_owned()
        }
        FileKind::Archive(_, command) => {
            format!("unpack it first: {command} {}", args::quoted_path(path))
        }
        FileKind::Compressed(..)
            if path.extension().is_some_and(|extension| {
                ["tgz", "tbz2", "txz"].iter().any(|tar| extension.eq_ignore_ascii_case(tar))
            }) =>
        {
            format!("unpack it first: tar -xf {}", args::quoted_path(path))
        }
        FileKind::Compressed(_, command, usual)
            if path.extension().is_some_and(|extension| extension == usual) =>
        {
            format!("unpack it first: {command} -k {}", args::quoted_path(path))
        }
        // These programs reject the name of a file with another extension.
        FileKind::Compressed(_, command, _) => {
            let mut name = OsString::from("unpacked-");
            name.push(path.file_name().unwrap_or_default());
            let [path, unpacked] = [path, Path::new(&name)].map(args::quoted_path);
            format!("unpack it first: {command} < {path} > {unpacked}")
        }
        _ => return None,
    })
}

/// Returns the advice on a file that should be a model.
fn model(found: FileKind, path: &Path) -> String {
    let name = quoted(path);
    match found {
        FileKind::LegacyTorch | FileKind::LegacyTorchTar => {
            format!("save it again in Python: torch.save(torch.load({name}), \"net.pt\")")
        }
        FileKind::TorchScript => {
            format!("save its weights in Python: torch.save(torch.jit.load({name}).state_dict(), \"net.pt\")")
        }
        FileKind::TorchExport => {
            format!("save its weights in Python: torch.save(torch.export.load({name}).state_dict, \"net.pt\")")
        }
        FileKind::Pickle => {
            format!("if it holds the weights, save them in Python: torch.save({{k: torch.as_tensor(v) for k, v in pickle.load(open({name}, \"rb\")).items()}}, \"net.pt\")")
        }
        FileKind::ShardIndex => {
            let shards = path.with_file_name("*.safetensors");
            format!(
                "join the files in Python: safetensors.torch.save_file({{k: v for f in glob.glob({}) for k, v in \
                 safetensors.torch.load_file(f).items()}}, \"net.safetensors\")",
                quoted(&shards)
            )
        }
        FileKind::NumpyArchive => {
            format!("save it in Python: safetensors.numpy.save_file(dict(numpy.load({name})), \"net.safetensors\")")
        }
        FileKind::Numpy => {
            "save all ten arrays in one file in Python: safetensors.numpy.save_file({\"conv1.weight\": .., ..}, \
             \"net.safetensors\")".to_owned()
        }
        FileKind::Keras | FileKind::Hdf5 => {
            format!("in Python: net = tf.keras.models.load_model({name}), and then {KERAS}")
        }
        FileKind::SavedModel => {
            let dir = quoted(path.parent().unwrap_or(path));
            format!(
                "in Python: weights = [v.numpy() for v in tf.saved_model.load({dir}).variables], and then {KERAS} \
                 with these for net.get_weights()"
            )
        }
        FileKind::OtherBurnRecord => {
            "save it in Burn: net.save_file(\"model\", &NamedMpkFileRecorder::<FullPrecisionSettings>::new())".to_owned()
        }
        FileKind::RunRecord if path.with_extension("mpk").is_file() => {
            format!("use the model next to it: {}", args::quoted_path(&path.with_extension("mpk")))
        }
        FileKind::Picture(_) => {
            let picture = args::quoted_path(path);
            format!("{A_MODEL} before the picture: lenet predict MODEL {picture}")
        }
        FileKind::IdxFile => format!("{A_MODEL}, and the directory of a data set with `--data`"),
        _ => A_MODEL.to_owned(),
    }
}

/// Returns the advice on invalid content of a model file.
fn content(path: &Path, fault: &Fault) -> String {
    let name = quoted(path);
    let is_safetensors = Format::from_path(path) == Some(Format::Safetensors);
    let key = fault.key().map(|key| format!("[{}]", python(key))).unwrap_or_default();
    // Python expressions: `load` loads the tensors, and `save` and `end` enclose the expression to save.
    let (load, save, end) = match is_safetensors {
        true => (
            format!("safetensors.torch.load_file({name})"),
            "safetensors.torch.save_file(",
            ", \"net.safetensors\")",
        ),
        false => (format!("torch.load({name}){key}"), "torch.save(", ", \"net.pt\")"),
    };
    match fault.kind() {
        FaultKind::Malformed => "the file is corrupt or truncated; copy it again, or train again".to_owned(),
        FaultKind::NotLeNet => {
            "a LeNet file has a weight and a bias, as floating-point numbers, for each of conv1, conv2, fc1, fc2 and fc3".to_owned()
        }
        FaultKind::Names => format!(
            "if the tensors are in LeNet's order, rename them in Python: {save}dict(zip([f\"{{l}}.{{p}}\" for l in \
             (\"conv1\", \"conv2\", \"fc1\", \"fc2\", \"fc3\") for p in (\"weight\", \"bias\")], {load}.values())){end}"
        ),
        FaultKind::ExtraTensors => format!(
            "drop everything but the weights in Python: {save}{{k: v for k, v in {load}.items() if v.numel() > 1}}{end}"
        ),
        FaultKind::KerasLayout => format!("transpose the tensors: {KERAS}"),
        FaultKind::NonFinite => "training diverged; train again with a smaller --lr".to_owned(),
        FaultKind::WriteOnly => format!(
            "use the file that it was converted from, or save its weights in Python: safetensors.numpy.save_file({{t.name: \
             onnx.numpy_helper.to_array(t) for t in onnx.load({name}).graph.initializer if t.name != \"ones\" and sum(t.dims) > 1}}, \"net.safetensors\")"
        ),
        FaultKind::ReadOnly => {
            "write .safetensors; PyTorch loads it with net.load_state_dict(safetensors.torch.load_file(path))".to_owned()
        }
        FaultKind::PickledModule => format!(
            "save its weights in Python: torch.save(torch.load({name}, weights_only=False){key}.state_dict(), \"net.pt\")"
        ),
        FaultKind::Checkpoint if !key.is_empty() => {
            format!("save the weights alone in Python: {save}{load}{end}")
        }
        FaultKind::NotStateDict | FaultKind::Checkpoint => {
            "save the weights alone in Python: torch.save(net.state_dict(), \"net.pt\")".to_owned()
        }
        FaultKind::Compressed => format!("save it again in Python: {save}{load}{end}"),
        FaultKind::View => format!(
            "save copies in Python: {save}{{k: v.resolve_neg().resolve_conj().clone() for k, v in {load}.items()}}{end}"
        ),
        FaultKind::BigEndian => "save it on an x86 or ARM machine".to_owned(),
    }
}

/// Returns a path as a Python expression.
fn quoted(path: &Path) -> String {
    match path.to_str() {
        Some(path) => python(path),
        None => {
            let bytes = path.as_os_str().as_encoded_bytes();
            format!("os.fsdecode(b\"{}\")", bytes.escape_ascii())
        }
    }
}

/// Returns `text` as a Python string.
fn python(text: &str) -> String {
    let quoted = text.replace('\\', "\\\\").replace('"', "\\\"");
    format!("\"{}\"", escaped(&quoted, |character| format!("\\U{:08x}", u32::from(character))))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::format::{self as models, ModelFile};
    use crate::io::kind::sniff;
    use crate::model::Weights;

    #[test]
    fn torch_errors_have_hints() {
        for (name, expected) in [
            ("checkpoint.pt", "torch.save(net.state_dict()"),
            ("module.pt", "module.pt\", weights_only=False).state_dict(), \"net.pt\")"),
            ("tensor.pt", "torch.save(net.state_dict()"),
            ("legacy.pt", "legacy.pt\"), \"net.pt\")"),
            ("shape.pt", "conv1"),
            ("incomplete.pt", "conv1"),
            ("negative.pt", "resolve_neg()"),
            ("sequential.pt", "conv1"),
        ] {
            let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/interop").join(name);
            let found = format(&models::read(&path).unwrap_err()).unwrap();
            assert!(found.contains(expected), "{name}: {found}");
        }
    }

    #[test]
    fn paths_are_valid_python() {
        for (path, expected) in [
            ("it's.pt", r#""it's.pt""#),
            ("a\"\\b.pt", r#""a\"\\b.pt""#),
            ("a\u{202e}\n.pt", r#""a\U0000202e\U0000000a.pt""#),
        ] {
            assert_eq!(quoted(Path::new(path)), expected);
        }
        #[cfg(unix)]
        {
            use std::os::unix::ffi::OsStrExt;
            let path = Path::new(std::ffi::OsStr::from_bytes(b"\xff\".pt"));
            assert_eq!(quoted(path), r#"os.fsdecode(b"\xff\".pt")"#);
        }
    }

    #[test]
    fn format_errors_have_hints() {
        let file = ModelFile::from(Weights::zeros());
        let bytes = models::encode(Format::Safetensors, &file).unwrap();
        let error = models::decode(Path::new("model.mpk"), &bytes).unwrap_err();
        assert_eq!(format(&error).unwrap(), "rename it to end in .safetensors");
        for name in ["m.pt", "m.bin", "m"] {
            let error = models::write(Path::new(name), &file).unwrap_err();
            assert!(format(&error).unwrap().contains("safetensors"), "{error}");
        }
        for content in [&b""[..], b"\x89PNG\r\n\x1a\n....", b"some text", b"\x81\xa1a\0"] {
            let error = models::decode(Path::new("m.bin"), content).unwrap_err();
            assert!(format(&error).is_some(), "{error}");
        }
    }

    #[test]
    fn file_types_have_hints() {
        let cases: [(&[u8], &str); 10] = [
            (b"version https://git-lfs.github.com/spec/v1\n", "git lfs pull"),
            (b"<!doctype html>", "download the file itself"),
            (b"\x1f\x8b\x08", "unpack it first: gunzip < m.pt > unpacked-m.pt"),
            (b"\x89PNG\r\n\x1a\n", "lenet predict MODEL m.pt"),
            (b"PK\x03\x04..net/constants.pkl", "torch.jit.load(\"m.pt\").state_dict()"),
            (b"PK\x03\x04..model.weights.h5", "tf.keras.models.load_model(\"m.pt\")"),
            (b"{\"weight_map\":{}}", "glob.glob(\"*.safetensors\")"),
            (b"PK\x03\x04..conv1.npy", "dict(numpy.load(\"m.pt\"))"),
            (b"\x80\x04.", "pickle.load(open(\"m.pt\", \"rb\")).items()}, \"net.pt\")"),
            (b"\0\0\x08\x03", "--data"),
        ];
        for (content, expected) in cases {
            let (found, path) = (sniff(content).unwrap(), Path::new("m.pt").to_owned());
            let hint = format(&FormatError::NotAModel { path, found }).unwrap();
            assert!(hint.contains(expected), "{hint}");
        }
    }
}
