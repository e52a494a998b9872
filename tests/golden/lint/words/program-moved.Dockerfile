FROM ghcr.io/ggml-org/llama.cpp:server
USER 1000:1000
ENTRYPOINT ["/llama-server", "-m", "/m.gguf"]
# finds
# 3 error /llama-server is not in the image | /app/llama-server
