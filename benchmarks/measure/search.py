# SPDX-License-Identifier: AGPL-3.0-or-later
"""Search and lists over HTTP, with the songs of the measured library."""
import random
import statistics
import urllib.parse

from fixtures import library
from measure.load import load
from measure.table import Row

LMS = {"one word": 9.7, "two words": 5.9, "3-letter prefix": 13.4, "no hit": 5.8}


def queries():
    """{class: [queries]}, drawn from the library's own words."""
    chance = random.Random(1)
    songs = [tags for *_, tags in library.small_songs()]

    def word():
        return chance.choice(chance.choice(songs)["title"].split())

    def typo():
        text = word()
        while len(text) < 5 or not text.isascii():
            text = word()
        at = chance.randrange(1, len(text) - 1)
        return text[:at] + chance.choice("aeioumnrst") + text[at + 1:]

    def two():
        song = chance.choice(songs)
        return f"{chance.choice(song['title'].split())} {chance.choice(song['artist'].split())}"

    return {"one word": [word() for _ in range(200)], "two words": [two() for _ in range(200)],
            "3-letter prefix": [word()[:3] for _ in range(200)], "1-letter prefix": list("abcdefgilmnoprstv"),
            "typo": [typo() for _ in range(200)], "no hit": [f"zzqx{n}kwv" for n in range(100)]}


def paths(texts):
    return ["/api/v1/search?limit=20&q=" + urllib.parse.quote(text) for text in texts]


def path_file(bench, name, texts):
    file = bench.scratch / f"{name.replace(' ', '-')}.paths"
    file.write_text("\n".join(paths(texts)) + "\n")
    return file


def rows(bench):
    login = [f"Authorization: Bearer {bench.node.token}"]
    classes = queries()
    everything = path_file(bench, "all", [text for texts in classes.values() for text in texts])
    for name, texts in {"all classes": None, **classes}.items():
        file = everything if texts is None else path_file(bench, name, texts)
        reports = [load(bench.node.url, file, seconds=1, headers=login) for _ in range(3 if texts else bench.rounds)]
        samples = [report["latency_us"]["p50"] / 1000 for report in reports]
        yield Row(f"search of {bench.songs:,} songs, {name}", "ms", samples, n=sum(r["requests"] for r in reports),
                  p99=statistics.median(report["latency_us"]["p99"] for report in reports) / 1000,
                  peer=f"LMS {LMS[name]} (other machine)" if name in LMS else "", target="p50 < 0.5 ms",
                  reached=statistics.median(samples) < 0.5)
    reports = [load(bench.node.url, everything, seconds=2, connections=32, headers=login) for _ in range(bench.rounds)]
    rates = [report["requests_per_s"] for report in reports]
    yield Row("searches with 32 clients", "1/s", rates, p99=min(rates), n=sum(r["requests"] for r in reports),
              peer="LMS 145 (other machine)", target="≥ 3,000", reached=statistics.median(rates) >= 3000)


def list_rows(bench):
    login = [f"Authorization: Bearer {bench.node.token}"]
    lists = {"albums, newest 500": "/albums?order=newest&limit=500", "albums by title, 500": "/albums?order=title&limit=500",
             "albums by artist, 500": "/albums?order=artist&limit=500", "albums by year, 500": "/albums?order=year&limit=500",
             "albums, random 500": "/albums?order=random&seed=7&limit=500",
             "albums of a genre, 500": "/albums?genre=Jazz&limit=500", "artists, 500": "/artists?limit=500"}
    for name, path in lists.items():
        reports = [load(bench.node.url, f"/api/v1{path}", seconds=1, headers=login) for _ in range(3)]
        samples = [report["latency_us"]["p50"] / 1000 for report in reports]
        yield Row(name, "ms", samples, n=sum(r["requests"] for r in reports),
                  p99=statistics.median(report["latency_us"]["p99"] for report in reports) / 1000,
                  peer={"albums by title, 500": "LMS 155 (other machine)",
                        "artists, 500": "LMS 101 for 1,298 (other machine)"}.get(name, ""),
                  target="p50 < 3 ms", reached=statistics.median(samples) < 3)
