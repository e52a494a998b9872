from __future__ import annotations

from service.settings import read_or_exit
from service.web import serve

from florence.app import application
from florence.settings import FlorenceSettings


def main() -> None:
    settings = read_or_exit(FlorenceSettings)
    serve(application(settings), settings)


main()
