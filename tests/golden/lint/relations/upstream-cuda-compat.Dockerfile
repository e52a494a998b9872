FROM ghcr.io/ggml-org/llama.cpp:server-cuda
RUN apt-get update && apt-get install -y cuda-compat-12-8 && rm -rf /var/lib/apt/lists/*
ENV LLAMA_ARG_PORT=8080
USER 10001:10001

# finds
# error 2 brings libraries of a driver into the image
