from __future__ import annotations

from service.settings import read_or_exit
from service.web import serve

from enrichment.app import application
from enrichment.settings import EnrichmentSettings


def main() -> None:
    settings = read_or_exit(EnrichmentSettings)
    serve(application(settings), settings)


main()
