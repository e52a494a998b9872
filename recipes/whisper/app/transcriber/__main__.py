from __future__ import annotations

from service.settings import read_or_exit
from service.web import serve

from transcriber.app import application
from transcriber.settings import TranscriberSettings


def main() -> None:
    settings = read_or_exit(TranscriberSettings)
    serve(application(settings), settings)


main()
