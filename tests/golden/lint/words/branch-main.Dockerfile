FROM debian:trixie
RUN apt-get update && apt-get install -y g++ cmake git make libssl-dev
RUN git clone -b main https://github.com/ggml-org/llama.cpp /l
WORKDIR /l
RUN cmake -B o -DGGML_NATIVE=OFF  && cmake --build o
USER 1000:1000
ENV LLAMA_ARG_HOST=0.0.0.0 LLAMA_ARG_PORT=8080
ENTRYPOINT ["/l/o/bin/llama-server"]
# finds
# 3 warning main is a branch, which is no pin | git fetch --depth 1 ADDRESS COMMIT, or a build context with a commit
