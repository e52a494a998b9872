FROM ghcr.io/ggml-org/llama.cpp:server
USER 1000
ENV LLAMA_ARG_PORT=8080 LLAMA_ARG_MODEL=/models/m.gguf
HEALTHCHECK CMD curl -s http://localhost:8080/health
# finds
# 4 warning curl does not fail while the model is loaded | curl -f
