FROM ghcr.io/ggml-org/llama.cpp:server-vulkan-b11312
HEALTHCHECK CMD curl -f http://localhost:8080/readyz
CMD ["-hf", "ggml-org/gemma-3-1b-it-GGUF", "--port", "8080"]
# finds
# 2 error http://localhost:8080/readyz is no page of the server | http://localhost:8080/health
