"""The package against include/bitchat.h: nothing that the header has is forgotten here."""

from __future__ import annotations

import ast
import ctypes
import dataclasses
import re
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path
from typing import Any, Set

import dotchat
import generate
from dotchat import _functions, _structs, actions, constants, errors, events
from dotchat import _native

HEADER = generate.parse(generate.HEADER.read_text("utf-8"))
PACKAGE = Path(dotchat.__file__).resolve().parent


class Recorder:
    """Stands for a struct and notes which of its fields are read."""

    def __init__(self, struct: Any) -> None:
        self.__dict__["read"] = set()
        self.__dict__["struct"] = struct

    def __getattr__(self, name: str) -> Any:
        self.read.add(name)
        return getattr(self.struct, name)


def named_in(comment: str, fields: Set[str]) -> Set[str]:
    return set(re.findall(r"`(\w+)`", comment)) & fields


class Declarations(unittest.TestCase):
    def test_the_generated_files_are_what_the_header_says(self) -> None:
        for path, text in generate.generated().items():
            self.assertEqual(path.read_text("utf-8"), text, f"run generate.py for {path.name}")

    def test_names_field_order_values_and_arities(self) -> None:
        for name, value in HEADER.constants.items():
            self.assertEqual(getattr(constants, name[len("BITCHAT_"):]), value, name)
        for name, fields in HEADER.structs.items():
            declared = [one[0] for one in getattr(_structs, name)._fields_]
            self.assertEqual(declared, [field.name for field in fields], name)
        self.assertEqual(list(_functions.FUNCTIONS), list(HEADER.functions))
        for name, (_, arguments) in HEADER.functions.items():
            self.assertEqual(len(_functions.FUNCTIONS[name][1]), len(arguments), name)
        self.assertGreater(len(HEADER.functions), 50)
        self.assertGreater(len(HEADER.structs), 15)

    @unittest.skipUnless(shutil.which("cc"), "no C compiler")
    def test_sizes_and_offsets_are_those_of_a_c_compiler(self) -> None:
        lines, expected = [], []
        for name, fields in HEADER.structs.items():
            struct = getattr(_structs, name)
            lines.append(f"sizeof({name})")
            expected.append(ctypes.sizeof(struct))
            for field in fields:
                c_name = "from" if field.name == "from_" else field.name
                lines.append(f"offsetof({name}, {c_name})")
                expected.append(getattr(struct, field.name).offset)
        body = "".join(f'printf("%zu\\n", {line});' for line in lines)
        source = f'#include <stdio.h>\n#include "bitchat.h"\nint main(void) {{ {body} return 0; }}'
        with tempfile.TemporaryDirectory() as directory:
            program = Path(directory) / "sizes"
            command = ["cc", "-I", str(generate.HEADER.parent), "-x", "c", "-", "-o", str(program)]
            subprocess.run(command, input=source.encode(), check=True)
            output = subprocess.run([str(program)], check=True, stdout=subprocess.PIPE).stdout
        self.assertEqual([int(line) for line in output.split()], expected)

    def test_a_header_that_is_not_understood_is_an_error(self) -> None:
        text = generate.HEADER.read_text("utf-8")
        with self.assertRaises((AssertionError, ValueError)):
            generate.parse(text.replace("typedef struct {", "typedef struct other {", 1))


class NothingForgotten(unittest.TestCase):
    def check_kinds(self, prefix: str, struct: str, decoders: Any) -> None:
        kinds = {n: v for n, v in HEADER.constants.items() if n.startswith(prefix)}
        self.assertEqual(set(kinds.values()), set(decoders), f"a decoder for each {prefix}...")
        fields = {field.name for field in HEADER.structs[struct]}
        everything: Set[str] = set()
        for name, kind in kinds.items():
            native = _native.new(getattr(_structs, struct))
            native.kind = kind
            native.address.family = constants.FAMILY_V4
            if struct == "bitchat_event":
                native.content = constants.CONTENT_TEXT
            recorder = Recorder(native)
            decoders[kind](recorder)
            missed = named_in(HEADER.comments[name], fields) - recorder.read
            self.assertFalse(missed, f"{name} says {missed}, which its dataclass does not")
            everything |= recorder.read
        if struct == "bitchat_event":
            native.content = constants.CONTENT_TEXT + 1
            recorder = Recorder(native)
            decoders[constants.EVENT_CHANNEL_MESSAGE](recorder)
            everything |= recorder.read
        everything |= {"struct_size", "kind", "reserved"}
        self.assertEqual(everything, fields)

    def test_every_event_and_each_of_its_fields(self) -> None:
        self.check_kinds("BITCHAT_EVENT_", "bitchat_event", events.DECODERS)

    def test_every_action_and_each_of_its_fields(self) -> None:
        self.check_kinds("BITCHAT_ACTION_", "bitchat_action", actions.DECODERS)

    def test_unknown_kinds_are_told_as_such(self) -> None:
        event = _native.new(_structs.bitchat_event)
        event.kind = 9999
        self.assertEqual(events.event_of(event), events.UnknownEvent(9999))
        action = _native.new(_structs.bitchat_action)
        action.kind, action.request = 9999, 5
        self.assertEqual(actions.action_of(action), actions.UnknownAction(9999, 5))
        action.request = constants.NO_REQUEST
        self.assertEqual(actions.action_of(action), actions.UnknownAction(9999, None))

    def test_every_error_has_its_exception(self) -> None:
        codes = {v for n, v in HEADER.constants.items() if n.startswith("BITCHAT_ERR_")}
        self.assertEqual(codes, set(errors.BY_STATUS))
        for status, kind in errors.BY_STATUS.items():
            raised = errors.of_status(status, "text")
            self.assertIs(type(raised), kind)
            self.assertEqual(raised.status, status)
        self.assertIs(type(errors.of_status(-1050, "")), errors.FatalError)
        self.assertIs(type(errors.of_status(-50, "")), errors.Error)

    def test_every_setting_and_every_counter(self) -> None:
        for struct, kind in (("bitchat_config", dotchat.Config), ("bitchat_stats", dotchat.Stats), ("bitchat_dht_stats", dotchat.DhtStats)):
            declared = {field.name for field in HEADER.structs[struct]}
            declared = {n for n in declared if n != "struct_size" and "reserved" not in n}
            self.assertEqual({field.name for field in dataclasses.fields(kind)}, declared)

    def test_every_function_is_used_but_the_callbacks(self) -> None:
        source = "".join(
            path.read_text("utf-8")
            for path in PACKAGE.glob("*.py")
            if not path.name.startswith("_functions")
        )
        used = set(re.findall(r"lib(?:rary)?\.(bitchat_\w+)", source))
        # Python polls: an exception in a callback of C would be lost.
        without = {"bitchat_node_dispatch", "bitchat_status_name"}
        self.assertEqual(set(HEADER.functions) - used, without)
        self.assertNotIn("CFUNCTYPE", source)

    def test_it_is_python_3_9(self) -> None:
        for path in PACKAGE.rglob("*.py"):
            ast.parse(path.read_text("utf-8"), feature_version=(3, 9))


if __name__ == "__main__":
    unittest.main()
