"""What forms of recipe.yaml cannot say: recordings that are made for the test, and many at a time."""

from __future__ import annotations

import concurrent.futures
import io
import math
import struct
import wave
from pathlib import Path

import requests

from bakehouse.suite.session import Server

SAID = "he might even have been made amiable himself"
RECORDING = Path(__file__).parent.parent / "samples" / "amiable.wav"


def ask(server: Server, sound: bytes, **fields: str) -> requests.Response:
    form = {"file": ("sound.wav", sound, "audio/wav")}
    return requests.post(f"{server.url}/v1/audio/transcriptions", files=form, data=fields, timeout=120)


def words(answer: requests.Response) -> str:
    answer.raise_for_status()
    return str(answer.json()["text"]).lower().strip(" .")


def wav(seconds: float, *, rate: int = 8000, channels: int = 1, hertz: float = 0.0) -> bytes:
    """A tone, or silence."""
    count = round(seconds * rate)
    samples = (round(8000 * math.sin(2 * math.pi * hertz * n / rate)) for n in range(count) for _ in range(channels))
    with io.BytesIO() as file:
        with wave.open(file, "wb") as out:
            out.setnchannels(channels)
            out.setsampwidth(2)
            out.setframerate(rate)
            out.writeframes(b"".join(struct.pack("<h", sample) for sample in samples))
        return file.getvalue()


def test_requests_at_the_same_time_get_their_own_answers(server: Server) -> None:
    """One inference at a time; the others wait, and none is mixed up."""
    speech, silence = RECORDING.read_bytes(), wav(1.0)
    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda sound: words(ask(server, sound)), [speech, silence] * 3))

    assert [SAID in answer for answer in answers] == [True, False] * 3


def test_a_recording_that_was_cut_off_gives_what_is_there(server: Server) -> None:
    answer = ask(server, RECORDING.read_bytes()[:70_000])

    assert answer.status_code == 200
    assert words(answer).startswith("he might even")


def test_other_rates_and_channels_are_taken(server: Server) -> None:
    assert ask(server, wav(1.0, rate=44_100, channels=2, hertz=440.0)).status_code == 200


def test_an_empty_recording_is_refused(server: Server) -> None:
    for sound in (b"", wav(0.0), RECORDING.read_bytes()[:30]):
        assert ask(server, sound).status_code == 422


def test_an_hour_that_hides_in_a_small_file_is_refused(server: Server) -> None:
    """Two kilohertz make 14 MB of it, which the limit on bodies lets pass."""
    answer = ask(server, wav(3605.0, rate=2000))

    assert answer.status_code == 413
    assert "MAX_SECONDS is 3600" in answer.json()["error"]["message"]
