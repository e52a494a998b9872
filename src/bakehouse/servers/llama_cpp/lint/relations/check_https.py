"""Downloads of models by the server itself: OpenSSL when it is built, certificates where it runs."""

from __future__ import annotations

from collections.abc import Iterator

from bakehouse.lint.finding import Finding, Severity, finding
from bakehouse.lint.relations.view import View, base_word
from bakehouse.lint.settings import Word
from bakehouse.lint.stages.components import load_components
from bakehouse.servers.llama_cpp.lint.check_arguments import spelled
from bakehouse.servers.llama_cpp.lint.downloads import FETCHING, FETCHING_VARIABLES


def check_https(view: View) -> Iterator[Finding]:
    asks = asks_to_fetch(view)
    for build in [one for one in view.builds if not one.is_python][:1]:
        lacks = build.stage.has("openssl-headers") is False or build.is_off("LLAMA_OPENSSL")
        package = load_components()["openssl-headers"].install.get(build.stage.base.manager or "apt", "libssl-dev")
        if (
            asks is not None
            and lacks
            and not build.is_on("LLAMA_BUILD_BORINGSSL")
            and not build.is_on("LLAMA_BUILD_LIBRESSL")
        ):
            yield finding(
                asks,
                "cannot fetch: the server is built without HTTPS",
                f"The stage of line {build.stage.chain[0].stage.line} has no headers of OpenSSL, and CMake leaves "
                'HTTPS out without an error: "HTTPS is not supported".',
                f"install {package} in the stage that builds",
                link="https://github.com/ggml-org/llama.cpp/issues/21355",
                since_build=7800,
            )
        elif lacks and build.is_on("LLAMA_OPENSSL"):
            yield finding(
                build.word("LLAMA_OPENSSL"),
                "has no effect: OpenSSL's headers are not there",
                "CMake says so in a warning and leaves HTTPS out.",
                f"install {package} in the stage that builds",
                severity=Severity.WARNING,
            )
        elif asks is not None and view.image.has("ca-certificates") is False:
            yield finding(
                base_word(view.image),
                "has no certificates to check servers with",
                f"{asks.text} fetches over HTTPS, and every server is refused without them.",
                "install ca-certificates",
            )


def asks_to_fetch(view: View) -> Word | None:
    """The argument or variable that names a model elsewhere."""
    for word in (*view.image.entrypoint, *view.image.command):
        if spelled(word.text) in FETCHING:
            return word
    for name in FETCHING_VARIABLES:
        if setting := view.image.environment.get(name):
            return Word(text=setting.as_variable, where=setting.where)
    return None
