FROM ghcr.io/ggml-org/llama.cpp:light
CMD ["-m", "/models/m.gguf", "--host", "0.0.0.0"]

# finds
# warning 1 starts llama-cli | llama.cpp:server
