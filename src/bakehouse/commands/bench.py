"""`bench`: measure images on this machine's processor or card. They are built first, from cache if they can be."""

from __future__ import annotations

from dataclasses import replace

from bakehouse.commands.build_matrix import build_matrix
from bakehouse.errors import ExitCode, InputError
from bakehouse.measure.aiperf import find_aiperf
from bakehouse.pipeline.context import Context
from bakehouse.pipeline.job import Options
from bakehouse.planning.gpus import CPU
from bakehouse.servers import REFERENCE


def bench(context: Context, options: Options) -> ExitCode:
    """Without --gpu: the processor.

    Raises InputError when the named card is not in this machine, or the client is not, before anything is built.
    """
    if options.client == "aiperf":
        _require_aiperf(context, options)
    selection = options.selection if options.selection.gpu else replace(options.selection, gpu=(CPU,))
    return build_matrix(
        context,
        replace(options, selection=selection, need_card=True, prove=False, tests=True, probes=("throughput",)),
    )


def _require_aiperf(context: Context, options: Options) -> None:
    if options.calibrate:
        raise InputError(
            f"--calibrate holds our own client's rates against {REFERENCE}, and --engine aiperf leaves them out",
            hint="Leave out one of the two.",
        )
    found = find_aiperf(context.environ)
    context.say(f"{found.name} makes the load: {found.path}")
