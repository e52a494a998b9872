FROM ghcr.io/ggerganov/llama.cpp:server-cuda
CMD ["-m", "/models/m.gguf"]

# finds
# warning 1 is no longer updated | ghcr.io/ggml-org/llama.cpp:server-cuda
