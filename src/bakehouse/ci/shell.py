"""The shell of CI jobs: the same for every CI system. What varies comes in variables, never in the text. Pure.

Every script runs under `sh -e` and under `bash -e`.
"""

from __future__ import annotations

AGAIN = """\
again() {  # runs a command again where the infrastructure failed (exit code 4): it goes on where it stopped
  attempt=1
  while :; do
    code=0
    "$@" || code=$?
    if [ "$code" -ne 4 ] || [ "$attempt" -ge 3 ]; then return "$code"; fi
    echo "the infrastructure failed; attempt $((attempt + 1)) of 3 in $((attempt * ${PAUSE:-60})) s" >&2
    sleep "$((attempt * ${PAUSE:-60}))"
    attempt=$((attempt + 1))
  done
}
"""
CELLS = """\
set --
for cell in $CELLS; do set -- "$@" --only "$cell"; done
"""
LOGIN = """\
if [ -n "${REGISTRY_PASSWORD:-}" ]; then
  printf %s "$REGISTRY_PASSWORD" | docker login --username "$REGISTRY_USER" --password-stdin "$REGISTRY"
fi
"""
"""The password comes through a pipe: no argument list and no log has it."""
UPDATE = """\
bakehouse update --no-engine || [ "$?" -eq 4 ]
"""
"""A place that cannot be asked tonight is no reason not to build what there is."""
KEEP = """\
worst=0
keep() { "$@" || { failed=$?; if [ "$worst" -eq 0 ]; then worst=$failed; fi; }; }
"""
"""For CI systems whose jobs end at the first step that fails: what comes after it is done, and the failure is kept."""
BUILD_COMMAND = 'again bakehouse build-matrix --no-tests "$@"\n'
BUILD = f"{AGAIN}{CELLS}{BUILD_COMMAND}"
CHECK = f'{AGAIN}{CELLS}again bakehouse build-matrix --host here --quick "$@"\n'
"""Of a change: built, proven, and probed as far as the machine that builds can run it."""
STAGE = "bakehouse publish --stage\n"
TEST = f'{AGAIN}{CELLS}again bakehouse build-matrix --host here --images built --gpu "$CARD" "$@"\n'
PUBLISH_COMMAND = "again bakehouse publish reports/2*/\n"
PUBLISH = f"{AGAIN}{PUBLISH_COMMAND}"
CHANNELS = "bakehouse publish --list\n"
"""Fails where a channel is older than its policy allows."""
NOTICE = "bakehouse ci notice --catalogue catalogue/catalogue.json > notice.md\n"
CATALOGUE = "bakehouse catalogue --write catalogue\n"


def in_order(setup: str, *commands: str) -> str:
    """One script that runs all of the commands, and ends with the first failure."""
    return "".join([setup, KEEP, *(f"keep {command}" for command in commands), 'exit "$worst"\n'])
