FROM arm64v8/ubuntu:24.04 AS build
RUN apt-get update && apt-get install -y git g++ make cmake
RUN git clone https://github.com/ggml-org/llama.cpp /src && git -C /src checkout 0c1e57098
RUN cmake -S /src -B /src/build -DGGML_NATIVE=OFF -DBUILD_SHARED_LIBS=OFF && cmake --build /src/build -j4
FROM --platform=linux/amd64 ubuntu:24.04
RUN apt-get update && apt-get install -y libgomp1
COPY --from=build /src/build/bin/llama-server /usr/local/bin/
USER 10001:10001
ENV LLAMA_ARG_HOST=0.0.0.0 LLAMA_ARG_PORT=8080
HEALTHCHECK CMD ["/bin/true"]
ENTRYPOINT ["llama-server"]

# finds
# error 5 is for amd64, and the build for arm64 | arm64 for both
