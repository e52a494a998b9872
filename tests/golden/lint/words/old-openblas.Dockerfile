FROM debian:trixie
RUN apt-get update && apt-get install -y g++ cmake git make libssl-dev
RUN git clone https://github.com/ggml-org/llama.cpp /l && git -C /l checkout 0c1e57098bba
WORKDIR /l
RUN cmake -B o -DGGML_NATIVE=OFF -DGGML_OPENBLAS=ON && cmake --build o
USER 1000:1000
ENV LLAMA_ARG_HOST=0.0.0.0 LLAMA_ARG_PORT=8080
ENTRYPOINT ["/l/o/bin/llama-server"]
# finds
# 5 error -DGGML_OPENBLAS=ON is called GGML_BLAS today | GGML_BLAS=ON and GGML_BLAS_VENDOR=OpenBLAS
