FROM ghcr.io/ggml-org/llama.cpp:full-b9993
CMD ["--server", "-m", "/models/m.gguf", "--host", "0.0.0.0", "--port", "8080"]

# finds nothing
