"""A writer of minimal ELF files, so that tests need no compiler. Addresses are file offsets."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence

X86_64, AARCH64, AMDGPU = 62, 183, 224
CODE = 0x1000
"""Where the code lies: exported functions are offsets from here."""

RET = b"\xc3"
AVX2 = bytes.fromhex("c5f5fec2")  # vpaddd ymm0, ymm1, ymm2
AVX512 = bytes.fromhex("62f1744858c2")  # vaddps zmm0, zmm1, zmm2
AVX_VNNI = bytes.fromhex("c4e27550c2")  # {vex} vpdpbusd ymm0, ymm1, ymm2
AMX = bytes.fromhex("c4e27b49c0")  # tilezero tmm0
LZCNT = bytes.fromhex("f3480fbdc8")  # lzcnt rcx, rax
TZCNT = bytes.fromhex("f3480fbcc8")  # tzcnt rcx, rax
CPUID = b"\x0f\xa2"

_DT = {"NEEDED": 1, "STRTAB": 5, "SYMTAB": 6, "STRSZ": 10, "SYMENT": 11, "SONAME": 14, "RPATH": 15, "RUNPATH": 29}
_PROGBITS, _STRTAB, _RELA, _DYNAMIC, _DYNSYM, _INIT_ARRAY = 1, 3, 4, 6, 11, 14
_VERDEF, _VERNEED = 0x6FFFFFFD, 0x6FFFFFFE
_ALLOC, _EXECUTE = 2, 4


class _Strings:
    def __init__(self) -> None:
        self.content = b"\0"

    def add(self, text: str) -> int:
        at = len(self.content)
        self.content += text.encode() + b"\0"
        return at


def elf(
    *,
    soname: str = "",
    needed: Sequence[str] = (),
    rpath: str = "",
    runpath: str = "",
    exports: Mapping[str, int] | None = None,
    undefined: Sequence[str] = (),
    weak: Sequence[str] = (),
    defines: Sequence[str] = (),
    needs: Mapping[str, Sequence[str]] | None = None,
    code: bytes = RET,
    interpreter: str = "",
    machine: int = X86_64,
    comment: bytes = b"",
    initializers: Sequence[int] = (),
    relocated: bool = True,
    data: Mapping[str, bytes] | None = None,
) -> bytes:
    """A shared object, or with `interpreter` a program. `exports` and `initializers` are offsets in `code`.

    `data` are further sections, such as `.nv_fatbin`.
    """
    strings = _Strings()
    dynamic = [(_DT["NEEDED"], strings.add(name)) for name in needed]
    dynamic += [(_DT[tag], strings.add(text)) for tag, text in _texts(soname, rpath, runpath) if text]
    symbols = bytes(24)
    for name, offset in (exports or {}).items():
        symbols += struct.pack("<IBBHQQ", strings.add(name), 0x12, 0, 1, CODE + offset, 1)
    for names, info in ((undefined, 0x12), (weak, 0x22)):
        for name in names:
            symbols += struct.pack("<IBBHQQ", strings.add(name), info, 0, 0, 0, 0)
    sections: list[tuple[str, int, int, bytes, int]] = [(".text", _PROGBITS, _ALLOC | _EXECUTE, code, 0)]
    sections += [(name, _PROGBITS, _ALLOC, content, 0) for name, content in (data or {}).items()]
    sections.append((".dynsym", _DYNSYM, _ALLOC, symbols, 1))
    if defines:
        sections.append((".gnu.version_d", _VERDEF, _ALLOC, _verdef(defines, strings), len(defines)))
    if needs:
        sections.append((".gnu.version_r", _VERNEED, _ALLOC, _verneed(needs, strings), len(needs)))
    if interpreter:
        sections.append((".interp", _PROGBITS, _ALLOC, interpreter.encode() + b"\0", 0))
    if comment:
        sections.append((".comment", _PROGBITS, 0, comment, 0))
    if initializers:
        place = _end(sections)
        values = [CODE + offset for offset in initializers]
        array = struct.pack(f"<{len(values)}Q", *([0] * len(values) if relocated else values))
        sections.append((".init_array", _INIT_ARRAY, _ALLOC, array, 0))
        if relocated:
            relocations = [struct.pack("<QQq", place + 8 * i, 8, value) for i, value in enumerate(values)]
            sections.append((".rela.dyn", _RELA, _ALLOC, b"".join(relocations), 0))
    sections.append((".dynstr", _STRTAB, _ALLOC, strings.content, 0))
    return _assemble(sections, dynamic, machine=machine, program=bool(interpreter))


def _texts(soname: str, rpath: str, runpath: str) -> list[tuple[str, str]]:
    return [("SONAME", soname), ("RPATH", rpath), ("RUNPATH", runpath)]


def _verdef(names: Sequence[str], strings: _Strings) -> bytes:
    content = b""
    for index, name in enumerate(names):
        following = 28 if index + 1 < len(names) else 0
        content += struct.pack("<HHHHIII", 1, 0, index + 1, 1, 0, 20, following) + struct.pack(
            "<II", strings.add(name), 0
        )
    return content


def _verneed(needs: Mapping[str, Sequence[str]], strings: _Strings) -> bytes:
    content = b""
    for index, (library, versions) in enumerate(needs.items()):
        size = 16 + 16 * len(versions)
        following = size if index + 1 < len(needs) else 0
        content += struct.pack("<HHIII", 1, len(versions), strings.add(library), 16, following)
        for number, version in enumerate(versions):
            step = 16 if number + 1 < len(versions) else 0
            content += struct.pack("<IHHII", 0, 0, 2 + number, strings.add(version), step)
    return content


def _place(at: int) -> int:
    return (at + 15) // 16 * 16


def _end(sections: Sequence[tuple[str, int, int, bytes, int]]) -> int:
    """Where the next section starts."""
    at = CODE
    for _, _, _, content, _ in sections:
        at = _place(at + len(content))
    return at


def _assemble(
    sections: list[tuple[str, int, int, bytes, int]], dynamic: list[tuple[int, int]], *, machine: int, program: bool
) -> bytes:
    offsets = [_end(sections[:index]) for index in range(len(sections))]
    index_of = {name: index + 1 for index, (name, *_) in enumerate(sections)}
    dynstr = sections[index_of[".dynstr"] - 1][3]
    dynamic = [
        *dynamic,
        (_DT["STRTAB"], offsets[index_of[".dynstr"] - 1]),
        (_DT["STRSZ"], len(dynstr)),
        (_DT["SYMTAB"], offsets[index_of[".dynsym"] - 1]),
        (_DT["SYMENT"], 24),
        (0, 0),
    ]
    sections = [*sections, (".dynamic", _DYNAMIC, _ALLOC, b"".join(struct.pack("<QQ", *tag) for tag in dynamic), 0)]
    offsets.append(_end(sections[:-1]))
    names = _Strings()
    name_offsets = [names.add(name) for name, *_ in sections]
    own_name = names.add(".shstrtab")
    names_at = _end(sections)
    headers_at = _place(names_at + len(names.content))

    headers = bytes(64)
    for at, offset, (_, kind, flags, content, info) in zip(name_offsets, offsets, sections, strict=True):
        linked = kind in (_DYNAMIC, _DYNSYM, _VERDEF, _VERNEED)
        size = {_DYNAMIC: 16, _DYNSYM: 24, _RELA: 24}.get(kind, 0)
        link = index_of[".dynstr"] if linked else 0
        headers += struct.pack("<IIQQQQIIQQ", at, kind, flags, offset, offset, len(content), link, info, 1, size)
    headers += struct.pack("<IIQQQQIIQQ", own_name, _STRTAB, 0, 0, names_at, len(names.content), 0, 0, 1, 0)

    segments = [(1, 0, headers_at), (2, offsets[-1], len(sections[-1][3]))]
    if program:
        interp = index_of[".interp"] - 1
        segments.append((3, offsets[interp], len(sections[interp][3])))
    table = b"".join(struct.pack("<IIQQQQQQ", kind, 7, at, at, at, size, size, 1) for kind, at, size in segments)
    start = b"\x7fELF\x02\x01\x01" + bytes(9)
    start += struct.pack(
        "<HHIQQQIHHHHHH",
        *(3, machine, 1, CODE, 64, headers_at, 0, 64, 56, len(segments), 64),
        len(sections) + 2,
        len(sections) + 1,
    )
    image = bytearray((start + table).ljust(headers_at, b"\0"))
    for offset, (_, _, _, content, _) in zip(offsets, sections, strict=True):
        image[offset : offset + len(content)] = content
    image[names_at : names_at + len(names.content)] = names.content
    return bytes(image + headers)
