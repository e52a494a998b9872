"""By which arguments and variables the server is told to fetch a model itself."""

from __future__ import annotations

FETCHING = frozenset(
    {
        "-hf",
        "-hfr",
        "--hf-repo",
        "-hfd",
        "-hfrd",
        "--hf-repo-draft",
        "-hfv",
        "-hfrv",
        "--hf-repo-v",
        "-mu",
        "--model-url",
    }
    | {"-mmu", "--mmproj-url", "-dr", "--docker-repo", "--spec-draft-hf"}
)
FETCHING_VARIABLES = (
    "LLAMA_ARG_HF_REPO",
    "LLAMA_ARG_MODEL_URL",
    "LLAMA_ARG_HFD_REPO",
    "LLAMA_ARG_HF_REPO_V",
    "LLAMA_ARG_MMPROJ_URL",
    "LLAMA_ARG_DOCKER_REPO",
)
