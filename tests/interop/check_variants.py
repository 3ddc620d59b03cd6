"""Checks that each variant of a `.pt` or `.safetensors` file is read with the same bits as in PyTorch, or rejected.

    python check_variants.py LENET_PROGRAM

Every variant is read by PyTorch (or the safetensors library) and by `lenet convert`. If lenet accepts a file, its weights
must be bit-identical to theirs. The list states which variants must be accepted, so that a reader that rejects everything
fails the check.
"""

import io
import json
import pathlib
import pickle
import struct
import subprocess
import sys
import tempfile
import warnings
import zipfile

import safetensors.torch
import torch

warnings.filterwarnings("ignore", message="Duplicate name")
HERE = pathlib.Path(__file__).parent
LENET = sys.argv[1]
STATE = torch.load(HERE / "lenet.pt")


def saved(state, **options):
    buffer = io.BytesIO()
    torch.save(state, buffer, **options)
    return buffer.getvalue()


def with_bias(bias):
    return saved({**STATE, "conv1.bias": bias})


def entries(content):
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return [(info.filename, archive.read(info)) for info in archive.infolist()]


def zipped(parts, method=zipfile.ZIP_STORED, comment=b""):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, content in parts:
            archive.writestr(zipfile.ZipInfo(name), content, method)
        archive.comment = comment
    return buffer.getvalue()


def pickled(change):
    """Returns the saved state dict with a modified pickle."""
    return zipped([(name, change(content) if name.endswith("/data.pkl") else content) for name, content in entries(saved(STATE))])


def safetensors_with(change):
    """Returns a safetensors file with a modified header."""
    content = safetensors.torch.save(STATE, {"format": "pt"})
    (length,) = struct.unpack("<Q", content[:8])
    header = change(content[8 : 8 + length].decode().rstrip()).encode()
    return struct.pack("<Q", len(header)) + header + content[8 + length :]


bias = STATE["conv1.bias"]
plain = saved(STATE)
parts = entries(plain)
storage = next(content for name, content in parts if name.endswith("/data/0"))
directory = parts[0][0].split("/")[0]
wide = torch.stack([bias, -bias], dim=1)
imaginary = torch.complex(torch.zeros(6), bias)
first = json.loads(safetensors_with(lambda header: header)[8:].split(b"}}", 1)[0] + b"}}")["conv1.bias"]
entry = '"conv1.bias":' + json.dumps(first, separators=(",", ":"))
other = '"conv1.bias":' + json.dumps({**first, "shape": [1, 6]}, separators=(",", ":"))

# name: (extension, content, whether lenet must accept it)
VARIANTS = {
    "as saved": ("pt", plain, True),
    "protocol 4": ("pt", saved(STATE, pickle_protocol=4), True),
    "protocol 5": ("pt", saved(STATE, pickle_protocol=5), True),
    "a plain dict": ("pt", saved(dict(STATE)), True),
    "in another order": ("pt", saved(dict(reversed(STATE.items()))), True),
    "parameters": ("pt", saved({name: torch.nn.Parameter(t) for name, t in STATE.items()}), True),
    "requires gradients": ("pt", with_bias(bias.clone().requires_grad_()), True),
    "a stride of 2": ("pt", with_bias(wide[:, 0]), True),
    "an offset": ("pt", with_bias(torch.cat([bias, bias * 2])[6:]), True),
    "a stride of 0": ("pt", with_bias(torch.tensor([0.5]).expand(6)), True),
    "transposed": ("pt", saved({**STATE, "fc3.weight": STATE["fc3.weight"].t().contiguous().t()}), True),
    "channels last": ("pt", saved({**STATE, "conv2.weight": STATE["conv2.weight"].to(memory_format=torch.channels_last)}), True),
    "signed zeros and subnormals": ("pt", with_bias(torch.tensor([-0.0, 0.0, 1e-45, -1e-45, 3e38, -3e38])), True),
    "views of one storage": ("pt", (HERE / "views.pt").read_bytes(), True),
    "zipped by Python": ("pt", zipped(parts), True),
    "negative bit": ("pt", with_bias(imaginary.conj().imag), False),
    "negative bit and stride": ("pt", with_bias(torch.complex(torch.zeros(12), bias.repeat(2)).conj().imag[::2]), False),
    "conjugate bit": ("pt", with_bias(torch.complex(bias, bias).conj()), False),
    "real part of a complex": ("pt", with_bias(torch.complex(bias, bias).real), True),
    "half": ("pt", with_bias(bias.half()), True),
    "bfloat16": ("pt", with_bias(bias.bfloat16()), True),
    "double": ("pt", with_bias(bias.double() / 3), True),
    "int32": ("pt", with_bias(torch.arange(6, dtype=torch.int32)), False),
    "quantised": ("pt", with_bias(torch.quantize_per_tensor(bias, 0.1, 0, torch.qint8)), False),
    "sparse": ("pt", with_bias(bias.to_sparse()), False),
    "meta": ("pt", with_bias(bias.to("meta")), False),
    "NaN": ("pt", with_bias(torch.full((6,), float("nan"))), False),
    "legacy format": ("pt", saved(STATE, _use_new_zipfile_serialization=False), False),
    "bytes before": ("pt", b"#" + plain, False),
    "an archive before": ("pt", with_bias(bias * 2) + plain, False),
    "bytes after": ("pt", plain + b"#", False),
    "an archive after": ("pt", plain + with_bias(bias * 2), False),
    "a comment": ("pt", zipped(parts, comment=b"x"), False),
    "compressed": ("pt", zipped(parts, zipfile.ZIP_DEFLATED), False),
    "a storage twice": ("pt", zipped(parts + [(f"{directory}/data/0", storage[::-1])]), False),
    "a storage twice, first": ("pt", zipped([*parts[:1], (f"{directory}/data/0", storage[::-1]), *parts[1:]]), False),
    "a pickle twice": ("pt", zipped(parts + [parts[0]]), False),
    "a pickle in capitals": ("pt", zipped(parts + [(f"{directory}/DATA.PKL", b"x")]), False),
    "two directories": ("pt", zipped(parts + [(name.replace(directory, "b", 1), content) for name, content in parts]), False),
    "big-endian": ("pt", zipped([(n, b"big" if n.endswith("byteorder") else c) for n, c in parts]), False),
    "two names of one key": ("pt", pickled(lambda p: p.replace(b"conv2.bias", b"conv1.bias")), False),
    "another storage type": ("pt", pickled(lambda p: p.replace(b"FloatStorage", b"IntStorage", 1)), False),
    "another kind of id": ("pt", pickled(lambda p: p.replace(b"storage", b"module!", 1)), False),
    "a global": ("pt", zipped([(parts[0][0], pickle.dumps({**{n: 0 for n in STATE}, "x": print}, 2)), *parts[1:]]), False),
    "safetensors": ("safetensors", safetensors_with(lambda h: h), True),
    "spaces after": ("safetensors", safetensors_with(lambda h: h + " " * 8), True),
    "no metadata": ("safetensors", safetensors.torch.save(STATE), True),
    "a tensor twice": ("safetensors", safetensors_with(lambda h: h.replace(entry, f"{entry},{entry}")), False),
    "a tensor twice, differing": ("safetensors", safetensors_with(lambda h: h.replace(entry, f"{other},{entry}")), False),
    "a metadata key twice": ("safetensors", safetensors_with(lambda h: h.replace('"format":"pt"', '"format":"pt","format":"tf"')), False),
    "metadata twice": ("safetensors", safetensors_with(lambda h: '{"__metadata__":{"a":"b"},' + h[1:]), False),
    "an escaped name twice": ("safetensors", safetensors_with(lambda h: h.replace(entry, entry.replace("conv1", "\\u0063onv1") + "," + entry)), False),
    "bytes after the data": ("safetensors", safetensors_with(lambda h: h) + b"\0\0\0\0", False),
    "half in safetensors": ("safetensors", safetensors.torch.save({**STATE, "conv1.bias": bias.half()}), True),
}


def reference(path):
    if path.suffix == ".pt":
        # The safe reader supports only protocol 2, and these files are trusted.
        return torch.load(path, weights_only=False)
    return safetensors.torch.load_file(path)


def bits(tensor):
    return tensor.detach().resolve_neg().float().contiguous().view(torch.int32)


faults = []
with tempfile.TemporaryDirectory() as directory_name:
    for number, (name, (extension, content, accepted)) in enumerate(VARIANTS.items()):
        path = pathlib.Path(directory_name, f"{number}.{extension}")
        output = path.with_name(f"{number}.out.safetensors")
        path.write_bytes(content)
        ran = subprocess.run([LENET, "convert", path, output], capture_output=True, text=True)
        verdict = {0: "accepted", 1: "rejected"}.get(ran.returncode, f"status {ran.returncode}")
        if ran.returncode == 0:
            ours = safetensors.torch.load_file(output)
            try:
                theirs = reference(path)
                equal = all(torch.equal(bits(ours[key]), bits(theirs[key])) for key in STATE)
            except Exception as error:
                verdict, equal = f"accepted, but rejected by PyTorch: {error}", False
            if not equal:
                faults.append(f"{name}: the bits differ from PyTorch's")
        elif ran.returncode != 1 or "error: " not in ran.stderr:
            faults.append(f"{name}: {ran.stderr}")
        if (ran.returncode == 0) != accepted:
            faults.append(f"{name}: {verdict}, {ran.stderr.splitlines()[:1]}")
        print(f"{name:<30} {verdict}")
print(f"{len(VARIANTS)} variants, {len(faults)} faults")
sys.exit("\n".join(faults) or 0)
