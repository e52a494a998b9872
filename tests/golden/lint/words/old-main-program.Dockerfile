FROM debian:trixie
RUN apt-get update && apt-get install -y g++ cmake git make libssl-dev
RUN git clone https://github.com/ggml-org/llama.cpp /l && git -C /l checkout 0c1e57098bba
WORKDIR /l
RUN cmake -B o -DGGML_NATIVE=OFF  && cmake --build o
USER 1000:1000
ENTRYPOINT ["/l/o/bin/main", "-m", "/m.gguf"]
# finds
# 7 error /l/o/bin/main is not built by this revision | /l/o/bin/llama-cli
