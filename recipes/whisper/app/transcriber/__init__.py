"""Speech to text: a Whisper model in CTranslate2 behind OpenAI's `/v1/audio/transcriptions`."""

__version__ = "1.0.0"
