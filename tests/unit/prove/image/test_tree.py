from pathlib import Path

import pytest

from bakehouse.errors import InfrastructureError
from bakehouse.prove.image.at_rest import ImageAtRest, open_image
from tests.unit.prove.builders import Item, emptied, file, folder, hardlink, layer, removed, symlink, write_layout


def stacked(tmp_path: Path, *layers: list[Item]) -> ImageAtRest:
    path = write_layout(tmp_path / "image.tar", [layer(*items) for items in layers])
    return open_image(path, workspace=tmp_path)


def paths(image: ImageAtRest) -> list[str]:
    return sorted(entry.path for entry in image.tree)


def test_a_whiteout_removes_a_file_or_a_whole_folder(tmp_path: Path) -> None:
    image = stacked(tmp_path, [file("/a/x"), file("/a/b/y"), file("/z")], [removed("/z"), removed("/a/b")])

    assert paths(image) == ["/", "/a", "/a/x"]
    assert "/a/b/y" in {entry.path for entry in image.layers[0].entries}


def test_an_opaque_folder_hides_what_was_below_but_not_its_own(tmp_path: Path) -> None:
    image = stacked(tmp_path, [file("/a/old"), file("/b")], [file("/a/new"), emptied("/a")])

    assert paths(image) == ["/", "/a", "/a/new", "/b"]


def test_a_hard_link_to_a_file_of_a_lower_layer_has_its_content(tmp_path: Path) -> None:
    image = stacked(tmp_path, [file("/a", b"same")], [hardlink("/b", "/a")], [file("/a", b"other")])

    assert (image.read("/a"), image.read("/b")) == (b"other", b"same")


def test_hard_links_within_a_layer(tmp_path: Path) -> None:
    image = stacked(tmp_path, [file("/a", b"same", mode=0o4755), hardlink("/b", "/a")], [removed("/a")])

    assert image.read("/b") == b"same"
    entry = image.tree.get("/b")
    assert entry is not None
    assert (entry.kind, entry.mode) == ("file", 0o4755)
    assert image.bytes_unpacked == 4


def test_a_hard_link_to_nothing_is_a_damaged_layer(tmp_path: Path) -> None:
    with pytest.raises(InfrastructureError, match="/b is a hard link to /a, which is missing"):
        stacked(tmp_path, [hardlink("/b", "/a")])


def test_a_layer_writes_through_symlinks_to_folders(tmp_path: Path) -> None:
    image = stacked(tmp_path, [folder("/usr/lib"), symlink("/lib", "usr/lib")], [file("/lib/new.so")])

    assert image.read("/usr/lib/new.so") == b""
    assert image.tree.resolve("/lib/new.so") == "/usr/lib/new.so"


def test_a_folder_replaces_a_symlink_and_a_file_a_folder(tmp_path: Path) -> None:
    image = stacked(
        tmp_path,
        [folder("/usr/lib"), symlink("/lib", "usr/lib"), file("/was/folder/x")],
        [folder("/lib"), file("/lib/own"), file("/was/folder", b"now a file")],
    )

    assert "/usr/lib/own" not in paths(image)
    assert image.read("/was/folder") == b"now a file"
    assert image.tree.get("/was/folder/x") is None


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/link/f", "/d/f"),
        ("/d/../d/./f", "/d/f"),
        ("/up/f", "/d/f"),
        ("/../../d/f", "/d/f"),
        ("/loop", None),
        ("/nowhere", None),
        ("/d/f/below-a-file", None),
        ("/absolute", "/d/f"),
    ],
)
def test_paths_are_followed_as_in_a_container(tmp_path: Path, path: str, expected: str | None) -> None:
    image = stacked(
        tmp_path,
        [
            file("/d/f"),
            symlink("/link", "d"),
            symlink("/up", "../../../d"),
            symlink("/loop", "loop"),
            symlink("/nowhere", "/x/y"),
            symlink("/absolute", "/d/f"),
        ],
    )

    assert image.tree.resolve(path) == expected


def test_below_lists_without_following_symlinks(tmp_path: Path) -> None:
    image = stacked(tmp_path, [file("/a/b/c"), symlink("/a/self", "."), file("/ab")])

    assert [entry.path for entry in image.tree.below("/a")] == ["/a/b", "/a/b/c", "/a/self"]
