# SPDX-License-Identifier: AGPL-3.0-or-later
"""What people find when they type, and the index as data that can be made again."""
import os
import shutil

import pytest
from kadenza import wait_until
from test_crash import search_folder

SONGS = [
    ("Corazón Partío", "Alejandro Sanz", "Más"), ("Bohemian Rhapsody", "Queen", "A Night at the Opera"),
    ("Пісня про рушник", "Дмитро Гнатюк", "Українські пісні"), ("Τα παιδιά του Πειραιά", "Μελίνα Μερκούρη", "Ποτέ την Κυριακή"),
    ("月亮代表我的心", "邓丽君", "情歌"), ("さくらさくら", "東京合唱団", "日本の歌"),
    ("Für Elise", "Ludwig van Beethoven", "Klavierstücke"), ("Straßenbahn", "Björk Ångström", "Łódź"),
]


@pytest.fixture(scope="module")
def songs(node, next_tune):
    stored = {title: node.stored(next_tune(title=title, artist=artist, album=album))
              for title, artist, album in SONGS}
    for song in stored.values():
        node.finds(song, song["title"])
    return stored


@pytest.mark.parametrize(("typed", "title"), [
    ("corazon", "Corazón Partío"), ("CORAZÓN", "Corazón Partío"), ("cora", "Corazón Partío"), ("partio", "Corazón Partío"),
    ("corason", "Corazón Partío"), ("corazno", "Corazón Partío"), ("sanz corazon mas", "Corazón Partío"),
    ("bohemian rapsody", "Bohemian Rhapsody"), ("bohemain rhapsody", "Bohemian Rhapsody"), ("queen opera", "Bohemian Rhapsody"),
    ("night queen rhap", "Bohemian Rhapsody"), ("пісня", "Пісня про рушник"), ("рушник гнатюк", "Пісня про рушник"),
    ("РУШНИ", "Пісня про рушник"), ("παιδια", "Τα παιδιά του Πειραιά"), ("μερκουρη", "Τα παιδιά του Πειραιά"),
    ("月亮", "月亮代表我的心"), ("代表", "月亮代表我的心"), ("さくら", "さくらさくら"), ("fur elise", "Für Elise"),
    ("strassenbahn", "Straßenbahn"), ("bjork", "Straßenbahn"), ("lodz", "Straßenbahn"), ("beethovem", "Für Elise"),
    ("betehoven", "Für Elise"),
])
def test_finds(node, songs, typed, title):
    assert songs[title]["id"] in [hit["id"] for hit in node.search(typed)["songs"]]


def test_shape(node, songs):
    found = node.search("queen")
    assert set(found) >= {"songs", "albums", "artists", "next", "partial"}
    assert found["partial"] is False
    song = next(hit for hit in found["songs"] if hit["title"] == "Bohemian Rhapsody")
    assert song["score"] > 0
    assert {"field": "artist", "offset": 0, "length": 5} in song["highlights"]
    assert "Queen" in [artist["name"] for artist in found["artists"]]
    assert "A Night at the Opera" in [album["title"] for album in node.search("night opera")["albums"]]


def test_highlights_count_characters_not_bytes(node, songs):
    song = next(hit for hit in node.search("рушник")["songs"] if hit["title"] == "Пісня про рушник")
    mark = next(mark for mark in song["highlights"] if mark["field"] == "title")
    assert song["title"][mark["offset"]:mark["offset"] + mark["length"]] == "рушник"


def test_exact_before_prefix_before_typo_and_title_before_artist(node, next_tune):
    for title, artist in (("Zephyrine", "A"), ("Zephyr", "B"), ("Zephir", "C"), ("Other", "Zephyr")):
        node.stored(next_tune(title=title, artist=artist, album=""))
    wanted = ["Zephyr", "Other", "Zephyrine", "Zephir"]
    wait_until(lambda: len(node.search("zephyr")["songs"]) >= 4, "all four are found", 5)
    order = [hit["title"] for hit in node.search("zephyr")["songs"]]
    assert order.index("Zephyr") < order.index("Zephyrine") < order.index("Zephir")
    assert order.index("Zephyr") < order.index("Other")
    assert set(wanted) <= set(order)


def test_pages_of_songs(node, next_tune):
    made = {node.stored(next_tune(title=f"Pagination {n}"))["id"] for n in range(25)}
    wait_until(lambda: len(node.search("pagination", limit=100)["songs"]) == 25, "all are found", 5)
    seen, cursor, pages = [], None, 0
    while True:
        page = node.search("pagination", limit=10, **({"cursor": cursor} if cursor else {}))
        seen += [hit["id"] for hit in page["songs"]]
        pages += 1
        if not (cursor := page["next"]):
            break
    assert pages == 3
    assert len(seen) == 25 and set(seen) == made


def test_no_hits(node, songs):
    found = node.search("qqqqqqqqqqqqxxxxxxxxxx")
    assert (found["songs"], found["albums"], found["artists"], found["next"]) == ([], [], [], None)


def test_searchable_within_a_second_of_the_acknowledgement(node, next_tune):
    for number in range(10):
        song = node.stored(next_tune(title=f"Instantly {number}"))
        wait_until(lambda: song["id"] in [hit["id"] for hit in node.search(f"instantly {number}")["songs"]],
                   "searchable", 1)


@pytest.mark.parametrize("harm", ["deleted", "emptied", "truncated", "garbage"])
def test_the_index_is_made_again(new_node, next_tune, harm):
    node = new_node()
    songs = [node.stored(next_tune(title=f"Reborn {n}")) for n in range(30)]
    assert node.stop() == 0
    index = search_folder(node)
    for file in index.rglob("*.glass"):
        if harm == "emptied":
            os.truncate(file, 0)
        elif harm == "truncated":
            os.truncate(file, file.stat().st_size // 2)
        elif harm == "garbage":
            file.write_bytes(os.urandom(file.stat().st_size))
    if harm == "deleted":
        shutil.rmtree(index)
    node.start()
    for song in songs:
        node.finds(song, song["title"])
