"""CPU features that x86-64 code uses.

iced-x86 names the CPUID features of each instruction, AVX-VNNI, AVX512-BF16 and AMX among them, and reads some 6
million instructions a second. Capstone 5 does not know these three at all.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable

from iced_x86 import Code as Opcode
from iced_x86 import CpuidFeature, Decoder, FlowControl, Instruction

from bakehouse.prove.image.elf import Code
from bakehouse.prove.instruction_sets import HARMLESS

_NAMES: dict[int, str] = {value: name for name, value in vars(CpuidFeature).items() if isinstance(value, int)}
_ENDS = {FlowControl.RETURN, FlowControl.UNCONDITIONAL_BRANCH, FlowControl.INDIRECT_BRANCH, FlowControl.EXCEPTION}
_FOLLOWED = {FlowControl.UNCONDITIONAL_BRANCH, FlowControl.CONDITIONAL_BRANCH, FlowControl.CALL}
_MOST_INSTRUCTIONS = 200_000

Uses = dict[str, str]
"""Feature to the first instruction that uses it: `AVX2` to `vpaddd ymm0,ymm0,ymm1 at 0x1139`."""


def sweep(code: Iterable[Code]) -> Uses:
    """Read whole sections from their start to their end. Linkage tables (.plt) are left out: they only jump."""
    found: dict[int, Instruction] = {}
    for section in code:
        if not section.name.startswith(".plt"):
            for instruction in Decoder(64, section.content, ip=section.address):
                if instruction.code not in found:
                    found[instruction.code] = instruction
    return _uses(found.values())


def walk(code: Iterable[Code], starts: Iterable[int]) -> Uses:
    """Read what can be reached from functions by direct jumps and calls. Calls to other libraries are not followed."""
    sections = sorted((s for s in code if not s.name.startswith(".plt")), key=lambda section: section.address)
    addresses = [section.address for section in sections]
    found: dict[int, Instruction] = {}
    seen: set[int] = set()
    pending = list(starts)
    while pending and len(seen) < _MOST_INSTRUCTIONS:
        start = pending.pop()
        index = bisect_right(addresses, start) - 1
        if index < 0 or start - addresses[index] >= len(sections[index].content):
            continue
        content = sections[index].content[start - addresses[index] :]
        for instruction in Decoder(64, content, ip=start):
            if instruction.ip in seen or instruction.code == Opcode.INVALID:
                break
            seen.add(instruction.ip)
            found.setdefault(instruction.code, instruction)
            if instruction.flow_control in _FOLLOWED and instruction.near_branch_target:
                pending.append(instruction.near_branch_target)
            if instruction.flow_control in _ENDS:
                break
    return _uses(found.values())


def _uses(instructions: Iterable[Instruction]) -> Uses:
    uses: Uses = {}
    for instruction in sorted(instructions, key=lambda one: one.ip):
        text = str(instruction)
        if instruction.code == Opcode.INVALID or text.split(maxsplit=1)[0].upper() in HARMLESS:
            continue
        for feature in instruction.cpuid_features():
            uses.setdefault(_NAMES.get(feature, str(feature)), f"{text} at {instruction.ip:#x}")
    return uses
