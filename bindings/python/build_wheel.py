"""Makes the wheel: py3-none-<platform>, with the library inside; standard library only.

    python3 bindings/python/build_wheel.py [--out DIRECTORY] [--library FILE]

Without --library it builds the library with cargo first. It prints the path of the wheel.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import os
import re
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path
from typing import Dict

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
FILE_NAME = {"darwin": "libbitchat.dylib", "win32": "bitchat.dll"}.get(
    sys.platform, "libbitchat.so"
)


def built_library() -> Path:
    """Builds the library as it is shipped."""
    command = ["cargo", "build", "--release", "-p", "bitchat-ffi"]
    subprocess.run(command, cwd=ROOT, check=True)
    target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    return target / "release" / FILE_NAME


def version() -> str:
    text = (HERE / "dotchat" / "constants.py").read_text("utf-8")
    parts = [re.search(rf"VERSION_{part} = (\d+)", text) for part in ("MAJOR", "MINOR", "PATCH")]
    return ".".join(part.group(1) for part in parts if part is not None)


def contents(library: Path) -> Dict[str, bytes]:
    """What is in the wheel, by name."""
    info = f"dotchat-{version()}.dist-info"
    tag = "py3-none-" + re.sub(r"[-.]", "_", sysconfig.get_platform())
    metadata = (
        "Metadata-Version: 2.1\n"
        "Name: dotchat\n"
        f"Version: {version()}\n"
        "Summary: Private group chat without a server\n"
        "License: MIT OR Apache-2.0\n"
        "Requires-Python: >=3.9\n"
        "Description-Content-Type: text/markdown\n\n"
    ) + (HERE / "README.md").read_text("utf-8")
    wheel = f"Wheel-Version: 1.0\nGenerator: build_wheel\nRoot-Is-Purelib: false\nTag: {tag}\n"
    files = {
        str(path.relative_to(HERE).as_posix()): path.read_bytes()
        for path in sorted((HERE / "dotchat").rglob("*"))
        if path.suffix == ".py" or path.name == "py.typed"
    }
    files[f"dotchat/{FILE_NAME}"] = library.read_bytes()
    files[f"{info}/METADATA"] = metadata.encode()
    files[f"{info}/WHEEL"] = wheel.encode()
    for name in ("LICENSE-APACHE", "LICENSE-MIT"):
        files[f"{info}/{name}"] = (ROOT / name).read_bytes()
    record = ""
    for name, data in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
        record += f"{name},sha256={digest},{len(data)}\n"
    files[f"{info}/RECORD"] = (record + f"{info}/RECORD,,\n").encode()
    return files


def write(library: Path, out: Path) -> Path:
    """Writes the wheel; the same bytes from the same files."""
    files = contents(library)
    tag = re.search(rb"Tag: (\S+)", files[f"dotchat-{version()}.dist-info/WHEEL"])
    assert tag is not None
    out.mkdir(parents=True, exist_ok=True)
    path = out / f"dotchat-{version()}-{tag.group(1).decode()}.whl"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            entry = zipfile.ZipInfo(name)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = (0o755 if name.endswith(FILE_NAME) else 0o644) << 16
            archive.writestr(entry, data)
    return path


def main() -> None:
    parser = argparse.ArgumentParser(description="Makes the wheel of dotchat.")
    parser.add_argument("--out", type=Path, default=ROOT / "target" / "wheels")
    parser.add_argument("--library", type=Path)
    options = parser.parse_args()
    print(write(options.library or built_library(), options.out))


if __name__ == "__main__":
    main()
