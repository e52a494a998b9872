"""A transcript in the forms that OpenAI's API offers."""

from __future__ import annotations

from typing import Any, Literal

from fastapi.responses import JSONResponse, PlainTextResponse, Response
from faster_whisper.transcribe import Segment

from transcriber.model import Transcript

Format = Literal["json", "text", "srt", "verbose_json", "vtt"]


def response(transcript: Transcript, form: Format, *, words: bool) -> Response:
    match form:
        case "json":
            return JSONResponse({"text": transcript.text})
        case "verbose_json":
            return JSONResponse(_verbose(transcript, words=words))
        case "text":
            return PlainTextResponse(f"{transcript.text}\n")
        case "srt":
            return PlainTextResponse(_srt(transcript))
        case "vtt":
            return PlainTextResponse(_vtt(transcript), media_type="text/vtt")


def _verbose(transcript: Transcript, *, words: bool) -> dict[str, Any]:
    found: dict[str, Any] = {
        "task": "transcribe",
        "language": transcript.language,
        "duration": round(transcript.seconds, 3),
        "text": transcript.text,
        "segments": [_segment(number, one) for number, one in enumerate(transcript.segments)],
    }
    if words:
        said = [word for one in transcript.segments for word in one.words or ()]
        found["words"] = [{"word": word.word.strip(), "start": word.start, "end": word.end} for word in said]
    return found


def _segment(number: int, one: Segment) -> dict[str, Any]:
    return {
        "id": number,
        "seek": one.seek,
        "start": one.start,
        "end": one.end,
        "text": one.text,
        "tokens": one.tokens,
        "temperature": one.temperature,
        "avg_logprob": one.avg_logprob,
        "compression_ratio": one.compression_ratio,
        "no_speech_prob": one.no_speech_prob,
    }


def _srt(transcript: Transcript) -> str:
    return "\n".join(
        f"{number}\n{_time(one.start, ',')} --> {_time(one.end, ',')}\n{one.text.strip()}\n"
        for number, one in enumerate(transcript.segments, start=1)
    )


def _vtt(transcript: Transcript) -> str:
    cues = (f"{_time(one.start, '.')} --> {_time(one.end, '.')}\n{one.text.strip()}\n" for one in transcript.segments)
    return "WEBVTT\n\n" + "\n".join(cues)


def _time(seconds: float, point: str) -> str:
    """`00:01:02,500`"""
    whole = round(seconds * 1000)
    return f"{whole // 3_600_000:02}:{whole // 60_000 % 60:02}:{whole // 1000 % 60:02}{point}{whole % 1000:03}"
