FROM ubuntu:24.04 AS build
ARG TARGETARCH
RUN apt-get update && apt-get install -y git g++ make cmake
RUN git clone https://github.com/ggml-org/llama.cpp /src && git -C /src checkout 0c1e57098
WORKDIR /src
RUN if [ "$TARGETARCH" = "amd64" ]; then \
      cmake -B build -DGGML_NATIVE=OFF -DGGML_BACKEND_DL=ON -DGGML_CPU_ALL_VARIANTS=ON; \
    elif [ "$TARGETARCH" = "arm64" ]; then \
      cmake -B build -DGGML_NATIVE=OFF -DGGML_CPU_ARM_ARCH=armv8-a; \
    else exit 1; fi && \
    cmake --build build -j4
RUN mkdir -p /app/lib && find build -name "*.so" -exec cp {} /app/lib \;
FROM ubuntu:24.04
RUN apt-get update && apt-get install -y libgomp1
COPY --from=build /app/lib/ /app
COPY --from=build /src/build/bin/llama-server /app
WORKDIR /app
USER 10001:10001
ENV LLAMA_ARG_HOST=0.0.0.0 LLAMA_ARG_PORT=8080
HEALTHCHECK CMD ["/bin/true"]
ENTRYPOINT ["/app/llama-server"]

# finds
# error 12 leaves the libraries behind under the names that are asked for [*.so] | *.so*
