# SPDX-License-Identifier: AGPL-3.0-or-later
"""Artists, albums, genres and lists."""
import pytest


@pytest.fixture(scope="module")
def shelf(node, next_tune):
    """Three albums of two artists with a genre that no other test uses."""
    made = []
    for artist, album, year in (("Browsed One", "First Shelf", 1990), ("Browsed One", "Second Shelf", 2000),
                                ("Browsed Two", "Third Shelf", 2010)):
        for track in (2, 1, 3):
            made.append(node.stored(next_tune(title=f"{album} {track}", artist=artist, album=album, album_artist=artist,
                                              track=track, year=year, genre="Shelf Music")))
    return made


def pages(node, path, **params):
    items, cursor = [], None
    while True:
        page = node.json(path, **params, **({"cursor": cursor} if cursor else {}))
        assert page["partial"] is False
        assert len(page["items"]) <= params.get("limit", 500)
        items += page["items"]
        if not (cursor := page["next"]):
            return items


def test_albums_of_a_genre_in_each_order(node, shelf):
    def titles(**params):
        return [album["title"] for album in pages(node, "/albums", genre="Shelf Music", limit=1, **params)]
    assert titles(order="newest") == ["Third Shelf", "Second Shelf", "First Shelf"]
    assert titles(order="title") == ["First Shelf", "Second Shelf", "Third Shelf"]
    assert titles(order="artist")[2] == "Third Shelf"
    assert titles(order="year") == ["First Shelf", "Second Shelf", "Third Shelf"]
    assert titles(order="year", **{"from": 2005, "to": 1995}) == ["Second Shelf"]
    assert sorted(titles(order="random", seed=1)) == sorted(titles(order="random", seed=2))
    assert titles(order="random", seed=5) == titles(order="random", seed=5)


def test_an_album_and_its_songs(node, shelf):
    album = node.json(f"/albums/{shelf[0]['album_id']}")
    assert (album["title"], album["artist"], album["year"], album["song_count"]) == ("First Shelf", "Browsed One", 1990, 3)
    assert [song["track"] for song in album["songs"]] == [1, 2, 3]
    assert album["duration_ms"] == sum(song["duration_ms"] for song in album["songs"])
    assert album["genres"] == ["Shelf Music"]


def test_an_artist_and_their_albums(node, shelf):
    artist = node.json(f"/artists/{shelf[0]['artist_id']}")
    assert (artist["name"], artist["album_count"], artist["song_count"]) == ("Browsed One", 2, 6)
    assert [album["title"] for album in artist["albums"]] == ["Second Shelf", "First Shelf"]
    assert artist["appears_on"] == []


def test_all_artists_by_name_page_by_page(node, shelf):
    names = [artist["name"] for artist in pages(node, "/artists", limit=3)]
    assert len(names) == len(set(names)) == node.json("/totals")["artists"]
    assert names.index("Browsed One") < names.index("Browsed Two")


def test_genres(node, shelf):
    genre = next(g for g in pages(node, "/genres") if g["name"] == "Shelf Music")
    assert (genre["song_count"], genre["album_count"]) == (9, 3)
    assert node.json("/genres/Shelf%20Music") == genre
    assert node.get("/genres/No%20Such%20Music").status_code == 404


def test_songs_by_genre_artist_and_year(node, shelf):
    ids = {song["id"] for song in shelf}
    assert {song["id"] for song in pages(node, "/songs", genre="Shelf Music", limit=2)} == ids
    by_artist = pages(node, "/songs", artist=shelf[0]["artist_id"], order="title")
    assert [song["title"] for song in by_artist] == sorted(s["title"] for s in shelf if s["artist"] == "Browsed One")
    assert len(pages(node, "/songs", genre="Shelf Music", order="newest")) == 9
    newest = pages(node, "/songs", genre="Shelf Music", order="newest")
    assert newest[0]["id"] == shelf[-1]["id"]
    in_years = pages(node, "/songs", genre="Shelf Music", **{"from": 1999, "to": 2001})
    assert {song["year"] for song in in_years} == {2000}


def test_totals_add_up(node, shelf):
    totals = node.json("/totals")
    songs = pages(node, "/songs", limit=500)
    assert totals["songs"] == len(songs)
    assert totals["bytes"] == sum(song["size"] for song in songs)
    assert totals["duration_ms"] == sum(song["duration_ms"] for song in songs)
    assert totals["albums"] == len({song["album_id"] for song in songs if song["album_id"]})


def test_metrics_are_prometheus_text(node):
    answer = node.get("/metrics")
    assert answer.status_code == 200
    names = {line.split("{")[0].split(" ")[0] for line in answer.text.splitlines() if line and line[0] != "#"}
    assert any(name.startswith("kadenza_") and "request" in name for name in names)
    assert all(line.startswith("#") or line.rpartition(" ")[2] for line in answer.text.splitlines())
