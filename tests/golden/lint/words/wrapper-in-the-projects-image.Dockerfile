FROM ghcr.io/ggml-org/llama.cpp:server-cuda
COPY start /usr/local/bin/start
ENV LLAMA_MODELS_ROOT=/models
USER 1000:1000
ENTRYPOINT ["/usr/local/bin/start"]
