FROM debian:trixie
RUN apt-get update && apt-get install -y g++ cmake git make libssl-dev
RUN git clone https://github.com/ggml-org/llama.cpp /l && git -C /l checkout b5200
WORKDIR /l
RUN cmake -B o -DGGML_NATIVE=OFF -DLLAMA_CURL=ON -DGGML_CUDA_F16=ON && cmake --build o
USER 1000:1000
ENV LLAMA_ARG_HOST=0.0.0.0 LLAMA_ARG_PORT=8080
ENTRYPOINT ["/l/o/bin/llama-server"]
# finds
# 3 note https://github.com/ggml-org/llama.cpp is checked against llama.cpp 0c1e57098
# 5 note -DGGML_CUDA_F16=ON no longer exists since August 2025 | leave it out
# 5 note -DLLAMA_CURL=ON has no effect since January 2026 | LLAMA_OPENSSL=ON with libssl-dev (the default), or LLAMA_OPENSSL=OFF
