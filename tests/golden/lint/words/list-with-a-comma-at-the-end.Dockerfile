FROM ghcr.io/ggml-org/llama.cpp:server-cuda-b11312
CMD ["-m", "/models/a.gguf", "--port", "8080",]
# finds
# 2 error CMD ["-m", "/models/a.gguf", "--port", "8080",] is no list | ["-m", "/models/a.gguf", "--port", "8080"]
