FROM ghcr.io/ggml-org/llama.cpp:server-b11312
USER 65532
CMD ["-hf", "ggml-org/gemma-3-1b-it-GGUF", "--port", "8080"]
# finds
# 2 warning 65532 has no folder for what the server fetches | ENV LLAMA_CACHE=/some/folder that belongs to the user (a volume keeps it), or useradd -m
