FROM ubuntu:24.04 AS build
RUN apt-get update && apt-get install -y git g++ make cmake libssl-dev
RUN git clone https://github.com/ggml-org/llama.cpp /src && git -C /src checkout 0c1e57098
RUN cmake -S /src -B /src/build -DGGML_NATIVE=OFF -DBUILD_SHARED_LIBS=OFF && cmake --build /src/build -j4
FROM ubuntu:24.04
RUN apt-get update && apt-get install -y libgomp1 curl
WORKDIR /srv
COPY --from=build /src/build/bin/llama-server .
USER 10001:10001
ENV LLAMA_ARG_HOST=0.0.0.0 LLAMA_ARG_PORT=8080
HEALTHCHECK CMD curl -f http://localhost:8080/health
ENTRYPOINT ["./llama-server"]
