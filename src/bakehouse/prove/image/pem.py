"""PEM blocks: certificates and keys as text."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass

BEGIN = b"-----BEGIN "
_BLOCK = re.compile(rb"-----BEGIN (?P<label>[A-Z0-9 ]+)-----(?P<body>(?s:.){16,}?)-----END (?P=label)-----")
_HEADER = re.compile(rb"^[A-Za-z0-9-]+:.*$|^=\S{4}\s*$", re.MULTILINE)


@dataclass(frozen=True, kw_only=True, slots=True)
class Block:
    label: str
    """`CERTIFICATE`, `RSA PRIVATE KEY`."""
    body: bytes
    """Decoded; of a certificate its DER form."""

    @property
    def is_certificate(self) -> bool:
        return self.label in ("CERTIFICATE", "X509 CERTIFICATE", "TRUSTED CERTIFICATE")

    @property
    def is_private_key(self) -> bool:
        return "PRIVATE KEY" in self.label

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.body).hexdigest()


def read_block(text: bytes) -> Block | None:
    """The block that starts here. Programs hold the words BEGIN and END without a key between them: that is none."""
    found = _BLOCK.match(text)
    if found is None:
        return None
    try:
        body = base64.b64decode(b"".join(_HEADER.sub(b"", found["body"]).split()), validate=True)
    except binascii.Error:
        return None
    return Block(label=found["label"].decode("ascii"), body=body) if body else None
