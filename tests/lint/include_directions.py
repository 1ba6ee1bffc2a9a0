#!/usr/bin/python3
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Checks that includes point downwards only: a layer knows the layers below it and nothing else.

Run without arguments on the project's source; with --self-test it shows that it can fail.
"""
import pathlib
import re
import sys

# What each folder of src/ may include. The composition root, app, may include everything.
MAY_INCLUDE = {
    "core": {"core"},
    "services": {"core", "services"},
    "distributed": {"core", "services", "distributed"},
    "views": {"core", "views"},
    "middleware": {"core", "middleware"},
    "interface": {"core", "middleware", "interface"},
    "app": {"core", "services", "distributed", "views", "middleware", "interface", "app"},
}

# The pure rooms: time, randomness and the network are parameters there.
PURE = ("distributed/crdt", "distributed/kademlia")
IMPURE = re.compile(
    r"std::chrono::\w+_clock|std::random_device|\brand\(\)|std::(jthread|thread|mutex|shared_mutex)\b"
    r"|<(thread|mutex|shared_mutex|filesystem|fstream|sys/socket\.h)>|boost/asio"
)

INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"')


def violations(path: str, text: str) -> list[str]:
    """Complaints about one file, `path` being relative to src/."""
    layer = path.split("/", 1)[0]
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        included = INCLUDE.match(line)
        if included and (target := included[1].split("/", 1)[0]) in MAY_INCLUDE:
            if target not in MAY_INCLUDE[layer]:
                found.append(f"src/{path}:{number}: {layer} must not include {included[1]}")
        if path.startswith(PURE) and IMPURE.search(line):
            found.append(f"src/{path}:{number}: a pure room must not use: {line.strip()}")
    return found


def self_test() -> None:
    assert violations("core/a.hpp", '#include "services/b.hpp"')
    assert violations("views/a.cpp", '#include "services/b.hpp"')
    assert violations("middleware/a.cpp", '#include "views/b.hpp"')
    assert violations("distributed/kademlia/a.cpp", "auto t = std::chrono::steady_clock::now();")
    assert not violations("distributed/kademlia/a.cpp", '#include "core/ids.hpp"')
    assert not violations("app/serve.cpp", '#include "services/b.hpp"')


def main() -> int:
    self_test()
    source = pathlib.Path(__file__).resolve().parents[2] / "src"
    files = [p for p in sorted(source.rglob("*")) if p.suffix in (".hpp", ".cpp")]
    found = [v for p in files for v in violations(p.relative_to(source).as_posix(), p.read_text())]
    print("\n".join(found) if found else f"{len(files)} files, all includes point downwards")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
