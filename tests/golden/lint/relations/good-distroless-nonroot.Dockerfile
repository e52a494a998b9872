FROM debian:bookworm AS build
RUN apt-get update && apt-get install -y git g++ make cmake
RUN git clone https://github.com/ggml-org/llama.cpp /src && git -C /src checkout 0c1e57098
RUN cmake -S /src -B /src/build -DGGML_NATIVE=OFF -DBUILD_SHARED_LIBS=OFF -DLLAMA_OPENSSL=OFF && cmake --build /src/build -j4
FROM gcr.io/distroless/cc-debian12:debug-nonroot
COPY --from=build /src/build/bin/llama-server /llama-server
ENV LLAMA_ARG_HOST=0.0.0.0 LLAMA_ARG_PORT=8080
HEALTHCHECK CMD ["/bin/true"]
ENTRYPOINT ["/llama-server"]
