FROM ghcr.io/ggml-org/llama.cpp:server
USER 1000:1000
ENV LLAMA_ARG_PORT=9000
# finds
# 3 warning 9000 is not where the health check of the base image asks: port 8080 | a health check of your own on port 9000, or port 8080
