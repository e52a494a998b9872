FROM ghcr.io/ggml-org/llama.cpp:full-cuda-b9993
CMD ["-m", "/models/m.gguf", "--host", "0.0.0.0"]

# finds
# error 2 is no tool of | --server first
