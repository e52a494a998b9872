from pathlib import Path

from bakehouse.prove.image.at_rest import compressed_size, packages, to_report
from tests.unit.prove.builders import bake, digest, file, good_parts, layer, write_layout

STATUS = """Package: libc6
Status: install ok installed
Version: 2.41-12
Description: text
 Package: not-a-field

Package: gone
Status: deinstall ok config-files
Version: 1
"""


def test_the_report_names_layers_labels_and_packages(tmp_path: Path) -> None:
    image = bake(tmp_path, add=[file("/var/lib/dpkg/status", STATUS.encode())], then=[[file("/late", b"12345")]])
    report = to_report(image, reference="bakehouse/llama-server:cpu-amd64")

    assert report.reference == "bakehouse/llama-server:cpu-amd64"
    assert report.digest == image.digest
    assert report.packages == {"libc6": "2.41-12"}
    assert report.labels["extra"] == "is fine"
    assert report.layers[1].bytes_unpacked == 5
    assert report.layers[1].created_by == "COPY 1"
    assert report.bytes_unpacked == sum(one.bytes_unpacked for one in report.layers)
    assert report.bytes_compressed < report.bytes_unpacked
    assert report.bytes_compressed == compressed_size(tmp_path / "image.tar")


def test_distroless_packages_have_a_file_each(tmp_path: Path) -> None:
    image = bake(
        tmp_path,
        add=[
            file("/var/lib/dpkg/status.d/base", b"Package: base-files\nVersion: 13\n"),
            file("/var/lib/dpkg/status.d/base.md5sums", b"Package: nonsense\n"),
        ],
    )

    assert packages(image) == {"base-files": "13"}


def test_programs_are_found_as_exec_finds_them(tmp_path: Path) -> None:
    image = bake(tmp_path, add=[file("/usr/bin/tool", mode=0o755)], config={"WorkingDir": "/app"})

    found = {name: image.find_program(name) for name in ("tool", "./probe", "/app/probe", "absent", "/app")}
    assert {name: entry.path if entry else None for name, entry in found.items()} == {
        "tool": "/usr/bin/tool",
        "./probe": "/app/probe",
        "/app/probe": "/app/probe",
        "absent": None,
        "/app": None,
    }


def test_the_digest_is_that_of_the_manifest(tmp_path: Path) -> None:
    content = layer(*(item for item in good_parts().values()))
    path = write_layout(tmp_path / "x.tar", [content])
    image = bake(tmp_path)

    assert image.digest.startswith("sha256:")
    assert image.layers[0].diff_id == digest(content)
    assert path.read_bytes().count(image.digest.removeprefix("sha256:").encode()) == 0  # another configuration
