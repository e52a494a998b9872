FROM ghcr.io/ggml-org/llama.cpp:server-b11312
ENV MODEL=/models/m.gguf LLAMA_ARG_PORT=9000
HEALTHCHECK CMD ["sh", "-c", "curl -f http://localhost:${LLAMA_ARG_PORT}/health"]
ENTRYPOINT ["/bin/sh", "-c", "exec /app/llama-server --model $MODEL --host 0.0.0.0"]
