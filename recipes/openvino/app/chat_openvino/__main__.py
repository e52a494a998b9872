from __future__ import annotations

from service.settings import read_or_exit
from service.web import serve

from chat_openvino.app import application
from chat_openvino.settings import ChatSettings


def main() -> None:
    settings = read_or_exit(ChatSettings)
    serve(application(settings), settings)


main()
