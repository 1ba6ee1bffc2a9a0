#!/usr/bin/env python3
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Two processes must do exactly the same with one seed, and something else with another. Usage: same_twice.py PROGRAM"""
import re
import subprocess
import sys


def trace(program, command, seed):
    out = subprocess.run([program, *command, "--seed", str(seed)], capture_output=True, text=True).stdout
    return re.search(r"trace ([0-9a-f]{16})", out).group(1)


def repeats(program, command):
    traces = [trace(program, command, seed) for seed in (7, 7, 8)]
    print(*command, traces)
    return traces[0] == traces[1] != traces[2]


program = sys.argv[1]
sys.exit(not (repeats(program, ["run", "--nodes", "200"]) and repeats(program, ["library"])))
