FROM debian:trixie
RUN apt-get update && apt-get install -y g++ cmake git make libssl-dev
RUN git clone https://github.com/ggml-org/llama.cpp /l && git -C /l checkout 0c1e57098bba
WORKDIR /l
RUN cmake -B o -DGGML_NATIVE=OFF  && cmake --build o
USER 1000:1000
ENV LLAMA_ARG_PORT=8080
ENTRYPOINT ["/l/o/bin/llama-server", "--host", "localhost"]
# finds
# 8 error localhost is reached from inside the container only | 0.0.0.0 (publish the port on 127.0.0.1 of the host where nobody else may reach it)
