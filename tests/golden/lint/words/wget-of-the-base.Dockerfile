FROM ghcr.io/ggml-org/llama.cpp:server-b11312
HEALTHCHECK CMD wget -qO- http://localhost:8080/health || exit 1
# finds
# 2 error wget is not installed in the image | install wget, or a small program that asks instead
