FROM debian:13
RUN apt-get update && apt-get install -y git cmake build-essential libssl-dev curl && rm -rf /var/lib/apt/lists/*
RUN git clone https://github.com/ggml-org/llama.cpp /src && git -C /src checkout 0c1e57098
WORKDIR /src
RUN cmake -B build -DGGML_NATIVE=OFF && cmake --build build -j4 --target llama-server
USER 10001:10001
EXPOSE 8080
ENV LLAMA_ARG_HOST=0.0.0.0 LLAMA_ARG_PORT=8080
HEALTHCHECK CMD curl -f http://localhost:8080/healthz
ENTRYPOINT ["/src/build/bin/llama-server"]

# finds
# error 9 is no page of the server | http://localhost:8080/health
