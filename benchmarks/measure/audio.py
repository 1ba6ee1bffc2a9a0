# SPDX-License-Identifier: AGPL-3.0-or-later
"""Bytes of songs, beside nginx with the same file in the same run."""
import statistics

from measure.load import in_turn, load, median_ratio
from measure.table import Row, number


def compare(bench, tls, **how):
    """Reports of the node and of nginx for the same requests, taken in turn."""
    (url, path), login = bench.ours(f"/api/v1/songs/{bench.large_song['id']}/audio", tls)
    theirs = bench.nginx(tls)
    extra = how.pop("extra", [])
    return in_turn(lambda: load(url, path, headers=login + extra, **how),
                   lambda: load(*theirs, headers=login + extra, **how), bench.rounds)


def throughput(name, bench, tls, **how):
    mine, peers = ([report["mb_per_s"] for report in reports] for reports in compare(bench, tls, **how))
    ratio = median_ratio(mine, peers)
    return Row(f"{name}, {'TLS 1.3' if tls else 'plain'}", "MB/s", mine, p99=min(mine),
               peer=f"nginx {number(statistics.median(peers))}; ratio {ratio:.2f}", target="≥ 0.9 × nginx",
               reached=ratio >= 0.9)


def first_byte(name, bench, tls, **how):
    """Time from connect() to the answer's first byte, with a new connection each time."""
    mine, peers = compare(bench, tls, fresh=True, **how)

    def p50(reports):
        return [report["first_byte_us"]["p50"] / 1000 for report in reports]

    ratio = median_ratio(p50(mine), p50(peers))
    return Row(f"{name}, {'TLS 1.3' if tls else 'plain'}", "ms", p50(mine),
               p99=statistics.median(report["first_byte_us"]["p99"] for report in mine) / 1000,
               n=sum(report["requests"] for report in mine),
               peer=f"nginx {number(statistics.median(p50(peers)))}; ratio {ratio:.2f}", target="≤ 2 × nginx",
               reached=ratio <= 2)


def rows(bench):
    middle = [f"Range: bytes={5 << 20}-{(5 << 20) + 65535}"]
    for tls in (False, True):
        for connections in (1, 64):
            many = f"{connections} connection{'s' if connections > 1 else ''}"
            yield throughput(f"audio 10 MB, {many}", bench, tls, connections=connections)
            yield throughput(f"64 KiB ranges, {many}", bench, tls, connections=connections, extra=middle)
        yield first_byte("first byte, new connection", bench, tls, seconds=1.5, extra=["Range: bytes=0-65535"])


def login_rows(bench):
    """A cheap request with a log-in beside a cheap one without: an upper bound of what the check costs."""
    login = [f"Authorization: Bearer {bench.node.token}"]
    with_check, without = in_turn(lambda: load(bench.node.url, "/api/v1/session", seconds=1, headers=login),
                                  lambda: load(bench.node.url, "/readyz", seconds=1, headers=login), bench.rounds)
    cost = [(a["latency_us"]["p50"] - b["latency_us"]["p50"]) / 1000 for a, b in zip(with_check, without, strict=True)]
    median = max(0.0, statistics.median(cost))
    yield Row("log-in check of a request", "ms", cost, median=median, n=sum(a["requests"] for a in with_check),
              peer=f"request without {number(statistics.median(b['latency_us']['p50'] for b in without) / 1000)} ms",
              target="≤ 0.05 ms", reached=median <= 0.05)
