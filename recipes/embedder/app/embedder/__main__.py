from __future__ import annotations

from service.settings import read_or_exit
from service.web import serve

from embedder.app import application
from embedder.settings import EmbedderSettings


def main() -> None:
    settings = read_or_exit(EmbedderSettings)
    serve(application(settings), settings)


main()
