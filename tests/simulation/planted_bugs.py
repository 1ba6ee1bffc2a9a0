#!/usr/bin/env python3
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Each planted bug must be caught by the seed recorded here, which passes without it. Usage: planted_bugs.py PROGRAM"""
import subprocess
import sys

SWARM = ["run", "--nodes", "300"]
LIBRARY = ["library"]

# bug: (run, seed, what the checker says); docs/simulation.md has the list for people.
CAUGHT = {
    1: (SWARM, 1, "has a live contact that never answered it"),
    2: (SWARM, 1, "nodes that did not answer"),
    3: (SWARM, 1, "recall of the true nearest"),
    4: (SWARM, 1, "recall of the true nearest"),
    5: (SWARM, 1, "does not name the nearest of its contacts"),
    6: (SWARM, 1, "does not name the nearest of its contacts"),
    7: (LIBRARY, 20, "was acknowledged when 1 of 2 disks had it"),
    8: (LIBRARY, 1, "was acknowledged when 1 of 2 disks had it"),
    9: (LIBRARY, 7, "let go of song"),
    11: (LIBRARY, 3, "is still on rank"),
    12: (LIBRARY, 4, "has 2 copies"),
    13: (LIBRARY, 2, "has a rotten copy"),
    14: (LIBRARY, 4, "got bytes that nobody uploaded"),
    15: (LIBRARY, 20, "was acknowledged with a time that is to come"),
    16: (LIBRARY, 23, "was acknowledged, and is nowhere"),
    17: (LIBRARY, 63, "the records of song"),
    18: (LIBRARY, 1, "has another catalogue than the first host"),
    19: (LIBRARY, 40, "a stream has not ended by its deadline"),
    20: (LIBRARY, 25, "on a disk of"),
    21: (LIBRARY, 23, "the set has lost or kept"),
    22: (LIBRARY, 1, "the set has lost or kept"),
    23: (LIBRARY, 2, "holders differ in document"),
    24: (LIBRARY, 1, "members of"),
}


def run(program, bug, command, seed):
    return subprocess.run([program, "--planted-bug", str(bug), *command, "--seed", str(seed)],
                          capture_output=True, text=True)


def main(program):
    failed = False
    for bug, (command, seed, says) in CAUGHT.items():
        planted, clean = run(program, bug, command, seed), run(program, 0, command, seed)
        if planted.returncode != 1 or says not in planted.stdout:
            print(f"bug {bug} was not caught by seed {seed}:\n{planted.stdout[-800:]}")
            failed = True
        if clean.returncode != 0:
            print(f"seed {seed} fails without the bug:\n{clean.stdout[-800:]}")
            failed = True
    return failed


sys.exit(main(sys.argv[1]))
