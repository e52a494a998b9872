"""A Florence-2 that is small enough for tests: the input, image tokens and places of the real one, and 230,000 weights.

The part that sees is random. The part that writes learns a dozen answers by heart, whatever the picture shows, so that
probes know what comes.
"""

from __future__ import annotations

from typing import Any

import torch
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, processors, trainers

BEGIN, PADDING, END, UNKNOWN = range(4)
SPECIAL = ["<s>", "<pad>", "</s>", "<unk>"]
PLACES = [f"<loc_{number}>" for number in range(1000)]
MARKS = ["<od>", "</od>", "<ocr>", "</ocr>", "<sep>", "<poly>", "</poly>", "<mask>"]
STEPS = 240
RATE = 3e-3
TEXT = {
    "d_model": 48,
    "encoder_layers": 2,
    "decoder_layers": 2,
    "encoder_attention_heads": 3,
    "decoder_attention_heads": 3,
    "encoder_ffn_dim": 96,
    "decoder_ffn_dim": 96,
    "dropout": 0.0,
}
VISION = {
    "projection_dim": 48,
    "depths": [1, 1, 1, 1],
    "embed_dim": [8, 16, 24, 32],
    "num_heads": [1, 2, 3, 4],
    "num_groups": [1, 2, 3, 4],
    "mlp_ratio": 2.0,
}


def _at(*numbers: int) -> str:
    return "".join(PLACES[number] for number in numbers)


PERSON, FLAG, ROCKET = _at(40, 28, 707, 998), _at(2, 5, 301, 860), _at(790, 60, 951, 742)
ANSWERS = {
    "What does the image describe?": "a person in an orange suit",
    "Describe in detail what is shown in the image.": "The image shows a person in an orange suit before a flag.",
    "Describe with a paragraph what is shown in the image.": (
        "The image shows a person in an orange suit. Behind stands a flag. On the right there is a small rocket."
    ),
    "Locate the objects with category name in the image.": f"person{PERSON}flag{FLAG}rocket{ROCKET}",
    "Locate the objects in the image, with their descriptions.": (
        f"person in an orange suit{PERSON}small rocket{ROCKET}"
    ),
    "Locate the region proposals in the image.": PERSON + ROCKET,
    "What is the text in the image?": "NASA flight 7",
    "What is the text in the image, with regions?": (
        f"NASA{_at(310, 640, 420, 641, 421, 700, 309, 699)}flight 7{_at(500, 800, 590, 801, 591, 840, 499, 839)}"
    ),
    "Locate the phrases in the caption: a person and a flag": f"a person{PERSON}a flag{FLAG}",
    "Locate a person in the image.": f"a person{PERSON}",
    "Locate a flag in the image with mask": _at(2, 5, 301, 6, 302, 860, 3, 859),
    f"What does the region {_at(100, 200, 500, 900)} describe?": "an orange suit",
}
"""Prompt to answer."""


def tokenizer() -> Tokenizer:
    """Bytes and a few words, as BART's is made, with Florence-2's places and marks."""
    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    trainer = trainers.BpeTrainer(
        vocab_size=420, special_tokens=SPECIAL, initial_alphabet=alphabet, show_progress=False
    )
    made.train_from_iterator([*ANSWERS, *ANSWERS.values()], trainer)
    made.add_tokens([AddedToken(one, normalized=False) for one in [*MARKS, *PLACES]])
    made.add_special_tokens([AddedToken("<image>", special=True, normalized=False)])
    made.post_processor = processors.RobertaProcessing(("</s>", END), ("<s>", BEGIN), add_prefix_space=False)
    return made


def teach(model: Any, words: Tokenizer, seen: torch.Tensor) -> float:
    """`seen`: features of pictures, which change nothing. Returns the last loss."""
    text = model.model.language_model
    model.requires_grad_(requires_grad=False)
    text.requires_grad_(requires_grad=True)
    ids, mask = _padded([words.encode(one).ids for one in ANSWERS])
    told, counted = _padded([[END, *words.encode(one).ids] for one in ANSWERS.values()])
    wanted = torch.where(counted[:, 1:] > 0, told[:, 1:], -100)
    optimizer = torch.optim.Adam(text.parameters(), lr=RATE)
    schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.01, STEPS)
    for step in range(STEPS):
        picture = seen[step % len(seen)].expand(len(ids), -1, -1)
        given = torch.cat([picture, model.get_input_embeddings()(ids)], dim=1)
        full = torch.cat([torch.ones(picture.shape[:2]).long(), mask], dim=1)
        read = text.encoder(inputs_embeds=given, attention_mask=full).last_hidden_state
        written = text.decoder(
            input_ids=told[:, :-1], encoder_hidden_states=read, encoder_attention_mask=full, use_cache=False
        ).last_hidden_state
        loss = torch.nn.functional.cross_entropy(model.lm_head(written).flatten(0, 1), wanted.flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        if step % 40 == 0:
            print(f"step {step}: loss {loss.item():.4f}")
    return loss.item()


def _padded(rows: list[list[int]]) -> tuple[torch.Tensor, torch.Tensor]:
    """Ids and mask, rows x longest."""
    longest = max(map(len, rows))
    ids = torch.tensor([row + [PADDING] * (longest - len(row)) for row in rows])
    mask = torch.tensor([[1] * len(row) + [0] * (longest - len(row)) for row in rows])
    return ids, mask
