"""llama-swap's configuration: the commands of its models, and whether llama-swap finds the servers that they start."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from bakehouse.lint.container_run import container_of
from bakehouse.lint.examined import Examined, Looked
from bakehouse.lint.finding import Finding, Severity, finding, in_order
from bakehouse.lint.script import Script
from bakehouse.lint.settings import Word
from bakehouse.lint.swap_file import Swap, SwapModel, words_of
from bakehouse.servers.llama_cpp.lint.basis import Basis
from bakehouse.servers.llama_cpp.lint.check_script import check_script, is_of_interest

_DOCS = "https://github.com/mostlygeek/llama-swap/blob/main/docs/configuration.md"
_URL_PORT = re.compile(r"https?://(?P<host>[^:/]+)(?::(?P<port>[0-9]+))?")
_OWN_PORT = re.compile(r"--port[= ](?P<port>[0-9]+)")
_ENGINES = ("docker", "podman", "nerdctl")


def check_swap(swap: Swap, basis: Basis) -> Examined:
    findings = [*_check_groups(swap)]
    looked = Looked()
    for model in swap.models:
        findings += _check_model(model)
        script = _with_variables(model)
        if is_of_interest(script):
            one = check_script(script, model.written, basis, kind="")
            findings += one.findings
            looked += one.looked
        else:
            looked += Looked(not_at=(f"model {model.name}, of whose server nothing is known",))
    return Examined(
        file=swap.file.document.file, findings=in_order(findings), looked=looked, kind="configuration of llama-swap"
    )


def _with_variables(model: SwapModel) -> Script:
    script = model.script
    if script.commands and model.variables:
        last = script.commands[-1]
        script.commands[-1] = replace(last, assigned=(*last.assigned, *model.variables))
    return script


def _check_model(model: SwapModel) -> Iterator[Finding]:
    if model.command is None:
        yield _wrong(
            model, "cmd", "is missing", "llama-swap has nothing to start.", "cmd: llama-server --port ${PORT} ..."
        )
        return
    for name in model.unknown:
        what = "is a macro that nothing defines"
        yield _wrong(
            model, "cmd", what, "llama-swap refuses the file.", f"macros: {{{name}: ...}}", subject=f"${{{name}}}"
        )
    yield from _check_port(model)
    words = words_of(model.script)
    if words and words[0].text.rpartition("/")[2] in _ENGINES and model.node.find("cmdStop") is None:
        yield _wrong(
            model,
            "cmd",
            "is not ended with the client that starts it",
            "llama-swap ends the client, and the container keeps the card: the next model finds no memory.",
            "cmdStop: docker stop NAME, with --name NAME in cmd",
            subject=f"{words[0].text} run",
            severity=Severity.WARNING,
        )


def _check_port(model: SwapModel) -> Iterator[Finding]:
    proxy = model.proxy
    told = _URL_PORT.match(proxy.text) if proxy else None
    if proxy is not None and "${PORT}" in proxy.text and not model.has_port:
        yield finding(
            Word(text="${PORT}", where=proxy.where),
            "is not in the command",
            "llama-swap gives a port only where cmd takes it, and refuses the file.",
            "--port ${PORT} in cmd, or a number in both",
            link=_DOCS,
        )
        return
    own = _published(model) or next(iter(_OWN_PORT.findall(" ".join(model.written.split()))), None)
    if proxy is None and not model.has_port and (own or is_of_interest(model.script)):
        yield _wrong(
            model,
            "cmd",
            "does not take the port that llama-swap asks",
            f"Without proxy it asks http://localhost:${{PORT}}, and the server listens on {own or 'its default'}.",
            f"--port ${{PORT}}, or proxy: http://127.0.0.1:{own or 8080}",
            subject=f"--port {own}" if own else "cmd",
        )
    elif proxy and told and own and told["port"] and told["port"] != own and told["host"] in _LOCAL:
        yield finding(
            proxy,
            "is not where the server listens",
            f"The command of {model.name} listens on {own}.",
            f"http://{told['host']}:{own}",
            link=_DOCS,
        )


_LOCAL = ("localhost", "127.0.0.1", "0.0.0.0")  # noqa: S104 - what a file says


def _published(model: SwapModel) -> str | None:
    """The port of the host, where the command is `docker run -p HOST:CONTAINER`."""
    commands = model.script.commands
    if not commands or container_of(commands[-1]) is None:
        return None
    found = re.search(r"(?:-p|--publish)[= ](?:[0-9.]+:)?(?P<port>[0-9]+):[0-9]+", " ".join(model.written.split()))
    return found["port"] if found else None


def _check_groups(swap: Swap) -> Iterator[Finding]:
    """Members of groups, and what is loaded at the start, that are no models."""
    groups = swap.top.node("groups")
    named = [one for name in (groups.keys() if groups else ()) if groups and (one := groups.node(name))]
    hooks = swap.top.node("hooks")
    start = hooks.node("on_startup") if hooks else None
    words = [word for group in named for word in group.items("members")]
    for word in (*words, *(start.items("preload") if start else ())):
        if word.text not in swap.names:
            yield _no_model(word, swap)


def _no_model(word: Word, swap: Swap) -> Finding:
    names = ", ".join(one.name for one in swap.models)
    why = "llama-swap knows the names under models, and passes it over."
    return finding(word, "is no model of the file", why, names, severity=Severity.WARNING, link=_DOCS)


def _wrong(
    model: SwapModel,
    key: str,
    what: str,
    why: str,
    instead: str,
    *,
    subject: str | None = None,
    severity: Severity = Severity.ERROR,
) -> Finding:
    word = Word(text=subject or f"{model.name}: {key}", where=model.node.where_of(key))
    return finding(word, what, why, instead, severity=severity, link=_DOCS)
