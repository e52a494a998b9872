"""Names of cards: what people type, what drivers say, and what to suggest for one that the catalogue lacks. Pure.

Drivers write `NVIDIA GeForce RTX 4090`, `Intel(R) Arc(TM) B580 Graphics`, `AMD Radeon RX 7900 XTX (RADV NAVI31)`.
People write `rtx4090`, `b580`, `7900xtx`. Only letters and digits count.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping

from bakehouse.model.enums import AcceleratorName
from bakehouse.model.matrix import Gpu, Matrix

NEAR_NAMES = 4
"""As many suggestions, at most."""
LIKENESS = 0.75
"""Of names without digits, by difflib's ratio: `strixhallo` and `strix-halo` are alike, `spark` and `arc` are not."""

LONG_NUMBER = 4
"""Digits from which on a slip is more likely than another card: GTX 690 and GTX 960 are two cards."""

_MARKS = re.compile(r"\((?:r|tm|c)\)", re.IGNORECASE)
_REMARK = re.compile(r"\s*\([^()]*\)\s*$")
_FILLERS = ("graphics", "gpu", "oam", "developer", "kit", "devkit")
"""Words behind a name that name no other card."""
_PART = re.compile(r"\s+MIG\s+[0-9]+[cg]\.\S+$", re.IGNORECASE)
"""A part of a card, as NVIDIA's tools name it: `NVIDIA H100 80GB HBM3 MIG 1g.10gb`."""
_PCI = re.compile(r"^[0-9a-f]{4}:[0-9a-f]{4}$")
_LAPTOP = re.compile(r"[\s-]+(?:mobile|notebook|laptop|max-q|with max-q design)(?:\s+(?:gpu|edition))?$", re.IGNORECASE)
_LAPTOP_LETTER = re.compile(r"(?<=[23459]0[5-9]0)m$|(?<=[2345]0[5-9]0 ti)m$", re.IGNORECASE)
"""An M that people put behind cards whose own names have none."""
_SIZE = re.compile(r"\b(?P<size>\d+)\s?G(?:i?B)?\b", re.IGNORECASE)
_MOUNT = re.compile(r"\b(?:SXM\d?|PCIe|HBM\d?e?|GDDR\d\w?)\b", re.IGNORECASE)
_PARTS = re.compile(r"^([a-z]*?)(\d+)(.*)$")
_FAMILIES = {
    **dict.fromkeys(
        ("gt", "gtx", "rtx", "geforce", "geforcegtx", "geforcertx", "quadrortx", "rtxa", "rtxpro"), "nvidia"
    ),
    **dict.fromkeys(("rx", "r", "radeonrx", "radeon", "aipror", "radeonaipror"), "radeon"),
}
"""Prefixes that people confuse: GTX 2080 for RTX 2080, RTX 6000 for one of three, RX 9700 for R9700."""
_SERIES = ("gt", "gtx", "rtx", "geforcegt", "geforcegtx", "geforcertx", "rx", "radeonrx", "radeon")
"""What people leave out before the number of a card for players."""
_NUMBER_ALONE = re.compile(r"\d{4}[a-z]*|\d{3}[a-z]+")
"""`980` may be a GeForce or a Radeon; four digits, or letters after them, tell."""
_VENDORS = {
    AcceleratorName.XPU: r"\b(?:arc|intel|flex|iris|xe|uhd|hd graphics)|^bmg|^dg[12]|^a[3-7][1-9]0$|^b[5-7]\d0$",
    AcceleratorName.ROCM: r"radeon|amd|instinct|ryzen|vega|gfx|\b(?:rx|mi\d|[rw]\d{4})|\d{3}m$|\d{4}(?:xtx?|gre)$",
}
"""By which words a card's vendor is known."""
_NVIDIA = r"nvidia|geforce|quadro|tesla|titan|jetson|grid|\bnvs|\b[gr]tx?\b|\b[gr]tx?\d|^sm_?\d|^\d+\.\d$"


def plain(name: str) -> str:
    """Letters and digits alone, in lower case."""
    return "".join(character for character in name.lower() if character.isalnum())


def rows_named(name: str, rows: Mapping[str, Gpu]) -> list[str]:
    """The catalogue's names of rows that a driver's name may mean, most often one.

    The longest end of the name that begins at a word decides. So `NVIDIA GB200` is not a B200, and `NVIDIA GeForce RTX
    5090 Laptop GPU` is another card than `NVIDIA GeForce RTX 5090`.
    """
    known: dict[str, list[str]] = {}
    for row, gpu in rows.items():
        for word in dict.fromkeys(plain(word) for word in (row, *gpu.aliases)):
            known.setdefault(word, []).append(row)
    return next((known[end] for end in _ends(name) if end in known), [])


def _ends(name: str) -> Iterator[str]:
    """With a remark in brackets and without it, then without the words that name no card."""
    bare = _MARKS.sub("", name)
    for text in (bare, _REMARK.sub("", bare)):
        words = re.findall(r"[A-Za-z0-9]+", text)
        while words:
            yield from (plain("".join(words[start:])) for start in range(len(words)))
            if words[-1].lower() not in _FILLERS:
                break
            words.pop()


def find_rows(word: str, matrix: Matrix) -> list[str]:
    """The rows that a person means: by a name, by what a driver calls the card, or by its PCI id."""
    if _PCI.match(word.lower()):
        return [name for name, gpu in matrix.gpus.items() if word.lower() in gpu.pci]
    rows = matrix.gpus
    word = _PART.sub("", word)
    return (
        rows_named(word, rows)
        or _by_number_alone(plain(word), rows)
        or _in_laptops(word, rows)
        or _with_memory(word, rows)
    )


def _by_number_alone(number: str, rows: Mapping[str, Gpu]) -> list[str]:
    """`4090`, `7900xtx` and `780m`: the one GeForce or Radeon with this number, if a single one has it."""
    if not _NUMBER_ALONE.fullmatch(number):
        return []
    found = [
        row
        for row, gpu in rows.items()
        if any(plain(word) in {f"{series}{number}" for series in _SERIES} for word in (row, *gpu.aliases))
    ]
    return found if len(found) == 1 else []


def _in_laptops(word: str, rows: Mapping[str, Gpu]) -> list[str]:
    """`GTX 1650 Mobile`, `RTX 2070 Super Max-Q` and `RTX 4090M`: what the catalogue calls a laptop's card."""
    found = _LAPTOP.search(word) or _LAPTOP_LETTER.search(word)
    return rows_named(f"{word[: found.start()]} laptop", rows) if found else []


def _with_memory(word: str, rows: Mapping[str, Gpu]) -> list[str]:
    """`H100 SXM5 80GB`: a card by its name, how it is mounted and its memory, where a row has that much."""
    size = _SIZE.search(word)
    if size is None:
        return []
    bare = f"{word[: size.start()]} {word[size.end() :]}"
    told = re.compile(rf"\b{size['size']} Gi?B\b")
    for text in (bare, _MOUNT.sub(" ", word), _MOUNT.sub(" ", bare)):
        found = rows_named(text, rows) or _by_number_alone(plain(text), rows)
        if right := [row for row in found if told.search(f"{rows[row].memory} {rows[row].note}")]:
            return right
    return []


# ---------------------------------------------------------------------------------------------- suggestions


def near_names(word: str, gpus: Mapping[str, Gpu]) -> list[str]:
    """Names of the catalogue that may have been meant, best first.

    Numbers tell cards apart. A name with another number is another card, perhaps of another arch, and is suggested only
    where digits were swapped, lost or doubled.
    """
    wanted = plain(word)
    parts = _PARTS.match(wanted)
    found: dict[str, tuple[int, float]] = {}
    for name, gpu in gpus.items():
        for spelling in (name, *gpu.aliases):
            likeness = difflib.SequenceMatcher(None, wanted, plain(spelling)).ratio()
            grade = _grade(parts, plain(spelling)) if parts else (0 if likeness >= LIKENESS else None)
            if grade is not None:
                found[name] = min(found.get(name, (9, 0.0)), (grade, -likeness))
    best = min((grade for grade, _ in found.values()), default=0)
    ranked = sorted((rank, name) for name, rank in found.items() if rank[0] == best)
    return [name for _, name in ranked[:NEAR_NAMES]]


def _grade(wanted: re.Match[str], spelling: str) -> int | None:
    """How near a name with digits is: 0 the same number, 1 a number with a slip, None not near."""
    parts = _PARTS.match(spelling)
    if parts is None:
        return None
    asked, there = wanted[1], parts[1]
    is_family = asked == there or _FAMILIES.get(asked, asked) == _FAMILIES.get(there, there)
    if wanted[2] == parts[2]:
        is_end = not asked or (len(asked) > 1 and there.endswith(asked))
        return 0 if is_family or is_end or (wanted[3] == parts[3] and _are_alike(asked, there)) else None
    return 1 if is_family and wanted[3] == parts[3] and _is_slip(wanted[2], parts[2]) else None


def _are_alike(asked: str, there: str) -> bool:
    """`rtx` and `rx` are alike. `h` and `a`, `arcb` and `arca` are two series: the letter before the number counts."""
    return (
        len(asked) > 1 and asked[-1] == there[-1:] and difflib.SequenceMatcher(None, asked, there).ratio() >= LIKENESS
    )


def _is_slip(typed: str, meant: str) -> bool:
    """Of long numbers: two neighbouring digits swapped, one lost, or one doubled. A short one is another card then."""
    if len(typed) == len(meant):
        swaps = (
            typed[:index] + typed[index + 1] + typed[index] + typed[index + 2 :] for index in range(len(typed) - 1)
        )
        return len(typed) >= LONG_NUMBER and meant in swaps
    longer, shorter = sorted((typed, meant), key=len, reverse=True)
    return len(longer) >= LONG_NUMBER and any(
        longer[:index] + longer[index + 1 :] == shorter
        for index, digit in enumerate(longer)
        if longer == meant or digit in longer[index + 1 : index + 2]
    )


def archs_for(word: str, matrix: Matrix) -> list[str]:
    """The archs that a card without a row could be named by, by number: those of its vendor, or where no word tells
    that, each vendor's, NVIDIA's first.
    """
    vendor = next((kind for kind, form in _VENDORS.items() if re.search(form, word.lower())), None)
    if vendor is None and re.search(_NVIDIA, word.lower()):
        vendor = AcceleratorName.CUDA
    by_kind: dict[AcceleratorName, list[str]] = {}
    for name, arch in matrix.archs.items():
        by_kind.setdefault(arch.accelerator, []).append(name)
    first = vendor or AcceleratorName.CUDA
    kinds = sorted(by_kind, key=lambda kind: (kind is not first, list(AcceleratorName).index(kind)))
    kinds = [vendor] if vendor in by_kind else kinds
    return [arch for kind in kinds for arch in sorted(by_kind[kind], key=_by_number)]


def _by_number(arch: str) -> tuple[int, str, str]:
    """`sm_90` before `sm_100`, `gfx908` before `gfx90a` and `gfx1030`."""
    digits = re.search(r"\d[0-9a-f]*", arch)
    return (len(digits[0]), digits[0], arch) if digits else (0, "", arch)
