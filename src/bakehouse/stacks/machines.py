"""The machine that a stack is laid out on: from its file, or as it was found. Pure."""

from __future__ import annotations

from bakehouse.formatting import size_in_bytes
from bakehouse.model import machine as found
from bakehouse.model.matrix import Matrix
from bakehouse.model.stack_host import HostFile
from bakehouse.planning.gpus import Target, find_target, target_of
from bakehouse.stacks.plan import Slot, StackMachine

RESERVE = 512 * 2**20


def of_file(name: str, host: HostFile, matrix: Matrix) -> tuple[StackMachine, dict[int, Target]]:
    """As a person wrote it. Cards that the catalogue lacks are left to `references`."""
    slots = []
    targets = {}
    for index, card in enumerate(host.cards):
        if card.gpu not in matrix.gpus:
            continue
        row = matrix.gpus[card.gpu]
        memory = card.memory or row.memory
        slots.append(
            Slot(
                index=index,
                accelerator=row.accelerator,
                name=card.gpu,
                arch=row.arch,
                memory=size_in_bytes(memory) if memory else None,
                id=card.id or str(index),
                render=card.render,
                sharing=card.sharing,
                unified=card.unified,
                mig=card.mig,
                pci=row.pci,
            )
        )
        targets[index] = find_target(card.gpu, matrix, found.Machine(platform=host.platform, cores=1, cards=()))
    machine = StackMachine(
        name=name,
        platform=host.platform,
        memory=size_in_bytes(host.memory) if host.memory else None,
        driver=host.driver,
        slots=tuple(slots),
        reserve=size_in_bytes(host.reserve),
        registry=host.registry,
        models=host.models,
        video_group=host.video_group,
        render_group=host.render_group,
    )
    return machine, targets


def of_detected(
    here: found.Machine, matrix: Matrix, *, memory: int | None, groups: tuple[int, int]
) -> tuple[StackMachine, dict[int, Target]]:
    """The machine that we are on. `groups`: numbers of those that own /dev/kfd and the render nodes."""
    slots = tuple(
        Slot(
            index=index,
            accelerator=card.accelerator,
            name=card.name,
            arch=card.arch,
            memory=card.memory,
            id=card.uuid or str(card.index if card.index is not None else index),
            render=card.render,
            unified=card.shared_memory,
            pci=(card.pci,) if card.pci else (),
        )
        for index, card in enumerate(here.usable)
    )
    driver = next((card.driver for card in here.usable if card.accelerator == "cuda" and card.driver), None)
    machine = StackMachine(
        name="this machine",
        platform=here.platform,
        memory=memory,
        driver=driver,
        slots=slots,
        reserve=RESERVE,
        video_group=groups[0],
        render_group=groups[1],
    )
    return machine, {index: target_of(card, matrix, here) for index, card in enumerate(here.usable)}
