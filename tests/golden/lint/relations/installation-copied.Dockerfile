# NotGlop/docker-llama.cpp style
FROM ubuntu:22.04 AS build
RUN apt-get update && apt-get install -y build-essential git cmake libssl-dev
RUN git clone https://github.com/ggml-org/llama.cpp.git --branch b7100 --depth 1
RUN cd llama.cpp && cmake -B build -DGGML_NATIVE=OFF && cmake --build build --config Release -j 4 && cmake --install build --prefix /opt/llama
FROM ubuntu:22.04
RUN apt-get update && apt-get install -y libgomp1 libssl3 curl
COPY --from=build /opt/llama /usr/local
USER 1001
ENV LLAMA_ARG_HOST=0.0.0.0 LLAMA_ARG_PORT=8080
HEALTHCHECK CMD curl -f http://localhost:8080/health
ENTRYPOINT ["llama-server"]

# finds
# error 8 brings libraries that are not found | RUN ldconfig
