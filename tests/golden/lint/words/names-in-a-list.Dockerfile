FROM ghcr.io/ggml-org/llama.cpp:server-b11312
ENV MODEL=/models/m.gguf LLAMA_ARG_PORT=9000
HEALTHCHECK CMD ["curl", "-f", "http://localhost:${LLAMA_ARG_PORT}/health"]
ENTRYPOINT ["/app/llama-server", "--model", "$MODEL", "--host", "0.0.0.0"]
# finds
# 3 error http://localhost:${LLAMA_ARG_PORT}/health is taken as it is written | the variable of the same meaning (LLAMA_ARG_...), or ["sh", "-c", "exec ..."]
# 4 error $MODEL is taken as it is written | the variable of the same meaning (LLAMA_ARG_...), or ["sh", "-c", "exec ..."]
