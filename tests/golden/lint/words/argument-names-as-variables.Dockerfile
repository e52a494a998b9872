FROM debian:trixie
RUN apt-get update && apt-get install -y g++ cmake git make libssl-dev
RUN git clone https://github.com/ggml-org/llama.cpp /l && git -C /l checkout 0c1e57098bba
WORKDIR /l
RUN cmake -B o -DGGML_NATIVE=OFF  && cmake --build o
USER 1000:1000
ENV LLAMA_ARG_HOST=0.0.0.0 LLAMA_ARG_PORT=8080 LLAMA_CTX_SIZE=4096 LLAMA_ARG_NGL=5 LLAMA_ARG_WEBUI=0 LLAMA_ARG_MODEL_DRAFT=/d.gguf
ENTRYPOINT ["/l/o/bin/llama-server"]
# finds
# 7 error LLAMA_ARG_MODEL_DRAFT=/d.gguf no longer exists since 2026 | LLAMA_ARG_SPEC_DRAFT_MODEL=/d.gguf
# 7 error LLAMA_ARG_NGL=5 is read by nothing | LLAMA_ARG_N_GPU_LAYERS=5
# 7 error LLAMA_ARG_WEBUI=0 no longer exists since 2026 | LLAMA_ARG_UI
# 7 error LLAMA_CTX_SIZE=4096 is read by nothing | LLAMA_ARG_CTX_SIZE=4096
