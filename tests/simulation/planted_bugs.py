#!/usr/bin/env python3
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Each planted bug must be caught by the seeds recorded here, which pass without it. Usage: planted_bugs.py PROGRAM"""
import subprocess
import sys

# bug: (seed, what the checker says); docs/simulation.md has the list for people.
CAUGHT = {
    1: (1, "has a live contact that never answered it"),
    2: (1, "nodes that did not answer"),
    3: (1, "recall of the true nearest"),
    4: (1, "recall of the true nearest"),
    5: (1, "does not name the nearest of its contacts"),
    6: (1, "does not name the nearest of its contacts"),
}


def run(program, bug, seed):
    return subprocess.run([program, "--planted-bug", str(bug), "run", "--seed", str(seed), "--nodes", "300"],
                          capture_output=True, text=True)


def main(program):
    failed = False
    for bug, (seed, says) in CAUGHT.items():
        planted, clean = run(program, bug, seed), run(program, 0, seed)
        if planted.returncode != 1 or says not in planted.stdout:
            print(f"bug {bug} was not caught by seed {seed}:\n{planted.stdout[-800:]}")
            failed = True
        if clean.returncode != 0:
            print(f"seed {seed} fails without the bug:\n{clean.stdout[-800:]}")
            failed = True
    return failed


sys.exit(main(sys.argv[1]))
