from __future__ import annotations

import pytest

from bakehouse.model.report import Layer
from bakehouse.reporters.html.layers import instruction, slices


def layer(size: int, created_by: str = "COPY a b") -> Layer:
    return Layer(digest="sha256:0", bytes_compressed=size, bytes_unpacked=size, created_by=created_by)


def test_largest_first_and_side_by_side() -> None:
    found = slices([layer(25), layer(75), layer(0)])
    assert [(part.number, part.x, part.width, part.bytes_unpacked) for part in found] == [
        (1, 0, 75, 75),
        (2, 75, 25, 25),
        (3, 100, 0, 0),
    ]
    assert [part.has_label for part in found] == [True, True, False]


def test_an_image_of_nothing() -> None:
    assert slices([]) == ()
    assert slices([layer(0)])[0].width == 0


@pytest.mark.parametrize(
    ("created_by", "expected"),
    [
        ("RUN |2 A=b C=d /bin/sh -c apt-get install x # buildkit", "RUN apt-get install x"),
        ("RUN /bin/sh -c make # buildkit", "RUN make"),
        ("COPY /opt /opt # buildkit", "COPY /opt /opt"),
        ("/bin/sh -c #(nop)  CMD", "#(nop) CMD"),
        ("", "(not recorded)"),
    ],
)
def test_instruction(created_by: str, expected: str) -> None:
    assert instruction(created_by) == expected
