"""What is shipped: the README's example, the example program, and the wheel in a fresh environment."""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import io
import os
import re
import subprocess
import sys
import tempfile
import unittest
import zipfile
from pathlib import Path
from typing import Any, Dict

import build_wheel
import dotchat

HERE = Path(__file__).resolve().parent.parent
ROOT = HERE.parent.parent
LIBRARY = os.environ.get("DOTCHAT_LIBRARY")


class Readme(unittest.TestCase):
    def test_its_example_runs(self) -> None:
        readme = (HERE / "README.md").read_text("utf-8")
        example, = re.findall(r"```python\n(.*?)```", readme, re.S)
        names: Dict[str, Any] = {}
        exec(compile(example, "README.md", "exec"), names)
        output = io.StringIO()
        with tempfile.TemporaryDirectory() as directory, contextlib.redirect_stdout(output):
            asyncio.run(asyncio.wait_for(names["main"](directory), 30))
        self.assertRegex(output.getvalue(), r"^[a-z0-9-]+ hello\nhello\n$")


class Types(unittest.TestCase):
    @unittest.skipUnless(importlib.util.find_spec("mypy"), "no mypy")
    def test_mypy_finds_nothing(self) -> None:
        command = [sys.executable, "-m", "mypy", "--strict", "--cache-dir", os.devnull, "dotchat"]
        done = subprocess.run(command, cwd=HERE, stdout=subprocess.PIPE)
        self.assertEqual(done.returncode, 0, done.stdout.decode())


class Example(unittest.TestCase):
    def test_two_of_them_talk(self) -> None:
        program = ROOT / "examples" / "python" / "chat.py"
        environment = {**os.environ, "PYTHONPATH": str(HERE)}
        with tempfile.TemporaryDirectory() as name:
            directory = Path(name)
            with dotchat.ChatFile.create("family") as file:
                file.save(directory / "f.chat")

            def start(who: str, *options: str) -> "subprocess.Popen[str]":
                command = [sys.executable, str(program), *options, who, "f.chat"]
                return subprocess.Popen(
                    command,
                    cwd=directory,
                    env=environment,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    universal_newlines=True,
                )

            def until(process: "subprocess.Popen[str]", wanted: str) -> str:
                seen = []
                assert process.stdout is not None
                for line in process.stdout:
                    seen.append(line)
                    if wanted in line:
                        return line
                raise AssertionError(f"never said {wanted!r}, only {seen}")

            alice = start("alice")
            self.addCleanup(alice.kill)
            port = until(alice, "ready at port").split("port ")[1].split(",")[0]
            bob = start("bob", "--peer", f"127.0.0.1:{port}")
            self.addCleanup(bob.kill)
            until(alice, "is here")
            assert alice.stdin is not None and bob.stdin is not None
            alice.stdin.write("hello\x1b from Python\n")
            alice.stdin.flush()
            self.assertTrue(until(bob, "from Python").endswith(": hello  from Python\n"))
            until(alice, "stored by")
            alice.communicate(timeout=30)
            until(bob, "is gone")
            bob.communicate(timeout=30)
            self.assertEqual((alice.returncode, bob.returncode), (0, 0))


@unittest.skipUnless(LIBRARY, "DOTCHAT_LIBRARY is not set")
class Wheel(unittest.TestCase):
    def setUp(self) -> None:
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.directory = Path(directory.name)
        command = [sys.executable, str(HERE / "build_wheel.py"), "--library", str(LIBRARY)]
        command += ["--out", str(self.directory)]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE)
        self.wheel = Path(done.stdout.decode().strip())

    def test_it_holds_what_it_says(self) -> None:
        self.assertRegex(self.wheel.name, r"^dotchat-[\d.]+-py3-none-\w+\.whl$")
        with zipfile.ZipFile(self.wheel) as archive:
            names = set(archive.namelist())
            info = next(name.split("/")[0] for name in names if ".dist-info/" in name)
            record = archive.read(f"{info}/RECORD").decode()
        self.assertEqual({line.split(",")[0] for line in record.splitlines()}, names)
        wanted = {"dotchat/py.typed", "dotchat/aio/driver.py", f"dotchat/{build_wheel.FILE_NAME}"}
        self.assertLessEqual(wanted, names)
        first = self.wheel.read_bytes()
        build_wheel.write(Path(str(LIBRARY)), self.directory)
        self.assertEqual(self.wheel.read_bytes(), first)

    @unittest.skipUnless(importlib.util.find_spec("ensurepip"), "no ensurepip")
    def test_it_is_installed_and_imported_in_a_fresh_environment(self) -> None:
        place = self.directory / "venv"
        environment = {k: v for k, v in os.environ.items() if not k.startswith(("DOTCHAT", "PYTHON"))}

        def run(*command: str) -> str:
            done = subprocess.run(
                command, check=True, stdout=subprocess.PIPE, cwd=self.directory, env=environment
            )
            return done.stdout.decode()

        run(sys.executable, "-m", "venv", str(place))
        python = str(place / ("Scripts" if os.name == "nt" else "bin") / "python")
        run(python, "-m", "pip", "install", "-q", "--no-index", "--no-deps", str(self.wheel))
        program = "import dotchat, dotchat.aio; print(dotchat.__file__, dotchat.ChatFile.create('a').name)"
        where, name = run(python, "-c", program).split()
        self.assertTrue(Path(where).resolve().is_relative_to(place.resolve()))
        self.assertEqual(name, "a")


if __name__ == "__main__":
    unittest.main()
