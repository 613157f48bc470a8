"""Writes the declarations of the package from include/bitchat.h; standard library only.

    python3 bindings/python/generate.py          writes dotchat/{constants,_structs,_functions}.py
    python3 bindings/python/generate.py --check  says what differs, and exits with 1 then

`tests/test_header.py` runs the check, so the package and the header cannot part.
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Dict, List, Optional, Tuple

HERE = Path(__file__).resolve().parent
HEADER = HERE.parent.parent / "include" / "bitchat.h"

SCALARS = {
    "size_t": "c_size_t",
    "char": "c_char",
    "uint8_t": "c_uint8",
    "uint16_t": "c_uint16",
    "uint32_t": "c_uint32",
    "int32_t": "c_int32",
    "uint64_t": "c_uint64",
}


@dataclass
class Field:
    name: str
    type: str
    pointer: int = 0
    array: Optional[int] = None
    function: bool = False


@dataclass
class Header:
    """What the header declares, in its order."""

    constants: Dict[str, int]
    comments: Dict[str, str]
    handles: List[str]
    structs: Dict[str, List[Field]]
    functions: Dict[str, Tuple[Field, List[Field]]]


def _field(text: str) -> Field:
    if "(*" in text:
        return Field(text.split("(*")[1].split(")")[0], "void", function=True)
    match = re.match(r"^(?:const\s+)?(\w+)([\s*]|const)*?(\w+)(?:\[(\d+)\])?$", text.strip())
    if match is None:
        raise ValueError(f"not understood: {text!r}")
    array = int(match.group(4)) if match.group(4) else None
    # `from` is a word of Python.
    name = "from_" if match.group(3) == "from" else match.group(3)
    return Field(name, match.group(1), text.count("*"), array)


def _value(text: str) -> int:
    return {"UINT64_MAX": (1 << 64) - 1}[text] if text == "UINT64_MAX" else int(text, 0)


def parse(text: str) -> Header:
    """Reads the header. What it does not understand is an error, so that nothing is left out."""
    constants: Dict[str, int] = {}
    comments: Dict[str, str] = {}
    pattern = r"((?:^// .*\n|^//\n)*)^#define (BITCHAT_\w+) (\S+)$"
    for comment, name, value in re.findall(pattern, text, re.M):
        constants[name] = _value(value)
        comments[name] = " ".join(line[2:].strip() for line in comment.splitlines())
    plain = re.sub(r"/\*.*?\*/", "", re.sub(r"//.*", "", text), flags=re.S)
    handles = [a for a, b in re.findall(r"typedef struct (\w+) (\w+);", plain) if a == b]
    structs = {}
    for body, name in re.findall(r"typedef struct \{(.*?)\} (\w+);", plain, re.S):
        lines = [line for line in re.split(r";\s*", " ".join(body.split())) if line]
        structs[name] = [_field(line) for line in lines]
    functions = {}
    code = re.sub(r"^#.*$", "", plain[plain.index('extern "C"'):], flags=re.M)
    for declaration in re.findall(r"([\w\s*]+\bbitchat_\w+\([^;]*\));", code):
        head, arguments = declaration.split("(", 1)
        result = _field(" ".join(head.split()))
        listed = [" ".join(one.split()) for one in arguments.rstrip(")").split(",")]
        functions[result.name] = (result, [_field(one) for one in listed if one != "void"])
    assert len(functions) == len(set(re.findall(r"\b(bitchat_\w+)\(", code))), "a lost function"
    assert len(structs) + len(handles) == plain.count("typedef struct"), "a lost struct"
    return Header(constants, comments, handles, structs, functions)


def _in_struct(field: Field, header: Header) -> Tuple[str, str]:
    """The ctypes of a field, and what Python reads there."""
    if field.function or field.pointer:
        return "ctypes.c_void_p", "Optional[int]"
    if field.type in header.structs:
        return field.type, field.type
    kind = "ctypes." + SCALARS[field.type]
    if field.array is None:
        return kind, "int"
    if field.type == "char":
        return f"{kind} * {field.array}", "bytes"
    return f"{kind} * {field.array}", f"ctypes.Array[{kind}]"


def _argument(field: Field, header: Header) -> str:
    if field.pointer == 0:
        return SCALARS[field.type]
    if field.pointer == 2:
        return "POINTER(c_void_p)"
    if field.type in header.structs:
        return f"POINTER({field.type})"
    if field.type in ("size_t", "uint64_t", "uint32_t"):
        return f"POINTER({SCALARS[field.type]})"
    return "c_void_p"


NOTICE = "Generated from include/bitchat.h by generate.py; do not edit."


def constants_py(header: Header) -> str:
    lines = [f'"""The numbers of the interface, without BITCHAT_.\n\n{NOTICE}\n"""', ""]
    for name, value in header.constants.items():
        lines.append(f"{name[len('BITCHAT_'):]} = {value}")
    return "\n".join(lines) + "\n"


def structs_py(header: Header) -> str:
    lines = [f'"""The structs of the interface. {NOTICE}"""', ""]
    lines += ["from __future__ import annotations", "", "import ctypes", "from typing import Optional"]
    for name, fields in header.structs.items():
        lines += ["", "", f"class {name}(ctypes.Structure):"]
        lines += [f"    {f.name}: {_in_struct(f, header)[1]}" for f in fields]
        lines += ["    _fields_ = ["]
        lines += [f'        ("{f.name}", {_in_struct(f, header)[0]}),' for f in fields]
        lines += ["    ]"]
    return "\n".join(lines) + "\n"


def functions_py(header: Header) -> str:
    lines = [f'"""What each function gives and takes.\n\n{NOTICE}\n"""', ""]
    lines += ["from __future__ import annotations", "", "from ctypes import ("]
    lines += ["    POINTER,", "    c_char_p,", "    c_int32,", "    c_size_t,"]
    lines += ["    c_uint32,", "    c_uint64,", "    c_void_p,", ")"]
    lines += ["from typing import Any, Dict, List, Tuple", "", "from ._structs import ("]
    used = {f.type for _, arguments in header.functions.values() for f in arguments}
    lines += [f"    {name}," for name in sorted(used & set(header.structs))]
    lines += [")", "", "FUNCTIONS: Dict[str, Tuple[Any, List[Any]]] = {"]
    for name, (result, arguments) in header.functions.items():
        gives = "c_char_p" if result.pointer else SCALARS.get(result.type, "None")
        lines.append(f'    "{name}": ({gives}, [')
        lines += [f"        {_argument(one, header)}," for one in arguments]
        lines.append("    ]),")
    return "\n".join(lines + ["}"]) + "\n"


def generated() -> Dict[Path, str]:
    """The three files, as they have to be."""
    header = parse(HEADER.read_text("utf-8"))
    package = HERE / "dotchat"
    return {
        package / "constants.py": constants_py(header),
        package / "_structs.py": structs_py(header),
        package / "_functions.py": functions_py(header),
    }


def main() -> int:
    status = 0
    for path, text in generated().items():
        if "--check" not in sys.argv:
            path.write_text(text, "utf-8")
        elif not path.exists() or path.read_text("utf-8") != text:
            print(f"{path} is not what include/bitchat.h says; run {__file__}")
            status = 1
    return status


if __name__ == "__main__":
    sys.exit(main())
