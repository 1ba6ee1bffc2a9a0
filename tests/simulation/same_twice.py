#!/usr/bin/env python3
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Two processes must do exactly the same with one seed, and something else with another. Usage: same_twice.py PROGRAM"""
import re
import subprocess
import sys


def trace(program, seed):
    out = subprocess.run([program, "run", "--seed", str(seed), "--nodes", "200"], capture_output=True, text=True).stdout
    return re.search(r"trace ([0-9a-f]{16})", out).group(1)


traces = [trace(sys.argv[1], seed) for seed in (7, 7, 8)]
print(traces)
sys.exit(not (traces[0] == traces[1] != traces[2]))
