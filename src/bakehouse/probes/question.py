"""Whether a server's answers are right: a wrong kernel is quick, too."""

from __future__ import annotations

from bakehouse.measure.loadgen.client import RequestFailedError, answer, reply_to
from bakehouse.model.question import Question
from bakehouse.model.suite import Workload
from bakehouse.probes import ProbeFailed


def why_not_asked(workload: Workload | None) -> str:
    """Why there is nothing to ask; empty where there is."""
    if workload is None:
        return "the recipe measures no rates of tokens: what it must answer is in its cases"
    if workload.question is None:
        return (
            f"nothing is known that the model {workload.model} must answer: models.{workload.model}.question in "
            "matrix.yaml would say it"
        )
    return ""


def answers_question(url: str, question: Question, *, openai: bool = False) -> str:
    """Prove that it computes the right thing. Returns the whole answer. `openai`: it speaks no other words.

    Raises ProbeFailed when the answer lacks what the model is known to say.
    """
    text, tokens = question.text, question.max_tokens
    try:
        if text is None:
            said = reply_to(url, question.asked, output_tokens=tokens)
        else:
            said = answer(url, text, output_tokens=tokens, openai=openai)
    except RequestFailedError as error:
        raise ProbeFailed(f"asked {question.asked!r}: {error}") from error
    if not question.is_answered_by(said):
        raise ProbeFailed(
            f"asked {question.asked!r}, it answered {said!r}, without {question.wanted}",
            hint="The server runs and computes nonsense: suspect the backend plugin or its flags. If the model was "
            "exchanged: its question is in matrix.yaml, models.NAME.question.",
        )
    return said
