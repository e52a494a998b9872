from pathlib import Path

from bakehouse.model.enums import Verdict
from bakehouse.prove.privileges import check_privileges
from tests.unit.prove.builders import PROMISE, bake, capable, file, folder, hardlink


def test_every_way_to_other_rights_is_named(tmp_path: Path) -> None:
    image = bake(
        tmp_path,
        add=[
            file("/usr/bin/su", mode=0o4755),
            file("/usr/bin/wall", mode=0o2755),
            hardlink("/usr/bin/su-too", "/usr/bin/su"),
            capable("/usr/bin/ping", b"x"),
            folder("/var/mail", mode=0o2775),
        ],
    )

    assert check_privileges(image, PROMISE).details == [
        "/usr/bin/ping has file capabilities",
        "/usr/bin/su has setuid",
        "/usr/bin/su-too has setuid",
        "/usr/bin/wall has setgid",
    ]


def test_a_later_layer_may_take_them_away(tmp_path: Path) -> None:
    image = bake(tmp_path, add=[file("/usr/bin/su", mode=0o4755)], then=[[file("/usr/bin/su", mode=0o755)]])

    assert check_privileges(image, PROMISE).verdict is Verdict.PASSED
