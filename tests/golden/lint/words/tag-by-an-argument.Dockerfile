FROM ubuntu:24.04
ARG LLAMA_TAG
RUN apt-get update && apt-get install -y git g++ make cmake
RUN git clone -b ${LLAMA_TAG} --depth 1 https://github.com/ggml-org/llama.cpp /llm && cmake -S /llm -B /llm/build -DGGML_NATIVE=OFF -DLLAMA_CURL=ON
USER 1000:1000
# finds
# 4 warning -DLLAMA_CURL=ON has no effect since January 2026 | LLAMA_OPENSSL=ON with libssl-dev (the default), or LLAMA_OPENSSL=OFF
# 4 note https://github.com/ggml-org/llama.cpp is checked against llama.cpp 0c1e57098
