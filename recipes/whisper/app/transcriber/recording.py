"""Recordings: bytes of a client to samples, within bounds."""

from __future__ import annotations

import io

import av
import numpy as np
import numpy.typing as npt

Samples = npt.NDArray[np.int16]
"""One channel, 16 kHz: half of what floats take while they wait."""

RATE = 16_000
FORMATS = "aac,aiff,amr,asf,au,caf,flac,matroska,webm,mov,mp4,m4a,mp3,ogg,wav"
"""What FFmpeg may take a recording for. Not here: playlists, which name files and addresses that it would open."""
_BOUNDED = {"format_whitelist": FORMATS, "protocol_whitelist": "none"}


class NoRecordingError(ValueError):
    """What was sent is no recording that can be decoded."""


class TooLongError(ValueError):
    """The recording lasts longer than the service is willing to work."""


def decode(sent: bytes, *, longest: float) -> Samples:
    """Samples of the first audio stream. Stops after `longest` seconds, so that a small file cannot fill the memory.

    Raises NoRecordingError, TooLongError.
    """
    pieces, count = [], 0
    try:
        with av.open(io.BytesIO(sent), options=_BOUNDED) as container:
            if not container.streams.audio:
                raise NoRecordingError("the file holds no sound")
            resampler = av.AudioResampler(format="s16", layout="mono", rate=RATE)
            for frame in container.decode(audio=0):
                for resampled in resampler.resample(frame):
                    piece = resampled.to_ndarray().reshape(-1)
                    pieces.append(piece)
                    count += piece.size
                if count > longest * RATE:
                    raise TooLongError(f"the recording is longer than {longest:g} seconds")
            pieces += [one.to_ndarray().reshape(-1) for one in resampler.resample(None)]
    except (av.FFmpegError, ValueError) as error:
        if isinstance(error, NoRecordingError | TooLongError):
            raise
        raise NoRecordingError("the file is no recording that can be read") from None
    if not count:
        raise NoRecordingError("the recording is empty")
    return np.concatenate(pieces)


def as_floats(samples: Samples) -> npt.NDArray[np.float32]:
    """-1 to 1, as models take them."""
    return samples.astype(np.float32) / np.float32(32768)
