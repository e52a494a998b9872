from __future__ import annotations

from service.settings import read_or_exit
from service.web import serve

from clip.app import application
from clip.settings import ClipSettings


def main() -> None:
    settings = read_or_exit(ClipSettings)
    serve(application(settings), settings)


main()
