from __future__ import annotations

from service.settings import read_or_exit
from service.web import serve

from detector.app import application
from detector.settings import DetectorSettings


def main() -> None:
    settings = read_or_exit(DetectorSettings)
    serve(application(settings), settings)


main()
